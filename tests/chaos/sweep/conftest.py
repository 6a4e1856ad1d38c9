"""Hubs whose every step is numbered.

`ORDERHUB_CHAOS=long` sweeps every point and drives the machines 100,000 steps; without it a sample is taken, another one
for each `ORDERHUB_CHAOS_SEED`. `pytest -rP tests/chaos/sweep` prints a line for each promise.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import small_world, world
from tests.chaos.sweep.steps import Monotonic, Steps
from tests.chaos.sweep.walking import Hub, build_hub
from tests.emptied import database_url, emptied_postgres_url, shared_postgres_url

__all__ = ["database_url", "emptied_postgres_url", "shared_postgres_url", "small_world", "world"]

LONG = os.environ.get("ORDERHUB_CHAOS") == "long"
SEED = int(os.environ.get("ORDERHUB_CHAOS_SEED", "1"))


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Hub]:
    """A hub and a second process of it; the test runs once on SQLite and once on PostgreSQL."""
    built = build_hub(database_url, tmp_path)
    yield built
    built.close()


@pytest.fixture
def small_hub(sqlite_url: str, tmp_path: Path) -> Iterator[Hub]:
    """The same on SQLite alone."""
    built = build_hub(sqlite_url, tmp_path)
    yield built
    built.close()


@pytest.fixture
def skew(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    """How far the machine's clock went on while a process stood still."""
    skew = Monotonic()
    skew.install(monkeypatch)
    return skew


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The counter of steps; it counts what it is told to watch."""
    return Steps()
