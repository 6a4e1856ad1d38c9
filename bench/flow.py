"""The figures of whole runs: end to end on both databases, bulk intake, resident memory."""

from bench.ceiling import (
    Postgresql,
    Sqlite,
    calls_per_second,
    fresh_postgresql,
    fresh_sqlite,
    rows_per_second,
    together,
)
from bench.end_to_end import Run, asker, intake_only, sqlite_asker, whole_way
from bench.engine import work
from bench.orders import bulk_bodies
from bench.place import Place
from bench.processes import ask
from bench.report import Figure
from bench.rows import Tables, Writes, count_in_sqlite, described, difference, postgresql_writes, sqlite_writes
from bench.world import SHOP, runtime_of

DOOR_BATCH = 500
ERP_BATCH = 100
TWO_PROCESSES = {"worker": ("worker", "--json"), "api": ("serve", "--no-worker", "--port", "0", "--json")}
ONE_PROCESS = {"api": ("serve", "--port", "0", "--json")}
INTAKE_PROCESSES = {**TWO_PROCESSES, "worker": ("worker", "--queues", "intake", "--json")}
RATIO = 0.35
MEMORY_MB = 150.0
FLAT_MB = 15.0
CEILING_ORDERS = 5_000


def end_to_end_postgresql(place: Place) -> list[Figure]:
    """Figure 1, and figure 7 from the same run."""
    orders = place.size(50_000, 2_000)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    before, calls = postgresql_writes(url), ask(place.peer(), "/count")
    run = whole_way(
        world, TWO_PROCESSES, orders=orders, batch=DOOR_BATCH, peer_url=place.peer(), ask_database=asker(url),
        tell=place.tell,
    )  # fmt: skip
    writes = difference(postgresql_writes(url), before, orders)
    ceiling = together(_bare(place, url, writes, orders), _http(place, orders, calls))
    reached = run.per_second >= 400 and run.per_second / ceiling >= RATIO
    note = f"{orders} orders, ratio target {RATIO}; {described(writes)}"
    figure = Figure("end_to_end_postgresql", round(run.per_second), "orders/s", 400, reached, round(ceiling), note)
    return [figure, _memory(run)]


def end_to_end_sqlite(place: Place) -> list[Figure]:
    """Figure 2: everything in one process."""
    orders = place.size(20_000, 1_000)
    world = place.world(database_url=None, broker=False)
    file = world.settings.data_dir / "hub.sqlite3"
    calls = ask(place.peer(), "/count")
    run = whole_way(
        world, ONE_PROCESS, orders=orders, batch=DOOR_BATCH, peer_url=place.peer(), ask_database=sqlite_asker(file),
        tell=place.tell,
    )  # fmt: skip
    http = _http(place, orders, calls)
    writes = _writes_in_sqlite(place)
    sample = min(orders, place.size(CEILING_ORDERS, 1_000))
    target = place.sqlite_file()
    bare = rows_per_second(Sqlite(file), lambda: fresh_sqlite(target), writes, sample)
    ceiling = together(bare, http)
    note = f"{orders} orders; {described(writes)}; peak memory {run.memory.peak('api'):.0f} MB"
    return [
        Figure("end_to_end_sqlite", round(run.per_second), "orders/s", 300, run.per_second >= 300, round(ceiling), note)
    ]


def bulk_intake(place: Place) -> list[Figure]:
    """Figure 3: until the sender is acknowledged, and until each order is normalised and reviewed."""
    orders = place.size(20_000, 2_000)
    world = place.world(database_url=place.database(), broker=True)
    url = str(world.settings.database_url)
    before = postgresql_writes(url)
    run = intake_only(
        world, INTAKE_PROCESSES, orders=orders, batch=DOOR_BATCH, ask_database=asker(url), tell=place.tell
    )
    writes = difference(postgresql_writes(url), before, orders)
    ceiling = together(_bare(place, url, writes, orders), _door_calls(place, orders))
    stored = {"inbound_messages": Writes(1, 0), "jobs": Writes(1, 0)}
    raw_ceiling = together(_bare(place, url, stored, orders), _door_calls(place, orders))
    raw = Figure(
        "bulk_intake_raw", round(run.raw_per_second), "orders/s", None, reached=True, ceiling=round(raw_ceiling),
        note="POST to 202: stored raw and durable, while the worker reads; no target",
    )  # fmt: skip
    note = (
        f"{orders} orders from the first POST until all have lines, events, review and next work; {described(writes)}"
    )
    done = run.per_second
    return [raw, Figure("bulk_intake", round(done), "orders/s", 3_000, done >= 3_000, round(ceiling), note)]


def _bare(place: Place, url: str, writes: Tables, orders: int) -> float:
    target = place.database()
    sample = min(orders, place.size(CEILING_ORDERS, 1_000))
    return rows_per_second(Postgresql(url), lambda: fresh_postgresql(target), writes, sample)


def _memory(run: Run) -> Figure:
    peaks = {name: run.memory.peak(name) for name in ("api", "worker")}
    growth = {name: run.memory.growth(name) for name in ("api", "worker")}
    flat = all(value <= FLAT_MB for value in growth.values())
    words = ", ".join(f"{name} {peaks[name]:.0f} MB at most and {growth[name]:+.1f} MB over the run" for name in peaks)
    most = max(peaks.values())
    return Figure(
        "resident_memory", round(most, 1), "MB", MEMORY_MB, flat and most <= MEMORY_MB,
        note=f"{words}; {run.orders} orders; flat is at most +{FLAT_MB:.0f} MB",
    )  # fmt: skip


def _http(place: Place, orders: int, before: dict[str, int]) -> float:
    """Orders a second of the run's calls alone: the sender's to the door, and those to the ledger."""
    after = ask(place.peer(), "/count")
    calls = after["calls"] - before["calls"]
    size = (after["bytes"] - before["bytes"]) // calls
    ledger = calls_per_second(place.peer(), [("/sink", size)], repeat=min(calls, 200)) * orders / calls
    return together(_door_calls(place, orders), ledger)


def _door_calls(place: Place, orders: int) -> float:
    body = len(next(bulk_bodies(SHOP, DOOR_BATCH, DOOR_BATCH)))
    return calls_per_second(place.peer(), [("/sink", body)], repeat=max(1, orders // DOOR_BATCH)) * DOOR_BATCH


def _writes_in_sqlite(place: Place) -> Tables:
    """SQLite keeps no statistics: triggers count the same work in a database that is not timed."""
    orders = place.size(2_000, 500)
    world = place.world(database_url=None, broker=False)
    file = world.settings.data_dir / "hub.sqlite3"
    count_in_sqlite(file)
    before = sqlite_writes(file)
    with runtime_of(world) as runtime:
        for first in range(0, orders, DOOR_BATCH):
            work(runtime, first, DOOR_BATCH)
    return difference(sqlite_writes(file), before, orders)
