"""Read jobs: open ones by anything, finished ones by what they were about."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.orm import Session

from hub.jobs.tables import OPEN_STATES, JobRow
from hub.kit.errors import HubError

OPEN = ("ready", "leased", "parked")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open jobs; None is any. `since` and `until` (excluded) are about `due_at`: when parked ones stopped, when
    the others are due.
    """

    kind: str | None = None
    queue: str | None = None
    connection_id: str | None = None
    error_class: str | None = None
    plugin: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What is asked for, as SQL."""
        equal = {
            JobRow.kind: self.kind, JobRow.queue: self.queue, JobRow.connection_id: self.connection_id,
            JobRow.error_class: self.error_class, JobRow.plugin: self.plugin,
        }  # fmt: skip
        found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
        if self.since is not None:
            found.append(JobRow.due_at >= self.since)
        if self.until is not None:
            found.append(JobRow.due_at < self.until)
        return found


ANY = Wanted()


def list_jobs(
    session: Session, *, states: Collection[str] | None = None, subject_id: str | None = None, wanted: Wanted = ANY,
    after: int | None, limit: int,
) -> list[JobRow]:  # fmt: skip
    """Jobs, newest first; without `states` the open ones, or all of a subject.

    Raises 400 where finished jobs are asked for by something that has no index over millions of them.
    """
    chosen = states or (None if subject_id is not None else OPEN)
    finished = chosen is None or not set(chosen) <= set(OPEN)
    if finished and subject_id is None and wanted != ANY:
        raise HubError(
            400, "filter_too_wide",
            "Finished jobs are found by `subject`; all else narrows open jobs: leave out `state`, or name a subject.",
        )  # fmt: skip
    statement: Select[Any] = select(JobRow).where(*wanted.conditions).order_by(JobRow.job_id.desc()).limit(limit)
    if chosen is not None:
        statement = statement.where(JobRow.state.in_(chosen))
    if not finished:  # as the index of open jobs says it, word for word: SQLite knows it by nothing else
        statement = statement.where(text(OPEN_STATES))
    if subject_id is not None:
        statement = statement.where(JobRow.subject_id == subject_id)
    return list(session.scalars(statement if after is None else statement.where(JobRow.job_id < after)))
