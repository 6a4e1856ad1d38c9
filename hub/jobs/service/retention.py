"""What finished work leaves behind: emptied or dropped when it is old, in steps that each lock few rows for a moment.

The key of a job or of an effect is kept for ever where the same cause may come again: without it, the work would be
done, and the label bought, a second time.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, Text, cast, delete, func, null, or_, select, update
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.tables import EffectRow, JobRow, RetentionMarkRow
from hub.kit.bulk import among, put_rows

MARKS: Table = RetentionMarkRow.__table__  # type: ignore[assignment]
ENDED = ("done", "skipped")
ANSWERED = ("confirmed", "settled", "voided")
LOOKED_AT = 1000
"""Rows that one step looks at."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step did. `count` rows went or were emptied; the next step goes on after `reached`, if there is `more`.

    Up to `clear` nothing is left that a later run would have to look at again.
    """

    count: int
    reached: str
    clear: str
    more: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One row that a step came upon: `young` ends the walk, what is not `settled` is left and looked at again."""

    key: str
    young: bool
    settled: bool


def walk(rows: Sequence[Seen], *, after: str, limit: int, empty: Callable[[Sequence[str]], int]) -> Swept:
    """One step over rows in the order of their age; `empty` is given the keys of those that may go."""
    reached = clear = after
    passed = True
    chosen: list[str] = []
    for row in rows:
        if row.young:
            return Swept(empty(chosen), reached, clear, more=False)
        if row.settled:
            chosen.append(row.key)
        passed = passed and row.settled
        reached = row.key
        clear = row.key if passed else clear
    return Swept(empty(chosen), reached, clear, more=len(rows) == limit)


def sweep_jobs(session: Session, *, after: str, before: datetime, anew: Collection[str], dry: bool) -> Swept:
    """Jobs that ended earlier. Kinds in `anew` only look at what is there, and their keys name a moment that does not
    come again: their rows go. Of all others the key stays, and what was kept with it goes.
    """
    ended = func.coalesce(JobRow.finished_at, JobRow.created_at, type_=JobRow.created_at.type)
    statement = (
        select(JobRow.job_id, JobRow.kind, JobRow.state, JobRow.created_at, ended.label("ended"))
        .where(JobRow.job_id > int(after or 0))
        .order_by(JobRow.job_id)
        .limit(LOOKED_AT)
    )
    found = session.execute(statement).all()
    rows = [Seen(str(row.job_id), row.created_at >= before, row.state in ENDED and row.ended < before) for row in found]
    kinds = {str(row.job_id): row.kind for row in found}

    def empty(keys: Sequence[str]) -> int:
        gone = [int(key) for key in keys if kinds[key] in anew]
        kept = [int(key) for key in keys if kinds[key] not in anew]
        return len(gone) + _empty_jobs(session, gone, kept, dry)

    return walk(rows, after=after, limit=LOOKED_AT, empty=empty)


def _empty_jobs(session: Session, gone: Sequence[int], kept: Sequence[int], dry: bool) -> int:
    holds = (
        among(session, repository.JOBS.c.job_id, kept),
        or_(cast(JobRow.args, Text) != "{}", JobRow.error.is_not(None)),
    )
    if dry:
        return session.scalar(select(func.count()).select_from(JobRow).where(*holds)) or 0 if kept else 0
    if gone:
        session.execute(delete(repository.JOBS).where(among(session, repository.JOBS.c.job_id, gone)))
    if not kept:
        return 0
    return _rowcount(session.execute(update(repository.JOBS).where(*holds).values(args={}, error=None)))


def sweep_effects(session: Session, *, before: datetime, limit: int, dry: bool) -> Swept:
    """What other systems answered to calls that are over. The effect itself stays: it is what makes a call unique."""
    old = (
        select(EffectRow.idem_key)
        .where(EffectRow.result.is_not(null()), EffectRow.created_at < before, EffectRow.state.in_(ANSWERED))
        .order_by(EffectRow.created_at)
    )
    if dry:
        count = session.scalar(select(func.count()).select_from(old.subquery())) or 0
        return Swept(count, "", "", more=False)
    keys = list(session.scalars(old.limit(limit)))
    effects = repository.EFFECTS
    session.execute(update(effects).where(among(session, effects.c.idem_key, keys)).values(result=null(), error=None))
    return Swept(len(keys), "", "", more=len(keys) == limit)


def begin_at(session: Session, *, kind: str, scope: str) -> str:
    """Where a run begins."""
    row = session.get(RetentionMarkRow, (kind, scope))
    return "" if row is None else row.reached


def note_run(session: Session, *, kind: str, scope: str, reached: str, count: int, at: datetime) -> None:
    """Note how far a step came, and how much went."""
    row = session.get(RetentionMarkRow, (kind, scope), with_for_update=True)
    total = count + (0 if row is None else row.total)
    new = {"kind": kind, "scope": scope, "reached": reached, "total": total, "ran_at": at}
    put_rows(session, MARKS, [new], key=("kind", "scope"))


def swept_rows(session: Session) -> dict[str, tuple[int, datetime]]:
    """Of each kind, how many rows went so far, and when it was last looked for some."""
    statement = select(RetentionMarkRow.kind, func.sum(RetentionMarkRow.total), func.max(RetentionMarkRow.ran_at))
    found = session.execute(statement.group_by(RetentionMarkRow.kind).order_by(RetentionMarkRow.kind))
    return {kind: (int(total), at) for kind, total, at in found}


def _rowcount(result: Any) -> int:
    return int(result.rowcount)
