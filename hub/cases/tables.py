"""Rows of cases."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, UtcDateTime

OPEN = "state = 'open'"


class CaseRow(Base):
    """Something that a person must decide. One open case for each `dedupe_key`; repeats raise `occurrences`."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'resolved')", name="state"),
        Index(
            "uq_cases_open_dedupe_key", "dedupe_key", unique=True,
            sqlite_where=text(OPEN), postgresql_where=text(OPEN),
        ),
        Index("ix_cases_state", "state", "case_id"),
        Index("ix_cases_state_kind", "state", "kind", "case_id"),
        Index("ix_cases_kind", "kind", "case_id"),
        Index("ix_cases_subject", "subject_kind", "subject_id", "case_id"),
    )  # fmt: skip

    case_id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10), server_default="open")
    dedupe_key: Mapped[str] = mapped_column(String(250))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(300))
    what_to_do: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    occurrences: Mapped[int] = mapped_column(Integer, server_default="1")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(String(80))
    resolution: Mapped[str | None] = mapped_column(Text)
