"""Orders that wait are planned again when what they wait for may have come, and only then."""

from dataclasses import replace
from typing import Any

import pytest

from hub.flows import replan_waiting
from hub.inventory.service.locations import get_location, update_location
from hub.routing.service.inputs import save_input
from hub.routing.service.waiting import parked_reasons
from tests.builders import World, order_document
from tests.rules_in_force import decide_by

EXCLUDE = {"action": "exclude", "locations": ["W1", "W2"]}
BROKEN = {"id": "broken", "name": "Broken", "when": ["order.tags[3] == 'x'"], "then": [EXCLUDE]}
HOLD = {"id": "hold", "name": "Hold", "when": [], "then": [{"action": "on_unfillable", "do": "hold"}]}
NOBODY = {"id": "nobody", "name": "Nobody", "when": [], "then": [EXCLUDE]}


def change(world: World, code: str, **changes: Any) -> None:
    """Change a location, and what follows from it."""
    with world.write() as session:
        location = replace(get_location(session, code=code), **changes)
        update_location(session, location=location, version=None, at=world.clock.now(), actor="test")
    world.drain()


def places(world: World, *names: str) -> list[list[str]]:
    """Where the open work of each is."""
    return [[row.location for row in world.open_work(name)] for name in names]


def sent(world: World, *names: str) -> None:
    """Orders, one after the other."""
    for name in names:
        world.send(order_document(name))
        world.clock.advance(1)


def test_a_location_that_opens_again_takes_who_waited_and_a_closed_one_wakes_nobody(world: World) -> None:
    change(world, "W1", enabled=False)
    world.stock(W1_A=1)
    sent(world, "1")
    seen = world.count("routing_decisions")
    change(world, "W1", name="still closed")
    change(world, "W2", name="open, and without any of it")
    assert (places(world, "1"), world.count("routing_decisions")) == ([[]], seen)
    change(world, "W1", enabled=True)
    assert (places(world, "1"), world.count("parked_plans")) == ([["W1"]], 0)


def test_a_location_that_may_send_more_a_day_takes_who_waited(world: World) -> None:
    def capacity(orders: int) -> None:
        with world.write() as session:
            save_input(
                session, kind="capacity", key="W1", body={"orders_per_day": orders}, author="a", at=world.clock.now()
            )
        world.drain()

    world.stock(W1_A=1)
    capacity(0)
    sent(world, "1")
    assert places(world, "1") == [[]]
    world.clock.advance(1)
    capacity(5)
    assert places(world, "1") == [["W1"]]


@pytest.mark.parametrize("before", [[NOBODY], [HOLD, NOBODY], [BROKEN]], ids=["waits", "held", "broken"])
def test_other_rules_take_who_waited(world: World, before: list[Any]) -> None:
    decide_by(world, sourcing=before)
    world.stock(W1_A=1)
    sent(world, "1")
    assert places(world, "1") == [[]]
    decide_by(world)
    assert (places(world, "1"), world.count("parked_plans"), world.cases()) == ([["W1"]], 0, [])


def test_any_number_is_served_in_pages_and_the_longest_waiting_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replan_waiting, "AT_ONCE", 2)
    world.stock(W1_A=3)
    change(world, "W1", enabled=False)
    sent(world, *"54321")
    change(world, "W1", enabled=True)
    assert places(world, *"54321") == [["W1"], ["W1"], ["W1"], [], []]
    asked = [job.args for job in world.jobs(kind="routing.replan") if "after" in job.args]
    assert [args["after"][1] for args in asked] == [world.order(name).order_id for name in "42"]


def test_who_waits_on_for_another_reason_keeps_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replan_waiting, "AT_ONCE", 1)
    change(world, "W1", enabled=False)
    world.stock(W1_A=1)
    sent(world, "old", "young")
    with world.read() as session:
        reasons = set(parked_reasons(session, [world.order("old").order_id]).values())
    assert reasons == {"no_location"}
    only_w2 = {"id": "all", "name": "All", "when": [], "then": [{"action": "only", "locations": ["W2"]}]}
    decide_by(world, sourcing=[only_w2])
    with world.write() as session:
        session.connection().exec_driver_sql("UPDATE stock_levels SET on_hand = 0")
    decide_by(world)
    with world.read() as session:
        assert set(parked_reasons(session, [world.order("old").order_id]).values()) == {"no_stock"}
    world.clock.advance(60)
    world.stock(W2_A=1)
    world.drain()
    assert places(world, "old", "young") == [["W2"], []]


def test_a_carrier_that_is_set_up_differently_takes_who_found_no_service_and_nobody_else(world: World) -> None:
    far = {"zones": [{"name": "far", "destinations": [{"country": "DE"}]}]}
    services = [
        {"code": "std", "name": "Std", "tables": [{"zone": "far", "steps": [{"up_to_grams": 9000, "price": "1.00"}]}]}
    ]
    world.carrier(settings={**far, "services": services})
    world.stock(W1_A=1)
    sent(world, "1")
    assert places(world, "1") == [[]]
    with world.read() as session:
        assert set(parked_reasons(session, [world.order("1").order_id]).values()) == {"no_service"}
    world.carrier("near")
    world.drain()
    assert places(world, "1") == [["W1"]]
