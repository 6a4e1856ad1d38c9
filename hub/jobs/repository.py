"""All SQL of the job engine."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ScalarSelect,
    Table,
    bindparam,
    delete,
    exists,
    func,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TextualSelect

from hub.jobs.tables import (
    DUE_STATES,
    OPEN_STATES,
    ConnectionHealthRow,
    ConnectionSlotRow,
    EffectRow,
    JobRow,
    RestoreRow,
    ScheduleRow,
)
from hub.kit.bulk import among, insert_new
from hub.kit.db import dump_json
from hub.kit.types import Id, UtcDateTime

JOBS: Table = JobRow.__table__  # type: ignore[assignment]
EFFECTS: Table = EffectRow.__table__  # type: ignore[assignment]
SLOTS: Table = ConnectionSlotRow.__table__  # type: ignore[assignment]
HEALTH: Table = ConnectionHealthRow.__table__  # type: ignore[assignment]

_TARGETS = """
    WITH RECURSIVE targets(connection_id) AS (
        SELECT (SELECT f.connection_id FROM jobs f
                WHERE f.queue = :queue AND f.state IN ('ready', 'leased') AND f.connection_id IS NOT NULL
                ORDER BY f.connection_id LIMIT 1)
        UNION ALL
        SELECT (SELECT n.connection_id FROM jobs n
                WHERE n.queue = :queue AND n.state IN ('ready', 'leased') AND n.connection_id > t.connection_id
                ORDER BY n.connection_id LIMIT 1)
        FROM targets t WHERE t.connection_id IS NOT NULL
    )"""
"""The connections with open jobs in a queue, each found by one look at the index, and NULL for jobs without one."""
_OPEN = """
    (t.connection_id IS NULL OR t.connection_id {not_left_out})
    AND NOT EXISTS (
        SELECT 1 FROM connection_health h WHERE h.connection_id = t.connection_id
          AND (h.blocked_until > :now OR h.paused_reason IS NOT NULL))
    AND NOT EXISTS (
        SELECT 1 FROM connection_slots s WHERE s.connection_id = t.connection_id AND s.until > :now
        GROUP BY s.connection_id HAVING COUNT(*) >= MAX(s.slots))"""
_DUE = """
    SELECT j.job_id, j.priority FROM jobs j
    WHERE j.queue = :queue AND j.connection_id {of} AND j.state IN ('ready', 'leased') AND j.due_at <= :now
      AND NOT EXISTS (
        SELECT 1 FROM jobs e WHERE e.lane = j.lane AND e.job_id < j.job_id
          AND e.state IN ('ready', 'leased', 'parked')
          AND NOT (j.priority < 0 AND (e.state = 'parked' OR (e.state = 'ready' AND e.priority >= 0)))
        LIMIT 1 OFFSET 0)
    ORDER BY j.connection_id, j.priority, j.job_id LIMIT {{limit}}"""
"""The next jobs of one connection whose lane is free. With OFFSET the question about the lane stays one that is asked
of one job after the other; without it PostgreSQL may join all lanes first, and look at every job."""
_CLAIMABLE = {
    "sqlite": f"""{_TARGETS},
    claimable AS (
        SELECT c.job_id, c.priority, c.connection_id FROM targets t CROSS JOIN jobs c
        WHERE {_OPEN.format(not_left_out="NOT IN (SELECT value FROM json_each(:left_out))")}
          AND c.job_id IN (SELECT d.job_id FROM ({_DUE.format(of="IS t.connection_id")}) d))""",  # noqa: S608  texts of this module, no values
    "postgresql": f"""{_TARGETS},
    claimable AS (
        SELECT d.job_id, d.priority, t.connection_id FROM targets t
        CROSS JOIN LATERAL ({_DUE.format(of="= t.connection_id")} FOR UPDATE OF j SKIP LOCKED) d
        WHERE t.connection_id IS NOT NULL
          AND {_OPEN.format(not_left_out="<> ALL (CAST(:left_out AS uuid[]))")}
        UNION ALL
        SELECT d.job_id, d.priority, NULL FROM ({_DUE.format(of="IS NULL")} FOR UPDATE OF j SKIP LOCKED) d)""",  # noqa: S608  as above
}
"""The jobs of a closed connection (paused, blocked, or called by as many as it bears) are not looked at, however many
they are: the others are taken from their own part of the index each, and merged. SQLite, which ignores SKIP LOCKED and
knows no LATERAL, has one writer."""
_NEXT = "SELECT c.job_id FROM claimable c ORDER BY c.priority, c.job_id LIMIT {limit}"
_NEXT_OF_ONE = """
    SELECT n.job_id FROM (
        SELECT c.job_id, c.priority, c.connection_id,
               FIRST_VALUE(c.connection_id) OVER (ORDER BY c.priority, c.job_id) AS first
        FROM claimable c) n
    WHERE n.connection_id IS NOT DISTINCT FROM n.first ORDER BY n.priority, n.job_id LIMIT {limit}"""
"""All of the connection whose job comes first: who waits for one platform must not hold what another is to get."""
_CLAIM = """
UPDATE jobs SET state = 'leased', lease_token = :token, due_at = :lease_until, attempts = attempts + 1,
    crashes = crashes + CASE WHEN state = 'leased' THEN 1 ELSE 0 END{quick}
