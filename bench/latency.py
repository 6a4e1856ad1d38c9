"""The figure of one order's way: from the sender's clock to a subscriber of the database that hears of its plan."""

import http.client
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import orjson
import psycopg

from bench.end_to_end import Processes, start, wait
from bench.orders import order
from bench.pace import keep_pace
from bench.place import Place
from bench.report import Figure
from bench.watch import Watch, percentile, waits

RATE = 100
P99_MS = 100.0
WARM = 300
COMMITS = 3
"""What an order needs on its way: its message, the order itself, its plan with the reservation."""
HUB: Processes = {"worker": ("worker", "--json"), "api": ("serve", "--no-worker", "--port", "0", "--json")}
PLANNED = ("order_events", "NEW.kind = 'order.planned'")


def webhook_to_routed(place: Place) -> list[Figure]:
    """p99 of a steady hundred a second: the door, the group commit, two doorbells, reading, planning, reserving."""
    count = place.size(6_000, 600)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    with ExitStack() as stack:
        address = start(stack, world, HUB)["api"].document()["url"]
        watch = stack.enter_context(Watch(url, *PLANNED))
        keep_pace(place, address, count=WARM, rate=RATE, first=1_000_000)
        outcome = keep_pace(place, address, count=count, rate=RATE)
        wait(lambda: len(watch.seen), WARM + count, place.tell)
        with psycopg.connect(url) as connection:
            seconds = waits(connection, outcome.sent, watch.seen)
    p50, p99, worst = (percentile(seconds, part) * 1000 for part in (0.5, 0.99, 1.0))
    bare = _bare(place)
    note = (
        f"{count} orders at {RATE}/s: p50 {p50:.0f} ms, worst {worst:.0f} ms; the door answers within "
        f"{outcome.slowest_ms:.0f} ms; the sender was {outcome.late_ms:.0f} ms late at worst; ceiling: p99 of a "
        f"bare POST and {COMMITS} bare durable commits, one after the other at the same pace"
    )
    return [Figure("webhook_to_routed", round(p99, 1), "ms", P99_MS, p99 <= P99_MS, round(bare, 1), note)]


def _bare(place: Place) -> float:
    """Milliseconds: p99 of a call and the commits with nothing around them."""
    parts = urlsplit(place.peer())
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    body = orjson.dumps(order(0))
    seconds = []
    with psycopg.connect(place.database()) as connection:
        connection.execute("CREATE TABLE bench_bare (id bigserial PRIMARY KEY, body bytea)")
        connection.commit()
        for _ in range(WARM):
            began = time.perf_counter()
            link.request("POST", "/sink", body=body)
            link.getresponse().read()
            for _ in range(COMMITS):
                connection.execute("INSERT INTO bench_bare (body) VALUES (%s)", (body,))
                connection.commit()
            seconds.append(time.perf_counter() - began)
            time.sleep(max(0.0, 1 / RATE - seconds[-1]))
    link.close()
    return percentile(sorted(seconds), 0.99) * 1000
