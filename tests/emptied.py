"""Databases for tests that need many: on PostgreSQL one is emptied between tests, which is far faster than a new one.

A clone is about a thousand files to make and to remove. A `conftest.py` that imports `database_url` from here takes it
in place of the one that clones; tests that create tables of their own must not.
"""

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.servers import PostgresServer, with_driver

_NAMES = itertools.count(1)
EMPTY = """
DO $$ DECLARE found record; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', found.tablename);
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The plain URL of one database for all tests of a folder."""
    name = f"shared_{next(_NAMES)}"
    yield postgres_server.create_database(name, template=postgres_template)
    postgres_server.drop_database(name)


@pytest.fixture
def emptied_postgres_url(shared_postgres_url: str) -> str:
    """The URL of a migrated database in which nothing is left of the tests before."""
    with psycopg.connect(shared_postgres_url, autocommit=True) as connection:
        connection.execute(EMPTY)
    return with_driver(shared_postgres_url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty migrated database; the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "emptied_postgres_url"))
