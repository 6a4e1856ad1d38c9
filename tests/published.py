"""A database of one package, and what was published into it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from hub.jobs.service.publish import Publisher, install
from hub.jobs.tables import JobRow
from hub.kit.db import Database


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@contextmanager
def listening(database_url: str, kinds: Collection[str]) -> Iterator[Database]:
    """An empty database in which every event of these kinds has one subscription."""
    database = Database(database_url)
    install(
        database,
        Publisher(
            subscriptions={kind: (f"note.{kind}",) for kind in kinds},
            queues={f"note.{kind}": "local" for kind in kinds},
            ring=lambda queue: None,
            clock=FixedClock(),
        ),
    )
    yield database
    database.dispose()


def published_in(database: Database) -> Callable[[str], list[dict[str, Any]]]:
    """The data of the events of one kind that were published, oldest first."""

    def read(kind: str) -> list[dict[str, Any]]:
        with database.read() as session:
            jobs = select(JobRow.args).where(JobRow.kind == f"note.{kind}").order_by(JobRow.job_id)
            return list(session.scalars(jobs))

    return read
