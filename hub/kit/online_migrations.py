"""Steps of migrations that run while the hub works: on PostgreSQL none of them holds a lock for longer than an instant.

A plain ALTER TABLE waits for the longest transaction, and everybody else waits behind it; a plain UPDATE of all rows or
CREATE INDEX holds writers up until it is done. Here each step commits by itself and can be run again: a migration that
was stopped half way is simply started anew. On SQLite, which has one writer, they are the plain steps.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from alembic import op
from psycopg.errors import LockNotAvailable
from sqlalchemy import Column, Connection, text
from sqlalchemy.exc import OperationalError

from hub.kit.clock import sleep
from hub.kit.schema import MigrationError

LOCK_MS = 200
"""How long a step waits for its lock, and with it everybody who comes after."""
TRIES = 150
PAUSE_SECONDS = 0.2
BATCH = 1_000
"""Rows of one transaction of a backfill."""
_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def add_column(table: str, column: Column[Any]) -> None:
    """Add a column that is nullable or has a constant default, so that no row is rewritten; one that is there stays.

    Raises `MigrationError` (`table_busy`) where the table is never free for an instant.
    """
    _briefly(table, lambda: op.add_column(table, column, if_not_exists=_again()))


def drop_column(table: str, name: str) -> None:
    """Drop a column; its data is gone. Raises `MigrationError` (`table_busy`) as `add_column`."""
    _briefly(table, lambda: op.drop_column(table, name, if_exists=_again()))


def backfill(table: str, *, key: str, assign: str, missing: str, batch: int = BATCH) -> int:
    """Set columns (`assign`, the text after SET) of all rows that lack them (`missing`, the text after WHERE).

    `key` is the table's one key column. `batch` rows a transaction; rows that somebody works on are come back to, so
    that nobody waits for more than a batch. Returns the number of rows that were set.
    """
    if _is_sqlite():
        everything = f"UPDATE {table} SET {assign} WHERE {missing}"  # noqa: S608  the migration's own texts
        return int(op.get_bind().execute(text(everything)).rowcount)
    step = (
        f"UPDATE {table} SET {assign} WHERE {key} = ANY (ARRAY(SELECT {key} FROM {table} WHERE ({missing}) {{after}} "  # noqa: S608
        f"ORDER BY {key} LIMIT {int(batch)} FOR UPDATE SKIP LOCKED)) RETURNING {key}"
    )
    left = text(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {missing})")  # noqa: S608
    first, later = text(step.format(after="")), text(step.format(after=f"AND {key} > :after"))
    total, after = 0, None
    with _autocommit():
        while True:
            keys = op.get_bind().scalars(first if after is None else later, {"after": after}).all()
            total += len(keys)
            after = max(keys, default=None)
            if len(keys) < batch:
                if not op.get_bind().scalar(left):
                    return total
                after = None  # from the beginning: some were in somebody's hands
                sleep(PAUSE_SECONDS)


def create_index(
    name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str | None = None
) -> None:
    """Build an index while rows are written; what an earlier try left unfinished is dropped first."""
    condition = None if where is None else text(where)
    beside = not _is_sqlite()
    with _autocommit() if beside else nullcontext():
        if beside and op.get_bind().scalar(_VALID, {"name": name}) is False:
            op.drop_index(name, table_name=table, postgresql_concurrently=True)
        op.create_index(
            name, table, list(columns), unique=unique, if_not_exists=True, postgresql_concurrently=beside,
            postgresql_where=condition, sqlite_where=condition,
        )  # fmt: skip


def drop_index(name: str, table: str) -> None:
    """Drop an index while rows are written."""
    beside = not _is_sqlite()
    with _autocommit() if beside else nullcontext():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=beside)


def _briefly(table: str, change: Callable[[], None]) -> None:
    """Make a change that needs the table for itself: it gives up soon, lets the others through, and tries again."""
    if _is_sqlite():
        change()
        return
    with _autocommit():
        _set_lock_timeout(op.get_bind(), f"{LOCK_MS}ms")
        try:
            for _ in range(TRIES):
                try:
                    change()
                except OperationalError as error:
                    if not isinstance(error.orig, LockNotAvailable):
                        raise
                    sleep(PAUSE_SECONDS)
                else:
                    return
        finally:
            _set_lock_timeout(op.get_bind(), "0")
    raise MigrationError(
        "table_busy",
        f"Table {table} was not free for an instant in {TRIES} tries: a transaction is open that long. Find it in "
        "pg_stat_activity and end it (pg_terminate_backend), then run the same command again.",
    )


def _set_lock_timeout(connection: Connection, value: str) -> None:
    connection.execute(text("SELECT set_config('lock_timeout', :value, false)"), {"value": value})


def _again() -> bool | None:
    """Whether a step may have been done by an earlier try: SQLite makes all steps in one transaction."""
    return None if _is_sqlite() else True


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _autocommit() -> AbstractContextManager[None]:
    """Each statement is a transaction of its own."""
    return op.get_context().autocommit_block()
