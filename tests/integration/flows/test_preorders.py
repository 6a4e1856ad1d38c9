"""A pre-order waits for its day, and is planned on it by itself."""

from datetime import timedelta
from typing import Any

from hub.flows.housekeeping import Housekeeping
from hub.routing.repository import latest_decision, waiting
from hub.routing.tables import ParkedPlanRow
from tests.builders import World, line, order_document


def preorder(world: World, number: str, days: int, units: int = 1, **more: Any) -> dict[str, Any]:
    due = (world.clock.now() + timedelta(days=days)).isoformat()
    return order_document(number, {**line("1", "A", units), "kind": "preorder", "due_at": due}, **more)


def keep_house(world: World) -> None:
    with world.write() as session:
        Housekeeping(world.runtime.services)(session, [])
    world.drain()


def places(world: World, *numbers: str) -> list[list[str]]:
    return [[row.location for row in world.open_work(number)] for number in numbers]


def test_those_whose_day_has_come_are_served_by_promise(world: World) -> None:
    world.send(preorder(world, "second", 4), preorder(world, "first", 3), preorder(world, "far", 30))
    world.stock(W1_A=1)
    assert places(world, "first", "second", "far") == [[], [], []], "its stock may be there before its day"
    with world.read() as session:
        decision = latest_decision(session, world.order("first").order_id)
        assert decision is not None
        assert (decision.outcome, decision.body["reason"]) == ("unfillable", "preorder")
        assert len(waiting(session, what=ParkedPlanRow.sku == "", after=None, limit=9)) == 3
    keep_house(world)
    assert places(world, "first", "second") == [[], []]
    world.clock.advance(5 * 86_400)
    keep_house(world)
    assert places(world, "first", "second", "far") == [["W1"], [], []]
    world.stock(W1_A=5)
    world.drain()
    assert places(world, "first", "second", "far") == [["W1"], ["W1"], []]
    assert world.count("parked_plans") == 1
    assert world.drift() == []


def test_a_day_is_told_once(world: World) -> None:
    world.send(preorder(world, "1", 1))
    world.clock.advance(2 * 86_400)
    for _ in range(3):
        keep_house(world)
    told = [job for job in world.jobs(kind="routing.plan") if "due:" in job.idem_key]
    assert len(told) == 1
    with world.read() as session:
        decision = latest_decision(session, world.order("1").order_id)
    assert decision is not None
    assert decision.body["reason"] == "no_stock"


def test_another_day_counts_at_once(world: World) -> None:
    world.stock(W1_A=5)
    first = preorder(world, "1", 9, revision="1")
    world.send(first)
    assert places(world, "1") == [[]]
    world.clock.advance(3600)
    world.send({**first, "revision": "2", "lines": [{**first["lines"][0], "due_at": world.clock.now().isoformat()}]})
    assert places(world, "1") == [["W1"]]
