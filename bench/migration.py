"""The figure of a migration under orders: a column added, filled and indexed, up and down, while the hub works on."""

import time
from contextlib import ExitStack
from itertools import pairwise
from typing import Literal

import psycopg

from bench import prefill
from bench.end_to_end import POSTED, Processes, asker, start, wait
from bench.engine import work
from bench.pace import Paced, paced, sender
from bench.place import Place
from bench.report import Figure
from bench.watch import Watch
from bench.world import World, runtime_of
from tests.migrating import migrate

RATE = 50
STALL_SECONDS = 1.0
HUB: Processes = {"worker": ("worker", "--json"), "api": ("serve", "--no-worker", "--port", "0", "--json")}
WARM_SECONDS = 3.0


def migration_stall(place: Place) -> list[Figure]:
    """The longest time in which no order was planned or a sender waited for its answer, in a hub with many orders."""
    there, count = place.size(50_000, 2_000), place.size(4_000, 600)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    ask = asker(url)
    _fill(world, url, there)
    before = ask(POSTED)[0][0]
    with ExitStack() as stack:
        address = start(stack, world, HUB)["api"].document()["url"]
        watch = stack.enter_context(Watch(url, "order_events", "NEW.kind = 'order.planned'"))
        sending = stack.enter_context(sender(place, address, count=count, rate=RATE, first=1_000_000))
        wait(lambda: len(watch.seen), round(RATE * WARM_SECONDS), place.tell)
        calm = sorted(watch.seen.values())
        up = _timed(place, world, "upgrade", "head")
        down = _timed(place, world, "downgrade", "-1")
        outcome = paced(sending.document(), first=1_000_000)
        wait(lambda: ask(POSTED)[0][0] - before, outcome.answers.get("202", 0), place.tell)
        planned = sorted(watch.seen.values())
    gap, usual = _longest(planned), _longest(calm)
    stall = max(gap, outcome.slowest_ms / 1000)
    lost, refused = _failures(url, outcome)
    during = up + down < max(outcome.sent.values()) - min(outcome.sent.values()) - WARM_SECONDS
    note = (
        f"{count} orders at {RATE}/s beside {there:,} that are there, up in {up:.1f} s and down in {down:.1f} s"
        f"{'' if during else ' (longer than the orders came)'}: {lost} lost, {refused} answers other than 202 of "
        f"{dict(outcome.answers)}, slowest answer {outcome.slowest_ms:.0f} ms, longest time without a planned order "
        f"{gap * 1000:.0f} ms ({usual * 1000:.0f} ms in the {WARM_SECONDS:.0f} s before)"
    )
    reached = stall <= STALL_SECONDS and not lost and not refused and during
    return [Figure("migration_stall", round(stall, 3), "s", STALL_SECONDS, reached, note=note)]


def _longest(moments: list[float]) -> float:
    """The longest time between two of them."""
    return max(later - earlier for earlier, later in pairwise(moments))


def _fill(world: World, url: str, orders: int) -> None:
    with runtime_of(world) as runtime:
        for first in range(0, min(orders, 1_000), 100):
            work(runtime, first, 100)
    with psycopg.connect(url, autocommit=True) as connection:
        prefill.fill(connection, orders=orders)


def _timed(place: Place, world: World, verb: Literal["upgrade", "downgrade"], revision: str) -> float:
    began = time.perf_counter()
    folder = place.folder / "scripts"
    migrate(world.settings.resolved_database_url, folder, verb, revision)
    return time.perf_counter() - began


def _failures(url: str, outcome: Paced) -> tuple[int, int]:
    """Orders that were acknowledged and have no document, and answers other than 202."""
    refused = sum(count for status, count in outcome.answers.items() if status != "202")
    with psycopg.connect(url) as connection:
        there = {
            external_id for (external_id,) in connection.execute(
                "SELECT o.external_id FROM orders o JOIN erp_documents d USING (order_id) WHERE d.state = 'posted'"
            )
        }  # fmt: skip
    return max(0, len(outcome.sent.keys() - there) - refused), refused
