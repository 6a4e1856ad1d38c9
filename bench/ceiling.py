"""The ceiling of a figure: every row that the run wrote, written again by the barest code.

The rows are those of the run itself, into tables of the same shape (columns, keys, indexes, foreign keys), on the same
server: one connection, `executemany` of plain INSERT and UPDATE, one durable commit for each 100 orders. No ORM, no
checks, no reads, no thought. The HTTP calls of the run are made again by a bare client with bodies of the same size.
"""

import http.client
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psycopg

from bench.rows import Tables, Writes
from hub.kit import migrations
from hub.kit.settings import Settings

BATCH = 100
MASTER = ("locations", "products", "stock_levels", "location_loads", "connection_health")
"""Rows that were there before, or that all orders share: copied untimed, then only updated."""
PARENTS = ("inbound_messages", "orders", "order_lines", "routing_decisions", "fulfilment_orders")
"""Tables that others refer to are written first."""
FIRST_STATE = {"jobs": "ready", "inbound_messages": "received", "erp_documents": "pending", "effects": "sent"}
CHANGED: Mapping[str, tuple[str, ...]] = {
    "jobs": ("state", "lease_token", "due_at", "attempts"),
    "inbound_messages": ("state", "plugin_version", "applied_at", "order_id"),
    "orders": ("event_count", "version", "updated_at"),
    "order_lines": ("unallocated", "allocated", "released"),
    "stock_levels": ("reserved", "updated_at"),
    "erp_documents": ("state", "remote_id", "posted_at"),
    "effects": ("state", "remote_id", "result", "confirmed_at"),
    "location_loads": ("fulfilment_orders",),
    "connection_health": ("last_ok_at",),
}
"""Columns that the run's updates set; other tables are updated in their last column."""
AS_TEXT = ("json", "jsonb", "uuid", "timestamp with time zone", "date")


