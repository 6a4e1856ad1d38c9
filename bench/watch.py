"""A subscriber of the database: PostgreSQL tells it of each row after the commit that made it visible."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Self

import psycopg

CHANNEL = "bench_watch"
_TRIGGER = """
    CREATE FUNCTION bench_watch_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_notify('{channel}', NEW.order_id::text); RETURN NULL; END $$;
    CREATE TRIGGER bench_watch AFTER INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when})
        EXECUTE FUNCTION bench_watch_{table}()"""


class Watch:
    """Notes when it was told of an order first: `seen` has seconds since 1970 by order id.

    The hub is left as it is: a trigger in the benchmark's own database rings, and that cost counts against the hub.
    """

    def __init__(self, url: str, table: str, when: str) -> None:
        self._url = url
        self._trigger = _TRIGGER.format(table=table, when=when, channel=CHANNEL)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listens = threading.Event()
        self.seen: dict[str, float] = {}

    def __enter__(self) -> Self:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(self._trigger.encode())
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self._listens.set()
            while not self._stop.is_set():
                for notice in connection.notifies(timeout=0.2):
                    self.seen.setdefault(notice.payload, time.time())


def waits(connection: psycopg.Connection[Any], sent: Mapping[str, float], seen: Mapping[str, float]) -> list[float]:
    """Seconds from sending to seeing, for every order that was sent, sorted; one that was never seen is an error."""
    ids = dict(connection.execute("SELECT external_id, order_id::text FROM orders"))
    return sorted(seen[ids[external_id]] - moment for external_id, moment in sent.items())


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * part))]
