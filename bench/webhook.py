"""The figure of the webhook door: single signed deliveries from many clients, each answered after its commit."""

from contextlib import ExitStack
from typing import Any

from bench.ceiling import Postgresql, fresh_postgresql, rows_per_second, together
from bench.end_to_end import Incomplete, asker, start
from bench.place import Place
from bench.processes import Child
from bench.report import Figure
from bench.rows import described, difference, postgresql_writes
from bench.world import SECRET, SHOP

CLIENTS = 64
TARGET = 1_000
API = {"api": ("serve", "--no-worker", "--port", "0", "--json")}


def webhook_postgresql(place: Place) -> list[Figure]:
    """Requests a second; no worker runs, so that the door is measured and not what is behind it."""
    count = place.size(30_000, 2_000)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    before = postgresql_writes(url)
    with ExitStack() as stack:
        children = start(stack, world, API)
        address = children["api"].document()["url"]
        _crowd(place, address, 200)
        outcome = _crowd(place, address, count)
    writes = difference(postgresql_writes(url), before, count + 200)
    stored = asker(url)("SELECT count(*) FROM inbound_messages")[0][0]
    if stored < outcome["acknowledged"]:
        raise Incomplete(f"{outcome['acknowledged']} deliveries were acknowledged, {stored} are stored")
    rate = outcome["acknowledged"] / (outcome["ended"] - outcome["began"])
    target = place.database()
    sample = place.size(10_000, 1_000)
    rows = rows_per_second(Postgresql(url), lambda: fresh_postgresql(target), writes, sample)
    bare = _crowd(place, place.peer(), sample)
    ceiling = together(rows, bare["acknowledged"] / (bare["ended"] - bare["began"]))
    note = (
        f"{CLIENTS} clients, p50 {outcome['p50_ms']:.0f} ms, p99 {outcome['p99_ms']:.0f} ms; ceiling: bare rows and a "
        f"bare HTTP server under the same clients; {described(writes)}"
    )
    return [Figure("webhook_postgresql", round(rate), "requests/s", TARGET, rate >= TARGET, round(ceiling), note)]


def _crowd(place: Place, url: str, count: int) -> dict[str, Any]:
    arguments = ["-m", "bench.load", url, f"/hooks/{SHOP}", SECRET, str(count), str(CLIENTS)]
    with Child(arguments, log=place.folder / "load.log") as child:
        outcome: dict[str, Any] = child.document()
    place.tell(int(outcome["acknowledged"]))
    return outcome
