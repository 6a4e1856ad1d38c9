"""Orders that cannot be filled: on backorder, cancelled in time, or held until a location is there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.flows.housekeeping import Housekeeping
from hub.inventory.service.locations import get_location, update_location
from hub.routing.service.waiting import parked_reasons
from tests.builders import World, line, order_document
from tests.order_documents import START
from tests.rules_in_force import decide_by


def policy(world: World, *actions: dict[str, Any]) -> None:
    decide_by(world, sourcing=[{"id": "policy", "name": "Policy", "then": list(actions)}])


def on_unfillable(world: World, **action: Any) -> None:
    split = {"action": "split", "ship_complete": False}
    policy(world, split, {"action": "on_unfillable", **action})


def close(world: World, code: str, *, enabled: bool = False) -> None:
    with world.write() as session:
        location = replace(get_location(session, code=code), enabled=enabled)
        update_location(session, location=location, version=None, at=world.clock.now(), actor="test")
    world.drain()


def keep_house(world: World, *, hours: float = 0) -> None:
    world.clock.advance(hours * 3600)
    with world.write() as session:
        Housekeeping(world.runtime.services)(session, [])
    world.drain()


def units(world: World, number: str) -> tuple[int, ...]:
    (row,) = world.lines(number).values()
    return tuple(row.get(name, 0) for name in ("allocated", "backordered", "cancelled"))


def test_what_is_short_is_on_backorder_until_it_comes(world: World) -> None:
    on_unfillable(world, do="backorder")
    world.stock(W1_A=1)
    world.send(order_document("1", line("1", "A", 3)))
    assert units(world, "1") == (1, 2, 0)
    world.stock(W2_A=1)
    world.drain()
    assert units(world, "1") == (2, 1, 0)
    world.stock(W2_A=3)
    world.drain()
    assert units(world, "1") == (3, 0, 0)
    told = [kind for kind in world.timeline("1") if kind.startswith("order.back")]
    assert told == ["order.backordered", "order.backorder_ended", "order.backorder_ended"]
    assert world.folded("1")


def test_an_order_that_gets_nothing_in_its_time_is_cancelled_once(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    world.send(order_document("1", line("1", "A", 1)))
    keep_house(world, hours=1)
    assert world.order("1").lifecycle == "open"
    keep_house(world, hours=1.1)
    assert world.order("1").lifecycle == "cancelled"
    keep_house(world, hours=1)
    assert (units(world, "1"), world.count("parked_plans")) == ((0, 0, 1), 0)
    assert len(world.jobs(kind="order.give_up")) == 1


def test_stock_that_comes_in_time_keeps_it(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    world.send(order_document("1", line("1", "A", 1)))
    keep_house(world, hours=1)
    world.stock(W1_A=1)
    world.drain()
    keep_house(world, hours=2)
    assert (world.order("1").lifecycle, units(world, "1")) == ("open", (1, 0, 0))


def test_only_what_is_missing_is_cancelled(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    world.stock(W1_A=1)
    world.send(order_document("1", line("1", "A", 3)))
    keep_house(world, hours=3)
    assert (world.order("1").lifecycle, units(world, "1")) == ("open", (1, 0, 2))
    assert world.count("parked_plans") == 0


def test_goods_on_the_shelf_of_a_closed_place_are_never_given_up(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    world.stock(W1_A=1)
    close(world, "W1")
    world.send(order_document("1", line("1", "A", 1)))
    keep_house(world, hours=3)
    assert (world.order("1").lifecycle, world.jobs(kind="order.give_up")) == ("open", [])
    close(world, "W1", enabled=True)
    world.drain()
    assert units(world, "1") == (1, 0, 0)


def test_what_goes_complete_goes_without_what_was_given_up(world: World) -> None:
    policy(world, {"action": "on_unfillable", "do": "cancel_after", "after_minutes": 120})
    world.stock(W1_A=1)
    world.send(order_document("1", line("1", "A", 1), line("2", "B", 2)))
    assert world.open_work("1") == []
    keep_house(world, hours=3)
    told = {key: (row.get("allocated", 0), row.get("cancelled", 0)) for key, row in world.lines("1").items()}
    assert (told, [row.location for row in world.open_work("1")]) == ({"1": (1, 0), "2": (0, 2)}, ["W1"])
    assert world.folded("1")


def test_no_gift_keeps_an_order_that_is_given_up(world: World) -> None:
    waits = {"id": "wait", "name": "W", "then": [
        {"action": "on_unfillable", "do": "cancel_after", "after_minutes": 120},
    ]}  # fmt: skip
    gift = {"id": "thanks", "name": "T", "then": [{"action": "add_gift", "sku": "B", "quantity": 1}]}
    decide_by(world, sourcing=[waits], gift=[gift])
    world.stock(W1_B=9)
    world.send(order_document("1", line("1", "A", 1)))
    assert len(world.lines("1")) == 2
    keep_house(world, hours=3)
    assert (world.order("1").lifecycle, world.level("W1_B").reserved) == ("cancelled", 0)


def test_a_pre_order_is_not_given_up_before_its_day(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    due = (world.clock.now() + timedelta(days=9)).isoformat()
    world.send(order_document("1", line("1", "A", 1), {**line("2", "B", 1), "kind": "preorder", "due_at": due}))
    keep_house(world, hours=3)
    assert {key: row.get("cancelled", 0) for key, row in world.lines("1").items()} == {"1": 1, "2": 0}
    assert world.order("1").lifecycle == "open"


def test_the_source_may_cut_what_is_on_backorder(world: World) -> None:
    on_unfillable(world, do="backorder")
    world.stock(W1_A=1)
    world.send(order_document("1", line("1", "A", 3)))
    world.send(order_document("1", line("1", "A", 1), updated_at=(START + timedelta(hours=1)).isoformat()))
    assert units(world, "1") == (1, 0, 2)
    assert (world.holds("1"), world.cases(), world.folded("1")) == ([], [], True)


def test_other_rules_may_let_it_wait_on(world: World) -> None:
    on_unfillable(world, do="cancel_after", after_minutes=120)
    world.send(order_document("1", line("1", "A", 1)))
    on_unfillable(world, do="park")
    keep_house(world, hours=3)
    assert world.order("1").lifecycle == "open"


def test_an_order_of_a_location_that_is_closed_goes_on_when_it_opens(world: World) -> None:
    policy(world, {"action": "only", "locations": ["W2"]})
    world.stock(W1_A=1, W2_A=1)
    close(world, "W2")
    world.send(order_document("1", line("1", "A", 1)))
    with world.read() as session:
        assert set(parked_reasons(session, [world.order("1").order_id]).values()) == {"unknown_location"}
    close(world, "W2", enabled=True)
    world.drain()
    assert [row.location for row in world.open_work("1")] == ["W2"]
