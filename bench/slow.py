"""The figure of a platform that hardly answers: what it does to those who have to do with another one."""

from contextlib import ExitStack

import psycopg

from bench.end_to_end import Processes, start, wait
from bench.pace import keep_pace
from bench.place import Place
from bench.processes import ask, peer
from bench.report import Figure
from bench.watch import Watch, percentile, waits
from bench.world import BOOKS, add_ledger

RATE = 20
TIMES = 1.2
SLOW_SECONDS = 30
WARM = 200
HUB: Processes = {"worker": ("worker", "--json"), "api": ("serve", "--no-worker", "--port", "0", "--json")}


def slow_platform(place: Place) -> list[Figure]:
    """p99 from the sender to a document in one ledger, while a second ledger answers late or not at all."""
    count = place.size(2_000, 300)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    other, other_url = peer(place.folder / "other")
    with ExitStack() as stack:
        stack.enter_context(other)
        add_ledger(world, "other-books", other_url)
        address = start(stack, world, HUB)["api"].document()["url"]
        watch = stack.enter_context(Watch(url, "erp_documents", _posted(url)))
        _p99(place, url, watch, address, count=WARM, first=1_000_000)
        both = _p99(place, url, watch, address, count=count, first=2_000_000)
        ask(other_url, f"/delay/{SLOW_SECONDS}")
        slow = _p99(place, url, watch, address, count=count, first=3_000_000)
        other.stop()
        dead = _p99(place, url, watch, address, count=count, first=4_000_000)
    value = max(slow, dead) / both
    note = (
        f"{count} orders at {RATE}/s, each a document for two ledgers; p99 of the one: {both * 1000:.0f} ms beside a "
        f"quick one, {slow * 1000:.0f} ms beside one that takes {SLOW_SECONDS} s, {dead * 1000:.0f} ms beside a dead "
        "one"
    )
    return [Figure("slow_platform", round(value, 3), "x quick", TIMES, value <= TIMES, note=note)]


def _p99(place: Place, url: str, watch: Watch, address: str, *, count: int, first: int) -> float:
    before = len(watch.seen)
    outcome = keep_pace(place, address, count=count, rate=RATE, first=first)
    wait(lambda: len(watch.seen) - before, count, place.tell)
    with psycopg.connect(url) as connection:
        return percentile(waits(connection, outcome.sent, watch.seen), 0.99)


def _posted(url: str) -> str:
    """When a document is in the ledger that is looked at."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT connection_id FROM connections WHERE name = %s", (BOOKS,)).fetchone()
    assert row is not None
    return f"NEW.state = 'posted' AND NEW.connection_id = '{row[0]}'"
