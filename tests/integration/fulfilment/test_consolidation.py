"""Orders of one consignee in one parcel: one label, and everybody is told of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hub.canonical.shipping import TrackingEvent
from hub.flows.housekeeping import Housekeeping
from hub.flows.plan_orders import plan_and_assign
from hub.fulfilment.service.consolidate import form_parcels, told_together
from hub.fulfilment.service.tracking import record_tracking
from hub.fulfilment.tables import ConsolidationRow
from hub.jobs.tables import JobRow
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holds import NewHold, place_holds
from hub.sdk.errors import Rejected, Uncertain
from tests.builders import World, event, line, order_document
from tests.doubles import Book
from tests.rules_in_force import decide_by

HOUR = 3600
MERGE = {"id": "together", "name": "One parcel an hour", "then": [{"action": "merge", "window_minutes": 60}]}
ADA = {"name": "Ada Example", "lines": ["1 Road St."], "city": "New York", "region": "NY", "postal_code": "10001",
       "country": "US", "phone": "+12125550123"}  # fmt: skip


def ordered(number: str, **address: Any) -> dict[str, Any]:
    return order_document(number, line("1", "A", 1, f"{number}.00"), ship_to={**ADA, **address})


def waiting(world: World, *documents: dict[str, Any]) -> dict[str, str]:
    """Orders whose shipments wait for the end of the window: shipment by order."""
    world.stock(W1_A=9)
    decide_by(world, merge=[MERGE])
    world.send(*documents)
    return {str(document["id"]): packed(world, str(document["id"])) for document in documents}


def packed(world: World, number: str) -> str:
    (work,) = world.open_work(number)
    world.pack(work.fulfilment_order_id)
    return world.ship(work.fulfilment_order_id)


def sold(world: World) -> Book:
    return world.double("carrier", "fake_carrier", "carrier")


def told(world: World, number: str) -> list[str]:
    with world.read() as session:
        return told_together(session, world.order(number).order_id)


def apart(world: World, shipments: dict[str, str]) -> dict[str, tuple[str, bool]]:
    """State, and whether it has a label of its own, by order."""
    rows = {number: world.shipment(shipment) for number, shipment in shipments.items()}
    return {number: (row.state, row.goes_with is None) for number, row in rows.items()}


def test_one_label_is_bought_and_all_orders_leave_with_it(world: World) -> None:
    world.carrier()
    documents = (
        ordered("1"),
        ordered("2", name="ADA  EXAMPLE", lines=["1 road st"]),
        ordered("3"),
        ordered("9", name="X"),
    )
    found = waiting(world, *documents)
    assert {state for state, _ in apart(world, found).values()} == {"rated"}
    waits = "N-1-F1 waits until 2026-03-02 10:00 UTC for others to its consignee (rule together): with N-2-F1, N-3-F1"
    assert told(world, "1") == [waits]
    world.later(HOUR)
    assert {state for state, _ in apart(world, found).values()} == {"label_ready"}
    assert told(world, "1") == ["N-1-F1 shares a parcel with N-2-F1, N-3-F1 (rule together)"]
    assert told(world, "9") == []
    assert sum(alone for _, alone in apart(world, found).values()) == 2
    assert [kind for kind, _ in world.effects()].count("shipment.label") == 2
    world.hand_over(found["2"])
    assert {world.order(number).lifecycle for number in "123"} == {"completed"}
    assert [world.timeline(number).count("shipment.labelled") for number in "123"] == [1, 1, 1]
    assert (world.level("W1_A").on_hand, world.drift(), world.cases(), world.open_jobs()) == (6, [], [], [])


def test_two_workers_at_once_make_one_parcel(world: World) -> None:
    """Each plans one of two orders at the same moment, and later each is about to buy the label of one."""
    world.carrier()
    world.stock(W1_A=9)
    decide_by(world, merge=[MERGE])
    world.store(ordered("1"), ordered("2"))
    world.drain("intake")
    ids = [world.order(number).order_id for number in "12"]

    def planned(session: Session, order_id: str) -> None:
        plan_and_assign(session, world.runtime.services, order_ids=[order_id])

    at_once(world, planned, ids)
    assert [row.consolidation_id for number in "12" for row in world.work(number)].count(None) == 0
    assert world.count("consolidations") == 1
    shipments = [packed(world, number) for number in "12"]
    at_once(world, lambda session, shipment_id: form_parcels(session, {shipment_id}), shipments)
    assert sorted(world.shipment(shipment).goes_with is None for shipment in shipments) == [False, True]


def at_once(world: World, do: Callable[[Session, str], object], subjects: list[str]) -> None:
    barrier = Barrier(len(subjects))

    def run(subject: str) -> None:
        barrier.wait()
        with world.write() as session:
            do(session, subject)

    with ThreadPoolExecutor(len(subjects)) as pool:
        list(pool.map(run, subjects))


def test_who_is_cancelled_or_held_stays_behind(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    found = waiting(world, *(ordered(number) for number in "12345"))
    world.send(event("order.cancelled", order_id="1", reason="buyer"))
    changes = OrderChanges()
    with world.write() as session:
        order_id = world.order("2").order_id
        lock(session, changes, [order_id])
        hold = NewHold(order_id, "fraud", "look", placed_by="person", release="manual")
        place_holds(session, changes, holds=[hold], at=world.clock.now())
        changes.flush(session, at=world.clock.now())
    world.later(HOUR)
    assert apart(world, found) == {
        "1": ("voided", True), "2": ("rated", True), "3": ("label_ready", True), "4": ("label_ready", False),
        "5": ("label_ready", False),
    }  # fmt: skip
    world.release("2")
    assert (apart(world, found)["2"], len(book.sent)) == (("label_ready", True), 2)
    world.send(event("order.cancelled", order_id="3", reason="buyer"))
    assert (world.order("3").lifecycle, world.cases(), book.voided) == ("cancelled", ["parcel_to_be_opened"], [])
    world.hand_over(found["4"])
    assert (world.order("4").lifecycle, world.order("5").lifecycle, world.drift()) == ("completed", "completed", [])


def test_the_last_one_to_go_gives_the_label_back(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    waiting(world, ordered("1"), ordered("2"))
    world.later(HOUR)
    for number in "12":
        world.send(event("order.cancelled", order_id=number, reason="buyer"))
    assert (len(book.sent), len(book.voided), world.cases()) == (1, 1, ["parcel_to_be_opened"])


def test_a_parcel_that_the_carrier_refuses_is_taken_apart(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    found = waiting(world, ordered("1"), ordered("2"), ordered("3"))
    book.before.append(Rejected("too heavy"))
    world.later(HOUR)
    assert apart(world, found) == {"1": ("rated", True), "2": ("label_ready", True), "3": ("label_ready", True)}
    assert (len(book.sent), world.cases()) == (2, ["job_parked"])


def test_whoever_asks_first_the_label_is_that_of_the_oldest(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    found = waiting(world, ordered("1"), ordered("2"))
    with world.write() as session:  # the second has to leave sooner than the first
        session.execute(update(JobRow).where(JobRow.subject_id == found["2"]).values(due_at=world.clock.now()))
    world.drain()
    assert apart(world, found) == {"1": ("label_ready", True), "2": ("label_ready", False)}
    world.later(HOUR)
    assert (len(book.sent), world.open_jobs()) == (1, [])


def test_a_lost_answer_holds_all_of_the_parcel_until_it_is_found(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    found = waiting(world, ordered("1"), ordered("2"))
    book.after.append(Uncertain("sent, no answer came"))
    world.later(HOUR)
    assert {state for state, _ in apart(world, found).values()} == {"in_doubt"}
    world.later(600)
    assert {state for state, _ in apart(world, found).values()} == {"label_ready"}
    assert len(book.sent) == 1


def test_scans_of_the_parcel_move_all_that_lies_in_it(small_world: World) -> None:
    world, book = small_world, sold(small_world)
    found = waiting(world, ordered("1"), ordered("2"))
    world.later(HOUR)
    world.hand_over(found["1"])
    scan = TrackingEvent(
        tracking_number=f"{next(iter(book.held.values()))['ref']}-0", status="delivered", raw_code="D",
        occurred_at=world.clock.now() + timedelta(hours=1),
    )  # fmt: skip
    with world.write() as session:
        assert record_tracking(session, events=[scan], actor="carrier", at=world.clock.now()) == 1
    assert {state for state, _ in apart(world, found).values()} == {"delivered"}


def test_nobody_is_remembered_who_cannot_be_joined(small_world: World) -> None:
    small_world.carrier()
    small_world.stock(W1_A=9)
    decide_by(small_world, merge=[MERGE])
    small_world.send(ordered("1"))
    for seconds, known in ((0, 1), (HOUR, 0)):
        small_world.clock.advance(seconds)
        with small_world.write() as session:
            Housekeeping(small_world.runtime.services)(session, [])
        with small_world.read() as session:
            assert session.scalar(select(func.count(ConsolidationRow.open_key))) == known
    assert small_world.shipment(packed(small_world, "1")).state == "label_ready"
