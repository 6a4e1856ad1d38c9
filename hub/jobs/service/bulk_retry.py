"""Try what stopped again, after its cause is gone: by what went wrong, where, with which plugin, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from hub.jobs.service.retry import try_again
from hub.jobs.tables import OPEN_STATES, JobRow

AT_ONCE = 200
"""Jobs a transaction: whoever retries thousands must not keep workers from writing."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which parked jobs; None is any. `since` and `until` are about when they stopped, `until` excluded."""

    error_class: str | None = None
    connection_id: str | None = None
    kind: str | None = None
    plugin: str | None = None
    plugin_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """What one step did. `last` is the job to go on after; None when there is nothing left."""

    count: int
    last: int | None


def count_parked(session: Session, chosen: Chosen, *, after: int = 0) -> Mapping[str, int]:
    """How many there are, by error class."""
    statement = (
        select(JobRow.error_class, func.count())
        .where(*_conditions(chosen, after))
        .group_by(JobRow.error_class)
        .order_by(JobRow.error_class)
    )
    return {name or "unknown": count for name, count in session.execute(statement)}


def retry_parked(session: Session, chosen: Chosen, *, after: int, actor: str, at: datetime) -> Retried:
    """Let the next of them run again, oldest first. Each is visited once, however soon it stops again."""
    statement = (
        select(JobRow)
        .where(*_conditions(chosen, after))
        .order_by(JobRow.job_id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(statement))
    try_again(session, rows, actor=actor, at=at)
    return Retried(len(rows), rows[-1].job_id if len(rows) == AT_ONCE else None)


def _conditions(chosen: Chosen, after: int) -> list[ColumnElement[bool]]:
    equal = {
        "error_class": chosen.error_class, "connection_id": chosen.connection_id, "kind": chosen.kind,
        "plugin": chosen.plugin, "plugin_version": chosen.plugin_version,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [text(OPEN_STATES), JobRow.state == "parked", JobRow.job_id > after]  # type: ignore[list-item]
    found.extend(getattr(JobRow, name) == value for name, value in equal.items() if value is not None)
    if chosen.since is not None:
        found.append(JobRow.due_at >= chosen.since)
    if chosen.until is not None:
        found.append(JobRow.due_at < chosen.until)
    return found
