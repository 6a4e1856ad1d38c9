"""Orders, and a whole hub in this process: a `World` with a migrated database, a clock that stands still and no broker.

Nothing runs by itself: `drain()` runs every queue until none has work that is due, `later()` moves the clock first.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from hub.billing.tables import ErpDocumentRow, InvoiceRow
from hub.cases.tables import CaseRow
from hub.catalog.rules.products import NewProduct
from hub.catalog.service.upsert import upsert_products
from hub.connections.service.adapters import ConnectionInfo
from hub.connections.service.manage import add_connection
from hub.flows.continue_orders import release_and_continue
from hub.flows.runtime import Runtime, build_runtime, load_plugins
from hub.fulfilment import repository as fulfilment_repository
from hub.fulfilment.service import ship, work
from hub.fulfilment.tables import FulfilmentOrderRow, ShipmentRow
from hub.host.plugins import PluginHost
from hub.intake.service.store import Delivery, Stored, store_messages
from hub.intake.tables import InboundMessageRow
from hub.inventory.rules.levels import Level, StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import receive
from hub.inventory.service.locations import create_location
from hub.inventory.service.query import list_levels, verify_projection
from hub.jobs.tables import EffectRow, JobRow
from hub.kit import crypto
from hub.kit.db import Database
from hub.kit.settings import Settings
from hub.orders.rules.counters import fold
from hub.orders.service.changes import lines_of
from hub.orders.tables import COUNTERS, OrderEventRow, OrderHoldRow, OrderLineRow, OrderRow
from hub.sdk.testing.kit import FakeClock
from hub.sdk.values import Raw
from tests import doubles
from tests.order_documents import CARD, STREET, canonical_order, event, line, order_document

__all__ = [
    "CARD",
    "QUEUES",
    "STREET",
    "World",
    "build_world",
    "canonical_order",
    "event",
    "furnished",
    "line",
    "order_document",
    "small_world",
    "world",
]

QUEUES = ("intake", "flow", "outward", "bulk")


@dataclass(slots=True)
class World:
    """A hub in this process; every method is one transaction or one run of its queues."""

    runtime: Runtime
    clock: FakeClock
    folder: Path
    connections: dict[str, ConnectionInfo] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The hub's database."""
        return self.runtime.database

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes."""
        with self.database.write() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that reads; what it read may be looked at afterwards."""
        with self.database.read() as session:
            yield session
            session.expunge_all()

    def connect(self, name: str, kind: str, plugin: str, settings: Mapping[str, Any], **more: Any) -> ConnectionInfo:
        """Add a connection."""
        with self.write() as session:
            self.connections[name] = add_connection(
                session, adapters=self.runtime.adapters, secrets=self.runtime.secrets, name=name, kind=kind,
                plugin=plugin, account=more.pop("account", name), settings=settings, mode=more.pop("mode", "live"),
                at=self.clock.now(), **more,
            )  # fmt: skip
        return self.connections[name]

    def shop(self, name: str = "shop", **more: Any) -> ConnectionInfo:
        """A channel that speaks the hub's own JSON."""
        return self.connect(name, "channel", "webhook", more.pop("settings", {}), **more)

    def carrier(self, name: str = "card", **more: Any) -> ConnectionInfo:
        """A carrier with a rate card."""
        return self.connect(name, "carrier", "rate_card", {**CARD, **more.pop("settings", {})}, **more)

    def ledger(self, name: str = "books", **more: Any) -> ConnectionInfo:
        """A beancount ledger."""
        return self.connect(name, "erp", "beancount", {"folder": str(self.folder / name)}, **more)

    def double(self, kind: str, plugin: str, name: str = "", **more: Any) -> doubles.Book:
        """A connection of a double; returns its book."""
        book = doubles.new_book()
        self.connect(name or plugin, kind, plugin, {"book": book}, **more)
        return doubles.BOOKS[book]

    def products(self, *skus: str, **changes: Any) -> None:
        """Products of 200 g."""
        self.product(*(NewProduct(sku=sku, name=f"Product {sku}", **{"grams": 200, **changes}) for sku in skus))

    def product(self, *products: NewProduct) -> None:
        """Products as given."""
        with self.write() as session:
            upsert_products(session, products=list(products), at=self.clock.now())

    def locations(self, *codes: str, **changes: Any) -> None:
        """Warehouses in New York."""
        address = {"name": "W", "lines": ["1 Road"], "city": "New York", "region": "NY", "postal_code": "10001",
                   "country": "US"}  # fmt: skip
        with self.write() as session:
            for rank, code in enumerate(codes):
                location = Location(**{"code": code, "name": code, "address": address, "rank": rank, **changes})
                create_location(session, location=location, at=self.clock.now(), actor="test")

    def stock(self, **quantities: int) -> None:
        """Receive stock: `stock(W1_A=5)` is 5 of A at W1."""
        entries = [
            StockEntry(location=key.split("_")[0], sku=key.split("_")[1], quantity=Decimal(quantity))
            for key, quantity in quantities.items()
        ]
        with self.write() as session:
            receive(session, entries=entries, at=self.clock.now(), actor="test")

    def level(self, key: str) -> Level:
        """One level: `level("W1_A")`."""
        location, sku = key.split("_")
        with self.read() as session:
            return list_levels(session, location=location, sku=sku)[0][0]

    def drift(self) -> list[Any]:
        """What is wrong with the levels; nothing, one hopes."""
        with self.read() as session:
            return list(verify_projection(session))

    def store(self, *documents: Mapping[str, Any], to: str = "shop", **raw: Any) -> list[Stored]:
        """Take deliveries in without reading them; `raw` overrides fields of each delivery."""
        connection = self.connections[to]
        channel: Any = self.runtime.adapters.channel(connection)
        deliveries = []
        for document in documents:
            (told,) = channel.split(json.dumps(document).encode())
            values = {name: getattr(told, name) for name in ("kind", "external_id", "revision", "event_id")}
            deliveries.append(Delivery(connection, Raw(body=told.body, **{**values, **raw})))
        with self.write() as session:
            return store_messages(session, deliveries=deliveries, at=self.clock.now())

    def send(self, *documents: Mapping[str, Any], to: str = "shop", **raw: Any) -> list[Stored]:
        """Take deliveries in, and run everything that follows."""
        stored = self.store(*documents, to=to, **raw)
        self.drain()
        return stored

    def drain(self, *queues: str) -> int:
        """Run the queues until all are idle; how many jobs ran."""
        total = 0
        while count := sum(self.runtime.runner.drain(queue) for queue in queues or QUEUES):
            total += count
        return total

    def later(self, seconds: float) -> int:
        """Move the clock, then drain."""
        self.clock.advance(seconds)
        return self.drain()

    def order(self, external_id: str) -> OrderRow:
        """An order's row."""
        with self.read() as session:
            return session.scalars(select(OrderRow).where(OrderRow.external_id == external_id)).one()

    def lines(self, external_id: str) -> dict[str, dict[str, int]]:
        """Counters other than zero of an order's lines, by the line's external id."""
        with self.read() as session:
            rows = session.scalars(
                select(OrderLineRow)
                .join(OrderRow, OrderRow.order_id == OrderLineRow.order_id)
                .where(OrderRow.external_id == external_id)
            )
            return {
                row.external_id: {name: int(getattr(row, name)) for name in COUNTERS if getattr(row, name)}
                for row in rows
            }

    def holds(self, external_id: str) -> list[str]:
        """Reasons of an order's open holds."""
        statement = (
            select(OrderHoldRow.reason_code)
            .join(OrderRow, OrderRow.order_id == OrderHoldRow.order_id)
            .where(OrderRow.external_id == external_id, OrderHoldRow.released_at.is_(None))
        )
        with self.read() as session:
            return sorted(session.scalars(statement))

    def release(self, external_id: str, *reasons: str) -> None:
        """A person lets an order go."""
        with self.write() as session:
            release_and_continue(
                session, self.runtime.services, order_ids=[self.order(external_id).order_id],
                reason_codes=reasons or None, actor="person", at=self.clock.now(),
            )  # fmt: skip
        self.drain()

    def timeline(self, external_id: str) -> list[str]:
        """Kinds of an order's events."""
        with self.read() as session:
            return [row.kind for row in self.events(session, external_id)]

    def events(self, session: Session, external_id: str) -> Sequence[OrderEventRow]:
        """An order's events."""
        statement = (
            select(OrderEventRow)
            .join(OrderRow, OrderRow.order_id == OrderEventRow.order_id)
            .where(OrderRow.external_id == external_id)
            .order_by(OrderEventRow.sequence)
        )
        return session.scalars(statement).all()

    def folded(self, external_id: str) -> bool:
        """Whether the timeline adds up to the stored counters."""
        order_id = self.order(external_id).order_id
        with self.read() as session:
            told = fold(row.lines for row in self.events(session, external_id))
            stored = {
                row.order_line_id: {name: int(getattr(row, name) * 1000) for name in COUNTERS if getattr(row, name)}
                for row in lines_of(session, [order_id])[order_id]
            }
        return {key: {name: value for name, value in line.items() if value} for key, line in told.items()} == stored

    def work(self, external_id: str) -> list[FulfilmentOrderRow]:
        """An order's fulfilment orders, oldest first."""
        order_id = self.order(external_id).order_id
        with self.read() as session:
            return fulfilment_repository.of_orders(session, [order_id])[order_id]

    def open_work(self, external_id: str) -> list[FulfilmentOrderRow]:
        """Those that are not over."""
        return [row for row in self.work(external_id) if row.state in ("released", "in_progress")]

    def pack(self, work_id: str) -> None:
        """Everything is picked and packed."""
        with self.write() as session:
            work.pick_and_pack_all(session, reference=work_id, actor="picker", at=self.clock.now())

    def ship(self, work_id: str, contents: Mapping[str, int] | None = None, **more: Any) -> str:
        """Open a shipment of packed goods (all of them, or these by line) and get its label."""
        parcels = None
        if contents is not None:
            parcels = [ship.NewParcel({key: Decimal(quantity) for key, quantity in contents.items()})]
        with self.write() as session:
            row = ship.open_shipment(
                session, reference=work_id, parcels=parcels, choice=more.pop("choice", None), hub_id="hub",
                label_format="pdf", actor="packer", at=self.clock.now(),
            )  # fmt: skip
            shipment_id = row.shipment_id
        self.drain()
        return shipment_id

    def hand_over(self, shipment_id: str) -> None:
        """The carrier has it; what follows runs."""
        with self.write() as session:
            ship.hand_over(session, reference=shipment_id, actor="packer", at=self.clock.now())
        self.drain()

    def deliver(self, external_id: str) -> list[str]:
        """Pack, label and hand over all open work of an order; ids of its shipments."""
        shipments = []
        for row in self.open_work(external_id):
            self.pack(row.fulfilment_order_id)
            shipments.append(self.ship(row.fulfilment_order_id))
            self.hand_over(shipments[-1])
        return shipments

    def shipment(self, shipment_id: str) -> ShipmentRow:
        """A shipment's row."""
        with self.read() as session:
            return session.get_one(ShipmentRow, shipment_id)

    def documents(self, external_id: str) -> list[tuple[str, str, int]]:
        """(kind, state, total) of an order's ERP documents."""
        order_id = self.order(external_id).order_id
        statement = select(ErpDocumentRow.kind, ErpDocumentRow.state, ErpDocumentRow.total_minor)
        with self.read() as session:
            return sorted(session.execute(statement.where(ErpDocumentRow.order_id == order_id)))

    def invoiced(self, external_id: str) -> list[int]:
        """Totals of an order's invoices."""
        order_id = self.order(external_id).order_id
        statement = select(InvoiceRow.total_minor).where(InvoiceRow.order_id == order_id, InvoiceRow.kind == "invoice")
        with self.read() as session:
            return sorted(session.scalars(statement))

    def message(self, message_id: str) -> InboundMessageRow:
        """A message's row."""
        with self.read() as session:
            return session.get_one(InboundMessageRow, message_id)

    def jobs(self, **filters: Any) -> list[JobRow]:
        """Jobs by column."""
        statement = select(JobRow).order_by(JobRow.job_id)
        for name, value in filters.items():
            statement = statement.where(getattr(JobRow, name) == value)
        with self.read() as session:
            return list(session.scalars(statement))

    def open_jobs(self) -> list[tuple[str, str]]:
        """(kind, state) of jobs that are not over, housekeeping apart."""
        return [(row.kind, row.state) for row in self.jobs() if row.state in ("ready", "leased", "parked")]

    def effects(self) -> list[tuple[str, str]]:
        """(kind, state) of all effects."""
        with self.read() as session:
            return sorted(session.execute(select(EffectRow.kind, EffectRow.state)))

    def cases(self) -> list[str]:
        """Kinds of the open cases."""
        with self.read() as session:
            return sorted(session.scalars(select(CaseRow.kind).where(CaseRow.state != "resolved")))

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.read() as session:
            return int(session.scalar(select(func.count()).select_from(text(table))) or 0)


