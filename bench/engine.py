"""Figures of the engine alone, in this process on PostgreSQL: statements per order, and the cost with full tables."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from bench import prefill
from bench.orders import bulk_bodies
from bench.place import Place
from bench.report import Figure
from bench.world import SHOP, runtime_of
from hub.api.bulk import read_bulk
from hub.connections.service.adapters import load_by_name
from hub.flows.runtime import Runtime
from hub.intake.service.store import Delivery, store_messages
from hub.kit.clock import SYSTEM

SMALL, LARGE = 10, 100
BOUNDED = 1.1
"""A batch of 100 may take a tenth more statements than one of 10: what is split by state or kind."""
QUEUES = ("intake", "flow", "outward")
COST_TARGET = 1.15


def statements_per_order(place: Place) -> list[Figure]:
    """How many SQL statements an order takes from storing it to posting its document, in batches of 10 and of 100."""
    world = place.world(database_url=place.database(), broker=False)
    with runtime_of(world) as runtime:
        work(runtime, 0, LARGE)  # caches of rules, connections and statements are warm then
        counts = {}
        for turn, size in enumerate((SMALL, LARGE)):
            with _counted(runtime) as statements:
                work(runtime, 1_000 * (turn + 1), size)
            counts[size] = len(statements)
    each = {size: count / size for size, count in counts.items()}
    reached = each[LARGE] < each[SMALL] and counts[LARGE] <= counts[SMALL] * BOUNDED
    note = (
        f"a batch of {LARGE} takes {counts[LARGE]} statements, one of {SMALL} takes {counts[SMALL]} "
        f"({each[SMALL]:.2f} an order): falls with the batch, and a batch's number is bounded"
    )
    return [
        Figure("statements_per_order", round(each[LARGE], 3), "statements", round(each[SMALL], 3), reached, note=note)
    ]


def full_tables(place: Place) -> list[Figure]:
    """The cost of an order with empty tables and with 100,000 orders, all their rows and their done jobs in them."""
    there, measured = place.size(100_000, 3_000), place.size(3_000, 500)
    world = place.world(database_url=place.database(), broker=False)
    url = str(world.settings.database_url)
    with runtime_of(world) as runtime:
        place.tell(0)
        _costs(runtime, 0, 500)
        empty = _costs(runtime, 1_000_000, measured)
        with psycopg.connect(url, autocommit=True) as connection:
            copies = prefill.fill(connection, orders=there)
        place.tell(copies)
        _costs(runtime, 2_000_000, 500)
        full = _costs(runtime, 3_000_000, measured)
    value = full / empty
    note = f"{empty * 1000:.2f} ms an order with empty tables, {full * 1000:.2f} ms with {copies:,} orders in them"
    unit = "x empty"
    return [Figure("full_tables", round(value, 3), unit, COST_TARGET, value <= COST_TARGET, note=note)]


def work(runtime: Runtime, first: int, orders: int) -> None:
    """Store a batch of orders and do everything that follows from it."""
    with runtime.database.write() as session:
        info = load_by_name(session, SHOP)
        for body in bulk_bodies(SHOP, orders, orders, first):
            deliveries = [Delivery(info, raw) for _, raw in read_bulk(body).documents]
            store_messages(session, deliveries=deliveries, at=SYSTEM.now())
    while sum(runtime.runner.run_once(queue) for queue in QUEUES):
        continue


def _costs(runtime: Runtime, first: int, orders: int) -> float:
    """Seconds an order, the median of batches of 100."""
    costs = []
    for begin in range(first, first + orders, LARGE):
        started = time.perf_counter()
        work(runtime, begin, LARGE)
        costs.append((time.perf_counter() - started) / LARGE)
    return statistics.median(costs)


@contextmanager
def _counted(runtime: Runtime) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(runtime.database.engine, "before_cursor_execute", note)
