"""Work that comes again: schedules in the database, claimed like jobs.

The next time is moved in the transaction that enqueues the run, so however many processes beat, one of them starts it;
and it is moved along the cron expression from the present, so that neither a restart nor a late beat makes it drift.
The runs of a schedule have one lane: none begins beside another, however long it takes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim
from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.jobs import repository
from hub.jobs.events import NewJob
from hub.jobs.rules.outcomes import RunOutcome, outcome_of
from hub.jobs.service.publish import enqueue
from hub.jobs.tables import JobRow, ScheduleRow
from hub.kit.bulk import put_rows
from hub.kit.errors import NotFound, StateConflict

SCHEDULES: Table = ScheduleRow.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that is wanted again and again. `cron` is in UTC; the id is the lane of its runs too."""

    schedule_id: str
    kind: str
    cron: str
    connection_id: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule as people see it. `outcome` is of its last run; `error` says why that failed or is tried again."""

    schedule_id: str
    kind: str
    cron: str
    connection_id: str | None
    enabled: bool
    next_run_at: datetime | None
    runs: int
    last_run_at: datetime | None
    finished_at: datetime | None
    outcome: RunOutcome | None
    job_id: int | None
    error_class: str | None
    error: str | None


def keep_schedules(
    session: Session, wanted: Sequence[Schedule], *, at: datetime, unwanted: Collection[str] = ()
) -> None:
    """Make the stored schedules fit: new ones are added, another cron expression or kind is taken over, `unwanted`
    ones go. One that fits keeps its next time, and whether it is enabled is not touched.

    Reads once, and writes only what differs. A next time that is further away than the expression says was made while
    the clock was wrong: it is set anew.
    """
    known = {row.schedule_id: row for row in session.scalars(select(ScheduleRow))}
    rows = []
    for schedule in wanted:
        row, due_at = known.get(schedule.schedule_id), next_time(schedule.cron, at)
        fits = row is not None and (row.cron, row.kind) == (schedule.cron, schedule.kind) and row.due_at <= due_at
        if not fits:
            rows.append(
                {
                    "schedule_id": schedule.schedule_id, "kind": schedule.kind, "cron": schedule.cron,
                    "connection_id": schedule.connection_id, "args": dict(schedule.args), "due_at": due_at,
                }
            )  # fmt: skip
    put_rows(session, SCHEDULES, rows, key=("schedule_id",))
    gone = sorted(set(unwanted) & set(known))
    if gone:
        session.execute(
            delete(ScheduleRow)
            .where(ScheduleRow.schedule_id.in_(gone))
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def enqueue_due(session: Session, *, at: datetime) -> int:
    """Enqueue what is due, once: whoever moves `due_at` first does it. Missed times are made up by one run."""
    due = session.scalars(select(ScheduleRow).where(ScheduleRow.enabled, ScheduleRow.due_at <= at)).all()
    started = 0
    for row in due:
        moved = session.execute(
            update(ScheduleRow)
            .where(ScheduleRow.schedule_id == row.schedule_id, ScheduleRow.due_at == row.due_at, ScheduleRow.enabled)
            .values(due_at=next_time(row.cron, at))
            .returning(ScheduleRow.schedule_id)
            .execution_options(synchronize_session=False)
        ).first()
        if moved is None:
            continue  # somebody else was first
        repository.give_up_parked(session, row.schedule_id, at=at)
        if repository.is_lane_busy(session, row.schedule_id):
            continue  # the last run is not over: the next one makes up for both
        _start(session, row, cause=row.due_at.isoformat(), at=at)
        started += 1
    return started


def run_now(session: Session, *, schedule_id: str, actor: str, at: datetime) -> ScheduleView:
    """Run it beside its times, also where it is disabled; `StateConflict` while a run is under way."""
    row = _locked(session, schedule_id)
    repository.give_up_parked(session, schedule_id, at=at)
    if repository.is_lane_busy(session, schedule_id):
        raise StateConflict(
            "schedule_running", f"A run of {schedule_id} is under way: see `hub jobs list`, and run it again after it."
        )
    _start(session, row, cause=f"now:{at.isoformat()}", at=at)
    _note(session, row, "schedule.run", {}, {"runs": row.runs}, actor, at)
    return get_schedule(session, schedule_id)


def enable(session: Session, *, schedule_id: str, actor: str, at: datetime) -> ScheduleView:
    """Let it run at its times again, from now on: what was missed meanwhile is not made up."""
    row = _locked(session, schedule_id)
    if not row.enabled:
        row.enabled, row.due_at = True, next_time(row.cron, at)
        _note(session, row, "schedule.enabled", {"enabled": False}, {"enabled": True}, actor, at)
    return get_schedule(session, schedule_id)


def disable(session: Session, *, schedule_id: str, actor: str, at: datetime) -> ScheduleView:
    """Let it rest until a person enables it; a run that is under way goes on."""
    row = _locked(session, schedule_id)
    if row.enabled:
        row.enabled = False
        _note(session, row, "schedule.disabled", {"enabled": True}, {"enabled": False}, actor, at)
    return get_schedule(session, schedule_id)


def list_schedules(session: Session, *, after: str | None, limit: int) -> list[ScheduleView]:
    """Schedules by their ids, each with its last run."""
    statement = select(ScheduleRow).order_by(ScheduleRow.schedule_id).limit(limit)
    if after is not None:
        statement = statement.where(ScheduleRow.schedule_id > after)
    return _views(session, session.scalars(statement).all())


def get_schedule(session: Session, schedule_id: str) -> ScheduleView:
    """One with its last run; `NotFound` else."""
    session.flush()
    row = session.get(ScheduleRow, schedule_id)
    if row is None:
        raise NotFound("schedule", schedule_id)
    return _views(session, [row])[0]


def next_time(cron: str, after: datetime) -> datetime:
    """The next time of a cron expression, in UTC."""
    return next(CronSim(cron, after.astimezone(UTC)))


def _locked(session: Session, schedule_id: str) -> ScheduleRow:
    row = session.get(ScheduleRow, schedule_id, with_for_update=True)
    if row is None:
        raise NotFound("schedule", schedule_id)
    return row


def _start(session: Session, row: ScheduleRow, *, cause: str, at: datetime) -> None:
    """The number of the run is in the key: a clock that was set back says the same time twice."""
    key = f"{row.schedule_id}:{cause}:{row.runs}"
    row.runs, row.last_run_at, row.last_key = row.runs + 1, at, key
    job = NewJob(
        kind=row.kind, idem_key=key, lane=row.schedule_id, args=row.args, connection_id=row.connection_id
    )  # fmt: skip
    enqueue(session, [job])


def _note(
    session: Session, row: ScheduleRow, action: str, before: Mapping[str, Any], after: Mapping[str, Any], actor: str,
    at: datetime,
) -> None:  # fmt: skip
    record(
        session, actor=actor, action=action, subject_kind="schedule", subject_id=row.schedule_id[:80], before=before,
        after=after, at=at,
    )  # fmt: skip


def _views(session: Session, rows: Sequence[ScheduleRow]) -> list[ScheduleView]:
    keys = [row.last_key for row in rows if row.last_key is not None]
    jobs = {job.idem_key: job for job in session.scalars(select(JobRow).where(JobRow.idem_key.in_(keys)))}
    busy = repository.busy_lanes(session, [row.schedule_id for row in rows])
    return [_view(row, jobs.get(row.last_key or ""), busy=row.schedule_id in busy) for row in rows]


def _view(row: ScheduleRow, job: JobRow | None, *, busy: bool) -> ScheduleView:
    failed = job is not None and job.error_class is not None
    return ScheduleView(
        schedule_id=row.schedule_id, kind=row.kind, cron=row.cron, connection_id=row.connection_id,
        enabled=row.enabled, next_run_at=row.due_at if row.enabled else None, runs=row.runs,
        last_run_at=row.last_run_at,
        finished_at=job.finished_at if job is not None and not busy else None,
        outcome=outcome_of(job.state if job else None, error_class=job.error_class if job else None, busy=busy),
        job_id=job.job_id if job else None, error_class=job.error_class if job and failed else None,
        error=job.error if job and failed else None,
    )  # fmt: skip
