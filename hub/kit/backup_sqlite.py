"""Backups of SQLite by its online backup API, beside a hub that works."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from hub.kit.backup import BackupError, Snapshot, Told

_PAGES = 2000
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


class SqliteStore:
    """The database in a file."""

    name = "sqlite"

    def __init__(self, file: Path) -> None:
        self._file = file

    def copy(self, target: Path, told: Told) -> Snapshot:
        """Copy page by page. One read transaction holds the moment: without it, every commit of a running hub would
        begin the copy anew.
        """
        with _readable(self._file), closing(_open(self._file)) as source, closing(_open(target)) as copy:
            source.execute("BEGIN")
            snapshot = _contents(source)
            source.backup(copy, pages=_PAGES, progress=lambda _, left, total: told(total - left, total), sleep=0)
            source.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode=DELETE").close()
            _refuse_broken(copy, target)
            if _contents(copy) != snapshot:
                raise BackupError("differs", "The copy does not hold what was there: take another backup.")
        _sync(target)
        return snapshot

    def refuse_to_overwrite(self) -> None:
        """A file without any row of the hub may be written over."""
        if not self._file.exists():
            return
        with _readable(self._file), closing(_open(self._file)) as there:
            rows = _rows(there)
        full = sorted(table for table, count in rows.items() if count and table != "alembic_version")
        if full:
            raise not_empty(str(self._file), full)

    @contextmanager
    def restored(self, file: Path) -> Iterator[str]:
        """The copy becomes the database by one renaming, at the end of the block."""
        made = self._file.with_name(f"{self._file.name}.restoring")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        _remove(made)
        os.close(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with _readable(file), closing(_open(file)) as source, closing(_open(made)) as copy:
                source.backup(copy)
                _refuse_broken(copy, file)
            yield f"sqlite:///{made}"
            with closing(_open(made)) as copy:  # one file without a log beside it, so that one renaming moves all of it
                copy.execute("PRAGMA journal_mode=DELETE").close()
            _sync(made)
            for suffix in ("-wal", "-shm"):  # of what was there before: it would be played onto the copy
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            made.replace(self._file)
            _sync(self._file.parent)
        finally:
            _remove(made)

    def contents(self, url: str) -> Snapshot:
        """Revision and rows."""
        with closing(_open(Path(make_url(url).database or ""))) as there:
            return _contents(there)


def not_empty(where: str, full: list[str]) -> BackupError:
    """The refusal to write over a database in use."""
    return BackupError(
        "not_empty",
        f"{where} is not empty ({', '.join(full[:5])}): back it up first, then say --overwrite to lose what is in it.",
    )


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(
            "damaged_backup", f"{file} cannot be read as SQLite ({error}): use another backup, and check the disk."
        ) from error


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=30, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=30000").close()
    return connection


def _contents(connection: sqlite3.Connection) -> Snapshot:
    rows = _rows(connection)
    if not rows.get("alembic_version"):
        raise BackupError("no_hub", "There are no tables of a hub in it: nothing to back up. Run `hub db upgrade`.")
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return Snapshot(revision=revision, rows=rows)


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  a name of its own catalogue
        for name in tables
    }


def _refuse_broken(connection: sqlite3.Connection, file: Path) -> None:
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)").fetchall()]
    if found != ["ok"]:
        raise BackupError("damaged_backup", f"{file} is damaged ({found[0]}): use another backup, and check the disk.")


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
