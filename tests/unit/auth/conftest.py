"""A database with the tables of auth and audit, a settable clock, and a small app."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import hub.audit.tables
import hub.auth.tables  # noqa: F401
from hub.kit.db import Base, Database
from hub.kit.log import configure_logging
from hub.sdk.testing.kit import FakeClock

TABLES = ("api_keys", "idempotent_requests", "audit_entries")


@pytest.fixture
def clock() -> FakeClock:
    """Stands still until a test moves it."""
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database."""
    made = Database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")
    Base.metadata.create_all(made.engine, tables=[Base.metadata.tables[name] for name in TABLES])
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def quiet_logging() -> Iterator[None]:
    """Log as the hub does, into nothing."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(stream=io.StringIO())
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
