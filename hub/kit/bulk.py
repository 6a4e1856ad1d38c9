"""Set-based writes for the paths where orders flow: one statement for any number of rows.

On PostgreSQL the rows travel as one JSON parameter through `json_to_recordset`, so the statement's text (and its
prepared
plan) is the same for any number of rows. What nobody asks an answer of waits for the next statement and is sent with it
(`waiting_writes`). On SQLite the driver's own `executemany` does it without a network, and at once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import JSON, Column, ColumnElement, LargeBinary, Table, any_, bindparam
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from hub.kit.db import dump_json
from hub.kit.types import FixedDecimal, UtcDateTime, scale_up
from hub.kit.waiting_writes import write_later, write_now

Row = Mapping[str, Any]
_NUL = b"\\u0000"
_PG = postgresql.dialect()  # type: ignore[no-untyped-call]


def among(session: Session, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column IN values`. On PostgreSQL the values travel as one array, so that the statement's text and its prepared
    plan are the same for any number of them.
    """
    if _dialect(session) != "postgresql":
        return column.in_(values)
    return column == any_(bindparam(None, list(values), type_=postgresql.ARRAY(column.type)))


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns; a duplicate key is an error."""
    if rows:
        text = _insert_text(table, tuple(rows[0]), None, _dialect(session))
        _write(session, text, table, rows, may_grow=True)


def insert_missing(session: Session, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> None:
    """Insert those rows whose unique `key` columns are not there yet, where nobody asks which."""
    if rows:
        text = _insert_text(table, tuple(rows[0]), tuple(key), _dialect(session), returning=False)
        _write(session, text, table, rows, may_grow=True)


def insert_new(session: Session, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> set[tuple[Any, ...]]:
    """Insert those rows whose unique `key` columns are not there yet; returns the keys that were inserted."""
    if not rows:
        return set()
    dialect = _dialect(session)
    columns = tuple(rows[0])
    text = _insert_text(table, columns, tuple(key), dialect)
    connection = session.connection()
    if dialect == "postgresql":
        result = write_now(connection, table.name, text, _as_json(table, columns, rows))
        return {tuple(_plain(value) for value in row) for row in result}
    cursor = connection.connection.cursor()
    inserted: set[tuple[Any, ...]] = set()
    for row, values in zip(rows, _as_tuples(table, columns, rows), strict=True):
        if cursor.execute(text, values).rowcount == 1:
            inserted.add(tuple(row[name] for name in key))
    cursor.close()
    return inserted


def put_rows(session: Session, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> None:
    """Store rows by their `key`, whether they are there or not, also while others store the same."""
    added = insert_new(session, table, rows, key=key)
    update_rows(session, table, [row for row in rows if tuple(row[name] for name in key) not in added], key=key)


def update_rows(
    session: Session, table: Table, rows: Sequence[Row], *, key: Sequence[str], add: Sequence[str] = ()
) -> None:
    """Set every row's other columns by its `key`; columns in `add` are added to the stored value."""
    if not rows:
        return
    columns = tuple(rows[0])
    text = _update_text(table, columns, tuple(key), tuple(add), _dialect(session))
    _write(session, text, table, rows, order=_update_order(columns, tuple(key)))


def add_rows(session: Session, table: Table, rows: Sequence[Row], *, key: Sequence[str], add: str) -> None:
    """Add to the column `add` of each row by its `key`; a row that is not there is inserted. Each key once, and in one
    fixed order, so that two who add to the same rows never wait for each other crosswise.
    """
    if rows:
        text = _insert_text(table, tuple(rows[0]), tuple(key), _dialect(session), returning=False)
        adding = f"DO UPDATE SET {add} = {table.name}.{add} + excluded.{add}"
        _write(session, text.replace("DO NOTHING", adding), table, rows)