@lru_cache(maxsize=1)
def plugins() -> PluginHost:
    """All plugins, loaded once in this process: they are only read."""
    return load_plugins(Settings(plugin_modules=(doubles.MODULE,)))


def forget_the_disk(connection: Any, _: Any) -> None:
    """A test's database need not outlive the machine: not waiting for the disk is most of its time."""
    connection.execute("PRAGMA synchronous=OFF").close()


def build_world(url: str, folder: Path, **settings: Any) -> World:
    """A hub on a migrated database, without anything in it."""
    clock = FakeClock()
    values = Settings(
        data_dir=folder / "data", database_url=url, log_level="error", plugin_modules=(doubles.MODULE,), **settings
    )
    crypto.create_key_file(values.resolved_key_file)
    runtime = build_runtime(values, clock=clock, host=plugins())
    if runtime.database.is_sqlite:
        listen(runtime.database.engine, "connect", forget_the_disk)
    return World(runtime, clock, folder)


def furnished(url: str, folder: Path, **settings: Any) -> World:
    """A hub with a shop, products A and B, and two warehouses without stock."""
    built = build_world(url, folder, **settings)
    built.shop()
    built.products("A", "B")
    built.locations("W1", "W2")
    return built


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A furnished hub; the test runs once on SQLite and once on PostgreSQL."""
    built = furnished(database_url, tmp_path)
    yield built
    built.runtime.close()


@pytest.fixture
def small_world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A furnished hub on SQLite alone: for what no database can change."""
    built = furnished(sqlite_url, tmp_path)
    yield built
    built.runtime.close()
