"""What came of each census: kept as a row a run, read as the proof that nothing of a channel is missing."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy.orm import Session

from hub.intake import repository
from hub.intake.rules.census import EXAMPLES, Comparison
from hub.intake.tables import CensusRunRow
from hub.kit.ids import new_id

KINDS = ("missing", "waiting", "late", "extra", "differing")


def store_run(
    session: Session, *, connection_id: str, day: date, turn: int, count: int | None, found: Comparison, fetched: int,
    at: datetime,
) -> str:  # fmt: skip
    """Keep the result of one run; returns its id."""
    ids = {kind: getattr(found, kind) for kind in KINDS}
    row = CensusRunRow(
        run_id=new_id(), connection_id=connection_id, day=day, turn=turn, ran_at=at, complete=found.complete,
        counted=count, listed=found.listed, held=found.held, unlisted=found.unlisted, fetched=fetched,
        theirs=dict(found.theirs), ours=dict(found.ours),
        examples={kind: list(some[:EXAMPLES]) for kind, some in ids.items() if some},
        **{kind: len(some) for kind, some in ids.items()},
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.run_id


def list_runs(
    session: Session, *, connection_id: str, day: date | None, after: tuple[date, str] | None, limit: int
) -> list[CensusRunRow]:
    """Runs of a connection, the latest day first and the newest run of a day first; `after` is a (day, run id)."""
    return repository.census_runs(session, connection_id=connection_id, day=day, after=after, limit=limit)


def proven_days(session: Session, *, connection_id: str, since: date) -> Collection[date]:
    """Days from this one on for which a census found everything."""
    return repository.proven_days(session, connection_id=connection_id, since=since)


def last_proven_day(session: Session, *, connection_id: str) -> date | None:
    """The latest day for which a census found everything."""
    return repository.last_proven_day(session, connection_id=connection_id)


def ids_that_wait(session: Session, *, account: str, external_ids: Collection[str]) -> set[str]:
    """Which of these have a message here that is not settled: it is unread, parked or blocked."""
    return repository.ids_that_wait(session, account=account, external_ids=external_ids)
