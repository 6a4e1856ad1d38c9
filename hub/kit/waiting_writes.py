"""Set-based writes that nobody waits for: kept until the next statement of their transaction, then sent together.

Each journey to PostgreSQL costs more than the rows that a small batch sends with it. Whatever is said next in the
transaction, its COMMIT at the latest, is said after them, so that nothing can be read before it is written. Writes of
one statement see the same state of the database: a table is in it once, and its second write sends the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event

_KEY = "waiting_writes"


@dataclass(slots=True)
class _Write:
    """A statement with one JSON parameter; `more` are further rows of it, each a JSON array without its brackets."""

    text: str
    may_grow: bool
    rows: list[str] = field(default_factory=list)

    def parameter(self) -> str:
        return f"[{','.join(self.rows)}]"


def write_later(connection: Connection, table: str, text: str, rows: str, *, may_grow: bool) -> None:
    """Write a JSON array of rows into a table by the statement, with the next one that is said.

    `may_grow`: the rows of a second such write join those of the first (inserts, which do not see each other's rows).
    """
    waiting: dict[str, _Write] = connection.info.setdefault(_KEY, {})
    there = waiting.get(table)
    if there is not None and not (may_grow and there.may_grow and there.text == text):
        _send(connection)
        waiting, there = connection.info.setdefault(_KEY, {}), None
    if there is None:
        there = waiting[table] = _Write(text, may_grow)
    there.rows.append(rows[1:-1])
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        _send(connection)  # no COMMIT comes that could send it


def write_now(connection: Connection, table: str, text: str, rows: str) -> Any:
    """Send a write whose answer is wanted, and what waits in the same statement; returns its result."""
    if table in connection.info.get(_KEY, ()):
        _send(connection)
    waiting: dict[str, _Write] = connection.info.pop(_KEY, {})
    texts = (*(write.text for write in waiting.values()), text)
    parameters = (*(write.parameter() for write in waiting.values()), rows)
    return connection.exec_driver_sql(_together(texts), parameters)


def watch(engine: Engine) -> None:
    """See to it that no statement of the engine overtakes what waits."""

    def before(connection: Connection, *_: Any) -> None:
        _send(connection)

    def forget(connection: Connection) -> None:
        if not connection.invalidated:  # what waited on a connection that broke went with it
            connection.info.pop(_KEY, None)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "commit", _send)
    event.listen(engine, "begin", forget)
    event.listen(engine, "rollback", forget)


def _send(connection: Connection) -> None:
    waiting: dict[str, _Write] = connection.info.pop(_KEY, {})
    if waiting:
        texts = tuple(write.text for write in waiting.values())
        connection.exec_driver_sql(_together(texts), tuple(write.parameter() for write in waiting.values()))


@lru_cache(maxsize=512)
def _together(texts: Sequence[str]) -> str:
    """One statement: all but the last are parts of its WITH, which PostgreSQL runs whether they are read or not."""
    *before, last = texts
    parts = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(before))
    return f"WITH {parts} {last}" if parts else last
