"""From a draft to the rules that decide: the backtest, the gate, the second person, and the way back."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.audit.tables import AuditEntryRow
from hub.kit.errors import HubError
from hub.routing import repository, repository_gate
from hub.routing.rules.gate import Gate
from hub.routing.service.gate import let_pass, read_gate, save_gate, stand
from hub.routing.service.rehearsals import find_backtest, sweep_differences
from hub.routing.service.rule_sets import activate_rule_set, roll_back
from hub.routing.tables import RuleSetActivationRow, RuleSetRow
from tests.builders import World, order_document
from tests.rules_in_force import AUTHOR, backtested, draft

NOBODY = {"id": "nobody", "name": "Nobody", "then": [{"action": "only", "locations": ["W2"]}]}
HARMLESS = {"id": "harmless", "name": "Harmless", "then": [{"action": "prefer", "locations": ["W1"]}]}
BOSS, OTHER = "key:boss", "key:other"


@pytest.fixture
def day(world: World) -> World:
    """Two orders that W1 has sent; W2 has nothing."""
    world.stock(W1_A=9)
    world.send(order_document("1"), order_document("2"))
    return world


def activate(world: World, row: RuleSetRow, actor: str = AUTHOR, active: int | None = None) -> RuleSetActivationRow:
    with world.write() as session:
        return activate_rule_set(
            session, reference=row.rule_set_id, actor=actor, at=world.clock.now(), active=active
        )  # fmt: skip


def override(world: World, row: RuleSetRow, actor: str = BOSS) -> str:
    with world.write() as session:
        return let_pass(
            session, reference=str(row.version), reason="W1 burns", actor=actor, at=world.clock.now()
        ).override_id


def set_gate(world: World, gate: Gate) -> None:
    with world.write() as session:
        save_gate(session, gate=gate, author=BOSS, comment="", at=world.clock.now())


def back(world: World, active: int | None = None) -> RuleSetActivationRow:
    with world.write() as session:
        return roll_back(session, actor=OTHER, at=world.clock.now(), reason="it was worse", active=active)


def refused(action: Callable[[], Any]) -> HubError:
    with pytest.raises(HubError) as error:
        action()
    return error.value


def state(world: World, row: RuleSetRow) -> str:
    with world.read() as session:
        return session.get_one(RuleSetRow, row.rule_set_id).state


def active_version(world: World) -> int | None:
    with world.read() as session:
        row = repository.active_rule_set(session)
        return row.version if row else None


def audited(world: World) -> list[str]:
    with world.read() as session:
        return list(
            session.scalars(
                select(AuditEntryRow.action)
                .where(AuditEntryRow.action.like("rule_set.%"))
                .order_by(AuditEntryRow.audit_entry_id)
            )
        )


def test_where_nothing_was_decided_there_is_nothing_to_rehearse_on(world: World) -> None:
    row = draft(world, sourcing=[NOBODY])
    found = activate(world, row)
    assert (found.basis, found.replaced_id, found.checks) == ("no_history", None, [])
    assert "Nothing to rehearse on" in found.reason
    assert state(world, row) == "active"


def test_a_draft_is_rehearsed_then_active_then_retired(day: World) -> None:
    row = draft(day, sourcing=[HARMLESS])
    error = refused(lambda: activate(day, row))
    assert (error.status, error.code, [fault["figure"] for fault in error.extra["errors"]]) == (
        409, "gate_not_passed", ["rehearsed"],
    )  # fmt: skip
    assert "hub routing backtest 1" in error.detail
    assert (state(day, row), active_version(day)) == ("draft", None)
    kept = backtested(day, row)
    assert (kept.orders, kept.differing, kept.reproduced, kept.skipped, kept.against_id) == (2, 0, 2, {}, None)
    assert state(day, row) == "rehearsed"
    found = activate(day, row)
    assert (found.basis, found.backtest_id, found.gate_version) == ("rehearsed", kept.backtest_id, 0)
    assert all(check["holds"] for check in found.checks)
    second = draft(day, sourcing=[])
    backtested(day, second)
    activate(day, second)
    assert (state(day, row), state(day, second)) == ("retired", "active")
    assert refused(lambda: activate(day, second)).code == "already_active"
    assert audited(day) == ["rule_set.activated"] * 2


def test_a_backtest_keeps_the_orders_that_would_have_gone_elsewhere(day: World) -> None:
    kept = backtested(day, draft(day, sourcing=[NOBODY]))
    with day.read() as session:
        rows = repository_gate.differences(session, kept.backtest_id, after=0, limit=9)
        rest = repository_gate.differences(session, kept.backtest_id, after=1, limit=9)
    assert [(row.place, row.body["number"], row.body["after"]) for row in rows] == [
        (1, "N-2", "unfillable: no_location"), (2, "N-1", "unfillable: no_location"),
    ]  # fmt: skip
    assert [row.body["number"] for row in rest] == ["N-1"]
    assert (kept.differing, kept.before["unfillable"], kept.after["unfillable"]) == (2, 0, 2)


def test_old_differences_go_and_the_figures_stay(day: World) -> None:
    row = draft(day, sourcing=[NOBODY])
    old = backtested(day, row)
    day.clock.advance(1)
    young = backtested(day, row)
    found = []
    for dry in (True, False, False):
        with day.write() as session:
            found.append(sweep_differences(session, before=young.ran_at, limit=2, dry=dry))
    assert [(swept.count, swept.more) for swept in found] == [(2, False), (2, True), (0, False)]
    with day.read() as session:
        left = [repository_gate.differences(session, kept.backtest_id, after=0, limit=9) for kept in (old, young)]
        assert [len(rows) for rows in left] == [0, 2]
        assert find_backtest(session, old.backtest_id).differing == 2


def test_what_breaks_a_threshold_needs_a_second_person(day: World) -> None:
    row = draft(day, sourcing=[NOBODY])
    backtested(day, row)
    error = refused(lambda: activate(day, row))
    assert {fault["figure"] for fault in error.extra["errors"]} == {"fill_rate_permille", "unfillable"}
    assert {"before": 0, "after": 2, "limit": 0}.items() <= error.extra["errors"][-1].items()
    assert "hub routing override 1" in error.detail
    assert refused(lambda: override(day, row, AUTHOR)).code == "second_person_needed"
    override_id = override(day, row)
    assert refused(lambda: activate(day, row, BOSS)).code == "second_person_needed"
    found = activate(day, row, AUTHOR)
    assert (found.basis, found.override_id, found.reason) == ("overridden", override_id, "W1 burns")
    assert audited(day) == ["rule_set.overridden", "rule_set.activated"]
    assert refused(lambda: override(day, row)).code == "already_active"


def test_a_version_without_a_backtest_can_be_let_pass_too(day: World) -> None:
    row = draft(day, sourcing=[HARMLESS])
    override(day, row)
    assert activate(day, row, OTHER).basis == "overridden"


def test_nobody_needs_to_let_pass_what_passes(day: World) -> None:
    row = draft(day, sourcing=[HARMLESS])
    backtested(day, row)
    assert refused(lambda: override(day, row)).code == "nothing_to_override"


def later(world: World, row: RuleSetRow) -> None:
    world.clock.advance(8 * 86400)


def measured_again(world: World, row: RuleSetRow) -> None:
    backtested(world, row)


def another_active(world: World, row: RuleSetRow) -> None:
    other = draft(world, sourcing=[HARMLESS])
    backtested(world, other)
    activate(world, other)


@pytest.mark.parametrize("happens", [later, measured_again, another_active])
def test_an_override_is_for_what_was_seen_and_for_nothing_else(
    day: World, happens: Callable[[World, RuleSetRow], None]
) -> None:
    row = draft(day, sourcing=[NOBODY])
    backtested(day, row)
    override(day, row)
    happens(day, row)
    assert refused(lambda: activate(day, row)).code == "gate_not_passed"


def test_an_override_does_not_cover_what_a_stricter_gate_adds(day: World) -> None:
    row = draft(day, sourcing=[NOBODY])
    backtested(day, row)
    set_gate(day, Gate(unfillable_may_grow_permille=None))
    override(day, row)
    set_gate(day, Gate())
    assert refused(lambda: activate(day, row)).code == "gate_not_passed"
    set_gate(day, Gate(unfillable_may_grow_permille=None, minimum_orders=1))
    assert activate(day, row).basis == "overridden"


def test_the_newest_thresholds_count_and_all_are_kept(day: World) -> None:
    row = draft(day, sourcing=[NOBODY])
    backtested(day, row)
    set_gate(day, Gate(fill_rate_may_fall_permille=1000, unfillable_may_grow_permille=1000))
    found = activate(day, row)
    assert (found.basis, found.gate_version, day.count("routing_gates")) == ("rehearsed", 1, 1)
    with day.read() as session:
        entry = session.scalars(select(AuditEntryRow).where(AuditEntryRow.action == "routing_gate.changed")).one()
    assert entry.diff["unfillable_may_grow_permille"] == {"before": 5, "after": 1000}


def test_thresholds_that_do_not_fit_are_refused_with_every_fault() -> None:
    error = refused(lambda: read_gate({"minimum_orders": -1, "maximum_age_days": "x", "nosuch": 1}))
    assert (error.code, {fault["field"] for fault in error.extra["errors"]}) == (
        "invalid_gate", {"minimum_orders", "maximum_age_days", "nosuch"},
    )  # fmt: skip
    assert "freight_may_grow_permille" in error.detail


def three_versions(world: World) -> list[RuleSetRow]:
    rows = []
    for weight in (1, 2, 3):
        preferred = {**HARMLESS, "then": [{"action": "prefer", "locations": ["W1"], "weight": weight}]}
        rows.append(draft(world, sourcing=[preferred]))
        backtested(world, rows[-1])
        world.clock.advance(60)
        activate(world, rows[-1])
    return rows


def test_rollback_goes_back_one_version_after_the_other(day: World) -> None:
    first, second, third = three_versions(day)
    found = back(day)
    assert (found.rule_set_id, found.replaced_id, found.basis, found.reason) == (
        second.rule_set_id, third.rule_set_id, "rollback", "it was worse",
    )  # fmt: skip
    assert back(day).rule_set_id == first.rule_set_id
    assert refused(lambda: back(day)).code == "nothing_to_roll_back_to"
    assert (active_version(day), state(day, third)) == (1, "retired")
    assert audited(day)[-2:] == ["rule_set.rolled_back"] * 2


def test_what_was_taken_back_must_be_rehearsed_anew(day: World) -> None:
    third = three_versions(day)[-1]
    back(day)
    day.clock.advance(60)
    with day.read() as session:
        standing = stand(session, session.get_one(RuleSetRow, third.rule_set_id), at=day.clock.now())
    assert (standing.basis, [check.figure for check in standing.broken]) == (None, ["rehearsed"])
    backtested(day, third)
    day.clock.advance(60)
    assert activate(day, third).basis == "rehearsed"
    assert back(day).rule_set_id != third.rule_set_id


def test_without_any_rules_there_is_nothing_to_go_back_to(world: World) -> None:
    assert refused(lambda: back(world)).code == "nothing_to_roll_back_to"


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What comes of actions that begin at the same moment: a value, or the code of the refusal."""
    begun, found = threading.Barrier(len(actions)), [None] * len(actions)

    def run(index: int) -> None:
        begun.wait(timeout=20)
        try:
            found[index] = actions[index]()
        except HubError as error:
            found[index] = error.code

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return found


