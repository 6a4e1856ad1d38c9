"""Fill a database with copies of orders that went the whole way: rows as wide and as linked as real ones."""

from typing import Any

import psycopg

TABLES = (
    "inbound_messages", "orders", "order_lines", "order_events", "routing_decisions", "fulfilment_orders",
    "fulfilment_order_lines", "reservations", "stock_movements", "erp_documents", "effects", "jobs",
)  # fmt: skip
COUNTED = ("movement_id", "job_id")
"""Columns that the database numbers itself."""
OWN = (
    "external_id", "number", "dedupe_key", "email", "phone", "idem_key", "lane", "order_ref",
)  # fmt: skip
"""Texts that are different in every order."""
HASHES = (("effects", "idem_key"), ("erp_documents", "key"), ("orders", "lookalike_key"))
SHARED_IDS = ("connection_id", "rule_set_id")
PER_COPY_MS = 60_000
_SHIFT = f"""
    CREATE OR REPLACE FUNCTION pg_temp.shifted(id uuid, copy bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN id IS NULL THEN NULL ELSE (
            lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - copy * {PER_COPY_MS}), 12, '0')
            || substr(replace(id::text, '-', ''), 13))::uuid END $$"""
_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-7"


def fill(connection: psycopg.Connection[Any], *, orders: int) -> int:
    """Copy all orders that are there, backwards in time, until about `orders` are there; returns how many there are.

    Ids keep the order of time that UUIDv7 gives them, so that the indexes look as they would after a month of work.
    """
    there = _count(connection)
    copies = max(1, orders // there)
    connection.execute(_SHIFT)
    for table in TABLES:
        connection.execute(_copy(connection, table, copies).encode())
    connection.execute("VACUUM (ANALYZE)")
    return _count(connection)


def _copy(connection: psycopg.Connection[Any], table: str, copies: int) -> str:
    statement = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
    columns = [(name, kind) for name, kind in connection.execute(statement, (table,)) if name not in COUNTED]
    names = ", ".join(name for name, _ in columns)
    values = ", ".join(_value(table, name, kind) for name, kind in columns)
    only = " WHERE t.lane LIKE 'in:%%' OR t.lane LIKE 'order:%%' OR t.lane LIKE 'out:%%'" if table == "jobs" else ""
    only = " WHERE t.kind = 'reserved'" if table == "stock_movements" else only
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {copies - 1}) AS c(copy), {table} AS t"
        + only.replace("%%", "%")
    )


def _value(table: str, name: str, kind: str) -> str:
    if kind == "uuid" and name not in SHARED_IDS:
        return f"pg_temp.shifted(t.{name}, c.copy)"
    if (table, name) in HASHES:
        return f"md5(t.{name} || c.copy)"
    if name in ("subject_id", "reference"):
        return f"CASE WHEN t.{name} ~ '{_ID}' THEN pg_temp.shifted(t.{name}::uuid, c.copy)::text ELSE t.{name} END"
    if name in OWN and not (table == "order_lines" and name == "external_id"):
        return f"t.{name} || '-' || c.copy"
    return f"t.{name}"


def _count(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute("SELECT count(*) FROM orders").fetchone()
    assert found is not None
    return int(found[0])
