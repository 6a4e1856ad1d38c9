"""Which rows a run wrote: counted by the database itself, table by table."""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

QUIET = ("alembic_version", "bench_writes")
_STATISTICS = "SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables"


@dataclass(frozen=True, slots=True)
class Writes:
    """Rows that were inserted and updated in one table."""

    inserted: float
    updated: float

    def minus(self, other: "Writes") -> "Writes":
        """What came since."""
        return Writes(self.inserted - other.inserted, self.updated - other.updated)

    def per(self, orders: int) -> "Writes":
        """The same for one order."""
        return Writes(self.inserted / orders, self.updated / orders)


Tables = Mapping[str, Writes]
NONE = Writes(0, 0)


def postgresql_writes(url: str) -> dict[str, Writes]:
    """What PostgreSQL has counted; sessions hand in their figures within a second, so wait until it stands still."""
    before: dict[str, Writes] | None = None
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            found = {name: Writes(ins, upd) for name, ins, upd in connection.execute(_STATISTICS)}
            if found == before:
                return found
            before = found
            time.sleep(1.2)


def count_in_sqlite(file: Path) -> None:
    """Let SQLite count by triggers; slow, so only in a database that is not timed."""
    with sqlite3.connect(file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        connection.execute("CREATE TABLE bench_writes (name TEXT PRIMARY KEY, inserted INTEGER, updated INTEGER)")
        for name in tables:
            if name in QUIET or name.startswith("sqlite_"):
                continue
            connection.execute("INSERT INTO bench_writes VALUES (?, 0, 0)", (name,))
            for verb, column in (("INSERT", "inserted"), ("UPDATE", "updated")):
                connection.execute(
                    f"CREATE TRIGGER bench_{column}_{name} AFTER {verb} ON {name} BEGIN "
                    f"UPDATE bench_writes SET {column} = {column} + 1 WHERE name = '{name}'; END"
                )
    connection.close()


def sqlite_writes(file: Path) -> dict[str, Writes]:
    """What the triggers have counted."""
    connection = sqlite3.connect(file)
    try:
        return {name: Writes(ins, upd) for name, ins, upd in connection.execute("SELECT * FROM bench_writes")}
    finally:
        connection.close()


def difference(after: Tables, before: Tables, orders: int) -> dict[str, Writes]:
    """Writes for one order between two counts, without the tables that hardly matter."""
    found = {name: writes.minus(before.get(name, NONE)).per(orders) for name, writes in after.items()}
    return {name: each for name, each in sorted(found.items()) if each.inserted + each.updated > 0.001}


def total(tables: Tables) -> float:
    """Rows written for one order."""
    return sum(each.inserted + each.updated for each in tables.values())


def described(tables: Tables) -> str:
    """The same in words, for the note of a figure."""
    parts = [f"{name} {each.inserted:.2g}+{each.updated:.2g}" for name, each in tables.items()]
    return f"{total(tables):.1f} rows an order (inserted+updated: {', '.join(parts)})"
