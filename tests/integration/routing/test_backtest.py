"""Other rules decide about the last orders, with everything as it was then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.connections.service.manage import change_connection
from hub.inventory.service.locations import get_location, update_location
from hub.kit.read_role import make_read_role
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.routing import repository
from hub.routing.rules.backtest import Comparison
from hub.routing.service.backtest import WouldWrite, backtest
from hub.routing.service.history import History
from hub.routing.service.inputs import save_input
from tests.builders import CARD, World, furnished, line, order_document


def rules(*sourcing: dict[str, Any]) -> CompiledRuleSet:
    named = [{"id": f"rule-{number}", "name": "A rule", **rule} for number, rule in enumerate(sourcing)]
    return compile_rule_set(read_rule_set({"sourcing": named}))


WEST_ONLY = rules({"then": [{"action": "only", "locations": ["W2"]}]})


def run(world: World, wanted: CompiledRuleSet = WEST_ONLY, last: int = 100) -> Comparison:
    with world.database.read_only() as session:
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


def test_areas_are_met_as_they_were(day: World) -> None:
    day.stock(W2_A=5)
    for number, body in (("4", {"serves": [{"country": "CA"}]}), ("5", {})):
        with day.write() as session:
            save_input(session, kind="area", key="W1", body=body, author="test", at=day.clock.now())
        day.stock(W1_A=1)
        day.send(order_document(number, line("1", "A", 1)))
    assert [row.location for number in ("4", "5") for row in day.open_work(number)] == ["W2", "W1"]
    found = run(day, compile_rule_set(read_rule_set({})))
    assert (found.reproduced, found.before, found.skipped) == (5, found.after, {})


def test_a_decision_of_before_there_were_areas_can_still_be_computed(day: World) -> None:
    with day.read() as session:
        inputs = repository.newest_decisions(session, before=None, limit=1)[0].inputs
        for known in inputs["locations"].values():
            known["version"] = known["version"].rpartition(".")[0]
        problem = History(session, day.runtime.adapters).problem(inputs, compile_rule_set(read_rule_set({})))
    assert [place.area for place in problem.locations] == [None, None]


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


def test_a_write_while_it_runs_is_refused_by_the_database(day: World) -> None:
    with day.database.read_only() as session, pytest.raises(DBAPIError, match=r"read-?only"):
        backtest(
            session, rules=WEST_ONLY, adapters=day.runtime.adapters, last=9,
            tell=lambda _: session.execute(text("DELETE FROM orders")),
        )  # fmt: skip


def test_it_refuses_a_transaction_that_may_write(day: World) -> None:
    for opened in (day.database.read, day.database.write):
        with opened() as session, pytest.raises(WouldWrite):
            backtest(session, rules=WEST_ONLY, adapters=day.runtime.adapters, last=9, tell=lambda _: None)


@pytest.mark.postgres
def test_a_user_who_only_reads_sees_enough(emptied_postgres_url: str, tmp_path: Path) -> None:
    make_read_role(emptied_postgres_url, "backtest_reader")
    read_url = emptied_postgres_url.replace("postgres@", "backtest_reader@")
    world = furnished(emptied_postgres_url, tmp_path, read_database_url=read_url)
    world.carrier()
    world.stock(W1_A=3, W2_A=2)
    world.send(order_document("1", line("1", "A", 1)))
    assert run(world).after.loads == {"W2": 1}
    with world.database.read_only() as session:
        assert session.scalar(text("SELECT current_user")) == "backtest_reader"
    world.runtime.close()


def test_what_review_would_let_pass(day: World) -> None:
    hold = {"id": "all", "name": "All", "then": [{"action": "hold", "reason_code": "look", "message": "look"}]}
    found = run(day, compile_rule_set(read_rule_set({"review": [hold]})))
    before, after = found.before, found.after
    assert (before.reviewed, before.auto_approved, after.auto_approved, found.unreviewed) == (3, 3, 0, {})
    assert {difference.changed for difference in found.differences} == {"review"}
    with day.write() as session:
        session.execute(text("UPDATE order_events SET data = '{}' WHERE kind = 'order.reviewed'"))
    assert run(day).unreviewed == {"its review is not kept": 3}


def test_nothing_is_written(day: World) -> None:
    tables = ("routing_decisions", "planning_inputs", "rule_sets", "reservations", "jobs", "order_events")
    before = [day.count(table) for table in tables]
    run(day)
    assert [day.count(table) for table in tables] == before
