"""From the bulk door to the ledger: two or three processes of the hub, a sender, and a peer over HTTP."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench.processes import Child, Memory, ask, hub
from bench.world import SHOP, World

STALLED_SECONDS = 90.0
OPEN_JOBS = "SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased', 'parked') AND kind <> 'housekeeping'"
POSTED = "SELECT count(*) FROM erp_documents WHERE state = 'posted'"
ALL_DONE = """
    SELECT (SELECT count(*) FROM orders WHERE review = 'auto_approved'),
           (SELECT count(*) FROM order_lines WHERE released = ordered),
           (SELECT count(*) FROM reservations WHERE state = 'held'),
           (SELECT count(*) FROM erp_documents WHERE state = 'posted'),
           (SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'skipped') AND kind <> 'housekeeping')"""

Ask = Callable[[str], list[tuple[Any, ...]]]
Tell = Callable[[int], None]
Processes = Mapping[str, tuple[str, ...]]
"""Arguments of `hub` by what the process is called here; `api` is the one that listens."""


class Incomplete(Exception):
    """A run that did not do what it was measured for."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender says: seconds since 1970, and what was acknowledged."""

    began: float
    ended: float
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when the sender began, when the last job of the last step was done, and the processes' memory."""

    orders: int
    sent: Sent
    finished: float
    memory: Memory

    @property
    def per_second(self) -> float:
        """Orders a second from the first POST to the last consequence."""
        return self.orders / (self.finished - self.sent.began)

    @property
    def raw_per_second(self) -> float:
        """Orders a second until the sender had all its acknowledgements."""
        return self.orders / (self.sent.ended - self.sent.began)


def whole_way(
    world: World, processes: Processes, *, orders: int, batch: int, peer_url: str, ask_database: Ask, tell: Tell
) -> Run:
    """Send the orders and wait until the peer has a document of each and every job is done."""
    before = ask(peer_url, "/count")["documents"]
    with ExitStack() as stack:
        children = start(stack, world, processes)
        memory = stack.enter_context(Memory({name: child.pid for name, child in children.items()}))
        sender = send(stack, world, children["api"], orders, batch)
        wait(lambda: ask(peer_url, "/count")["documents"] - before, orders, tell)
        wait(lambda: ask_database(POSTED)[0][0], orders, tell)
        sent = Sent(**sender.document())
        wait(lambda: -ask_database(OPEN_JOBS)[0][0], 0, tell)
        outcome = ask_database(ALL_DONE)[0]
    if outcome != (orders, orders * 3, orders * 3, orders, 0):
        raise Incomplete(f"(approved, released lines, reservations, posted, open jobs) = {outcome} of {orders} orders")
    return Run(orders, sent, finished(ask_database, "routing.plan", "erp.post"), memory)


def intake_only(world: World, processes: Processes, *, orders: int, batch: int, ask_database: Ask, tell: Tell) -> Run:
    """Send the orders and wait until each is an order with its lines, events and review."""
    with ExitStack() as stack:
        children = start(stack, world, processes)
        memory = stack.enter_context(Memory({name: child.pid for name, child in children.items()}))
        sender = send(stack, world, children["api"], orders, batch)
        wait(lambda: ask_database("SELECT count(*) FROM orders")[0][0], orders, tell)
        sent = Sent(**sender.document())
    approved = ask_database("SELECT count(*) FROM orders WHERE review = 'auto_approved'")[0][0]
    if approved != orders:
        raise Incomplete(f"{approved} of {orders} orders were approved")
    return Run(orders, sent, finished(ask_database, "intake.process"), memory)


def start(stack: ExitStack, world: World, processes: Processes) -> dict[str, Child]:
    """Start the hub's processes and wait until each says that it runs."""
    children = {name: stack.enter_context(hub(world, *arguments)) for name, arguments in processes.items()}
    for name, child in children.items():
        if name != "api":
            child.document()
    return children


def send(stack: ExitStack, world: World, api: Child, orders: int, batch: int) -> Child:
    """Start the sender towards the API."""
    url = api.document()["url"]
    log = world.settings.data_dir / "sender.log"
    arguments = ["-m", "bench.client", url, world.token, SHOP, str(orders), str(batch)]
    return stack.enter_context(Child(arguments, log=log))


def wait(count: Callable[[], int], wanted: int, tell: Tell) -> None:
    """Wait until a count is reached; a run that stands still is an error."""
    last, since = -1, time.monotonic()
    while (now := count()) < wanted:
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED_SECONDS:
            raise Incomplete(f"nothing moved for {STALLED_SECONDS:.0f} s at {now} of {wanted}")
        tell(now)
        time.sleep(0.5)
    tell(now)


def finished(ask_database: Ask, *kinds: str) -> float:
    """When the last job of these kinds was done, in seconds since 1970."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    found = ask_database(f"SELECT max(finished_at) FROM jobs WHERE kind IN ({names})")[0][0]
    moment = found if isinstance(found, datetime) else datetime.fromisoformat(found).replace(tzinfo=UTC)
    return moment.timestamp()


def asker(url: str) -> Ask:
    """Ask PostgreSQL, a connection each time: the runs ask seldom."""

    def ask_database(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    return ask_database


def sqlite_asker(file: Path) -> Ask:
    """Ask SQLite, beside the serving process."""

    def ask_database(sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return ask_database
