"""PostgreSQL gives up waiting, and ends what hangs: nobody is held up for ever by somebody else's transaction."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.kit.db import Database
from hub.kit.db_errors import will_pass
from tests.builders import build_world

pytestmark = pytest.mark.postgres
HOLD = text("SELECT pg_advisory_xact_lock(1)")


@pytest.fixture
def impatient(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url, lock_seconds=0.05, idle_seconds=0.05)
    yield database
    database.dispose()


def test_a_wait_for_a_lock_ends(impatient: Database, postgres_url: str) -> None:
    patient = Database(postgres_url)
    with patient.write() as holder:
        holder.execute(HOLD)
        with pytest.raises(DBAPIError, match="lock timeout") as refused, impatient.write() as session:
            session.execute(HOLD)
    patient.dispose()
    assert will_pass(refused.value)


def test_a_transaction_that_hangs_is_ended_and_its_connection_replaced(impatient: Database, postgres_url: str) -> None:
    patient = Database(postgres_url)
    with pytest.raises(DBAPIError, match="idle-in-transaction") as refused, impatient.write() as session:
        session.execute(HOLD)
        with patient.write() as next_one:
            next_one.execute(HOLD)  # waits until the server has ended the other
        session.execute(text("SELECT 1"))
    patient.dispose()
    assert will_pass(refused.value)
    with impatient.write() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_the_limits_are_those_of_the_settings(postgres_url: str, tmp_path: Path) -> None:
    world = build_world(postgres_url, tmp_path, database_lock_seconds=1.5)
    with world.read() as session:
        assert session.scalar(text("SHOW lock_timeout")) == "1500ms"
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "2min"
    world.runtime.close()
