"""Versions of the rules: saved whole or refused whole, immutable, active one at a time."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.connections.service.adapters import Adapters
from hub.jobs.service.publish import publish
from hub.kit.db import lock_names
from hub.kit.errors import InvalidInput, StateConflict
from hub.kit.ids import new_id
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.kit.rules.validation import RuleFault, validate_rule_set
from hub.routing import repository, repository_gate
from hub.routing.events import rules_activated
from hub.routing.rules.golden import MEMBER
from hub.routing.service.gate import NO_HISTORY, current_gate, find_rule_set, refuse_broken, stand
from hub.routing.service.golden_orders import add_golden, faults_of_golden
from hub.routing.service.golden_runs import WhenBroken, keep_run, refuse_broken_golden, run_golden_orders
from hub.routing.service.references import known_references
from hub.routing.tables import RuleSetActivationRow, RuleSetRow


def active_rules(session: Session) -> tuple[str, CompiledRuleSet]:
    """Id and compiled form of the rules that decide now; compiled once for each content."""
    row = repository.active_rule_set(session)
    if row is None:
        return repository.EMPTY_ID, compile_rule_set(RuleSet())
    return row.rule_set_id, compile_rule_set(read_rule_set(row.body))


def create_rule_set(
    session: Session, *, document: Mapping[str, Any], adapters: Adapters, author: str, comment: str, at: datetime,
    golden: WhenBroken = "refuse",
) -> RuleSetRow:  # fmt: skip
    """Save a draft, with the golden orders that its file may have beside the rules (`golden_orders`).

    An invalid one is refused as `check_rule_set` does. All golden orders are run against it: 422 with everything that
    is not as they want it, unless `golden` is `report`; what they found is kept, and the gate looks at it.
    """
    given = document.get(MEMBER, [])
    rules = check_rule_set(session, document=document, adapters=adapters)
    add_golden(session, documents=given, replace=True, adapters=adapters, author=author, at=at, path=f"/{MEMBER}")
    ran = run_golden_orders(session, rules=compile_rule_set(rules), adapters=adapters, at=at)
    if golden == "refuse":
        refuse_broken_golden(ran)
    row = RuleSetRow(
        rule_set_id=new_id(), version=repository.next_version(session), state="draft",
        content_hash=rules.content_hash, body=rules.document(), author=author, comment=comment, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if ran.orders:
        keep_run(session, row, ran, actor=author, at=at)
    return row


def check_rule_set(session: Session, *, document: Mapping[str, Any], adapters: Adapters) -> RuleSet:
    """The rules of a document; `InvalidInput` names every fault at once (path, line, column, reason, suggestion), also
    those of the golden orders that it has beside them.
    """
    rules = {member: value for member, value in document.items() if member != MEMBER}
    faults = validate_rule_set(rules, known_references(session, adapters, document=rules))
    given = document.get(MEMBER, [])
    if isinstance(given, list):
        faults += faults_of_golden(session, given, adapters, f"/{MEMBER}")
    else:
        faults.append(RuleFault(f"/{MEMBER}", "this is a list of golden orders"))
    if faults:
        shown = "; ".join(f"{fault.path}: {fault.reason}" for fault in faults[:5])
        raise InvalidInput(
            "invalid_rule_set", f"The rule set has {len(faults)} fault(s): {shown}",
            extra={"errors": [asdict(fault) for fault in faults]},
        )  # fmt: skip
    return read_rule_set(rules)


def activate_rule_set(
    session: Session, *, reference: str, actor: str, at: datetime, active: int | None = None
) -> RuleSetActivationRow:
    """Make a version that passes the gate decide from now on; the one before is retired.

    409 with every broken threshold where it does not pass, or where `active` (if given) is not the active version any
    more. Of several at once the first wins: for the others, the backtest was measured against what is gone.
    """
    _one_at_a_time(session)
    row = find_rule_set(session, reference)
    before = _still_active(session, active)
    if row.state == "active":
        raise StateConflict("already_active", f"Rule set version {row.version} is active already.")
    standing = stand(session, row, at=at)
    refuse_broken(standing, actor=actor)
    override = standing.override_for(actor) if standing.basis == "overridden" else None
    return _let_decide(
        session,
        row,
        before,
        RuleSetActivationRow(
            basis=standing.basis, gate_version=standing.gate_version,
            checks=[check.to_dict() for check in standing.checks],
            backtest_id=standing.backtest.backtest_id if standing.backtest else None,
            override_id=override.override_id if override else None,
            reason=override.reason if override else "" if standing.history else NO_HISTORY, actor=actor,
            activated_at=at,
        ),
    )  # fmt: skip


def roll_back(
    session: Session, *, actor: str, at: datetime, reason: str = "", active: int | None = None
) -> RuleSetActivationRow:
    """Let the version decide again that was active before the present one; it was active, so no gate is asked.

    409 where there is none, or where `active` (if given) is not the active version any more: two people who take back
    the same version take back one, not two.
    """
    _one_at_a_time(session)
    before = _still_active(session, active)
    came = repository_gate.came_in(session, before.rule_set_id) if before else None
    if before is None or came is None or came.replaced_id is None:
        told = "No rules are active" if before is None else f"Version {before.version} replaced no other"
        raise StateConflict("nothing_to_roll_back_to", f"{told}: activate the version that shall decide.")
    gate_version, _ = current_gate(session)
    activation = RuleSetActivationRow(
        basis="rollback", gate_version=gate_version, checks=[], reason=reason, actor=actor, activated_at=at
    )
    return _let_decide(session, find_rule_set(session, came.replaced_id), before, activation)


def _one_at_a_time(session: Session) -> None:
    """Whoever changes what is active waits here for another who does, and then sees what that one did."""
    lock_names(session, ["routing:active_rule_set"])


def _still_active(session: Session, expected: int | None) -> RuleSetRow | None:
    row = repository.active_rule_set(session)
    if expected is not None and expected != (row.version if row else 0):
        asked = f"Version {expected}" if expected else "The hub without rules"
        told = f"version {row.version}" if row else "no version"
        raise StateConflict(
            "not_active", f"{asked} does not decide any more, {told} does: look at it, then decide again."
        )
    return row


def _let_decide(
    session: Session, row: RuleSetRow, before: RuleSetRow | None, activation: RuleSetActivationRow
) -> RuleSetActivationRow:
    """Change over; publishes `routing.rules_activated`: orders that wait are planned by the new rules."""
    repository.retire_active(session)
    row.state, row.activated_at, row.activated_by = "active", activation.activated_at, activation.actor
    activation.activation_id, activation.rule_set_id = new_id(), row.rule_set_id
    activation.replaced_id = before.rule_set_id if before else None
    session.add(activation)
    session.flush()
    rolled_back = activation.basis == "rollback"
    record(
        session, actor=activation.actor, action="rule_set.rolled_back" if rolled_back else "rule_set.activated",
        subject_kind="rule_set", subject_id=row.rule_set_id, before={"version": before.version if before else None},
        after={"version": row.version, "basis": activation.basis, "reason": activation.reason},
        at=activation.activated_at,
    )  # fmt: skip
    publish(session, [rules_activated(rule_set_id=row.rule_set_id, cause=activation.activation_id)])
    return activation
