"""A job engine without a hub around it, and a whole hub."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.jobs.events import NewJob
from hub.jobs.service.publish import Publisher, enqueue, install
from hub.jobs.service.run import Runner
from hub.jobs.service.work import Job, LocalWork, WorkTable
from hub.jobs.tables import JobRow
from hub.kit.db import Database
from hub.sdk.testing.kit import FakeClock
from tests.builders import small_world, world
from tests.emptied import database_url, emptied_postgres_url, shared_postgres_url

__all__ = ["Engine", "database_url", "emptied_postgres_url", "shared_postgres_url", "small_world", "world"]

LEASE = 60.0


@dataclass(slots=True)
class Engine:
    """A queue `q` whose jobs of kind `note` are written down; `behave` may raise, or do more."""

    database: Database
    clock: FakeClock
    done: list[str] = field(default_factory=list)
    behave: Callable[[Session, Sequence[Job]], None] = lambda session, jobs: None
    rung: list[str] = field(default_factory=list)
    runner: Runner = field(init=False)

    def __post_init__(self) -> None:
        work = WorkTable(local={"note": LocalWork("note", "q", self._run)}, outward={})
        self.runner = Runner(self.database, work, self.clock, batch=500, lease_seconds=LEASE)
        publisher = Publisher(
            subscriptions={"thing.happened": ("note",)}, queues={"note": "q", "alien": "q"}, ring=self.rung.append,
            clock=self.clock,
        )  # fmt: skip
        install(self.database, publisher)

    def _run(self, session: Session, jobs: Sequence[Job]) -> None:
        self.behave(session, jobs)
        self.done.extend(str(job.subject_id) for job in jobs)

    def add(self, *names: str, kind: str = "note", **values: Any) -> None:
        """A job for each name, in lanes of their own unless one is given."""
        with self.database.write() as session:
            jobs = [
                NewJob(kind=kind, subject_id=name, **{"idem_key": name, "lane": f"lane-{name}", **values})
                for name in names
            ]
            enqueue(session, jobs)

    def drain(self) -> list[str]:
        """Run what is due; the names that were done since the last time."""
        self.runner.drain("q")
        done, self.done = self.done, []
        return done

    def row(self, name: str) -> JobRow:
        """The job of a name."""
        with self.database.read() as session:
            found = session.scalars(select(JobRow).where(JobRow.subject_id == name)).one()
            session.expunge_all()
            return found


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A job engine on an empty database."""
    database = Database(database_url)
    yield Engine(database, FakeClock())
    database.dispose()