WHERE job_id {which}
RETURNING job_id, kind, lane, args, subject_id, connection_id, attempts, crashes, correlation_id, traceparent"""
_QUICK = "\nFROM (SELECT set_config('synchronous_commit', 'off', true)) AS quick"
"""A claim need not wait for PostgreSQL's disk: whatever is done under it is committed after it, and that waits. Where
the server dies between the two nobody has done anything, and the jobs are due as before.
"""
_TIMES = (bindparam("now", type_=UtcDateTime), bindparam("lease_until", type_=UtcDateTime))


DUE = ("ready", "leased")
TAKE_SLOT = text("""
    INSERT INTO connection_slots (connection_id, slot, slots, lease_token, until)
    VALUES (:connection_id, :slot, :slots, :token, :until)
    ON CONFLICT (connection_id, slot)
    DO UPDATE SET slots = excluded.slots, lease_token = excluded.lease_token, until = excluded.until
    WHERE connection_slots.until <= :now
    RETURNING slot""").bindparams(
    bindparam("connection_id", type_=Id),
    bindparam("now", type_=UtcDateTime),
    bindparam("until", type_=UtcDateTime),
)


@lru_cache(maxsize=64)
def claim_statement(dialect: str, limit: int, one_connection: bool = False) -> TextualSelect:
    """How jobs are claimed. The limit is part of the text: if PostgreSQL knows it, one plan serves all claims. There,
    the chosen ids are an array, which is found by the index however small the table is thought to be.
    """
    which = "= ANY(ARRAY({claimable}))" if dialect == "postgresql" else "IN ({claimable})"
    claimable = _CLAIMABLE[dialect] + (_NEXT_OF_ONE if one_connection else _NEXT)
    if dialect == "sqlite":
        claimable = claimable.replace("IS NOT DISTINCT FROM", "IS")  # the same under an older name
    quick = _QUICK if dialect == "postgresql" else ""
    sql = _CLAIM.format(which=which.format(claimable=claimable), quick=quick).replace("{limit}", str(limit))
    return text(sql).bindparams(*_TIMES).columns(args=JobRow.args.type, connection_id=JobRow.connection_id.type)


def claim(
    session: Session,
    *,
    queue: str,
    limit: int,
    token: str,
    now: datetime,
    lease_until: datetime,
    one_connection: bool = False,
    left_out: Collection[str] = (),
) -> list[Any]:
    """Lease up to `limit` due jobs whose lane and connection are free and not `left_out`; `one_connection`: all of the
    same one.
    """
    dialect = session.connection().dialect.name
    ids = sorted(left_out)
    parameters = {
        "queue": queue, "token": token, "now": now, "lease_until": lease_until,
        "left_out": dump_json(ids) if dialect == "sqlite" else ids,
    }  # fmt: skip
    rows = session.execute(claim_statement(dialect, limit, one_connection), parameters).all()
    return sorted(rows, key=lambda row: row.job_id)


def complete(session: Session, *, job_ids: Sequence[int], token: str, at: datetime, state: str = "done") -> set[int]:
    """Finish the jobs that are still ours; those missing from the answer belong to somebody else."""
    done = session.execute(
        update(JOBS)
        .where(among(session, JOBS.c.job_id, job_ids), JOBS.c.lease_token == token, JOBS.c.state == "leased")
        .values(state=state, finished_at=at, lease_token=None, error_class=None, error=None)
        .returning(JOBS.c.job_id)
    )
    return set(done.scalars())


def set_aside(session: Session, *, job_ids: Sequence[int], token: str) -> None:
    """Keep jobs for the token until their lease ends, without counting a crash should nobody come back to them."""
    session.execute(
        update(JobRow)
        .where(JobRow.job_id.in_(job_ids), JobRow.lease_token == token, JobRow.state == "leased")
        .values(state="ready")
        .execution_options(synchronize_session=False)
    )


def take_up(session: Session, *, job_id: int, token: str) -> bool:
    """Go on with a job that was set aside under the token; False where somebody else has it by now."""
    result = session.execute(
        update(JobRow)
        .where(JobRow.job_id == job_id, JobRow.lease_token == token, JobRow.state == "ready")
        .values(state="leased")
        .returning(JobRow.job_id)
        .execution_options(synchronize_session=False)
    )
    return result.first() is not None


def still_ours(session: Session, *, job_ids: Sequence[int], token: str) -> set[int]:
    """The jobs whose lease is still held under the token; their rows are locked."""
    found = session.execute(
        select(JOBS.c.job_id)
        .where(among(session, JOBS.c.job_id, job_ids), JOBS.c.lease_token == token, JOBS.c.state == "leased")
        .with_for_update()
    )
    return set(found.scalars())


def extend_leases(session: Session, *, job_ids: Collection[int], token: str, until: datetime) -> set[int]:
    """Hold jobs until later; those missing from the answer are finished, or somebody else's."""
    held = session.execute(
        update(JOBS)
        .where(among(session, JOBS.c.job_id, job_ids), JOBS.c.lease_token == token, JOBS.c.state.in_(DUE))
        .values(due_at=until)
        .returning(JOBS.c.job_id)
    )
    return set(held.scalars())


