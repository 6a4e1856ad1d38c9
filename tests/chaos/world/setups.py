"""The three set-ups, on private servers: a furnished hub, its processes, the other sides and the network in between."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pika
import psycopg
import redis

from hub.auth.service.keys import create_key
from hub.catalog.rules.products import NewProduct
from hub.catalog.service.upsert import upsert_products
from hub.connections.service.manage import add_connection
from hub.flows.runtime import Runtime, build_runtime
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import stocktake
from hub.inventory.service.locations import create_location
from hub.kit import crypto, migrations
from hub.kit.clock import SYSTEM
from hub.kit.settings import Settings
from tests.chaos.world.child import CLOCK
from tests.chaos.world.disk import Disk, small_disk
from tests.chaos.world.orders import HOT, PORTAL, SHOP, SKUS, sku
from tests.chaos.world.plugins import CARRIERS, MODULE
from tests.chaos.world.processes import Child, Process, Starts, environment, own_process
from tests.servers import PostgresServer, RabbitServer, RedisServer, Server, free_port

SETUPS = ("sqlite", "postgres+rabbitmq", "postgres+redis")
LEASE_SECONDS = 5.0
SWEEP_SECONDS = 1.0
WORKERS = 2
SHOP_SECRET = "chaos-shop-secret"
PORTAL_SECRET = "whsec_" + "Y2hhb3Mtc2VjcmV0LW9mLWV4YWN0bHktMzItYnl0ZXM="
LOCATIONS = (("EAST", "Newark", "NJ", "07101"), ("WEST", "Reno", "NV", "89501"))
PLENTY = 1_000_000
QUEUES = ("intake", "flow", "outward", "bulk")
SMALL_LOG = {"max_wal_size": "128MB", "min_wal_size": "32MB"}
"""Of PostgreSQL, so that it fits on a small disk."""

Rows = list[tuple[Any, ...]]
_ONE_AT_A_TIME = threading.Lock()
"""Migrations run in one thread of a process at a time."""


@dataclass(slots=True)
class World:
    """Everything of one run. `hub` are the hub's processes by name; `ask` and `tell` speak SQL with its database."""

    setup: str
    folder: Path
    url: str
    token: str
    books: Path
    sides_url: str
    proxies: dict[str, str]
    hub: dict[str, Process]
    ask: Callable[[str], Rows]
    tell: Callable[[str], None]
    hot_units: int
    database: PostgresServer | None = None
    broker: Server | None = None
    sides: list[Child] = field(default_factory=list)
    disk: Disk | None = None
    """Where the database writes, if it can be filled."""
    clock: Path = Path()
    """The file with the seconds by which the clock of the hub's processes is ahead."""

    def read_books(self, sql: str) -> Rows:
        """What the other sides wrote down."""
        with closing(sqlite3.connect(self.books, timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def ready(self) -> bool:
        """Whether the API says that it is well."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def network(self, rate: float) -> None:
        """Lie more or less."""
        for url in self.proxies.values():
            httpx.post(f"{url}/_proxy/{rate}", timeout=30, trust_env=False)

    def faults(self) -> dict[str, int]:
        """What the network did to whom."""
        total: dict[str, int] = {}
        for url in self.proxies.values():
            for name, count in httpx.get(f"{url}/_proxy", timeout=30, trust_env=False).json().items():
                total[name] = total.get(name, 0) + count
        return total

    def wipe_broker(self) -> None:
        """Lose every message that the broker holds."""
        if isinstance(self.broker, RedisServer):
            with closing(redis.Redis(port=self.broker.port)) as client:
                client.flushall()
        elif isinstance(self.broker, RabbitServer):
            with closing(pika.BlockingConnection(pika.URLParameters(self.broker.url))) as link:
                channel = link.channel()
                for queue in QUEUES:
                    channel.queue_purge(queue)


def missing(setup: str) -> str | None:
    """Why a set-up cannot run on this machine; None where it can."""
    needed = [PostgresServer, RabbitServer if setup.endswith("rabbitmq") else RedisServer] if setup != "sqlite" else []
    return next((reason for kind in needed if (reason := kind.missing())), None)


@contextmanager
def world(
    setup: str, folder: Path, *, seed: int, hot_units: int, start: Starts = own_process, workers: int = WORKERS,
    own_disk: bool = False,
) -> Iterator[World]:  # fmt: skip
    """Start it all; end it all. `start` makes the hub's processes; with `own_disk` the database has a small one."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "disk")) if own_disk else None
        place = disk.folder if disk else None
        database = stack.enter_context(PostgresServer(settings=SMALL_LOG, within=place)) if setup != "sqlite" else None
        broker = None
        if setup != "sqlite":
            broker = stack.enter_context(RabbitServer() if setup.endswith("rabbitmq") else RedisServer())
        database_url = database.create_database("chaos") if database else None
        broker_url = broker.url if broker else "memory://"
        server = _side(stack, folder, "sides", ["-m", "tests.chaos.world.server", str(folder / "sides")])
        sides_port = int(server.line())
        outgoing = _side(stack, folder, "proxy-out", ["-m", "tests.chaos.world.proxy", f"{seed}:out", str(sides_port)])
        port = free_port()
        incoming = _side(stack, folder, "proxy-in", ["-m", "tests.chaos.world.proxy", f"{seed}:in", str(port)])
        proxies = {name: f"http://127.0.0.1:{child.line()}" for name, child in (("out", outgoing), ("in", incoming))}
        settings = Settings(
            data_dir=(place or folder) / "hub",
            database_url=database_url,
            broker_url=broker_url,
            plugin_modules=(MODULE,),
        )
        with _ONE_AT_A_TIME:
            token = _furnished(settings, proxies["out"], hot_units)
        clock = folder / "clock"
        clock.write_text("0")
        given = {**_environment(settings, port), CLOCK: str(clock)}
        children = {"api": ["serve"]} if setup == "sqlite" else {
            "api": ["serve", "--no-worker"], **{f"worker-{number}": ["worker"] for number in range(1, workers + 1)},
        }  # fmt: skip
        hub = {name: start(name, args, folder, given) for name, args in children.items()}
        for child in hub.values():
            stack.callback(child.stop)
        ask, tell = _speakers(settings, database_url)
        yield World(
            setup, folder, f"http://127.0.0.1:{port}", token, folder / "sides" / "books.sqlite3",
            f"http://127.0.0.1:{sides_port}", proxies, hub, ask, tell, hot_units, database, broker,
            [server, outgoing, incoming], disk, clock,
        )  # fmt: skip


def _side(stack: ExitStack, folder: Path, name: str, arguments: list[str]) -> Child:
    child = Child(name, arguments, folder=folder, environment=environment({}))
    stack.callback(child.end)
    return child


def _environment(settings: Settings, port: int) -> dict[str, str]:
    given = {
        "ORDERHUB_DATA_DIR": str(settings.data_dir), "ORDERHUB_BROKER_URL": settings.broker_url,
        "ORDERHUB_PLUGIN_MODULES": json.dumps([MODULE]), "ORDERHUB_PORT": str(port),
        "ORDERHUB_LEASE_SECONDS": str(LEASE_SECONDS), "ORDERHUB_SWEEP_SECONDS": str(SWEEP_SECONDS),
        "ORDERHUB_LOG_FORMAT": "json",
    }  # fmt: skip
    if settings.database_url:
        given["ORDERHUB_DATABASE_URL"] = settings.database_url
    return environment(given)


def _furnished(settings: Settings, sides_url: str, hot_units: int) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    crypto.create_key_file(settings.resolved_key_file)
    migrations.upgrade(settings.resolved_database_url)
    runtime = build_runtime(settings)
    try:
        return _furnish(runtime, sides_url, hot_units)
    finally:
        runtime.close()


def _furnish(runtime: Runtime, sides_url: str, hot_units: int) -> str:
    at = SYSTEM.now()
    shared: dict[str, Any] = {
        "adapters": runtime.adapters, "secrets": runtime.secrets, "mode": "live", "at": at, "allow_private": True,
        "import_from": at - timedelta(days=1),
    }  # fmt: skip
    reached = {"url": sides_url}
    channels = (
        (SHOP, "lying_shop", {**reached, "secret": SHOP_SECRET}),
        (PORTAL, "webhook", {"secret": PORTAL_SECRET}),
    )
    policy = {"pull_cron": None, "census_cron": None, "proof_limit_hours": None}
    with runtime.database.write() as session:
        for name, plugin, given in channels:
            add_connection(
                session, name=name, kind="channel", plugin=plugin, account=name, settings=given, policy=policy, **shared
            )
        for name, carrier in CARRIERS.items():
            add_connection(
                session, name=f"carrier-{name.replace('_', '-')}", kind="carrier", plugin=carrier.manifest.id, account=name,
                settings=reached, **shared,
            )  # fmt: skip
        for ledger in ("unique", "find"):
            add_connection(
                session, name=f"ledger-{ledger}", kind="erp", plugin=f"lying_erp_{ledger}", account=ledger,
                settings=reached, **shared,
            )  # fmt: skip
        products = [NewProduct(sku=sku(number), name=sku(number), grams=250) for number in range(SKUS)]
        upsert_products(session, products=products, at=at)
        for code, city, region, postal_code in LOCATIONS:
            address = {
                "name": code,
                "lines": ["1 Pier Road"],
                "city": city,
                "region": region,
                "postal_code": postal_code,
            }
            create_location(
                session,
                location=Location(code=code, name=code, address={**address, "country": "US"}),
                at=at,
                actor="chaos",
            )
        _, token = create_key(session, name="chaos", scopes=["admin"], clock=SYSTEM)
    entries = [
        StockEntry(code, sku(number), Decimal(hot_units if number < HOT else PLENTY))
        for code, *_ in LOCATIONS for number in range(SKUS)
    ]  # fmt: skip
    with runtime.database.write() as session:
        stocktake(session, entries=entries, at=at, actor="chaos")
    return token


def _speakers(settings: Settings, database_url: str | None) -> tuple[Callable[[str], Rows], Callable[[str], None]]:
    if database_url is not None:

        def ask(sql: str) -> Rows:
            with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as link:
                return link.execute(sql.encode()).fetchall()

        def tell(sql: str) -> None:
            with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as link:
                link.execute(sql.encode())

        return ask, tell
    file = settings.data_dir / "hub.sqlite3"

    def ask_file(sql: str) -> Rows:
        with closing(sqlite3.connect(file, timeout=30)) as link:
            return link.execute(sql).fetchall()

    def tell_file(sql: str) -> None:
        with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as link:
            link.execute(sql)

    return ask_file, tell_file
