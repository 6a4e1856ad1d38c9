"""The database: one engine, two kinds of transaction, and the only commits outside intake and the job runner.

SQLite has one writer at a time: a fair in-process lock is taken before `BEGIN IMMEDIATE`, because threads that wait in
SQLite's own busy loop wait up to seconds while those behind one lock wait milliseconds.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from hub.kit import waiting_writes

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all rows."""

    metadata = MetaData(naming_convention=NAMING)


class FairLock:
    """A lock that serves waiters in the order in which they came."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._waiters: list[threading.Event] = []
        self._held = False

    def __enter__(self) -> None:
        with self._gate:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiters.append(turn)
        try:
            turn.wait()
        except BaseException:  # a thread that was interrupted while it waited must not take its turn to the grave
            with self._gate:
                if turn in self._waiters:
                    self._waiters.remove(turn)
                    raise
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        with self._gate:
            if self._waiters:
                self._waiters.pop(0).set()
            else:
                self._held = False


class Database:
    """One database of the hub; `write()` and `read()` are the only ways to a session.

    On PostgreSQL a statement waits at most `lock_seconds` for a lock, and a transaction that says nothing for
    `idle_seconds` is ended, so that a process that hangs holds up nobody for long. None: as the server is set (a
    migration takes the time that it takes). `read_url` is the same database as a user sees it who may only read.
    """

    def __init__(
        self, url: str, *, pool_size: int = 10, lock_seconds: float | None = None, idle_seconds: float | None = None,
        read_url: str | None = None,
    ) -> None:  # fmt: skip
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._write_lock = FairLock()
        self.session_info: dict[str, Any] = {}
        """Copied into `Session.info` of every transaction (the job publisher lives there)."""
        if self.is_sqlite:
            self.engine = self._read_engine = _sqlite_engine(url, pool_size)
        else:
            limits = {"lock_timeout": lock_seconds, "idle_in_transaction_session_timeout": idle_seconds}
            self.engine = _postgresql_engine(url, pool_size, limits)
            waiting_writes.watch(self.engine)
            self._read_engine = _postgresql_engine(read_url, pool_size, limits) if read_url else self.engine
        self._alone = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write; commits at the end, rolls back on an error."""
        if self.is_sqlite:
            with self._write_lock, self._transaction({"orderhub_write": True}) as session:
                yield session
        else:
            with self._transaction({}) as session:
                yield session
        for callback in session.info.get("after_commit", {}).values():
            callback()

    @contextmanager
    def at_once(self) -> Iterator[Session]:
        """For a single statement that writes: on PostgreSQL each is a transaction of its own, and costs one journey to
        the server instead of three. On SQLite the same as `write()`. Nothing is called after the commit.
        """
        if self.is_sqlite:
            with self._write_lock, self._transaction({"orderhub_write": True}) as session:
                yield session
        else:
            with self._alone.connect() as connection, Session(connection, info=self.session_info) as session:
                yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; what it changes is rolled back."""
        with self.engine.connect() as connection, self._looking(connection) as session:
            yield session

    @contextmanager
    def read_only(self) -> Iterator[Session]:
        """A transaction in which the database itself refuses every write; as the user of `read_url`, where one is set.

        For work that runs code of others on a copy of the truth. It sees the moment of its first statement, however
        long it takes, and holds no lock that a writer waits for.
        """
        with self._read_engine.connect() as connection:
            if self.is_sqlite:
                with _query_only(connection), self._looking(connection) as session:
                    yield session
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with self._looking(connection) as session:
                    yield session

    @contextmanager
    def _looking(self, connection: Connection) -> Iterator[Session]:
        with Session(connection, autoflush=False, info=self.session_info) as session:
            yield session
            session.rollback()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Session]:
        with self.engine.connect() as plain:
            connection = plain.execution_options(**options) if options else plain
            with Session(connection, expire_on_commit=False, info=self.session_info) as session, session.begin():
                yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._read_engine.dispose()


def cannot_write(session: Session) -> bool:
    """Whether the database refuses what this transaction would write (`Database.read_only`): it is asked itself."""
    if session.connection().dialect.name == "sqlite":
        return bool(session.scalar(text("PRAGMA query_only")))
    return bool(session.scalar(text("SHOW transaction_read_only")) == "on")


def after_commit(session: Session, key: str, callback: Callable[[], None]) -> None:
    """Call once after this transaction has committed; a later callback under the same key replaces the earlier."""
    session.info.setdefault("after_commit", {})[key] = callback


def lock_names(session: Session, names: Collection[str]) -> None:
    """Take locks on names until the transaction ends, in one fixed order: for what has no row yet.

    SQLite needs none: there, one transaction writes at a time.
    """
    if not names or session.connection().dialect.name != "postgresql":
        return
    digests = (hashlib.sha256(name.encode()).digest() for name in set(names))
    keys = sorted(int.from_bytes(digest[:8], signed=True) for digest in digests)
    session.execute(text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k"), {"keys": keys})


def dump_json(value: Any) -> str:
    """JSON text; datetimes as ISO 8601, Decimals as text."""
    return orjson.dumps(value, default=str).decode()


def _postgresql_engine(url: str, pool_size: int, limits: Mapping[str, float | None]) -> Engine:
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=False,
        json_serializer=dump_json, json_deserializer=orjson.loads, hide_parameters=True,
    )  # fmt: skip
    event.listen(engine, "connect", partial(_prepare_postgresql, limits))
    return engine


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, pool_size=pool_size, max_overflow=pool_size, connect_args={"timeout": 30, "check_same_thread": False},
        json_serializer=dump_json, json_deserializer=orjson.loads, hide_parameters=True,
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: `_begin_sqlite` does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "cache_size=-32000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


@contextmanager
def _query_only(connection: Connection) -> Iterator[None]:
    """The file cannot be changed through this connection until it goes back to the pool."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  the only driver that is used for SQLite
    driver.execute("PRAGMA query_only = ON").close()
    try:
        yield
    finally:
        driver.execute("PRAGMA query_only = OFF").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("orderhub_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(limits: Mapping[str, float | None], connection: Any, _: ConnectionPoolEntry) -> None:
    """Every query of ours goes through an index: a plan that was made while a table was small must not go on reading
    the whole of it (prepared plans outlive the minute until the server counts anew). And each reads few rows: compiling
    one costs more than running it.
    """
    connection.execute("SET TIME ZONE 'UTC'; SET enable_seqscan = off; SET jit = off")
    connection.execute(
        "SELECT set_config(name, 'lz4', false) FROM pg_settings"
        " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
    )
    for name, seconds in limits.items():
        if seconds is not None:
            connection.execute("SELECT set_config(%s, %s, false)", (name, f"{round(seconds * 1000)}ms"))
    connection.commit()
