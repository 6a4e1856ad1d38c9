"""What locations and carriers do, and what it does to stock and to the order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from hub.canonical.shipping import TrackingEvent
from hub.catalog.rules.products import NewProduct
from hub.fulfilment import repository
from hub.fulfilment.service import ship, work
from hub.fulfilment.service.tracking import record_tracking
from hub.fulfilment.service.work import Picked
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow
from hub.kit.errors import HubError, InvalidInput, StateConflict
from hub.orders.service.holding import hold_orders
from tests.builders import World, line, order_document
from tests.doubles import Book


@pytest.fixture
def labels(world: World) -> Book:
    """A carrier that sells labels, and stock."""
    world.stock(W1_A=10, W1_B=10)
    return world.double("carrier", "fake_carrier")


def work_of(world: World, external_id: str = "1") -> FulfilmentOrderRow:
    (row,) = world.open_work(external_id)
    return row


def lines_of(world: World, row: FulfilmentOrderRow) -> list[FulfilmentOrderLineRow]:
    with world.read() as session:
        return repository.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]


def pick(world: World, row: FulfilmentOrderRow, *parts: tuple[str, int, int]) -> None:
    """(sku, picked, short) of lines."""
    ids = {entry.sku: entry.fulfilment_order_line_id for entry in lines_of(world, row)}
    picked = [Picked(ids[sku], Decimal(found), Decimal(short)) for sku, found, short in parts]
    with world.write() as session:
        work.pick(session, reference=row.fulfilment_order_id, picked=picked, actor="picker", at=world.clock.now())
    world.drain()


def bundle(world: World, external_id: str = "1", quantity: int = 3) -> None:
    """An order of sets: two A and one B each."""
    parts = {"A": Decimal(2), "B": Decimal(1)}
    world.product(NewProduct(sku="SET", name="A set", grams=600, stocked=False, components=parts))
    world.send(order_document(external_id, line("1", "SET", quantity)))


def held(world: World) -> tuple[int, int, int, int]:
    """On hand and reserved of A and B at W1."""
    a, b = world.level("W1_A"), world.level("W1_B")
    return int(a.on_hand), int(a.reserved), int(b.on_hand), int(b.reserved)


def test_a_bundle_reserves_and_consumes_its_components(world: World, labels: Book) -> None:
    bundle(world, quantity=3)
    (entry,) = lines_of(world, work_of(world))
    assert (entry.sku, entry.quantity, held(world)) == ("SET", 3, (10, 6, 10, 3))
    row = work_of(world)
    world.pack(row.fulfilment_order_id)
    world.hand_over(world.ship(row.fulfilment_order_id, {entry.fulfilment_order_line_id: 1}))
    assert held(world) == (8, 4, 9, 2)
    world.hand_over(world.ship(row.fulfilment_order_id, {entry.fulfilment_order_line_id: 2}))
    assert (held(world), world.drift(), world.folded("1")) == ((4, 0, 7, 0), [], True)
    assert world.order("1").lifecycle == "completed"


def test_a_bundle_of_one_component_consumes_as_many_as_it_holds(world: World, labels: Book) -> None:
    world.product(NewProduct(sku="SIX", name="Six", stocked=False, components={"A": Decimal(6)}))
    world.send(order_document("1", line("1", "SIX", 1)))
    world.deliver("1")
    assert (held(world)[:2], world.drift()) == ((4, 0), [])


def test_a_short_bundle_gives_back_its_components(world: World, labels: Book) -> None:
    bundle(world, quantity=3)
    pick(world, work_of(world), ("SET", 2, 1))
    assert (held(world), world.drift()) == ((10, 4, 10, 2), [])


def test_a_cancelled_bundle_gives_back_its_components(world: World, labels: Book) -> None:
    bundle(world)
    world.send({"type": "order.cancelled", "data": {"order_id": "1"}})
    assert (held(world), world.drift()) == ((10, 0, 10, 0), [])


def test_what_is_short_is_planned_elsewhere(world: World, labels: Book) -> None:
    world.stock(W2_A=10)
    world.send(order_document("1", line("1", "A", 3)))
    pick(world, work_of(world), ("A", 1, 2))
    first, second = world.work("1")
    assert [(row.location, row.state) for row in (first, second)] == [("W1", "in_progress"), ("W2", "released")]
    assert world.lines("1")["1"] == {
        "ordered": 3, "ordered_source": 3, "allocated": 3, "released": 3, "picked": 1, "short": 2,
    }  # fmt: skip
    assert (held(world)[:2], world.level("W2_A").reserved, world.drift()) == ((10, 1), 2, [])
    world.deliver("1")
    assert (world.order("1").lifecycle, world.folded("1")) == ("completed", True)
    assert [row.state for row in world.work("1")] == ["incomplete", "closed"]
    assert sum(world.invoiced("1")) == 3000


def test_work_of_which_nothing_was_found_is_over(world: World, labels: Book) -> None:
    world.send(order_document("1", line("1", "A", 2)))
    pick(world, work_of(world), ("A", 0, 2))
    (row,) = world.work("1")
    assert row.state == "incomplete"
    world.send({"type": "order.cancelled", "data": {"order_id": "1"}})
    assert (world.order("1").lifecycle, world.folded("1"), world.drift()) == ("cancelled", True, [])


def test_a_location_that_refuses_is_not_asked_again(world: World, labels: Book) -> None:
    world.stock(W2_A=10)
    world.send(order_document("1"))
    with world.write() as session:
        reference = work_of(world).fulfilment_order_id
        work.reject_work(session, reference=reference, actor="W1", reason="no hands", at=world.clock.now())
    world.drain()
    assert [(row.location, row.state) for row in world.work("1")] == [("W1", "cancelled"), ("W2", "released")]
    assert (held(world)[:2], world.level("W2_A").reserved) == ((10, 0), 1)


def test_work_outside_is_submitted_and_waits_for_its_answer(world: World, labels: Book) -> None:
    world.products("C")
    world.locations("OUT", handling="outside")
    world.stock(OUT_C=5)
    world.send(order_document("1", line("1", "C")))
    row = work_of(world)
    assert (row.location, row.negotiation) == ("OUT", "submitted")
    refused(lambda: world.pack(row.fulfilment_order_id), "fulfilment_order_conflict")
    with world.write() as session:
        reference = row.fulfilment_order_id
        work.accept_work(session, reference=reference, actor="OUT", at=world.clock.now(), version=row.version)
    world.deliver("1")
    assert (world.order("1").lifecycle, world.level("OUT_C").on_hand) == ("completed", 4)


def refused(call: Callable[[], object], code: str) -> HubError:
    with pytest.raises(HubError) as problem:
        call()
    assert problem.value.code == code
    return problem.value


def test_the_problem_names_what_may_be_done(world: World, labels: Book) -> None:
    world.send(order_document("1"))
    row = work_of(world)

    def change(version: int) -> None:
        with world.write() as session:
            work.reject_work(
                session, reference=row.number, actor="W1", reason="no", at=world.clock.now(), version=version
            )  # fmt: skip

    problem = refused(lambda: change(row.version + 1), "fulfilment_order_conflict")
    assert problem.extra == {"supported_actions": ["pick", "pack", "reject", "cancel"], "version": row.version}
    world.deliver("1")
    refused(lambda: world.pack(row.fulfilment_order_id), "fulfilment_order_conflict")


@pytest.mark.parametrize(
    ("parts", "error"),
    [([("A", 3, 0)], "picked_too_much"), ([("A", 1, 2)], "picked_too_much"), ([("A", -1, 0)], "picked_too_much")],
)
def test_more_than_was_asked_cannot_be_picked(
    world: World, labels: Book, parts: list[tuple[str, int, int]], error: str
) -> None:
    world.send(order_document("1", line("1", "A", 2)))
    with pytest.raises(InvalidInput) as problem:
        pick(world, work_of(world), *parts)
    assert problem.value.code == error
    assert "picked" not in world.lines("1")["1"]


def test_more_than_was_picked_or_packed_goes_nowhere(world: World, labels: Book) -> None:
    world.send(order_document("1", line("1", "A", 2)))
    row = work_of(world)
    (entry,) = lines_of(world, row)
    pick(world, row, ("A", 1, 0))
    with world.write() as session, pytest.raises(InvalidInput, match="packed before"):
        work.pack(
            session, reference=row.number, quantities={entry.fulfilment_order_line_id: Decimal(2)}, actor="p",
            at=world.clock.now(),
        )  # fmt: skip
    refused(lambda: world.ship(row.fulfilment_order_id), "nothing_packed")
    world.pack(row.fulfilment_order_id)
    world.ship(row.fulfilment_order_id, {entry.fulfilment_order_line_id: 1})
    refused(lambda: world.ship(row.fulfilment_order_id, {entry.fulfilment_order_line_id: 2}), "not_packed")


def test_nothing_is_handed_over_while_the_order_is_held(world: World, labels: Book) -> None:
    world.send(order_document("1"))
    row = work_of(world)
    world.pack(row.fulfilment_order_id)
    shipment = world.ship(row.fulfilment_order_id)
    with world.write() as session:
        ids = [world.order("1").order_id]
        hold_orders(session, order_ids=ids, reason_code="fraud", message="?", actor="person", at=world.clock.now())
    assert refused(lambda: world.hand_over(shipment), "order_held").extra == {"holds": ["fraud"]}
    world.release("1")
    world.hand_over(shipment)
    assert world.order("1").lifecycle == "completed"


def test_a_hold_before_the_label_keeps_it_unbought_until_it_is_released(world: World, labels: Book) -> None:
    world.send(order_document("1"))
    row = work_of(world)
    world.pack(row.fulfilment_order_id)
    with world.write() as session:
        opened = ship.open_shipment(
            session, reference=row.number, parcels=None, choice=None, hub_id="hub", label_format="pdf", actor="p",
            at=world.clock.now(),
        )  # fmt: skip
        shipment = opened.shipment_id
        ids = [row.order_id]
        hold_orders(session, order_ids=ids, reason_code="fraud", message="?", actor="person", at=world.clock.now())
    world.drain()
    assert (world.shipment(shipment).state, labels.sent) == ("rated", [])
    world.release("1")
    assert (world.shipment(shipment).state, len(labels.sent)) == ("label_ready", 1)


def test_a_label_is_given_back_and_the_goods_are_shipped_anew(world: World, labels: Book) -> None:
    world.send(order_document("1", line("1", "A", 2)))
    row = work_of(world)
    world.pack(row.fulfilment_order_id)
    first = world.ship(row.fulfilment_order_id)
    with world.write() as session:
        ship.void(session, reference=first, actor="packer", at=world.clock.now())
    world.drain()
    assert (world.shipment(first).state, labels.voided) == ("voided", ["C-1"])
    refused(lambda: world.hand_over(first), "no_label")
    second = world.ship(row.fulfilment_order_id)
    world.hand_over(second)
    assert (len(labels.sent), len(set(labels.sent)), world.invoiced("1")) == (2, 2, [2000])
    with world.write() as session, pytest.raises(StateConflict, match="cannot be voided"):
        ship.void(session, reference=second, actor="packer", at=world.clock.now())


def test_handing_over_twice_is_once(world: World, labels: Book) -> None:
    world.send(order_document("1"))
    (shipment,) = world.deliver("1")
    world.hand_over(shipment)
    assert (held(world)[:2], world.lines("1")["1"]["shipped"], world.invoiced("1")) == ((9, 0), 1, [1000])


def test_several_parcels_have_a_number_each(world: World, labels: Book) -> None:
    world.send(order_document("1", line("1", "A", 2), line("2", "B", 1)))
    row = work_of(world)
    a, b = sorted(lines_of(world, row), key=lambda entry: entry.sku)
    world.pack(row.fulfilment_order_id)
    boxes = [
        ship.NewParcel({a.fulfilment_order_line_id: Decimal(1)}),
        ship.NewParcel({a.fulfilment_order_line_id: Decimal(1), b.fulfilment_order_line_id: Decimal(1)}, grams=900),
    ]
    with world.write() as session:
        opened = ship.open_shipment(
            session, reference=row.number, parcels=boxes, choice=None, hub_id="hub", label_format="pdf", actor="p",
            at=world.clock.now(),
        )  # fmt: skip
        shipment = opened.shipment_id
    world.drain()
    with world.read() as session:
        parcels = repository.parcels(session, [shipment])[shipment]
    assert [(parcel.tracking_number, parcel.grams) for parcel in parcels] == [("C-1-0", 200), ("C-1-1", 900)]
    world.hand_over(shipment)
    scan(world, "C-1-0", "delivered", 1)
    assert (world.shipment(shipment).state, world.lines("1")["1"]["delivered"]) == ("handed_over", 1)
    scan(world, "C-1-1", "delivered", 2)
    assert (world.shipment(shipment).state, world.lines("1")["1"]["delivered"]) == ("delivered", 2)
    assert world.folded("1")


def scan(world: World, number: str, status: str, hour: int, **more: object) -> int:
    event = told(world, number, status, hour, **more)
    with world.write() as session:
        return record_tracking(session, events=[event], actor="carrier", at=world.clock.now())


def told(world: World, number: str, status: str, hour: int, **more: object) -> TrackingEvent:
    values = {"raw_code": f"{status}-{hour}", "occurred_at": world.clock.now() + timedelta(hours=hour), **more}
    return TrackingEvent.model_validate({"tracking_number": number, "status": status, **values})


@pytest.fixture
def parcel(world: World, labels: Book) -> str:
    """A shipment on its way, with the tracking number C-1-0."""
    world.send(order_document("1"))
    return world.deliver("1")[0]


class TestTracking:
    def test_late_and_repeated_scans_change_nothing(self, world: World, parcel: str) -> None:
        assert scan(world, "C-1-0", "delivered", 5) == 1
        assert scan(world, "C-1-0", "in_transit", 2) == 1
        assert scan(world, "C-1-0", "delivered", 5) == 0
        assert (world.shipment(parcel).state, world.lines("1")["1"]["delivered"]) == ("delivered", 1)
        at: datetime = world.clock.now() + timedelta(hours=5)
        assert world.shipment(parcel).delivered_at == at

    def test_a_code_that_nobody_knows_changes_nothing(self, world: World, parcel: str) -> None:
        assert scan(world, "C-1-0", "unknown", 1, raw_code="ZZZ") == 1
        assert world.shipment(parcel).state == "handed_over"

    def test_a_correction_lowers_and_a_later_scan_raises_again(self, world: World, parcel: str) -> None:
        scan(world, "C-1-0", "delivered", 1)
        scan(world, "C-1-0", "in_transit", 2, correction=True)
        shipment = world.shipment(parcel)
        assert (shipment.state, shipment.delivered_at) == ("in_transit", None)
        assert "delivered" not in world.lines("1")["1"]
        scan(world, "C-1-0", "delivered", 3)
        scan(world, "C-1-0", "in_transit", 2, correction=True)
        assert (world.shipment(parcel).state, world.lines("1")["1"]["delivered"]) == ("delivered", 1)
        assert world.folded("1")

    def test_scans_that_come_before_the_hand_over_count_from_then_on(self, world: World, labels: Book) -> None:
        world.send(order_document("2"))
        row = work_of(world, "2")
        scan(world, "C-1-0", "in_transit", -1)
        world.pack(row.fulfilment_order_id)
        shipment = world.ship(row.fulfilment_order_id)
        assert world.shipment(shipment).state == "label_ready"
        world.hand_over(shipment)
        assert world.shipment(shipment).state == "in_transit"
