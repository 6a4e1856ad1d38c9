"""Backtests that are kept: what a version would have decided, measured for the gate that it must pass."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.jobs.service.retention import Swept
from hub.kit.db import Database
from hub.kit.errors import NotFound
from hub.kit.ids import is_id, new_id
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.routing import repository, repository_gate
from hub.routing.rules.backtest import Comparison, summary
from hub.routing.service.backtest import backtest
from hub.routing.tables import BacktestRow


@dataclass(frozen=True, slots=True)
class Subject:
    """What is rehearsed, and which version is active meanwhile (None: none)."""

    rule_set_id: str
    against_id: str | None
    rules: CompiledRuleSet


def rehearse(
    database: Database, *, reference: str, adapters: Adapters, last: int, actor: str, at: datetime,
    tell: Callable[[int], None],
) -> tuple[BacktestRow, Comparison]:  # fmt: skip
    """Let a version decide about the last orders again, keep what came of it; a draft is `rehearsed` from then on.

    It computes in a transaction that only reads, and writes in a short one afterwards: others are not kept waiting.
    """
    with database.read_only() as session:
        subject = _subject(session, reference)
        found = backtest(session, rules=subject.rules, adapters=adapters, last=last, tell=tell)
    with database.write() as session:
        return _keep(session, subject, found, last=last, actor=actor, at=at), found


def find_backtest(session: Session, backtest_id: str) -> BacktestRow:
    """One that was kept."""
    row = session.get(BacktestRow, backtest_id) if is_id(backtest_id) else None
    if row is None:
        raise NotFound("backtest", backtest_id)
    return row


def sweep_differences(session: Session, *, before: datetime, limit: int, dry: bool) -> Swept:
    """What old backtests found, order by order. Their figures stay: activations and overrides are founded on them."""
    keys = repository_gate.old_differences(session, ran_before=before, limit=None if dry else limit)
    if not dry:
        repository_gate.forget_differences(session, keys)
    return Swept(len(keys), "", "", more=not dry and len(keys) == limit)


def _subject(session: Session, reference: str) -> Subject:
    row, active = repository.rule_set(session, reference), repository.active_rule_set(session)
    if row is None:
        raise NotFound("rule_set", reference)
    return Subject(row.rule_set_id, active.rule_set_id if active else None, compile_rule_set(read_rule_set(row.body)))


def _keep(session: Session, subject: Subject, found: Comparison, *, last: int, actor: str, at: datetime) -> BacktestRow:
    row = BacktestRow(
        backtest_id=new_id(), rule_set_id=subject.rule_set_id, against_id=subject.against_id, last=last,
        orders=found.before.orders, differing=len(found.differences), reproduced=found.reproduced,
        skipped=dict(sorted(found.skipped.items())), before=found.before.to_dict(), after=found.after.to_dict(),
        summary=summary(found), actor=actor, ran_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    repository_gate.insert_differences(
        session,
        [
            {"backtest_id": row.backtest_id, "place": place, "body": asdict(difference)}
            for place, difference in enumerate(found.differences, 1)
        ],
    )
    repository_gate.mark_rehearsed(session, subject.rule_set_id)
    return row