def delete_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Delete the rows that have these values in these columns."""
    if rows:
        _write(session, _delete_text(table, tuple(rows[0]), _dialect(session)), table, rows)


def _write(
    session: Session, text: str, table: Table, rows: Sequence[Row], *, order: tuple[str, ...] | None = None,
    may_grow: bool = False,
) -> None:  # fmt: skip
    connection = session.connection()
    if _dialect(session) == "postgresql":
        write_later(connection, table.name, text, _as_json(table, tuple(rows[0]), rows), may_grow=may_grow)
        return
    cursor = connection.connection.cursor()
    cursor.executemany(text, list(_as_tuples(table, order or tuple(rows[0]), rows)))
    cursor.close()


def _dialect(session: Session) -> str:
    return session.connection().dialect.name


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | None) else str(value)


@lru_cache(maxsize=512)
def _insert_text(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...] | None, dialect: str, *, returning: bool = True
) -> str:
    names = ", ".join(columns)
    conflict = "" if key is None else f" ON CONFLICT ({', '.join(key)}) DO NOTHING"
    if dialect == "postgresql":
        told = "" if key is None or not returning else f" RETURNING {', '.join(key)}"
        picked = ", ".join(_picked(table.c[name]) for name in columns)
        source = f"json_to_recordset(%s::json) AS r({_record(table, columns)})"
        return f"INSERT INTO {table.name} ({names}) SELECT {picked} FROM {source}{conflict}{told}"  # noqa: S608
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks}){conflict}"  # noqa: S608


@lru_cache(maxsize=512)
def _update_text(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], add: tuple[str, ...], dialect: str
) -> str:
    changed = [name for name in columns if name not in key]
    if dialect == "postgresql":
        sets = ", ".join(
            f"{name} = t.{name} + r.{name}" if name in add else f"{name} = {_picked(table.c[name])}" for name in changed
        )
        where = " AND ".join(f"t.{name} = r.{name}" for name in key)
        source = f"json_to_recordset(%s::json) AS r({_record(table, columns)})"
        return f"UPDATE {table.name} AS t SET {sets} FROM {source} WHERE {where}"  # noqa: S608
    sets = ", ".join(f"{name} = {name} + ?" if name in add else f"{name} = ?" for name in changed)
    where = " AND ".join(f"{name} = ?" for name in key)
    return f"UPDATE {table.name} SET {sets} WHERE {where}"  # noqa: S608


@lru_cache(maxsize=64)
def _delete_text(table: Table, columns: tuple[str, ...], dialect: str) -> str:
    if dialect == "postgresql":
        where = " AND ".join(f"t.{name} = r.{name}" for name in columns)
        source = f"json_to_recordset(%s::json) AS r({_record(table, columns)})"
        return f"DELETE FROM {table.name} AS t USING {source} WHERE {where}"  # noqa: S608
    where = " AND ".join(f"{name} = ?" for name in columns)
    return f"DELETE FROM {table.name} WHERE {where}"  # noqa: S608


def _update_order(columns: tuple[str, ...], key: tuple[str, ...]) -> tuple[str, ...]:
    return (*(name for name in columns if name not in key), *key)


def _record(table: Table, columns: Iterable[str]) -> str:
    return ", ".join(f"{name} {_pg_type(table.c[name])}" for name in columns)


def _pg_type(column: Column[Any]) -> str:
    return "text" if isinstance(column.type, LargeBinary) else str(column.type.compile(dialect=_PG))


def _picked(column: Column[Any]) -> str:
    return f"decode(r.{column.name}, 'hex')" if isinstance(column.type, LargeBinary) else f"r.{column.name}"


def _as_json(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> str:
    converters = _converters(table, columns, "postgresql")
    plain = [_converted(row, converters) for row in rows] if converters else list(rows)
    text = orjson.dumps(plain, default=_json_default)
    if _NUL in text:  # PostgreSQL's texts cannot hold it; what came byte for byte is kept in `bytea`
        text = orjson.dumps(without_nul(plain), default=_json_default)
    return text.decode()


def _converted(row: Row, converters: Iterable[tuple[str, Callable[[Any], Any]]]) -> Row:
    values = dict(row)
    for name, convert in converters:
        values[name] = convert(values[name])
    return values


def without_nul(value: Any) -> Any:
    """The value with every NUL character in its texts replaced by U+FFFD."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, Mapping):
        return {without_nul(name): without_nul(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(entry) for entry in value]
    return value


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _as_tuples(table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> Iterable[tuple[Any, ...]]:
    converters = dict(_converters(table, columns, "sqlite"))
    pairs = [(name, converters.get(name)) for name in columns]
    for row in rows:
        yield tuple(row[name] if convert is None else convert(row[name]) for name, convert in pairs)


@lru_cache(maxsize=512)
def _converters(table: Table, columns: tuple[str, ...], dialect: str) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    found = []
    for name in columns:
        convert = _converter(table.c[name].type, dialect)
        if convert is not None:
            found.append((name, convert))
    return tuple(found)


def _converter(kind: Any, dialect: str) -> Callable[[Any], Any] | None:
    if isinstance(kind, FixedDecimal):
        places = kind.places
        return lambda value: None if value is None else scale_up(value, places)
    if dialect == "postgresql":
        return (lambda value: None if value is None else value.hex()) if isinstance(kind, LargeBinary) else None
    if isinstance(kind, UtcDateTime):
        return _sqlite_instant
    if isinstance(kind, JSON):
        return dump_json
    return None


def _sqlite_instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
