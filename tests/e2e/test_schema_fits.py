"""Every way into the hub refuses a database that is too old or too new for it, and says what to run."""

import ast
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hub.kit import schema
from tests.e2e.command_line import Hub
from tests.peers import REPOSITORY

WAYS_IN = (
    ("serve",), ("worker",), ("worker", "--until-done"), ("beat",), ("orders", "list"), ("jobs", "retry", "--parked"),
    ("keys", "list"), ("proof",), ("retention", "run"), ("db", "check"),
)  # fmt: skip
REDIS = {"ORDERHUB_BROKER_URL": "redis://127.0.0.1:1/0"}
OWN_WAY = {"bootstrap.py", "demo_setup.py", "init.py", "db.py", "backup.py"}
"""Modules of the command line that open a database themselves: each brings it to its newest revision, or only looks."""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    hub = Hub(tmp_path)
    hub.ok("init")
    return hub


def become(hub: Hub, revision: str) -> None:
    """The database says that it is at another revision."""
    [file] = hub.data.glob("*.sqlite3")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))


@pytest.mark.parametrize("way", WAYS_IN, ids=" ".join)
def test_too_new(hub: Hub, way: tuple[str, ...]) -> None:
    become(hub, "of_the_future")
    told = Hub(hub.folder, REDIS if way == ("beat",) else {}).refused(*way)
    assert "of_the_future" in told
    assert "pip install --upgrade orderhub" in told


@pytest.mark.parametrize("way", WAYS_IN, ids=" ".join)
def test_too_old(hub: Hub, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    have = schema.revisions().head
    monkeypatch.setattr(schema, "revisions", lambda: schema.Revisions("newest", frozenset({have, "newest"})))
    told = Hub(hub.folder, REDIS if way == ("beat",) else {}).refused(*way)
    assert f"at revision {have}, this hub needs newest" in told
    assert "hub db upgrade" in told


@pytest.mark.parametrize("command", [("init",), ("db", "upgrade"), ("db", "downgrade", "base", "--yes")], ids=" ".join)
def test_a_newer_database_is_not_migrated(hub: Hub, command: tuple[str, ...]) -> None:
    become(hub, "of_the_future")
    assert "of_the_future" in hub.refused(*command)


def test_no_other_module_of_the_command_line_opens_a_database() -> None:
    opened: Callable[[Path], bool] = lambda path: any(  # noqa: E731
        isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Database", "build_runtime")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )
    found = {path.name for path in (REPOSITORY / "hub" / "cli").rglob("*.py") if opened(path)}
    assert found == OWN_WAY
