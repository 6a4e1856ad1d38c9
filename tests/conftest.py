"""Fixtures that every test may use: databases, brokers and the shared documents.

Servers are private to one test process and start at their first use. A database is a clone of a migrated template, so
that a test starts with the real schema in milliseconds.
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from hub.kit import migrations
from tests.peers import fixtures_folder, require_peer
from tests.servers import PostgresServer, RabbitServer, RedisServer, Server, with_driver

# What the gate says about a change is about that change: it tries the same examples each time. `make explore` looks for
# new ones.
settings.register_profile("gate", derandomize=True)
settings.register_profile("explore")
settings.load_profile(os.environ.get("ORDERHUB_EXAMPLES", "gate"))

_names = itertools.count(1)


def _running(kind: type[Server], make: Callable[[], Server] | None = None) -> Iterator[Server]:
    reason = kind.missing()
    require_peer(kind.name, reason is None, reason or "")
    with (make or kind)() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A private PostgreSQL; `create_database` makes as many databases as a test wants.

    It does not wait for the disk: what is committed outlives a killed process, and no test here cuts the power.
    """
    yield from _running(PostgresServer, partial(PostgresServer, durable=False))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a private Redis, shared by the tests of this process."""
    for server in _running(RedisServer):
        yield server.url


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """The URL of a private RabbitMQ, shared by the tests of this process."""
    for server in _running(RabbitServer):
        yield server.url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "hub.sqlite3"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated, empty PostgreSQL database to clone."""
    url = postgres_server.create_database("orderhub_template")
    migrations.upgrade(with_driver(url))
    return "orderhub_template"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of an empty migrated SQLite database of this test's own."""
    path = tmp_path / "hub.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of an empty migrated PostgreSQL database of this test's own."""
    name = f"test_{next(_names)}"
    yield with_driver(postgres_server.create_database(name, template=postgres_template))
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty migrated database; the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of shared source documents; skips with the reason where there is none."""
    return fixtures_folder()
