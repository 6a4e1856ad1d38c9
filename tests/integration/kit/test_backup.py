"""A backup shows one moment, says when it is not whole, and replaces nothing before all of it is there."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from hub.kit import backup_postgresql
from hub.kit.backup import BackupError, Manifest, Snapshot, Store, back_up, compare, manifest_path, read_manifest
from hub.kit.backup_postgresql import ASIDE, PostgresqlStore
from hub.kit.backup_sqlite import SqliteStore
from hub.kit.clock import SYSTEM
from hub.kit.db import Database
from tests.servers import PostgresServer, free_port, with_driver

NEXT = "INSERT INTO number_series (series, next_number) VALUES ('{}', 1)"


def store_of(url: str) -> Store:
    made = make_url(url)
    return SqliteStore(Path(made.database or "")) if made.get_backend_name() == "sqlite" else PostgresqlStore(url)


def write(url: str, statement: str) -> None:
    database = Database(url)
    with database.write() as session:
        session.execute(text(statement))
    database.dispose()


def series(url: str) -> list[str]:
    database = Database(url)
    with database.read() as session:
        found = list(session.scalars(text("SELECT series FROM number_series ORDER BY series")))
    database.dispose()
    return found


def take(url: str, file: Path, *, overwrite: bool = False) -> Manifest:
    return back_up(store_of(url), file, clock=SYSTEM, overwrite=overwrite, told=lambda *_: None)


def restore(url: str, file: Path) -> None:
    store = store_of(url)
    manifest = read_manifest(store, file)
    with store.restored(file) as made:
        compare(store.contents(made), manifest)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hub.backup"


@pytest.fixture
def elsewhere(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the same kind, without any table."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'hub.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    yield with_driver(server.create_database("elsewhere"))
    server.drop_database("elsewhere")


def test_what_is_restored_is_what_was_there(database_url: str, elsewhere: str, file: Path) -> None:
    write(database_url, NEXT.format("one"))
    manifest = take(database_url, file)
    assert (manifest.rows["number_series"], manifest.rows["alembic_version"]) == (1, 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (file, manifest_path(file))} == {0o600}
    assert sorted(path.name for path in file.parent.glob("hub.backup*")) == ["hub.backup", "hub.backup.json"]
    write(database_url, NEXT.format("two"))
    store_of(elsewhere).refuse_to_overwrite()
    restore(elsewhere, file)
    assert series(elsewhere) == ["one"]
    restore(database_url, file)
    assert series(database_url) == ["one"]


def test_a_database_in_use_is_not_overwritten(database_url: str, file: Path) -> None:
    store_of(database_url).refuse_to_overwrite()
    write(database_url, NEXT.format("one"))
    with pytest.raises(BackupError, match=r"number_series.*--overwrite"):
        store_of(database_url).refuse_to_overwrite()
    take(database_url, file)
    with pytest.raises(BackupError, match="--overwrite"):
        take(database_url, file)
    write(database_url, NEXT.format("two"))
    assert take(database_url, file, overwrite=True).rows["number_series"] == 2


def test_a_restore_that_fails_changes_nothing(database_url: str, file: Path) -> None:
    take(database_url, file)
    write(database_url, NEXT.format("kept"))
    with pytest.raises(RuntimeError, match="on the way"), store_of(database_url).restored(file) as made:
        assert series(made) == []
        raise RuntimeError("on the way")
    assert series(database_url) == ["kept"]
    with pytest.raises(BackupError, match="number_series"):
        compare(store_of(database_url).contents(database_url), read_manifest(store_of(database_url), file))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "damaged_backup"),
        (lambda file: manifest_path(file).unlink(), "no_backup"),
        (lambda file: manifest_path(file).write_text("{}"), "bad_manifest"),
        (lambda file: rewrite(file, revision="of_the_future"), "backup_too_new"),
        (lambda file: rewrite(file, database="oracle"), "other_database"),
    ],
)
def test_a_backup_that_cannot_be_used_is_refused_before_anything_is_touched(
    sqlite_url: str, file: Path, harm: Callable[[Path], object], told: str
) -> None:
    take(sqlite_url, file)
    harm(file)
    with pytest.raises(BackupError) as refused:
        read_manifest(store_of(sqlite_url), file)
    assert refused.value.code == told


def rewrite(file: Path, **changes: str) -> None:
    manifest = Manifest.model_validate_json(manifest_path(file).read_bytes())
    manifest_path(file).write_text(manifest.model_copy(update=changes).model_dump_json())


def test_a_damaged_page_is_found(sqlite_url: str, file: Path) -> None:
    """The checksum is of what was written: a database that was broken before it was copied needs another look."""
    write(sqlite_url, NEXT.format("one"))
    path = Path(make_url(sqlite_url).database or "")
    with closing(sqlite3.connect(path)) as there:
        there.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        (root,) = there.execute("SELECT rootpage FROM sqlite_master WHERE name = 'uq_jobs_idem_key'").fetchone()
        (size,) = there.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as raw:
        raw.seek((root - 1) * size)
        raw.write(os.urandom(size))
    with pytest.raises(BackupError, match=r"damaged|malformed"):
        take(sqlite_url, file)
    assert not file.exists()


def test_a_database_without_a_hub_is_not_backed_up(elsewhere: str, file: Path) -> None:
    if elsewhere.startswith("sqlite"):
        path = Path(make_url(elsewhere).database or "")
        path.parent.mkdir()
        path.touch()
    with pytest.raises(BackupError, match="hub db upgrade"):
        take(elsewhere, file)
    with pytest.raises(BackupError, match="make it first"):
        take(elsewhere, file.parent / "nowhere" / "hub.backup")


def test_a_commit_during_the_copy_is_not_in_it(sqlite_url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And does not make it begin anew: under load it would never end."""
    monkeypatch.setattr("hub.kit.backup_sqlite._PAGES", 5)
    steps: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) < 20:
            write(sqlite_url, NEXT.format(f"later-{len(steps)}"))

    made = back_up(store_of(sqlite_url), file, clock=SYSTEM, overwrite=False, told=meanwhile)
    assert (made.rows["number_series"], len(series(sqlite_url))) == (0, 19)
    assert steps == sorted(steps)


