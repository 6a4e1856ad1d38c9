"""All SQL of the audit trail."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hub.audit.tables import AuditEntryRow


def add(session: Session, values: Mapping[str, Any]) -> None:
    """Insert one entry."""
    session.execute(insert(AuditEntryRow).values(**values))


def of_subject(
    session: Session, *, subject_kind: str, subject_id: str, before: str | None, limit: int
) -> Sequence[AuditEntryRow]:
    """Entries of one subject, the latest first, from below the id `before`."""
    query = (
        select(AuditEntryRow)
        .where(AuditEntryRow.subject_kind == subject_kind, AuditEntryRow.subject_id == subject_id)
        .order_by(AuditEntryRow.audit_entry_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditEntryRow.audit_entry_id < before)
    return session.scalars(query).all()
