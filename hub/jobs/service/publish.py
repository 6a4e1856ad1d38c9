"""Write work beside the change that caused it: one transaction, then the doorbell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hub.jobs.events import Event, NewJob
from hub.jobs.service.causes import cause_of
from hub.jobs.tables import JobRow
from hub.kit.bulk import insert_missing
from hub.kit.clock import Clock
from hub.kit.db import Database, after_commit

JOBS: Table = JobRow.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event's consequence: a job of this kind. `connections` tells which connections it goes to, if outward."""

    event: str
    kind: str


@dataclass(frozen=True, slots=True)
class Publisher:
    """What publishing needs to know; handed in once at start."""

    subscriptions: Mapping[str, tuple[str, ...]]
    queues: Mapping[str, str]
    ring: Callable[[str], None]
    clock: Clock


def install(database: Database, publisher: Publisher) -> None:
    """Let every session of the database publish."""
    database.session_info["publisher"] = publisher


def publish(session: Session, events: Sequence[Event]) -> None:
    """One job for each event and subscription; an event nobody subscribed to leaves no trace."""
    publisher: Publisher = session.info["publisher"]
    enqueue(
        session,
        [
            NewJob(
                kind=kind, idem_key=f"{kind}:{event.subject_id}:{event.cause}", lane=event.lane,
                subject_id=event.subject_id, args=event.data, connection_id=event.connection_id,
                priority=event.priority,
            )
            for event in events
            for kind in publisher.subscriptions.get(event.kind, ())
        ],
    )  # fmt: skip


def enqueue(session: Session, jobs: Sequence[NewJob]) -> None:
    """Insert jobs; one whose `idem_key` was ever used is left out. Rings the doorbell after the commit."""
    if not jobs:
        return
    publisher: Publisher = session.info["publisher"]
    now = publisher.clock.now()
    causes = [cause_of(session, job) for job in jobs]
    rows = [
        {
            "queue": publisher.queues[job.kind], "kind": job.kind, "lane": job.lane, "idem_key": job.idem_key,
            "connection_id": job.connection_id, "subject_id": job.subject_id, "args": dict(job.args),
            "correlation_id": cause.correlation_id, "traceparent": cause.traceparent, "state": "ready",
            "priority": job.priority, "due_at": job.due_at or now, "created_at": now,
        }
        for job, cause in zip(jobs, causes, strict=True)
    ]  # fmt: skip
    insert_missing(session, JOBS, rows, key=("idem_key",))
    for queue in {publisher.queues[job.kind] for job in jobs}:
        ring_after_commit(session, publisher, queue)


def ring_after_commit(session: Session, publisher: Publisher, queue: str) -> None:
    """Ring one queue's doorbell when the transaction is through."""
    after_commit(session, f"ring:{queue}", lambda: publisher.ring(queue))
