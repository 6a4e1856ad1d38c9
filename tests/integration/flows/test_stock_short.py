"""A count finds less than was promised: who gives way, who goes on, and who is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from hub.cases.tables import CaseRow
from hub.flows.stock_short import replan_requested
from hub.fulfilment.service import shortage
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.soft import SoftLine
from hub.inventory.rules.transfers import TransferLine
from hub.inventory.service.change import stocktake
from hub.inventory.service.soft import assign_softly, get_soft, reserve_softly
from hub.inventory.service.transfers import create_transfer, get_transfer
from hub.jobs.service.publish import publish
from tests.builders import World, line, order_document


def count(world: World, **quantities: int) -> None:
    """A stocktake, and what follows from it."""
    entries = [StockEntry(*key.split("_"), quantity=Decimal(found)) for key, found in quantities.items()]
    with world.write() as session:
        stocktake(session, entries=entries, at=world.clock.now(), actor="counter")
    world.drain()


def sent(world: World, *names: str) -> None:
    """Orders of one A each, one after the other."""
    for name in names:
        world.send(order_document(name))
        world.clock.advance(1)


def places(world: World, *names: str) -> list[list[str]]:
    """Where the open work of each is."""
    return [[row.location for row in world.open_work(name)] for name in names]


def begin(world: World, name: str) -> str:
    """Its work is picked and packed; the number of the work."""
    (work,) = world.open_work(name)
    world.pack(work.fulfilment_order_id)
    return work.number


def sound(world: World, *names: str) -> bool:
    """Nothing is promised that is not there, and every timeline adds up."""
    return world.level("W1_A").short == 0 and world.drift() == [] and all(world.folded(name) for name in names)


def reasons(world: World, name: str) -> list[tuple[str, str]]:
    """What the timeline says of the end of its work and of its wait."""
    told = {"fulfilment.withdrawn", "fulfilment.stock_short", "order.unfillable"}
    with world.read() as session:
        return [(row.kind, row.data["reason"]) for row in world.events(session, name) if row.kind in told]


def test_the_youngest_are_sent_from_elsewhere_and_the_eldest_stay(world: World) -> None:
    world.stock(W1_A=3)
    sent(world, "1", "2", "3")
    world.stock(W2_A=2)
    count(world, W1_A=1)
    assert places(world, "1", "2", "3") == [["W1"], ["W2"], ["W2"]]
    assert sound(world, "1", "2", "3")
    assert reasons(world, "3") == [("fulfilment.withdrawn", "less is there than promised")]
    assert world.cases() == []


def test_without_stock_elsewhere_they_wait_and_are_planned_when_it_comes(world: World) -> None:
    world.stock(W1_A=2)
    sent(world, "1", "2")
    count(world, W1_A=1)
    assert places(world, "1", "2") == [["W1"], []]
    assert reasons(world, "2") == [
        ("fulfilment.withdrawn", "less is there than promised"), ("order.unfillable", "no_stock"),
    ]  # fmt: skip
    assert sound(world, "1", "2")
    world.stock(W2_A=1)
    world.drain()
    assert places(world, "2") == [["W2"]]


def test_what_is_being_worked_on_stays_and_an_elder_gives_way(world: World) -> None:
    world.stock(W1_A=2)
    sent(world, "1", "2")
    begin(world, "2")
    count(world, W1_A=1)
    assert places(world, "1", "2") == [[], ["W1"]]
    assert (sound(world, "1", "2"), world.cases()) == (True, [])


def test_what_is_packed_and_missing_needs_a_person(world: World) -> None:
    world.stock(W1_A=3)
    sent(world, "1", "2", "3")
    begin(world, "2")
    number = begin(world, "3")
    count(world, W1_A=1)
    assert places(world, "1", "2", "3") == [[], ["W1"], ["W1"]]
    with world.read() as session:
        (case,) = session.scalars(select(CaseRow))
    assert (case.kind, case.subject_id) == ("stock_short", "W1:A")
    assert case.detail == {"missing": "1", "fulfilment_orders": [number]}
    assert [kind for kind, _ in reasons(world, "3")] == ["fulfilment.stock_short"]
    assert reasons(world, "2") == []
    assert (world.level("W1_A").short, world.drift()) == (1, [])
    count(world, W1_A=0)
    with world.read() as session:
        assert [row.occurrences for row in session.scalars(select(CaseRow))] == [2]


def test_an_order_short_of_several_things_gives_way_once(world: World) -> None:
    """The youngest order gives both back: no older one loses its plan for what that sets free."""
    world.stock(W1_A=2, W1_B=3)
    world.send(order_document("1", line("1", "A"), line("2", "B")))
    world.send(order_document("2", line("1", "A"), line("2", "B")))
    world.send(order_document("3", line("1", "B")))
    count(world, W1_A=1, W1_B=2)
    assert places(world, "1", "2", "3") == [["W1"], [], ["W1"]]
    assert world.level("W1_B").short == 0


def test_more_than_one_transaction_looks_at_goes_on_in_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortage, "AT_ONCE", 2)
    world.stock(W1_A=5)
    sent(world, *"12345")
    count(world, W1_A=0)
    assert places(world, *"12345") == [[], [], [], [], []]
    assert (sound(world, *"12345"), world.cases()) == (True, [])
    assert len(world.jobs(kind="stock.short")) == 3


def test_a_location_outside_is_asked_before_its_work_is_planned_again(world: World) -> None:
    world.locations("OUT", handling="outside", notify={"folder": "work"})
    world.stock(OUT_A=1)
    sent(world, "1")
    world.stock(W1_A=1)
    for _ in range(2):
        count(world, OUT_A=0)
    (work,) = world.work("1")
    assert (work.state, work.negotiation) == ("released", "cancel_requested")
    assert world.timeline("1").count("fulfilment.cancel_requested") == 1
    assert "stock_short" not in world.cases()


def test_what_is_kept_for_no_order_gives_way_before_any_order_does(world: World) -> None:
    world.stock(W1_A=4)
    sent(world, "1", "2")
    with world.write() as session:
        at = world.clock.now()
        soft = reserve_softly(
            session, reference="d", lines=[SoftLine("A", Decimal(1))], expires_at=at + timedelta(hours=1), at=at,
            actor="phone",
        )  # fmt: skip
        draft = create_transfer(
            session, source="W1", target="W2", lines=[TransferLine("A", Decimal(1))], reason="r", actor="t", at=at,
            key="k",
        )  # fmt: skip
    count(world, W1_A=1)
    with world.read() as session:
        states = [
            get_soft(session, soft_id=soft.soft_reservation_id).state,
            get_transfer(session, transfer_id=draft.transfer_id).state,
        ]
    assert states == ["released", "cancelled"]
    assert places(world, "1", "2") == [["W1"], []]
    assert sound(world, "1", "2")


def test_the_order_that_a_draft_becomes_gets_what_was_kept_for_it(world: World) -> None:
    """Nobody else gets it meanwhile, and it is promised once."""
    world.stock(W1_A=1)
    with world.write() as session:
        at = world.clock.now()
        soft = reserve_softly(
            session, reference="d", lines=[SoftLine("A", Decimal(1))], expires_at=at + timedelta(hours=1), at=at,
            actor="phone",
        )  # fmt: skip
    sent(world, "1", "2")
    assert places(world, "1", "2") == [[], []]
    order_id = world.order("2").order_id
    with world.write() as session:
        assign_softly(session, soft_id=soft.soft_reservation_id, order_id=order_id, at=world.clock.now(), actor="phone")
    with world.write() as session:
        publish(session, [replan_requested(order_id, cause="kept")])
    world.drain()
    assert places(world, "1", "2") == [[], ["W1"]]
    with world.read() as session:
        assert get_soft(session, soft_id=soft.soft_reservation_id).state == "converted"
    assert (world.level("W1_A").reserved, world.drift()) == (1, [])