def extend_deadlines(session: Session, *, keys: Collection[str], until: datetime) -> None:
    """Calls that are not answered may arrive until later."""
    if keys:
        waits = (among(session, EFFECTS.c.idem_key, keys), EFFECTS.c.state == "sent")
        session.execute(update(EFFECTS).where(*waits).values(call_deadline=until))


def give_back(session: Session, *, job_ids: Sequence[int], token: str, at: datetime) -> None:
    """Jobs that were claimed and not begun are due as before."""
    ours = (among(session, JOBS.c.job_id, job_ids), JOBS.c.lease_token == token)
    back = {"state": "ready", "lease_token": None, "due_at": at, "attempts": JOBS.c.attempts - 1}
    session.execute(update(JOBS).where(*ours).values(back))


def take_slot(session: Session, *, connection_id: str, slots: int, token: str, now: datetime, until: datetime) -> bool:
    """Take the first free one of a connection's slots; whoever takes the same at this moment is waited for."""
    values = {"connection_id": connection_id, "slots": slots, "token": token, "now": now, "until": until}
    return any(session.execute(TAKE_SLOT, {**values, "slot": slot}).first() is not None for slot in range(slots))


def extend_slots(session: Session, *, token: str, until: datetime) -> None:
    """Hold the slots of a claim until later."""
    session.execute(update(SLOTS).where(SLOTS.c.lease_token == token).values(until=until))


def free_slots(session: Session, *, token: str) -> None:
    """The calls of a claim are over."""
    session.execute(delete(SLOTS).where(SLOTS.c.lease_token == token))


def write_failure(session: Session, *, job_id: int, token: str, values: Mapping[str, Any]) -> bool:
    """Note an error on a job that is still ours."""
    result = session.execute(
        update(JobRow)
        .where(JobRow.job_id == job_id, JobRow.lease_token == token)
        .values(lease_token=None, **values)
        .returning(JobRow.job_id)
        .execution_options(synchronize_session=False)
    )
    return result.first() is not None


