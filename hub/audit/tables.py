"""Rows of the audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, UtcDateTime


class AuditEntryRow(Base):
    """One thing that somebody did. Only ever inserted. `actor` is `key:<name>`, `plugin:<id>` or `hub`."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject_kind", "subject_id", "audit_entry_id"),
        Index("ix_audit_entries_actor", "actor", "audit_entry_id"),
    )

    audit_entry_id: Mapped[str] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(120))
    diff: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    correlation_id: Mapped[str | None] = mapped_column(String(80))
