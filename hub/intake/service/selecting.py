"""Choose messages whose documents are kept: by what went wrong, where, with which plugin, and when they came."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from hub.intake.service.figures import OPEN
from hub.intake.tables import OPEN_STATES, InboundMessageRow

COUNTED = 100_000
"""Counting stops here: whoever asks wants to know how much there is, and not to read the whole table for it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages; None is any. `plugin_version` is the version that read them last, `since` and `until` are about
    when they came, `until` excluded.
    """

    plugin: str | None = None
    plugin_version: str | None = None
    state: str | None = None
    connection_id: str | None = None
    error_class: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def count_messages(session: Session, selection: Selection, *, after: str | None = None) -> int:
    """How many there are, at most `COUNTED`."""
    found = select(InboundMessageRow.message_id).where(*_conditions(selection, after)).limit(COUNTED)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def select_messages(session: Session, selection: Selection, *, after: str | None = None, limit: int) -> list[str]:
    """Ids of the next of them, the oldest first."""
    statement = select(InboundMessageRow.message_id).where(*_conditions(selection, after))
    return list(session.scalars(statement.order_by(InboundMessageRow.message_id).limit(limit)))


def _conditions(selection: Selection, after: str | None) -> list[ColumnElement[bool]]:
    equal = {
        "plugin": selection.plugin, "plugin_version": selection.plugin_version, "state": selection.state,
        "connection_id": selection.connection_id, "error_class": selection.error_class,
    }  # fmt: skip
    # there is nothing to read in what was kept as long as it may be
    found: list[ColumnElement[bool]] = [InboundMessageRow.emptied_at.is_(None)]
    found.extend(getattr(InboundMessageRow, name) == value for name, value in equal.items() if value is not None)
    if selection.since is not None:
        found.append(InboundMessageRow.received_at >= selection.since)
    if selection.until is not None:
        found.append(InboundMessageRow.received_at < selection.until)
    if after is not None:
        found.append(InboundMessageRow.message_id > after)
    if selection.state in OPEN:  # a partial index does not match a bound parameter on SQLite
        found.append(text(OPEN_STATES))  # type: ignore[arg-type]
    return found
