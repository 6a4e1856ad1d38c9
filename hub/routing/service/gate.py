"""The gate before a version decides: its thresholds, how a version stands, and who lets it pass all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.kit.errors import HubError, InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id
from hub.routing import repository, repository_gate, repository_golden
from hub.routing.rules.gate import Check, Gate, Rehearsal, broken, judge
from hub.routing.tables import BacktestRow, GoldenRunRow, RoutingGateRow, RuleSetOverrideRow, RuleSetRow

Basis = Literal["rehearsed", "overridden", "no_history", "rollback"]
BUILT_IN = 0
"""The version of the thresholds of a hub where nobody has set any."""
GOLDEN_RUN, GOLDEN = "golden_run", "golden_orders"
"""The checks that golden orders were run as they are now, and that none is broken."""
NO_HISTORY = "Nothing to rehearse on: no order was decided about yet."


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version stands before the gate; without any history there are only golden orders to check.

    `overrides` are those that cover everything that is broken, newest first.
    """

    rule_set: RuleSetRow
    active: RuleSetRow | None
    gate_version: int
    history: bool
    backtest: BacktestRow | None
    golden_run: GoldenRunRow | None
    checks: tuple[Check, ...]
    overrides: tuple[RuleSetOverrideRow, ...]

    @property
    def broken(self) -> list[Check]:
        """What does not hold."""
        return broken(self.checks)

    def override_for(self, actor: str) -> RuleSetOverrideRow | None:
        """The newest that somebody else than `actor` gave."""
        return next((row for row in self.overrides if row.actor != actor), None)

    @property
    def basis(self) -> Basis | None:
        """What lets it pass; None: it does not."""
        if self.broken:
            return "overridden" if self.overrides else None
        return "rehearsed" if self.history else "no_history"


def current_gate(session: Session) -> tuple[int, Gate]:
    """The thresholds that count, and their version."""
    row = repository_gate.current_gate(session)
    return (BUILT_IN, Gate()) if row is None else (row.version, Gate.model_validate(row.body))


