"""All SQL of backtests, the gate, overrides and activations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_rows
from hub.routing.tables import (
    BacktestDifferenceRow,
    BacktestRow,
    RoutingDecisionRow,
    RoutingGateRow,
    RuleSetActivationRow,
    RuleSetOverrideRow,
    RuleSetRow,
)

DIFFERENCES: Table = BacktestDifferenceRow.__table__  # type: ignore[assignment]


def has_decisions(session: Session) -> bool:
    """Whether any order was ever decided about."""
    return session.scalar(select(RoutingDecisionRow.decision_id).limit(1)) is not None


def versions(session: Session, rule_set_ids: Iterable[str | None]) -> dict[str | None, int]:
    """The numbers of rule sets by id."""
    wanted = {rule_set_id for rule_set_id in rule_set_ids if rule_set_id is not None}
    statement = select(RuleSetRow.rule_set_id, RuleSetRow.version).where(RuleSetRow.rule_set_id.in_(wanted))
    return dict(session.execute(statement).all())


def mark_rehearsed(session: Session, rule_set_id: str) -> None:
    """A draft was rehearsed; what was active before stays retired."""
    session.execute(
        update(RuleSetRow)
        .where(RuleSetRow.rule_set_id == rule_set_id, RuleSetRow.state == "draft")
        .values(state="rehearsed")
        .execution_options(synchronize_session=False)
    )


def insert_differences(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what a backtest found, order by order."""
    insert_rows(session, DIFFERENCES, rows)


def latest_backtest(session: Session, rule_set_id: str, *, since: datetime | None) -> BacktestRow | None:
    """The newest backtest of a version; one that ran later than `since`."""
    statement = select(BacktestRow).where(BacktestRow.rule_set_id == rule_set_id)
    if since is not None:
        statement = statement.where(BacktestRow.ran_at > since)
    return session.scalars(statement.order_by(BacktestRow.backtest_id.desc()).limit(1)).one_or_none()


def backtests(session: Session, *, rule_set_id: str | None, before: str | None, limit: int) -> list[BacktestRow]:
    """Backtests, newest first."""
    statement = select(BacktestRow).order_by(BacktestRow.backtest_id.desc()).limit(limit)
    if rule_set_id is not None:
        statement = statement.where(BacktestRow.rule_set_id == rule_set_id)
    return list(session.scalars(statement if before is None else statement.where(BacktestRow.backtest_id < before)))


def differences(session: Session, backtest_id: str, *, after: int, limit: int) -> list[BacktestDifferenceRow]:
    """What a backtest found, from a place on."""
    statement = select(BacktestDifferenceRow).where(BacktestDifferenceRow.backtest_id == backtest_id)
    statement = statement.where(BacktestDifferenceRow.place > after).order_by(BacktestDifferenceRow.place)
    return list(session.scalars(statement.limit(limit)))


def old_differences(session: Session, *, ran_before: datetime, limit: int | None) -> list[tuple[str, int]]:
    """Keys of what backtests found that ran earlier, the oldest first."""
    statement = select(BacktestDifferenceRow.backtest_id, BacktestDifferenceRow.place).join(
        BacktestRow, BacktestRow.backtest_id == BacktestDifferenceRow.backtest_id
    )
    statement = statement.where(BacktestRow.ran_at < ran_before)
    statement = statement.order_by(BacktestDifferenceRow.backtest_id, BacktestDifferenceRow.place).limit(limit)
    return [(row.backtest_id, row.place) for row in session.execute(statement)]


def forget_differences(session: Session, keys: Sequence[tuple[str, int]]) -> None:
    """Drop what backtests found, order by order; their figures stay."""
    for backtest_id, places in groupby(keys, key=itemgetter(0)):
        session.execute(
            delete(DIFFERENCES).where(
                DIFFERENCES.c.backtest_id == backtest_id,
                among(session, DIFFERENCES.c.place, [place for _, place in places]),
            )
        )


def current_gate(session: Session) -> RoutingGateRow | None:
    """The newest thresholds; None where nobody has set any."""
    return session.scalars(select(RoutingGateRow).order_by(RoutingGateRow.version.desc()).limit(1)).one_or_none()


def gates(session: Session, *, before: int | None, limit: int) -> list[RoutingGateRow]:
    """Versions of the thresholds, newest first."""
    statement = select(RoutingGateRow).order_by(RoutingGateRow.version.desc()).limit(limit)
    return list(session.scalars(statement if before is None else statement.where(RoutingGateRow.version < before)))


def overrides(session: Session, rule_set_id: str, *, before: str | None, limit: int) -> list[RuleSetOverrideRow]:
    """Who let a version pass, newest first."""
    statement = select(RuleSetOverrideRow).where(RuleSetOverrideRow.rule_set_id == rule_set_id)
    statement = statement.order_by(RuleSetOverrideRow.override_id.desc()).limit(limit)
    return list(
        session.scalars(statement if before is None else statement.where(RuleSetOverrideRow.override_id < before))
    )


def activations(session: Session, *, before: str | None, limit: int) -> list[RuleSetActivationRow]:
    """Which version began to decide when, newest first."""
    statement = select(RuleSetActivationRow).order_by(RuleSetActivationRow.activation_id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(RuleSetActivationRow.activation_id < before)
    return list(session.scalars(statement))


def came_in(session: Session, rule_set_id: str) -> RuleSetActivationRow | None:
    """How a version last began to decide, other than by being brought back."""
    statement = select(RuleSetActivationRow).where(
        RuleSetActivationRow.rule_set_id == rule_set_id, RuleSetActivationRow.basis != "rollback"
    )
    return session.scalars(statement.order_by(RuleSetActivationRow.activation_id.desc()).limit(1)).one_or_none()
