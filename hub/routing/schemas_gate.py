"""Backtests, the gate, overrides, activations and differences of rule sets on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from hub.kit.db import Base
from hub.kit.web_types import In, Out
from hub.routing import repository_gate
from hub.routing.rules.gate import Gate
from hub.routing.rules.rule_set_diff import RuleSetDiff
from hub.routing.schemas import DifferenceOut, RuleSetOut
from hub.routing.service.gate import BUILT_IN, Standing, find_rule_set
from hub.routing.tables import BacktestRow, RoutingGateRow, RuleSetActivationRow, RuleSetRow

Versions = Mapping[str | None, int]
"""The numbers of rule sets by id (`hub.routing.repository_gate.versions`)."""
Reason = Annotated[str, Field(min_length=1, max_length=2000)]


class BacktestSummary(Out):
    """A backtest that is kept, as lists show it.

    `before` is what was decided, `after` what `version` would have decided, over the newest `orders`;
    `against_version` was active meanwhile (null: none). `differing` orders would have been sent otherwise,
    `reproduced` ones were decided again bit for bit by the rules that decided them, `skipped` counts by reason those
    that could not be computed again. Rates are in thousandths, freight in minor units.
    """

    backtest_id: str
    rule_set_id: str
    version: int
    against_version: int | None
    last: int
    orders: int
    differing: int
    reproduced: int
    skipped: dict[str, int]
    before: dict[str, Any]
    after: dict[str, Any]
    summary: str
    actor: str
    ran_at: datetime

    @classmethod
    def of(cls, row: BacktestRow, versions: Versions) -> "BacktestSummary":
        """A stored one."""
        version, against = versions[row.rule_set_id], versions.get(row.against_id)
        return cls.model_validate({**_columns(row), "version": version, "against_version": against})


class BacktestDetail(BacktestSummary):
    """A backtest with its first differences; `next_cursor` leads on at `/v1/routing/backtests/{id}/differences`."""

    differences: list[DifferenceOut]
    next_cursor: str | None


class GateOut(Out):
    """The thresholds that a version must keep to go live; version 0 is built in."""

    version: int
    thresholds: Gate
    comment: str
    author: str | None
    created_at: datetime | None

    @classmethod
    def of(cls, row: RoutingGateRow | None) -> "GateOut":
        """Stored thresholds, or the built-in ones."""
        if row is None:
            return cls(version=BUILT_IN, thresholds=Gate(), comment="built in", author=None, created_at=None)
        return cls.model_validate({**_columns(row), "thresholds": row.body})


class GateIn(In):
    """All thresholds anew: one that is left out gets its built-in value, null is not looked at."""

    thresholds: Gate
    comment: str = Field("", max_length=2000, description="Why they are changed.")


class CheckOut(Out):
    """A threshold and the figure that it is about; `limit` is the lowest or highest that `after` may be."""

    figure: str
    before: int | None
    after: int | None
    limit: int | None
    holds: bool
    detail: str


class OverrideIn(In):
    """Let a version pass as it stands now."""

    reason: Reason = Field(description="Why it may go live all the same; kept for ever.")


class OverrideOut(Out):
    """Somebody let a version pass: for what was broken, as it was measured, and for nothing else."""

    override_id: str
    rule_set_id: str
    backtest_id: str | None
    golden_run_id: str | None
    gate_version: int
    broken: list[CheckOut]
    reason: str
    actor: str
    made_at: datetime


class StandingOut(Out):
    """How a version stands before the gate.

    `basis` is what lets it pass: `rehearsed`, `overridden` or `no_history` (nothing to rehearse on); null: nothing.
    """

    rule_set_id: str
    version: int
    state: str
    active_version: int | None
    gate_version: int
    backtest_id: str | None
    golden_run_id: str | None
    basis: str | None
    checks: list[CheckOut]
    overrides: list[OverrideOut]

    @classmethod
    def of(cls, standing: Standing) -> "StandingOut":
        """How it stands."""
        row, active, backtest = standing.rule_set, standing.active, standing.backtest
        return cls(
            rule_set_id=row.rule_set_id, version=row.version, state=row.state,
            active_version=active.version if active else None, gate_version=standing.gate_version,
            backtest_id=backtest.backtest_id if backtest else None,
            golden_run_id=standing.golden_run.run_id if standing.golden_run else None, basis=standing.basis,
            checks=[CheckOut.model_validate(check) for check in standing.checks],
            overrides=[OverrideOut.model_validate(override) for override in standing.overrides],
        )  # fmt: skip


class ActiveIn(In):
    """What the caller has seen."""

    active: int | None = Field(
        None, ge=0, description="Do it only while this version is active (0: none), else 409: two people act once."
    )


class RollbackIn(ActiveIn):
    """Take the active version back."""

    reason: str = Field("", max_length=2000, description="Why; kept for ever.")


class ActivationOut(Out):
    """A version began to decide. `basis`: `rehearsed`, `overridden`, `no_history` or `rollback`."""

    activation_id: str
    rule_set_id: str
    version: int
    replaced_version: int | None
    basis: str
    gate_version: int
    checks: list[CheckOut]
    backtest_id: str | None
    override_id: str | None
    reason: str
    actor: str
    activated_at: datetime

    @classmethod
    def of(cls, row: RuleSetActivationRow, versions: Versions) -> "ActivationOut":
        """A stored one."""
        version, replaced = versions[row.rule_set_id], versions.get(row.replaced_id)
        return cls.model_validate({**_columns(row), "version": version, "replaced_version": replaced})


class ActivatedOut(RuleSetOut):
    """The version that decides now, and what let it pass."""

    activation: ActivationOut

    @classmethod
    def of(cls, session: Session, activation: RuleSetActivationRow) -> "ActivatedOut":
        """What a stored activation came to."""
        row = find_rule_set(session, activation.rule_set_id)
        versions = repository_gate.versions(session, [activation.rule_set_id, activation.replaced_id])
        return cls.model_validate({**_columns(row), "activation": ActivationOut.of(activation, versions)})


class MemberChangeOut(Out):
    """A member has another value."""

    member: str
    before: Any
    after: Any


class EntryChangeOut(Out):
    """A clause of `when` or an action of `then` was `added` or `removed`; `place` counts from 1."""

    member: str
    change: str
    place: int
    entry: Any


class RuleChangeOut(Out):
    """What differs in a rule that both versions have."""

    rule: str
    members: list[MemberChangeOut]
    entries: list[EntryChangeOut]


class MovedOut(Out):
    """A rule stands elsewhere among the rules that both versions have; places count from 1."""

    rule: str
    before: int
    after: int


class SectionDiffOut(Out):
    """What differs in one section."""

    section: str
    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[RuleChangeOut]
    moved: list[MovedOut]


class DiffOut(Out):
    """What is to be changed to get from version `before` to version `after`."""

    before: int
    after: int
    equal: bool
    members: list[MemberChangeOut]
    sections: list[SectionDiffOut]

    @classmethod
    def of(cls, before: RuleSetRow, after: RuleSetRow, found: RuleSetDiff) -> "DiffOut":
        """The differences of two stored versions."""
        return cls.model_validate(
            {**found.to_dict(), "before": before.version, "after": after.version, "equal": not found}
        )


def _columns(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
