"""The figure of doing nothing: what processes without work ask of the database, and of the processor."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psycopg

from bench.end_to_end import Processes
from bench.place import Place
from bench.processes import Child, hub
from bench.report import Figure
from bench.world import World

QUERIES, CORE = 1.0, 0.05
"""A second, of each process; and of one core. A loop that never waits takes a whole core."""
SETTLE_SECONDS = 10.0
PREFIX = "bench-log|%a|"
TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")
BESIDE_BROKER: Processes = {"worker": ("worker", "--json"), "serve": ("serve", "--no-worker", "--port", "0", "--json")}
ALONE: Processes = {"serve with its worker": ("serve", "--port", "0", "--json")}


def idle_queries(place: Place) -> list[Figure]:
    """Statements a second, as the server's own log counts them, and processor seconds, of the busiest process."""
    seconds = place.size(180, 20)
    _log_statements(place)
    queries: dict[str, float] = {}
    wrapping: dict[str, float] = {}
    cores: dict[str, float] = {}
    for processes, broker in ((BESIDE_BROKER, True), (ALONE, False)):
        world = place.world(database_url=place.database(), broker=broker)
        with ExitStack() as stack:
            children = {name: stack.enter_context(_named(world, name, processes[name])) for name in processes}
            for child in children.values():
                child.document()
            time.sleep(SETTLE_SECONDS)
            log = place.server().folder / "server.log"
            start, spent = log.stat().st_size, {name: processor_seconds(child.pid) for name, child in children.items()}
            time.sleep(seconds)
            said = list(statements(log.read_text(errors="replace")[start:]))
            cores |= {name: (processor_seconds(child.pid) - spent[name]) / seconds for name, child in children.items()}
        counts = Counter(name for name, statement in said if statement not in TRANSACTION)
        around = Counter(name for name, statement in said if statement in TRANSACTION)
        queries |= {name: counts[name] / seconds for name in processes}
        wrapping |= {name: around[name] / seconds for name in processes}
    most = max(queries.values())
    note = f"over {seconds} s; " + "; ".join(
        f"{name}: {queries[name]:.2f} queries/s ({wrapping[name]:.2f} BEGIN, COMMIT and ROLLBACK beside them), "
        f"{cores[name] * 100:.1f} % of a core"
        for name in queries
    )
    reached = most <= QUERIES and max(cores.values()) <= CORE
    return [
        Figure("idle_queries", round(most, 3), "queries/s", QUERIES, reached,
               note=f"{note}; at most {CORE * 100:.0f} % of a core")
    ]  # fmt: skip


def statements(log: str) -> Iterator[tuple[str, str]]:
    """(process, first word of a statement) of each that PostgreSQL logged."""
    for line in log.splitlines():
        before, found, rest = line.partition("LOG:  ")
        if found and before.startswith("bench-log|") and rest.startswith(("statement: ", "execute ")):
            words = rest.partition(": ")[2].split()
            yield before.split("|")[1], words[0].rstrip(";") if words else ""


def processor_seconds(pid: int) -> float:
    """What a process has used so far, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _log_statements(place: Place) -> None:
    with psycopg.connect(place.server().url, autocommit=True) as connection:
        for setting, value in (("log_line_prefix", PREFIX), ("log_statement", "all")):
            connection.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
        connection.execute("SELECT pg_reload_conf()")


def _named(world: World, name: str, arguments: tuple[str, ...]) -> Child:
    """A process of the hub whose connections bear its name in the server's log."""
    environment: Mapping[str, str] = {**world.environment, "PGAPPNAME": name}
    return hub(World(world.settings, world.token, environment), *arguments)
