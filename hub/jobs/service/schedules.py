"""Work that comes again, claimed by moving its next time in the transaction that enqueues it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim
from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.tables import ScheduleRow
from hub.kit.bulk import put_rows

SCHEDULES: Table = ScheduleRow.__table__  # type: ignore[assignment]


def ensure_schedule(
    session: Session,
    *,
    schedule_id: str,
    kind: str,
    cron: str,
    at: datetime,
    connection_id: str | None = None,
    args: Mapping[str, Any] | None = None,
) -> None:
    """Create a schedule, or change it where its cron expression (UTC) differs; one that fits keeps its next time."""
    row = session.get(ScheduleRow, schedule_id)
    if row is not None and row.cron == cron:
        return
    new = {
        "schedule_id": schedule_id, "kind": kind, "cron": cron, "connection_id": connection_id,
        "args": dict(args or {}), "due_at": next_time(cron, at), "enabled": True,
    }  # fmt: skip
    put_rows(session, SCHEDULES, [new], key=("schedule_id",))


def enqueue_due(session: Session, *, at: datetime) -> int:
    """Enqueue what is due, once: whoever moves `due_at` first does it. Missed times are made up by one run."""
    due = session.scalars(select(ScheduleRow).where(ScheduleRow.enabled, ScheduleRow.due_at <= at)).all()
    started = 0
    for row in due:
        moved = session.execute(
            update(ScheduleRow)
            .where(ScheduleRow.schedule_id == row.schedule_id, ScheduleRow.due_at == row.due_at)
            .values(due_at=next_time(row.cron, at))
            .returning(ScheduleRow.schedule_id)
            .execution_options(synchronize_session=False)
        ).first()
        if moved is None or repository.is_lane_busy(session, row.schedule_id):
            continue  # somebody else was first; or the last run is not over, and one run makes up for both
        enqueue(
            session,
            [
                NewJob(
                    kind=row.kind, idem_key=f"{row.schedule_id}:{row.due_at.isoformat()}", lane=row.schedule_id,
                    args=row.args, connection_id=row.connection_id,
                )
            ],
        )  # fmt: skip
        started += 1
    return started


def next_time(cron: str, after: datetime) -> datetime:
    """The next time of a cron expression, in UTC."""
    return next(CronSim(cron, after.astimezone(UTC)))
