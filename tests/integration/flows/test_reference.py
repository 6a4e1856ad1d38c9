"""What a process keeps of connections, rules, locations and inputs: what is changed anywhere is in force at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from hub.connections.service.manage import change_connection
from hub.connections.tables import ConnectionRow
from hub.flows.reference import Known
from hub.flows.runtime import build_runtime
from hub.inventory.service.locations import get_location, update_location
from hub.jobs.service.restored import note_restore
from hub.routing.service.inputs import Standing, save_input
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from tests.builders import World, order_document
from tests.rules_in_force import decide_by


@pytest.fixture
def other(world: World) -> Iterator[World]:
    """Another process on the same database, with the same clock."""
    runtime = build_runtime(world.runtime.settings, clock=world.clock, host=world.runtime.host)
    yield World(runtime, world.clock, world.folder, world.connections)
    runtime.close()


def known(world: World) -> Known:
    with world.read() as session:
        return world.runtime.services.reference.of(session)


def around(world: World) -> Standing:
    with world.read() as session:
        return world.runtime.services.reference.standing(session, at=world.clock.now())


def from_w2(rule_id: str) -> dict[str, Any]:
    return {"id": rule_id, "name": "A rule", "then": [{"action": "only", "locations": ["W2"]}]}


def new_rules(world: World, rule_id: str) -> str:
    with world.write() as session:
        row = create_rule_set(
            session, document={"sourcing": [from_w2(rule_id)]}, adapters=world.runtime.adapters, author="a", comment="",
            at=world.clock.now(),
        )  # fmt: skip
        activate_rule_set(session, reference=row.rule_set_id, actor="a", at=world.clock.now())
        return row.rule_set_id


def save_capacity(world: World, orders: int, *, days: int = 0) -> None:
    at = world.clock.now()
    with world.write() as session:
        save_input(
            session, kind="capacity", key="W1", body={"orders_per_day": orders}, author="a", at=at,
            valid_from=at + timedelta(days=days),
        )  # fmt: skip


def change_policy(world: World, name: str, **values: Any) -> None:
    info = known(world).connections[world.connections[name].connection_id]
    with world.write() as session:
        change_connection(
            session, adapters=world.runtime.adapters, secrets=world.runtime.secrets, name=name,
            expected_version=info.version, values=values, at=world.clock.now(),
        )  # fmt: skip


def move(world: World, code: str, rank: int) -> None:
    with world.write() as session:
        place = replace(get_location(session, code=code), rank=rank)
        update_location(session, location=place, version=None, at=world.clock.now(), actor="a")


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT"):
            said.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", note)
    yield said
    event.remove(world.database.engine, "before_cursor_execute", note)


def test_what_nobody_has_changed_is_asked_for_in_one_statement(world: World) -> None:
    first = known(world)
    with statements(world) as said:
        again = known(world)
    assert (again is first, len(said)) == (True, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda world: new_rules(world, "first"), lambda world: known(world).rule_set_id),
        (lambda world: world.ledger(), lambda world: [info.name for info in known(world).of_kind("erp")]),
        (lambda world: change_policy(world, "shop", enabled=False), lambda world: known(world).of_kind("channel")),
        (lambda world: world.carrier(), lambda world: around(world).rates_version),
        (lambda world: world.locations("W9"), lambda world: sorted(around(world).known)),
        (lambda world: move(world, "W1", 7), lambda world: around(world).known["W1"].rank),
        (lambda world: save_capacity(world, 3), lambda world: sorted(around(world).inputs)),
    ],
    ids=["rules", "new connection", "connection", "carrier", "new location", "location", "capacity"],
)
def test_a_change_in_another_process_is_in_force_at_once(
    world: World, other: World, change: Callable[[World], Any], told: Callable[[World], Any]
) -> None:
    before = told(other)
    change(world)
    after = told(other)
    assert after != before
    assert after == told(world)


def test_rules_that_come_back_decide_again(world: World, other: World) -> None:
    first = new_rules(world, "first")
    kept = known(other)
    second = new_rules(world, "second")
    assert (kept.rule_set_id, known(other).rule_set_id) == (first, second)
    with world.write() as session:
        activate_rule_set(session, reference=first, actor="a", at=world.clock.now())
    again = known(other)
    assert (again.rule_set_id, again.rules) == (first, kept.rules)


def test_an_input_of_later_decides_from_its_moment_on(world: World) -> None:
    save_capacity(world, 3)
    save_capacity(world, 5, days=1)
    assert around(world).inputs["capacity", "W1"].body == {"orders_per_day": 3}
    world.clock.advance(86_400)
    assert around(world).inputs["capacity", "W1"].body == {"orders_per_day": 5}


def test_a_restored_database_is_read_anew(world: World) -> None:
    before = known(world)
    with world.write() as session:
        note_restore(session, taken_at=world.clock.now(), restored_at=world.clock.now())
    assert (before.restored_at, known(world).restored_at) == (None, world.clock.now())


def test_what_changes_while_it_is_read_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = world.runtime.services.reference
    read = reference._read

    def meanwhile(*given: Any) -> Known:
        found = read(*given)
        if world.database.is_sqlite:
            return found
        new_rules(world, "meanwhile")
        return found

    monkeypatch.setattr(type(reference), "_read", lambda self, *given: meanwhile(*given))
    known(world)
    monkeypatch.undo()
    assert (reference._known is None) is not world.database.is_sqlite


def test_the_next_order_goes_by_the_new_rules(world: World, other: World) -> None:
    world.stock(W1_A=9, W2_A=9)
    world.send(order_document("1"))
    assert [row.location for row in world.open_work("1")] == ["W1"]
    decide_by(other, sourcing=[from_w2("not-from-there")])
    world.send(order_document("2"))
    assert [row.location for row in world.open_work("2")] == ["W2"]


def test_a_carrier_that_cannot_be_opened_holds_up_no_order_that_is_only_read(world: World) -> None:
    world.stock(W1_A=9)
    info = world.carrier()
    with world.write() as session:
        row = session.get_one(ConnectionRow, info.connection_id)
        row.plugin, row.version = "gone", 2
    world.store(order_document("1"))
    world.drain("intake")
    assert world.order("1").review == "auto_approved"
