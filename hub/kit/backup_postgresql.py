"""Backups of PostgreSQL by its own tools: pg_dump writes, pg_restore reads. A password is in their environment only."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from hub.kit.backup import BackupError, Snapshot, Told
from hub.kit.backup_sqlite import not_empty

ASIDE = "before_restore"
"""The schema that holds what was there while a restore is under way."""
_INSTALLED = Path("/usr/lib/postgresql")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_OF_SCHEMA = re.compile(r"^\d+; \d+ \d+ (SCHEMA - public|(COMMENT|ACL) - SCHEMA public) ", re.MULTILINE)
"""Entries of an archive about the schema itself: it is there already."""


class PostgresqlStore:
    """The database on a server; the hub's tables are in the schema `public`."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql")

    def copy(self, target: Path, told: Told) -> Snapshot:
        """pg_dump works in a snapshot that is exported to it, and in the same one the rows are counted."""
        with self._connect() as connection:
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            (exported,) = _one(connection, "SELECT pg_export_snapshot()")
            snapshot = _contents(connection)
            major = connection.info.server_version // 10000
            options = ["--format=custom", "--no-owner", "--no-privileges", "--schema=public", "--verbose"]
            self._run(
                _tool("pg_dump", major),
                [*options, f"--snapshot={exported}", f"--file={target}", f"--dbname={self._plain()}"],
                told, len(snapshot.rows),
            )  # fmt: skip
            connection.execute("ROLLBACK")
        listed = self._run(_tool("pg_restore", major), ["--list", str(target)])
        absent = [table for table in snapshot.rows if f" TABLE DATA public {table} " not in listed]
        if absent:
            raise BackupError("differs", f"The backup lacks {', '.join(absent[:5])}: take another one.")
        self._run(_tool("pg_restore", major), [f"--file={os.devnull}", str(target)])  # reads all of it
        return snapshot

    def refuse_to_overwrite(self) -> None:
        """Tables without any row may be written over."""
        with self._connect() as connection:
            rows = _rows(connection)
            interrupted = _has_aside(connection)
        full = sorted(table for table, count in rows.items() if count and table != "alembic_version")
        if full or interrupted:
            raise not_empty(self._url.render_as_string(hide_password=True), full or [f"schema {ASIDE}"])

    @contextmanager
    def restored(self, file: Path) -> Iterator[str]:
        """What was there waits in a schema of its own until the block is over."""
        with self._connect() as connection:
            (others,) = _one(connection, _OTHERS)
            if others:
                raise BackupError(
                    "being_used",
                    f"{others} other sessions use {self._url.database}: stop all processes of the hub, then restore.",
                )
            if _has_aside(connection):  # an earlier restore was cut off: what it had made is worth nothing
                _put_back(connection)
            _put_aside(connection)
            try:
                self._load(file, connection.info.server_version // 10000)
                yield self._url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
            except BaseException:
                _put_back(connection)
                raise
            connection.execute(_named("DROP SCHEMA {} CASCADE"))

    def contents(self, url: str) -> Snapshot:
        """Revision and rows."""
        with self._connect() as connection:
            return _contents(connection)

    def _load(self, file: Path, major: int) -> None:
        tool = _tool("pg_restore", major)
        listed = self._run(tool, ["--list", str(file)])
        with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as wanted:
            wanted.write("".join(f"{entry}\n" for entry in listed.splitlines() if not _OF_SCHEMA.match(entry)))
            wanted.flush()
            options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
            self._run(tool, [*options, f"--use-list={wanted.name}", f"--dbname={self._plain()}", str(file)])

    def _run(self, tool: str, arguments: Sequence[str], told: Told | None = None, total: int = 0) -> str:
        """Run a tool; what it prints. Its last words are the error where it fails."""
        environment = dict(os.environ)
        if self._url.password is not None:
            environment["PGPASSWORD"] = str(self._url.password)
        last, done = "", 0
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as output,
            subprocess.Popen(  # noqa: S603  PostgreSQL's own tool, no shell
                [tool, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
                text=True, errors="replace",
            ) as process,
        ):  # fmt: skip
            for line in cast("Iterator[str]", process.stderr):
                last = line.strip() or last
                if told is not None and "dumping contents of table" in line:
                    done += 1
                    told(min(done, total), total)
            if process.wait() != 0:
                raise BackupError("tool_failed", f"{Path(tool).name} failed: {last}")
            output.seek(0)
            return output.read()

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.connect(self._url.render_as_string(hide_password=False), autocommit=True)
        except psycopg.OperationalError as error:
            raise BackupError(
                "database_unavailable",
                f"The database cannot be used: {str(error).splitlines()[0]}. Check ORDERHUB_DATABASE_URL, and that the "
                "server runs.",
            ) from error
        connection.execute("SET search_path = public")
        return connection

    def _plain(self) -> str:
        """The address without its password: a command line can be read by everybody on the machine."""
        return self._url._replace(password=None).render_as_string(hide_password=False)


def _tool(name: str, major: int) -> str:
    """The tool of the server's version, else a newer one, else the one on the path."""
    found: dict[int, Path] = {}
    for file in _INSTALLED.glob(f"*/bin/{name}"):
        folder = file.parent.parent.name
        if folder.isdecimal() and int(folder) >= major:
            found[int(folder)] = file
    if found:
        return str(found[min(found)])
    on_path = shutil.which(name)
    if on_path is None:
        raise BackupError("tool_missing", f"There is no {name}: install the package postgresql-client-{major}.")
    return on_path


def _contents(connection: psycopg.Connection[Any]) -> Snapshot:
    rows = _rows(connection)
    if not rows.get("alembic_version"):
        raise BackupError("no_hub", "There are no tables of a hub in it: nothing to back up. Run `hub db upgrade`.")
    (revision,) = _one(connection, "SELECT version_num FROM public.alembic_version")
    return Snapshot(revision=revision, rows=rows)


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    counts = {}
    for name in tables:
        counted = connection.execute(sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(name))).fetchone()
        counts[name] = int(counted[0]) if counted else 0
    return counts


def _has_aside(connection: psycopg.Connection[Any]) -> bool:
    found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (ASIDE,)).fetchone()
    return found is not None


def _put_aside(connection: psycopg.Connection[Any]) -> None:
    try:
        with connection.transaction():
            connection.execute(_named("ALTER SCHEMA public RENAME TO {}"))
            connection.execute("CREATE SCHEMA public")
            connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            "not_owner",
            f"{connection.info.user} may not replace the schema public of {connection.info.dbname}: let the server's "
            f"administrator make it the owner of the database and of that schema, then restore.",
        ) from error


def _put_back(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
        connection.execute(_named("ALTER SCHEMA {} RENAME TO public"))


def _named(statement: LiteralString) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(ASIDE))


def _one(connection: psycopg.Connection[Any], statement: LiteralString) -> Any:
    return connection.execute(statement).fetchone()
