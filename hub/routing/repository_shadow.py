"""All SQL about shadowed versions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, func, select, update
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_rows
from hub.routing.repository import DECISIONS
from hub.routing.tables import RuleSetRow, ShadowDisagreementRow, ShadowRow

DISAGREEMENTS: Table = ShadowDisagreementRow.__table__  # type: ignore[assignment]
NOT_YET = ("draft", "rehearsed")
"""States of versions that may be shadowed: they have not decided anything yet."""


def running(session: Session) -> ShadowRow | None:
    """The shadow that is asked about live orders; none where its version was activated or retired meanwhile."""
    statement = select(ShadowRow).join(RuleSetRow, RuleSetRow.rule_set_id == ShadowRow.rule_set_id)
    return session.scalars(
        statement.where(ShadowRow.state == "running", RuleSetRow.state.in_(NOT_YET))
    ).one_or_none()  # fmt: skip


def marked_running(session: Session) -> tuple[ShadowRow, RuleSetRow] | None:
    """The shadow that nobody has ended, with its version, locked against others who change it."""
    statement = select(ShadowRow, RuleSetRow).join(RuleSetRow, RuleSetRow.rule_set_id == ShadowRow.rule_set_id)
    found = session.execute(statement.where(ShadowRow.state == "running").with_for_update(of=ShadowRow)).one_or_none()
    return None if found is None else (found[0], found[1])


def newest_of(session: Session, rule_set_id: str) -> ShadowRow | None:
    """The last shadow of a version."""
    statement = select(ShadowRow).where(ShadowRow.rule_set_id == rule_set_id).order_by(ShadowRow.shadow_id.desc())
    return session.scalars(statement.limit(1)).one_or_none()


def decisions(session: Session, decision_ids: Collection[str]) -> list[Row[Any]]:
    """Live decisions in the order in which they were made."""
    statement = select(DECISIONS).where(among(session, DECISIONS.c.decision_id, decision_ids))
    return list(session.execute(statement.order_by(DECISIONS.c.decision_id)))


def count(session: Session, shadow_id: str, *, agreed: int, disagreed: int, failed: int, micros: int,
          error: str | None) -> None:  # fmt: skip
    """Add to the counts of a shadow; an error replaces the last one."""
    values: dict[str, Any] = {
        "agreed": ShadowRow.agreed + agreed, "disagreed": ShadowRow.disagreed + disagreed,
        "failed": ShadowRow.failed + failed, "spent_micros": ShadowRow.spent_micros + micros,
    }  # fmt: skip
    if error is not None:
        values["last_error"] = error
    session.execute(
        update(ShadowRow)
        .where(ShadowRow.shadow_id == shadow_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def insert_disagreements(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep disagreements."""
    insert_rows(session, DISAGREEMENTS, rows)


def disagreements(
    session: Session, shadow_id: str, *, before: str | None, limit: int
) -> list[ShadowDisagreementRow]:  # fmt: skip
    """Disagreements of a shadow, newest first."""
    statement = select(ShadowDisagreementRow).where(ShadowDisagreementRow.shadow_id == shadow_id)
    if before is not None:
        statement = statement.where(ShadowDisagreementRow.disagreement_id < before)
    return list(session.scalars(statement.order_by(ShadowDisagreementRow.disagreement_id.desc()).limit(limit)))


def count_old(session: Session, *, found_before: datetime) -> int:
    """Disagreements that were found earlier."""
    statement = select(func.count()).select_from(ShadowDisagreementRow)
    return session.scalar(statement.where(ShadowDisagreementRow.found_at < found_before)) or 0


def forget_old(session: Session, *, found_before: datetime, limit: int) -> int:
    """Drop some of these; how many."""
    statement = select(ShadowDisagreementRow.disagreement_id).where(ShadowDisagreementRow.found_at < found_before)
    gone = list(session.scalars(statement.order_by(ShadowDisagreementRow.found_at).limit(limit)))
    session.execute(delete(DISAGREEMENTS).where(among(session, DISAGREEMENTS.c.disagreement_id, gone)))
    return len(gone)
