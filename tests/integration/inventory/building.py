"""Short words for locations, products, stock and demands."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import insert

from hub.catalog.tables import ProductRow
from hub.inventory.repository import lock_levels
from hub.inventory.rules.grants import Demand
from hub.inventory.rules.levels import Level, StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import receive
from hub.inventory.service.locations import create_location
from hub.kit.db import Database
from hub.kit.ids import new_id

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def set_up(database: Database, *, locations: Iterable[str] = ("N", "S"), skus: Iterable[str] = ("A", "B")) -> None:
    """Locations and products, without stock."""
    with database.write() as session:
        for code in locations:
            create_location(session, location=Location(code=code, name=f"Warehouse {code}"), at=AT, actor="test")
        rows = [
            {"sku": sku, "name": sku, "requires": [], "components": {}, "updated_at": AT, "stocked": True}
            for sku in skus
        ]
        session.execute(insert(ProductRow), rows)


def stock(database: Database, **quantities: int | str) -> None:
    """Receive stock: `stock(database, N_A=5)` is 5 of A at N."""
    with database.write() as session:
        receive(session, entries=[entry(key, quantity) for key, quantity in quantities.items()], at=AT, actor="test")


def entry(key: str, quantity: int | str) -> StockEntry:
    """`entry("N_A", 5)` is 5 of A at N."""
    location, sku = key.split("_")
    return StockEntry(location=location, sku=sku, quantity=Decimal(quantity))


def need(key: str, quantity: int | str = 1, *, order: str | None = None, line: str | None = None) -> Demand:
    """`need("N_A", 5)` is a demand of 5 of A at N, of an order and a line of its own."""
    location, sku = key.split("_")
    return Demand(
        order_id=order or new_id(), fulfilment_order_line_id=line or new_id(), location=location, sku=sku,
        quantity=Decimal(quantity),
    )  # fmt: skip


def level(database: Database, key: str) -> Level:
    """One level as it is now."""
    location, sku = key.split("_")
    with database.write() as session:
        return lock_levels(session, keys=[(location, sku)])[location, sku]
