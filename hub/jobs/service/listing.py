"""Read jobs: open ones by anything, finished ones by what they were about."""

from collections.abc import Collection

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.jobs.tables import OPEN_STATES, JobRow
from hub.kit.errors import HubError

OPEN = ("ready", "leased", "parked")


def list_jobs(
    session: Session, *, states: Collection[str] | None, kind: str | None, queue: str | None, connection_id: str | None,
    subject_id: str | None, after: int | None, limit: int,
) -> list[JobRow]:  # fmt: skip
    """Jobs, newest first; without `states` the open ones, or all of a subject.

    Raises 400 where finished jobs are asked for by something that has no index over millions of them.
    """
    narrow = {"kind": kind, "queue": queue, "connection_id": connection_id}
    wanted = states or (None if subject_id is not None else OPEN)
    finished = wanted is None or not set(wanted) <= set(OPEN)
    if finished and subject_id is None and any(narrow.values()):
        raise HubError(
            400, "filter_too_wide", "Finished jobs are found by `subject`; kind, queue and connection narrow open jobs."
        )
    statement = select(JobRow).order_by(JobRow.job_id.desc()).limit(limit)
    if wanted is not None:
        statement = statement.where(JobRow.state.in_(wanted))
    if not finished:  # as the index of open jobs says it, word for word: SQLite knows it by nothing else
        statement = statement.where(text(OPEN_STATES))
    if subject_id is not None:
        statement = statement.where(JobRow.subject_id == subject_id)
    for name, value in narrow.items():
        if value is not None:
            statement = statement.where(getattr(JobRow, name) == value)
    return list(session.scalars(statement if after is None else statement.where(JobRow.job_id < after)))
