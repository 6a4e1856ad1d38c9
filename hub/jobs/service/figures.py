"""Figures of the job engine."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from hub.jobs.tables import DUE_STATES, OPEN_STATES, ConnectionHealthRow, EffectRow, JobRow, ScheduleRow


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """How many jobs of a queue are in a state, and when the oldest was asked for."""

    queue: str
    state: str
    count: int
    oldest: datetime
    retrying: int


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue at this moment. `ready` waits, of which `retrying` failed before; `oldest` is when the oldest job
    that is not parked was asked for.
    """

    queue: str
    ready: int = 0
    running: int = 0
    retrying: int = 0
    parked: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A connection that is not called now: it is paused for a person, its circuit is open, or it asked for time."""

    connection_id: str
    reason: str


def open_jobs(session: Session) -> list[OpenJobs]:
    """Open jobs by queue and state; read from the index of open jobs alone."""
    statement = (
        select(
            JobRow.queue,
            JobRow.state,
            func.count(),
            func.min(JobRow.created_at),
            func.sum(case((JobRow.attempts > 0, 1), else_=0)),
        )
        .where(text(OPEN_STATES))
        .group_by(JobRow.queue, JobRow.state)
    )
    return [OpenJobs(*row) for row in session.execute(statement)]


def queues(session: Session) -> list[QueueFigures]:
    """The queues with open jobs, by name."""
    found: dict[str, QueueFigures] = {}
    for figure in open_jobs(session):
        known = found.get(figure.queue, QueueFigures(figure.queue))
        if figure.state == "parked":
            found[figure.queue] = replace(known, parked=figure.count)
            continue
        oldest = figure.oldest if known.oldest is None else min(known.oldest, figure.oldest)
        if figure.state == "ready":
            known = replace(known, ready=figure.count, retrying=figure.retrying)
        else:
            known = replace(known, running=figure.count)
        found[figure.queue] = replace(known, oldest=oldest)
    return [found[name] for name in sorted(found)]


def waiting_since(session: Session) -> dict[str, datetime]:
    """When the oldest open job of each connection was asked for; parked ones, which wait for a person, do not count."""
    statement = (
        select(JobRow.connection_id, func.min(JobRow.created_at))
        .where(text(DUE_STATES), JobRow.connection_id.is_not(None))
        .group_by(JobRow.connection_id)
    )
    return {connection_id: oldest for connection_id, oldest in session.execute(statement) if connection_id}


def blocked(session: Session, *, now: datetime) -> list[Blocked]:
    """Connections that are not called now; there is one row a connection, so all are looked at."""
    rows = session.scalars(select(ConnectionHealthRow).order_by(ConnectionHealthRow.connection_id))
    return [
        Blocked(row.connection_id, "paused" if row.paused_reason else "circuit" if row.opened else "rate_limit")
        for row in rows
        if row.paused_reason or (row.blocked_until is not None and row.blocked_until > now)
    ]


def effects_in_doubt(session: Session) -> int:
    """Side effects of which nobody knows whether they happened."""
    return session.scalar(select(func.count()).where(EffectRow.state == "in_doubt")) or 0


def failing_jobs(session: Session) -> dict[str, int]:
    """Open jobs that failed, by the class of the last error."""
    statement = select(JobRow.error_class, func.count()).where(text(OPEN_STATES), JobRow.error_class.is_not(None))
    return {name: count for name, count in session.execute(statement.group_by(JobRow.error_class)) if name}


def most_overdue(session: Session) -> datetime | None:
    """When the next schedule is due, or should have run if that is over; None where none is enabled."""
    return session.scalar(select(func.min(ScheduleRow.due_at)).where(ScheduleRow.enabled))
