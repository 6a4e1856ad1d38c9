"""A hub with a shop, a ledger, two carriers, three warehouses and plenty of stock: what every benchmark starts from."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from bench.orders import PRODUCTS, sku
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

ROOT = Path(__file__).resolve().parents[1]
SHOP = "bench-shop"
BOOKS = "bench-books"
SECRET = "whsec_" + "YmVuY2htYXJrLXNlY3JldC1vZi0zMi1ieXRlcyEh"
PLUGIN = "bench.peer_plugin"
WAREHOUSES = (
    ("EAST", "1 Pier Road", "Newark", "NJ", "07101"),
    ("MID", "1 Plain Road", "Omaha", "NE", "68102"),
    ("WEST", "1 Bay Road", "Reno", "NV", "89501"),
)
PLENTY = Decimal(100_000_000)


@dataclass(frozen=True, slots=True)
class World:
    """A hub that is set up and not running. `environment` starts its processes."""

    settings: Settings
    token: str
    environment: Mapping[str, str] = field(repr=False)


def make_world(folder: Path, *, database_url: str | None, broker_url: str, peer_url: str) -> World:
    """Make the tables and the master data; `database_url` None is SQLite in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        data_dir=folder, database_url=database_url, broker_url=broker_url, plugin_modules=(PLUGIN,), log_level="warning"
    )
    crypto.create_key_file(settings.resolved_key_file)
    migrations.upgrade(settings.resolved_database_url)
    runtime = build_runtime(settings)
    try:
        token = _furnish(runtime, peer_url)
        while any(runtime.runner.drain(queue) for queue in ("intake", "flow", "outward", "bulk")):
            continue
    finally:
        runtime.close()
    given = {
        "ORDERHUB_DATA_DIR": str(folder), "ORDERHUB_BROKER_URL": broker_url, "ORDERHUB_LOG_LEVEL": "warning",
        "ORDERHUB_PLUGIN_MODULES": orjson.dumps([PLUGIN]).decode(), "PYTHONPATH": str(ROOT),
        **({"ORDERHUB_DATABASE_URL": database_url} if database_url else {}),
    }  # fmt: skip
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ORDERHUB_")}
    return World(settings, token, {**inherited, **given})


@contextmanager
def runtime_of(world: World) -> Iterator[Runtime]:
    """The hub in this process, without API and broker."""
    runtime = build_runtime(world.settings)
    try:
        yield runtime
    finally:
        runtime.close()


def add_ledger(world: World, name: str, url: str) -> None:
    """Another ledger, which gets each document too."""
    with runtime_of(world) as runtime, runtime.database.write() as session:
        _add_ledger(session, runtime, name, url)


def _add_ledger(session: Session, runtime: Runtime, name: str, url: str) -> None:
    add_connection(
        session, name=name, kind="erp", plugin="bench_peer", account=name, settings={"url": url}, allow_private=True,
        adapters=runtime.adapters, secrets=runtime.secrets, mode="live", at=SYSTEM.now(),
    )  # fmt: skip


def _furnish(runtime: Runtime, peer_url: str) -> str:
    at = SYSTEM.now()
    shared: dict[str, Any] = {"adapters": runtime.adapters, "secrets": runtime.secrets, "mode": "live", "at": at}
    with runtime.database.write() as session:
        add_connection(
            session, name=SHOP, kind="channel", plugin="webhook", account=SHOP, settings={"secret": SECRET}, **shared
        )
        _add_ledger(session, runtime, BOOKS, peer_url)
        for file in sorted((ROOT / "examples" / "demo" / "carriers").glob("*.json")):
            add_connection(
                session, name=file.stem, kind="carrier", plugin="rate_card", account=file.stem,
                settings=orjson.loads(file.read_bytes()), **shared,
            )  # fmt: skip
        products = [NewProduct(sku=sku(number), name=f"Article {number}", grams=250) for number in range(PRODUCTS)]
        upsert_products(session, products=products, at=at)
        for code, line, city, region, postal_code in WAREHOUSES:
            address = {"name": code, "lines": [line], "city": city, "region": region, "postal_code": postal_code}
            location = Location(code=code, name=code, address={**address, "country": "US"})
            create_location(session, location=location, at=at, actor="bench")
        _, token = create_key(session, name="bench", scopes=["admin"], clock=SYSTEM)
    with runtime.database.write() as session:
        entries = [StockEntry(code, sku(number), PLENTY) for code, *_ in WAREHOUSES for number in range(PRODUCTS)]
        stocktake(session, entries=entries, at=at, actor="bench")
    return token
