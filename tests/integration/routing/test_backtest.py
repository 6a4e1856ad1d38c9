"""Other rules decide about the last orders, with everything as it was then."""

from dataclasses import replace
from typing import Any

import pytest

from hub.connections.service.manage import change_connection
from hub.inventory.service.locations import get_location, update_location
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.routing.rules.backtest import Comparison
from hub.routing.service.backtest import backtest
from hub.routing.service.inputs import save_input
from tests.builders import CARD, World, line, order_document


def rules(*sourcing: dict[str, Any]) -> CompiledRuleSet:
    named = [{"id": f"rule-{number}", "name": "A rule", **rule} for number, rule in enumerate(sourcing)]
    return compile_rule_set(read_rule_set({"sourcing": named}))


WEST_ONLY = rules({"then": [{"action": "only", "locations": ["W2"]}]})


def run(world: World, wanted: CompiledRuleSet = WEST_ONLY, last: int = 100) -> Comparison:
    with world.read() as session:
        return backtest(session, rules=wanted, adapters=world.runtime.adapters, last=last, tell=lambda _: None)


@pytest.fixture
def day(world: World) -> World:
    """Three orders: two from W1, which has stock, one of three units, of which W1 had one left."""
    world.carrier()
    world.stock(W1_A=3, W2_A=2)
    for external_id, units in (("1", 1), ("2", 1), ("3", 3)):
        world.send(order_document(external_id, line("1", "A", units)))
    return world


def test_each_order_meets_what_it_met_then(day: World) -> None:
    day.stock(W1_A=100, W2_A=100)
    found = run(day)
    assert (found.reproduced, found.before.orders, found.skipped) == (3, 3, {})
    before, after = found.before, found.after
    assert (before.loads, before.split, before.units_planned) == ({"W1": 3, "W2": 1}, 1, 5000)
    assert (after.loads, after.unfillable, after.units_planned) == ({"W2": 2}, 1, 2000)
    assert {difference.number: difference.after for difference in found.differences} == {
        "N-1": "1 from W2 by card/STD (500 USD)", "N-2": "1 from W2 by card/STD (500 USD)",
        "N-3": "unfillable: no_stock",
    }  # fmt: skip


def test_the_rules_that_decided_change_nothing(day: World) -> None:
    found = run(day, compile_rule_set(read_rule_set({})))
    assert (found.reproduced, found.differences, found.before) == (3, [], found.after)
    assert found.before.freight_minor["USD"] > 0


def test_what_changed_since_does_not_count(day: World) -> None:
    """Another address, calendar, capacity and price list: the decisions are computed with those of their day."""
    freight = run(day, compile_rule_set(read_rule_set({}))).before.freight_minor
    with day.write() as session:
        place = get_location(session, code="W1")
        moved = replace(place, address={**place.address, "postal_code": "90001", "region": "CA"}, enabled=False)
        update_location(session, location=moved, version=None, at=day.clock.now(), actor="test")
        for kind, body in (("capacity", {"orders_per_day": 0}), ("calendar", {"working_days": [7]})):
            save_input(session, kind=kind, key="W1", body=body, author="test", at=day.clock.now())
        card = day.connections["card"]
        change_connection(
            session, adapters=day.runtime.adapters, secrets=day.runtime.secrets, name="card",
            expected_version=card.version, at=day.clock.now(),
            values={"settings": {**CARD, "services": [{**CARD["services"][0], "tables": [DEAR]}]}},
        )  # fmt: skip
    day.stock(W2_A=5)
    day.send(order_document("4", line("1", "A", 1)))
    found = run(day, compile_rule_set(read_rule_set({})))
    assert (found.reproduced, found.before.orders, found.differences, found.skipped) == (4, 4, [], {})
    assert found.after.freight_minor["USD"] == freight["USD"] + 900


DEAR = {"zone": "home", "steps": [{"up_to_grams": 30000, "price": "9.00"}], "transit_days": [1, 2]}


def test_only_the_newest_decision_of_the_newest_orders_counts(day: World) -> None:
    assert run(day, last=2).before.orders == 2
    newest = {difference.number for difference in run(day, last=2).differences}
    assert newest == {"N-2", "N-3"}


def test_what_is_not_kept_is_told_and_left_out(day: World) -> None:
    with day.write() as session:
        session.connection().exec_driver_sql("DELETE FROM planning_inputs WHERE kind = 'location' AND key = 'W2'")
    found = run(day)
    assert (found.before.orders, found.skipped) == (0, {"its location is not kept": 3})


def test_nothing_is_written(day: World) -> None:
    tables = ("routing_decisions", "planning_inputs", "rule_sets", "reservations", "jobs", "order_events")
    before = [day.count(table) for table in tables]
    run(day)
    assert [day.count(table) for table in tables] == before