def read_gate(document: Mapping[str, Any]) -> Gate:
    """Thresholds as people write them; `InvalidInput` names every fault at once."""
    try:
        return Gate.model_validate(dict(document))
    except ValidationError as error:
        faults = [
            {"field": ".".join(map(str, fault["loc"])), "detail": fault["msg"]}
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        listed = "; ".join(f"{fault['field']}: {fault['detail']}" for fault in faults)
        raise InvalidInput(
            "invalid_gate", f"The thresholds do not fit: {listed}. There are {', '.join(Gate.model_fields)}.",
            extra={"errors": faults},
        ) from error  # fmt: skip


def save_gate(session: Session, *, gate: Gate, author: str, comment: str, at: datetime) -> RoutingGateRow:
    """New thresholds: a version of its own, which counts from now on."""
    version, before = current_gate(session)
    row = RoutingGateRow(
        version=version + 1, body=gate.model_dump(mode="json"), comment=comment, author=author, created_at=at
    )
    session.add(row)
    session.flush()
    record(
        session, actor=author, action="routing_gate.changed", subject_kind="routing_gate", subject_id=str(row.version),
        before=before.model_dump(mode="json"), after=dict(row.body), at=at,
    )  # fmt: skip
    return row


def stand(session: Session, row: RuleSetRow, *, at: datetime) -> Standing:
    """How a version stands now: by its newest backtest, since it was last active, against what is active."""
    active = repository.active_rule_set(session)
    gate_version, gate = current_gate(session)
    history = repository_gate.has_decisions(session)
    backtest = repository_gate.latest_backtest(session, row.rule_set_id, since=row.activated_at)
    rehearsal = None if backtest is None else _rehearsal(session, backtest, at)
    checks = judge(gate, rehearsal, active=active.version if active else None) if history else ()
    golden_run = repository_golden.latest_run(session, row.rule_set_id)
    checks += _golden(repository_golden.stamp(session), golden_run)
    given = repository_gate.overrides(session, row.rule_set_id, before=None, limit=50)
    standing = Standing(row, active, gate_version, history, backtest, golden_run, checks, overrides=())
    return replace(standing, overrides=tuple(each for each in given if _covers(each, standing, gate, at)))


def let_pass(session: Session, *, reference: str, reason: str, actor: str, at: datetime) -> RuleSetOverrideRow:
    """A second person lets a version pass: for what is broken now, as it was measured, and for nothing else.

    It holds as long as a backtest does, and while the same version is active. 403 for the author of the version.
    """
    row = find_rule_set(session, reference)
    if row.state == "active":
        raise StateConflict("already_active", f"Rule set version {row.version} is active already.")
    if actor == row.author:
        raise HubError(
            403, "second_person_needed",
            f"{actor} wrote version {row.version}: somebody else must look at it and let it pass.",
        )  # fmt: skip
    standing = stand(session, row, at=at)
    if not standing.broken:
        raise StateConflict(
            "nothing_to_override", f"Version {row.version} passes the gate: activate it, nobody needs to let it pass."
        )
    override = RuleSetOverrideRow(
        override_id=new_id(), rule_set_id=row.rule_set_id,
        against_id=standing.active.rule_set_id if standing.active else None,
        backtest_id=standing.backtest.backtest_id if standing.backtest else None,
        golden_run_id=standing.golden_run.run_id if standing.golden_run else None,
        gate_version=standing.gate_version, broken=[check.to_dict() for check in standing.broken], reason=reason,
        actor=actor, made_at=at,
    )  # fmt: skip
    session.add(override)
    session.flush()
    record(
        session, actor=actor, action="rule_set.overridden", subject_kind="rule_set", subject_id=row.rule_set_id,
        after={
            "version": row.version, "reason": reason, "broken": [check.detail for check in standing.broken],
            "gate_version": standing.gate_version,
        },
        at=at,
    )  # fmt: skip
    return override


def refuse_broken(standing: Standing, *, actor: str) -> None:
    """409 with every broken threshold where nothing lets the version pass; 403 where only `actor` does."""
    version = standing.rule_set.version
    if standing.basis is None:
        faults = [check.to_dict() for check in standing.broken]
        raise StateConflict(
            "gate_not_passed",
            f"Version {version} does not pass the gate ({len(faults)} of {len(standing.checks)} checks): "
            f"{_advice(version, standing.broken)}",
            extra={"errors": faults, "rule_set_version": version, "gate_version": standing.gate_version},
        )
    if standing.basis == "overridden" and standing.override_for(actor) is None:
        raise HubError(
            403, "second_person_needed",
            f"{actor} let version {version} pass and cannot activate it too: whoever asked for it, or somebody else, "
            "must.",
        )  # fmt: skip


def find_rule_set(session: Session, reference: str) -> RuleSetRow:
    """One version by id, by its number, or `active`."""
    row = repository.active_rule_set(session) if reference == "active" else repository.rule_set(session, reference)
    if row is None:
        raise NotFound("rule_set", reference)
    return row


def _advice(version: int, faults: Sequence[Check]) -> str:
    figures, advice = {check.figure for check in faults}, []
    if figures & {GOLDEN_RUN, GOLDEN}:
        advice.append(f"see its golden orders (`hub routing golden run {version}`), correct the rules or them")
    if "rehearsed" in figures:
        advice.append(f"rehearse it (`hub routing backtest {version}`, POST /v1/routing/rule-sets/{version}/backtests)")
    elif figures - {GOLDEN_RUN, GOLDEN}:
        advice.append("see `errors`, correct the rules or run the backtest again")
    first = "; ".join(advice)
    return (
        f"{first}; or a second person lets it pass (`hub routing override {version} --reason ...`, "
        f"POST /v1/routing/rule-sets/{version}/overrides)."
    )


def _rehearsal(session: Session, row: BacktestRow, at: datetime) -> Rehearsal:
    return Rehearsal(
        against=repository_gate.versions(session, [row.against_id]).get(row.against_id), age=at - row.ran_at,
        last=row.last, orders=row.orders, skipped=sum(row.skipped.values()), reproduced=row.reproduced,
        before=row.before, after=row.after,
    )  # fmt: skip


def _golden(stamp: str | None, run: GoldenRunRow | None) -> tuple[Check, ...]:
    """Whether all golden orders, as they are now, were run against it and are as they want it; none: no check."""
    if stamp is None:
        return ()
    if run is None or run.stamp != stamp:
        told = "they were not run against it" if run is None else "they have changed since they were run"
        told = f"{GOLDEN_RUN}: {told}; `hub routing golden run VERSION` does it"
        return (Check(GOLDEN_RUN, None, None, None, False, told),)
    names = list(dict.fromkeys(fault["golden"] for fault in run.broken))
    told = f"{GOLDEN}: {len(names)} of {run.orders} broken" + (f" ({', '.join(names)})" if names else "")
    return (Check(GOLDEN, None, len(names), 0, not names, told),)


def _covers(override: RuleSetOverrideRow, standing: Standing, gate: Gate, at: datetime) -> bool:
    """Whether it is about this very measurement, young enough, and names everything that is broken."""
    active, backtest, since = standing.active, standing.backtest, standing.rule_set.activated_at
    if override.against_id != (active.rule_set_id if active else None):
        return False
    if override.backtest_id != (backtest.backtest_id if backtest else None):
        return False
    if override.golden_run_id != (standing.golden_run.run_id if standing.golden_run else None):
        return False
    if since is not None and override.made_at <= since:
        return False
    if gate.maximum_age_days is not None and at - override.made_at > timedelta(days=gate.maximum_age_days):
        return False
    named = {_name(check) for check in override.broken}
    return all(check.figure in named for check in standing.broken)


def _name(check: Mapping[str, Any]) -> str:
    return str(check["figure"])