def end_leases(session: Session, *, at: datetime) -> int:
    """End all leases now: for the one process that may serve an embedded database, when it starts after a crash."""
    session.execute(delete(SLOTS))
    ended = session.execute(
        update(JobRow)
        .where(JobRow.state.in_(("ready", "leased")), JobRow.lease_token.is_not(None))
        .values(due_at=at)
        .returning(JobRow.job_id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


def give_up_parked(session: Session, lane: str, *, at: datetime) -> None:
    """A parked job of the lane must not stop those to come: it is left."""
    session.execute(
        update(JobRow)
        .where(JobRow.lane == lane, text(OPEN_STATES), JobRow.state == "parked")
        .values(state="skipped", finished_at=at)
        .execution_options(synchronize_session=False)
    )


def is_lane_busy(session: Session, lane: str) -> bool:
    """Whether work of the lane is under way."""
    return bool(busy_lanes(session, [lane]))


def busy_lanes(session: Session, lanes: Collection[str]) -> set[str]:
    """Those of the lanes in which work is under way."""
    waiting = JobRow.state.in_(("ready", "leased"))
    found = select(JobRow.lane).where(JobRow.lane.in_(lanes), text(OPEN_STATES), waiting).distinct()
    return set(session.scalars(found))


def skip_parked(session: Session, *, kind: str, subject_ids: Sequence[str]) -> None:
    """Give up parked jobs of these subjects, so that new ones in their lanes may run."""
    session.execute(
        update(JobRow)
        .where(JobRow.kind == kind, JobRow.subject_id.in_(subject_ids), JobRow.state == "parked")
        .values(state="skipped")
        .execution_options(synchronize_session=False)
    )


def due_now(session: Session, *, now: datetime) -> tuple[list[str], bool]:
    """Queues with work that is due, and whether a schedule is: in one statement, because every process that beats
    asks it every few seconds, mostly for nothing.
    """
    queues = select(JobRow.queue).where(text(DUE_STATES), JobRow.due_at <= now).distinct()
    due = exists().where(ScheduleRow.enabled, ScheduleRow.due_at <= now)
    found = session.scalars(union_all(queues, select(null()).where(due))).all()
    return [queue for queue in found if queue is not None], None in found


def due_queues(session: Session, *, now: datetime) -> list[str]:
    """Queues with work that is due: what the sweep rings for."""
    return list(session.scalars(select(JobRow.queue).where(text(DUE_STATES), JobRow.due_at <= now).distinct()))


def restores_stamp() -> ScalarSelect[Any]:
    """When the database was last put back to an earlier state."""
    return select(func.max(RestoreRow.restored_at)).scalar_subquery()


def effects_by_key(session: Session, keys: Sequence[str]) -> dict[str, EffectRow]:
    """Effects, locked."""
    if not keys:
        return {}
    rows = session.scalars(select(EffectRow).where(among(session, EFFECTS.c.idem_key, keys)).with_for_update())
    return {row.idem_key: row for row in rows}


def due_sweeps(session: Session, *, connection_id: str, at: datetime, limit: int) -> dict[str, str]:
    """Subjects by key of confirmed effects whose `sweep_at` has come; one that is tried anew is left alone."""
    statement = (
        select(EffectRow.idem_key, EffectRow.subject_id)
        .where(EffectRow.connection_id == connection_id, EffectRow.sweep_at.is_not(None), EffectRow.sweep_at <= at)
        .where(EffectRow.state.in_(("confirmed", "settled")))
        .order_by(EffectRow.sweep_at)
        .limit(limit)
    )
    return dict(session.execute(statement).all())


def open_circuits(session: Session, connection_ids: Collection[str]) -> list[ConnectionHealthRow]:
    """The health rows of those of the connections whose circuit is open, locked in one order for everybody."""
    if not connection_ids:
        return []
    statement = (
        select(ConnectionHealthRow)
        .where(ConnectionHealthRow.connection_id.in_(connection_ids), ConnectionHealthRow.opened > 0)
        .order_by(ConnectionHealthRow.connection_id)
        .with_for_update()
    )
    return list(session.scalars(statement))


def health(session: Session, connection_id: str) -> ConnectionHealthRow:
    """The health row of a connection, locked; made on its first trouble."""
    row = session.get(ConnectionHealthRow, connection_id, with_for_update=True)
    if row is None:
        first = {"connection_id": connection_id, "failures_in_row": 0, "retry_budget": 10.0}
        insert_new(session, HEALTH, [first], key=("connection_id",))  # another worker may make it at the same time
        row = session.get_one(ConnectionHealthRow, connection_id, with_for_update=True)
    return row
