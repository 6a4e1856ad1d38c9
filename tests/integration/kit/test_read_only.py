"""Who only looks cannot write: the database says so, on both of them, and on PostgreSQL a user says so too."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.kit.db import Database, cannot_write
from hub.kit.errors import HubError, InvalidInput, StateConflict
from hub.kit.read_role import make_read_role

WRITE = text("DELETE FROM jobs")
READER, OWNER = "orderhub_reader", "orderhub_owner"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, pool_size=1)
    yield opened
    opened.dispose()


@pytest.fixture
def read_url(postgres_url: str) -> Iterator[str]:
    make_read_role(postgres_url, READER, password="a b'c")
    yield postgres_url.replace("postgres@", f"{READER}:a%20b'c@")
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {READER}")
        connection.execute(f"DROP ROLE {READER}")


def test_a_write_is_refused_by_the_database(database: Database) -> None:
    with database.read_only() as session:
        assert cannot_write(session)
        with pytest.raises(DBAPIError, match=r"read-?only"):
            session.execute(WRITE)


def test_the_connection_writes_again_afterwards(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read_only() as session:
        session.execute(WRITE)
    with database.write() as session:
        assert not cannot_write(session)
        session.execute(WRITE)
    with database.read() as session:
        assert not cannot_write(session)


def test_others_write_while_somebody_looks(database_url: str) -> None:
    database = Database(database_url, pool_size=2, lock_seconds=0.5)
    with database.read_only() as session:
        before = session.scalar(text("SELECT count(*) FROM schedules"))
        with database.write() as other:
            other.execute(
                text(
                    "INSERT INTO schedules (schedule_id, kind, cron, args, due_at)"
                    " VALUES ('a', 'a', '* * * * *', '{}', '2026-01-01 00:00:00')"
                )
            )
        assert session.scalar(text("SELECT count(*) FROM schedules")) == before
    database.dispose()


@pytest.mark.postgres
def test_the_reader_sees_everything_and_changes_nothing(postgres_url: str, read_url: str) -> None:
    database = Database(postgres_url, read_url=read_url)
    with database.read_only() as session:
        assert session.scalar(text("SELECT current_user")) == READER
        assert session.scalar(text("SELECT count(*) FROM connections")) == 0
    database.dispose()
    with psycopg.connect(read_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")  # not even when it takes this off
        for statement in ("DELETE FROM jobs", "CREATE TABLE public.mine (a int)", "UPDATE orders SET number = ''"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.postgres
def test_the_reader_sees_tables_that_come_later(postgres_url: str, read_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE later (a int)")
    with psycopg.connect(read_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    assert make_read_role(postgres_url, READER).created is False


@pytest.mark.postgres
def test_a_role_that_could_write_is_refused_and_nothing_changes(postgres_url: str, read_url: str) -> None:
    plain = postgres_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {OWNER}")
        connection.execute(f"GRANT INSERT ON orders TO {OWNER}")
        with pytest.raises(StateConflict, match="may write 1 table"):
            make_read_role(postgres_url, OWNER)
        reads = connection.execute(f"SELECT has_table_privilege('{OWNER}', 'jobs', 'SELECT')").fetchone()
        connection.execute(f"DROP OWNED BY {OWNER}")
        connection.execute(f"DROP ROLE {OWNER}")
    assert reads == (False,)
    with pytest.raises(StateConflict, match="postgres"):
        make_read_role(postgres_url, "postgres")
    with pytest.raises(HubError, match="administrator"):
        make_read_role(read_url, "another")


def test_sqlite_needs_no_role(sqlite_url: str) -> None:
    with pytest.raises(InvalidInput, match="query_only"):
        make_read_role(sqlite_url, READER)