@pytest.mark.postgres
def test_a_restore_that_was_cut_off_is_taken_up(postgres_url: str, file: Path) -> None:
    write(postgres_url, NEXT.format("one"))
    take(postgres_url, file)
    write(postgres_url, f"ALTER SCHEMA public RENAME TO {ASIDE}")
    write(postgres_url, "CREATE SCHEMA public")
    with pytest.raises(BackupError, match=ASIDE):
        store_of(postgres_url).refuse_to_overwrite()
    restore(postgres_url, file)
    assert series(postgres_url) == ["one"]


@pytest.mark.postgres
def test_nobody_else_may_be_connected(postgres_url: str, file: Path) -> None:
    take(postgres_url, file)
    with (
        psycopg.connect(postgres_url.replace("+psycopg", "")),
        pytest.raises(BackupError, match="1 other sessions"),
        store_of(postgres_url).restored(file),
    ):
        pass


@pytest.mark.postgres
def test_who_may_not_replace_the_tables_is_told(postgres_url: str, file: Path) -> None:
    take(postgres_url, file)
    write(postgres_url, "DROP ROLE IF EXISTS guest")
    write(postgres_url, "CREATE ROLE guest LOGIN")
    with pytest.raises(BackupError, match="owner") as refused:
        restore(postgres_url.replace("postgres@", "guest@"), file)
    assert refused.value.code == "not_owner"
    assert store_of(postgres_url).contents(postgres_url).rows["alembic_version"] == 1


def test_a_server_that_is_away_is_told(file: Path) -> None:
    with pytest.raises(BackupError, match="ORDERHUB_DATABASE_URL"):
        take(f"postgresql+psycopg://u:hunter2@127.0.0.1:{free_port()}/x", file)


@pytest.mark.postgres
def test_the_password_is_on_no_command_line(
    postgres_url: str, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of the tools something runs that notes how it was called, then calls the tool."""
    for name in ("pg_dump", "pg_restore"):
        real = backup_postgresql._tool(name, 0)
        spy = tmp_path / "bin" / name
        spy.parent.mkdir(exist_ok=True)
        spy.write_text(f'#!/bin/sh\necho "$0 $* PASSWORD=$PGPASSWORD" >> {tmp_path}/calls\nexec {real} "$@"\n')
        spy.chmod(0o755)
    monkeypatch.setattr(backup_postgresql, "_tool", lambda name, major: str(tmp_path / "bin" / name))
    url = postgres_url.replace("postgres@", "postgres:hunter2@")
    take(url, file)
    restore(url, file)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 5
    assert all(call.count("hunter2") == 1 and call.endswith("PASSWORD=hunter2") for call in calls)


@pytest.mark.postgres
def test_tools_are_found_or_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backup_postgresql, "_INSTALLED", tmp_path)
    for version in ("15", "17", "9.6"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        (folder / "pg_dump").touch()
    assert "/17/" in backup_postgresql._tool("pg_dump", 16), "an older one refuses a newer server"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BackupError, match="postgresql-client-18"):
        backup_postgresql._tool("pg_dump", 18)


def test_what_differs_is_named() -> None:
    there = Manifest(
        revision="a", rows={"jobs": 1}, database="sqlite", taken_at=datetime.now(UTC), hub="1", bytes=1, sha256="x"
    )
    compare(Snapshot(revision="a", rows={"jobs": 1}), there)
    with pytest.raises(BackupError, match="jobs, orders"):
        compare(Snapshot(revision="a", rows={"jobs": 2, "orders": 0}), there)