def test_of_two_who_activate_at_once_one_wins(day: World) -> None:
    rows = [draft(day, sourcing=[{**HARMLESS, "id": f"rule-{number}"}]) for number in range(2)]
    for row in rows:
        backtested(day, row)
    found = at_once(*(lambda row=row: activate(day, row).rule_set_id for row in rows))
    assert sorted(entry == "gate_not_passed" for entry in found) == [False, True]
    assert active_version(day) in (1, 2)
    assert day.count("rule_set_activations") == 1


def test_two_who_take_back_the_same_version_take_back_one(day: World) -> None:
    second = three_versions(day)[1]
    found = at_once(*[lambda: back(day, active=3).rule_set_id] * 2)
    assert sorted(found) == sorted([second.rule_set_id, "not_active"])
    assert active_version(day) == 2


def test_activation_can_name_what_it_expects_to_replace(world: World) -> None:
    row = draft(world, sourcing=[HARMLESS])
    assert refused(lambda: activate(world, row, active=7)).code == "not_active"
    assert activate(world, row, active=0).replaced_id is None


def test_a_backtest_of_nothing_says_so(world: World) -> None:
    row = draft(world, sourcing=[HARMLESS])
    kept = backtested(world, row)
    assert (kept.orders, kept.ran_at, state(world, row)) == (0, world.clock.now(), "rehearsed")
    world.clock.advance(timedelta(days=90).total_seconds())
    assert activate(world, row).basis == "no_history"