class Database(Protocol):
    """The few words that both drivers need here."""

    def columns(self, table: str) -> list[tuple[str, str]]: ...
    def key(self, table: str) -> list[str]: ...
    def read(self, sql: str) -> list[tuple[Any, ...]]: ...
    def write(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None: ...
    def commit(self) -> None: ...
    def close(self) -> None: ...
    def mark(self, kind: str) -> str: ...
    def shown(self, name: str, kind: str) -> str: ...


class Postgresql:
    """psycopg, bare."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def columns(self, table: str) -> list[tuple[str, str]]:
        statement = (
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s "
            "AND table_schema = 'public' ORDER BY ordinal_position"
        )
        return self._connection.execute(statement, (table,)).fetchall()

    def key(self, table: str) -> list[str]:
        statement = (
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid = %s::regclass"
        )
        return [name for (name,) in self._connection.execute(statement, (table,))]

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql.encode()).fetchall()

    def write(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(sql.encode(), rows)

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def mark(self, kind: str) -> str:
        return f"%s::{kind}" if kind in AS_TEXT else "%s"

    def shown(self, name: str, kind: str) -> str:
        return f"{name}::text" if kind in AS_TEXT else name


class Sqlite:
    """sqlite3, bare, with the pragmas that the hub uses."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
            self._connection.execute(f"PRAGMA {pragma}").close()

    def columns(self, table: str) -> list[tuple[str, str]]:
        return [(row[1], row[2]) for row in self._connection.execute(f"PRAGMA table_info({table})")]

    def key(self, table: str) -> list[str]:
        return [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})") if row[5]]

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def write(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(sql, rows)

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def mark(self, kind: str) -> str:
        return "?"

    def shown(self, name: str, kind: str) -> str:
        return name


@dataclass(frozen=True, slots=True)
class Share:
    """What one table gets: a statement with its rows, batch by batch."""

    statement: str
    batches: Sequence[Sequence[tuple[Any, ...]]]


def rows_per_second(source: Database, open_target: Callable[[], Database], writes: Tables, orders: int) -> float:
    """Orders a second at which `writes` can be written; `orders` are taken from the run's own database.

    `open_target` opens an empty database of the hub's schema.
    """
    target = open_target()
    try:
        _copy_master(source, target)
        # in the order of foreign keys: inserts of parents, of the others, then all updates
        inserts = [_inserts(source, table, each, orders) for table, each in _ordered(writes) if each.inserted >= 0.01]
        updates = [_updates(source, table, each, orders) for table, each in _ordered(writes) if each.updated >= 0.005]
        shares = [share for share in (*inserts, *updates) if share is not None]
        began = time.perf_counter()
        for batch in range(orders // BATCH):
            for share in shares:
                if share.batches[batch]:
                    target.write(share.statement, share.batches[batch])
            target.commit()
        return orders / (time.perf_counter() - began)
    finally:
        source.close()
        target.close()


def fresh_postgresql(url: str) -> Postgresql:
    """An empty database with the hub's tables."""
    migrations.upgrade(Settings(database_url=url).resolved_database_url)
    return Postgresql(url)


def fresh_sqlite(file: Path) -> Sqlite:
    """An empty file with the hub's tables."""
    migrations.upgrade(f"sqlite:///{file}")
    return Sqlite(file)


def calls_per_second(url: str, calls: Sequence[tuple[str, int]], *, repeat: int) -> float:
    """Rounds a second of the given calls (path, bytes of the body) over one kept connection."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    bodies = [(path, b"x" * size) for path, size in calls]
    began = time.perf_counter()
    for _ in range(repeat):
        for path, body in bodies:
            link.request("POST", path, body=body, headers={"content-type": "application/json"})
            link.getresponse().read()
    seconds = time.perf_counter() - began
    link.close()
    return repeat / seconds


def together(*rates: float) -> float:
    """The rate of doing one thing after the other."""
    return 1 / sum(1 / rate for rate in rates)


def _ordered(writes: Tables) -> Iterator[tuple[str, Writes]]:
    for table in PARENTS:
        if table in writes:
            yield table, writes[table]
    yield from ((table, each) for table, each in writes.items() if table not in PARENTS)


def _copy_master(source: Database, target: Database) -> None:
    for table in MASTER:
        rows, columns = _all_rows(source, table, "")
        if rows:
            target.write(_insert(target, table, columns), rows)
    target.commit()


def _all_rows(source: Database, table: str, rest: str) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    columns = source.columns(table)
    shown = ", ".join(source.shown(name, kind) for name, kind in columns)
    return source.read(f"SELECT {shown} FROM {table} {rest}"), columns


def _insert(target: Database, table: str, columns: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join(target.mark(kind) for _, kind in columns)})"


def _rows_of_orders(
    source: Database, table: str, count: int, orders: int
) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    """About `count` rows of the first orders, oldest first; children only of orders that are taken too."""
    first = f"SELECT order_id FROM orders ORDER BY order_id LIMIT {orders}"
    names = [name for name, _ in source.columns(table)]
    if "order_id" in names and table != "inbound_messages":
        return _all_rows(source, table, f"WHERE order_id IN ({first}) ORDER BY order_id")
    if "fulfilment_order_id" in names:
        of_orders = f"SELECT fulfilment_order_id FROM fulfilment_orders WHERE order_id IN ({first})"
        return _all_rows(source, table, f"WHERE fulfilment_order_id IN ({of_orders}) ORDER BY fulfilment_order_id")
    return _all_rows(source, table, f"LIMIT {count}")


def _inserts(source: Database, table: str, writes: Writes, orders: int) -> Share | None:
    if table in MASTER:
        return None
    rows, columns = _rows_of_orders(source, table, round(writes.inserted * orders), orders)
    names = [name for name, _ in columns]
    if table in FIRST_STATE:
        place = names.index("state")
        rows = [(*row[:place], FIRST_STATE[table], *row[place + 1 :]) for row in rows]
    return Share(_insert(source, table, columns), _in_batches(rows, names, source, orders))


def _updates(source: Database, table: str, writes: Writes, orders: int) -> Share | None:
    if table in MASTER:
        rows, columns = _all_rows(source, table, "")
    else:
        rows, columns = _rows_of_orders(source, table, round(writes.inserted * orders), orders)
    if not rows:
        return None
    names = [name for name, _ in columns]
    kinds = dict(columns)
    key = source.key(table)
    changed = CHANGED.get(table, (names[-1],))
    sets = ", ".join(f"{name} = {source.mark(kinds[name])}" for name in changed)
    where = " AND ".join(f"{name} = {source.mark(kinds[name])}" for name in key)
    places = [names.index(name) for name in (*changed, *key)]
    count = max(1, round(writes.updated * BATCH))
    shared = [rows] * (orders // BATCH) if table in MASTER else _in_batches(rows, names, source, orders)
    batches = [_picked(batch, count, places, turn, table) for turn, batch in enumerate(shared)]
    return Share(f"UPDATE {table} SET {sets} WHERE {where}", batches)


def _picked(
    rows: Sequence[tuple[Any, ...]], count: int, places: Sequence[int], turn: int, table: str
) -> list[tuple[Any, ...]]:
    """Values of `count` updates over the rows, going round; jobs are leased at first and then done."""
    picked = []
    for number in range(count) if rows else ():
        row = rows[(turn * count + number) % len(rows)]
        values = [row[place] for place in places]
        if table == "jobs" and number < count // 2:
            values[0] = "leased"
        picked.append(tuple(values))
    return picked


def _in_batches(
    rows: Sequence[tuple[Any, ...]], names: Sequence[str], source: Database, orders: int
) -> list[list[tuple[Any, ...]]]:
    """Rows beside the hundred orders that they belong to; what belongs to none is spread evenly."""
    count = orders // BATCH
    batches: list[list[tuple[Any, ...]]] = [[] for _ in range(count)]
    owner = next((name for name in ("order_id", "fulfilment_order_id") if name in names), None)
    places = _places(source, owner, orders) if owner is not None else {}
    for number, row in enumerate(rows):
        place = places.get(str(row[names.index(owner)])) if owner is not None else None
        batches[min(place // BATCH if place is not None else number * count // len(rows), count - 1)].append(row)
    return batches


def _places(source: Database, owner: str, orders: int) -> dict[str, int]:
    first = source.read(f"SELECT order_id FROM orders ORDER BY order_id LIMIT {orders}")
    places = {str(row[0]): number for number, row in enumerate(first)}
    if owner == "order_id":
        return places
    owned = source.read("SELECT fulfilment_order_id, order_id FROM fulfilment_orders")
    return {str(own): places[str(order)] for own, order in owned if str(order) in places}
