"""What people do with work that stopped: try it again, or leave it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.jobs.service.publish import Publisher, ring_after_commit
from hub.jobs.tables import JobRow
from hub.kit.errors import NotFound, StateConflict

LARGEST_ID = 2**63 - 1


def get_job(session: Session, job_id: int, *, locked: bool = False) -> JobRow:
    """One job; `NotFound` else."""
    row = session.get(JobRow, job_id, with_for_update=locked) if 0 < job_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("job", str(job_id))
    return row


def retry_job(session: Session, *, job_id: int, actor: str, at: datetime) -> JobRow:
    """Let a parked job run again with all its attempts; what waits behind it in its lane goes on after it."""
    row = _parked(session, job_id, "retried")
    try_again(session, [row], actor=actor, at=at)
    return row


def try_again(session: Session, rows: Sequence[JobRow], *, actor: str, at: datetime) -> None:
    """Let parked jobs, whose rows are locked, run again."""
    before = {row.job_id: _counts(row) for row in rows}
    for row in rows:
        row.state, row.due_at, row.attempts, row.crashes = "ready", at, 0, 0
    session.flush()
    publisher: Publisher = session.info["publisher"]
    for queue in sorted({row.queue for row in rows}):
        ring_after_commit(session, publisher, queue)
    for row in rows:
        record(
            session, actor=actor, action="job.retried", subject_kind="job", subject_id=str(row.job_id),
            before=before[row.job_id], after=_counts(row), at=at,
        )  # fmt: skip


def skip_job(session: Session, *, job_id: int, actor: str, reason: str, at: datetime) -> JobRow:
    """Leave a parked job: the matter was settled by hand. What waits behind it in its lane goes on."""
    row = _parked(session, job_id, "skipped")
    before = {"state": row.state, "reason": None}
    row.state, row.finished_at = "skipped", at
    session.flush()
    publisher: Publisher = session.info["publisher"]
    ring_after_commit(session, publisher, row.queue)
    record(
        session, actor=actor, action="job.skipped", subject_kind="job", subject_id=str(row.job_id), before=before,
        after={"state": row.state, "reason": reason}, at=at,
    )  # fmt: skip
    return row


def _parked(session: Session, job_id: int, verb: str) -> JobRow:
    row = get_job(session, job_id, locked=True)
    if row.state != "parked":
        raise StateConflict("job_not_parked", f"Job {job_id} is {row.state}: only parked jobs can be {verb}.")
    return row


def _counts(row: JobRow) -> dict[str, object]:
    return {"state": row.state, "attempts": row.attempts, "crashes": row.crashes}
