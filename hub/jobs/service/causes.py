"""Whose work a batch does: what follows from a job belongs to the request behind that job, not to the batch's first.

A batch claims jobs of many requests. Where all of them have one cause it is the context's; else each consequence finds
its own by what it is about: its subject, or an id in its lane.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hub.jobs.events import NewJob
from hub.jobs.service.work import Job
from hub.kit.ids import is_id
from hub.kit.log import correlated, correlation_id
from hub.kit.trace import traced, traceparent

_CAUSES = "causes"


@dataclass(frozen=True, slots=True)
class Cause:
    """The correlation id and the span of the request that is behind something."""

    correlation_id: str | None
    traceparent: str | None


@contextmanager
def caused_by(jobs: Sequence[Job]) -> Iterator[None]:
    """Work for what these jobs have in common; nothing where they have nothing."""
    correlations = {job.correlation_id for job in jobs}
    traces = {job.traceparent for job in jobs}
    with (
        correlated(correlations.pop() if len(correlations) == 1 else None),
        traced(traces.pop() if len(traces) == 1 else None),
    ):
        yield


def is_mixed(jobs: Sequence[Job]) -> bool:
    """Whether the jobs work for several requests."""
    return len({(job.correlation_id, job.traceparent) for job in jobs}) > 1


def note_causes(session: Session, jobs: Sequence[Job]) -> None:
    """Let what is enqueued in this transaction find its own cause; needed only where the jobs have several."""
    if not is_mixed(jobs):
        return
    found: dict[str, Cause] = session.info.setdefault(_CAUSES, {})
    for job in jobs:
        cause = Cause(job.correlation_id, job.traceparent)
        if job.subject_id is not None:
            found[job.subject_id] = cause
        for name in _ids_in(job.lane):
            found.setdefault(name, cause)


def follow(session: Session, subject_id: str, *, cause: str) -> None:
    """What happens to a subject from here on was caused by what is known of another: an order by its message."""
    found: dict[str, Cause] | None = session.info.get(_CAUSES)
    if found is not None and cause in found:
        found[subject_id] = found[cause]


def cause_of(session: Session, job: NewJob) -> Cause:
    """The cause of a job that is about to be enqueued: stated, found by its subject or lane, else the context's."""
    if job.correlation_id is not None:
        return Cause(job.correlation_id, job.traceparent or traceparent())
    found: dict[str, Cause] | None = session.info.get(_CAUSES)
    if found is not None:
        for name in (job.subject_id, *_ids_in(job.lane)):
            if name in found:
                return found[name]
    return Cause(correlation_id(), traceparent())


def _ids_in(lane: str) -> list[str]:
    return [part for part in lane.split(":") if is_id(part)]
