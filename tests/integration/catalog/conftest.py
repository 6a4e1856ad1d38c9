"""A database of the catalogue, and what was published into it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from hub.jobs.service.publish import Publisher, install
from hub.jobs.tables import JobRow
from hub.kit.db import Database

KINDS = ("catalog.sku_mapped", "catalog.product_added")


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database in which every event of the catalogue has one subscription."""
    database = Database(database_url)
    install(
        database,
        Publisher(
            subscriptions={kind: (f"note.{kind}",) for kind in KINDS},
            queues={f"note.{kind}": "local" for kind in KINDS},
            ring=lambda queue: None,
            clock=FixedClock(),
        ),
    )
    yield database
    database.dispose()


@pytest.fixture
def published(database: Database) -> Callable[[str], list[dict[str, Any]]]:
    """The data of the events of one kind that were published, oldest first."""

    def read(kind: str) -> list[dict[str, Any]]:
        with database.read() as session:
            jobs = select(JobRow.args).where(JobRow.kind == f"note.{kind}").order_by(JobRow.job_id)
            return list(session.scalars(jobs))

    return read
