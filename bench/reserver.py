"""One of many who reserve the same SKU, in a process of its own.

Usage: python -m bench.reserver MODE URL LOCATION SKU COUNT BATCH GO
Asks for one unit COUNT times, BATCH a transaction, until it is refused; MODE is `hub` (its own service) or `bare` (the
same rows by psycopg). Prints {"ready"}, begins when the file GO is there, and prints {"granted", "ended"}.
"""

import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import psycopg

from hub.inventory.rules.grants import Demand
from hub.inventory.service.reserve import reserve
from hub.kit.clock import SYSTEM
from hub.kit.db import Database
from hub.kit.ids import new_id
from hub.kit.settings import Settings

UNIT = 1_000
_LOCK = """
    SELECT on_hand - reserved - safety + oversell_allowance FROM stock_levels WHERE (location, sku) = (%s, %s)
    FOR UPDATE"""
_RESERVE = """
    INSERT INTO reservations (reservation_id, order_id, fulfilment_order_line_id, location, sku, quantity, state,
                              created_at)
    VALUES (%s, %s, %s, %s, %s, %s, 'held', now())"""
_RAISE = "UPDATE stock_levels SET reserved = reserved + %s, updated_at = now() WHERE (location, sku) = (%s, %s)"
_MOVE = """
    INSERT INTO stock_movements (location, sku, kind, on_hand_delta, reserved_delta, reference, actor, at)
    VALUES (%s, %s, 'reserved', 0, %s, %s, 'bench', now())"""

Step = Callable[[int], int]
"""Asks for so many units in one transaction; how many were granted."""


def by_hub(url: str, location: str, sku: str) -> Step:
    """As the hub does it when it plans a batch of orders."""
    database = Database(Settings(database_url=url).resolved_database_url)

    def step(count: int) -> int:
        demands = [Demand(new_id(), new_id(), location, sku, Decimal(1)) for _ in range(count)]
        with database.write() as session:
            return len(reserve(session, demands=demands, at=SYSTEM.now(), actor="bench").granted)

    return step


def bare(url: str, location: str, sku: str) -> Step:
    """The same rows with nothing around them."""
    connection: psycopg.Connection[Any] = psycopg.connect(url)

    def step(count: int) -> int:
        with connection.transaction(), connection.cursor() as cursor:
            (free,) = cursor.execute(_LOCK, (location, sku)).fetchone() or (0,)
            lines = [new_id() for _ in range(min(count, free // UNIT))]
            cursor.executemany(_RESERVE, [(new_id(), new_id(), line, location, sku, UNIT) for line in lines])
            cursor.execute(_RAISE, (len(lines) * UNIT, location, sku))
            cursor.executemany(_MOVE, [(location, sku, UNIT, line) for line in lines])
        return len(lines)

    return step


def main() -> None:
    """The command."""
    mode, url, location, sku, count, batch, go = sys.argv[1:]
    step = {"hub": by_hub, "bare": bare}[mode](url, location, sku)
    _say({"ready": True})
    while not Path(go).exists():
        time.sleep(0.01)
    granted, ended, size = 0, time.time(), int(batch)
    for _ in range(int(count) // size):
        got = step(size)
        if got:
            granted, ended = granted + got, time.time()
        if got < size:
            break
    _say({"granted": granted, "ended": ended})


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(document).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
