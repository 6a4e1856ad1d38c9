"""A hub in this process that lives through past orders: it takes them in, approves and plans them by its own code, with
its clock set to their weeks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from bench.past import Past, PastOrder, grams_of, rate_card, stock_of
from bench.problems import document
from hub.catalog.rules.products import NewProduct
from hub.catalog.service.upsert import upsert_products
from hub.connections.service.adapters import load_by_name
from hub.connections.service.manage import add_connection
from hub.flows.runtime import Runtime, build_runtime
from hub.intake.service.store import Delivery, store_messages
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import stocktake
from hub.inventory.service.locations import create_location
from hub.kit import crypto, migrations
from hub.kit.settings import Settings
from hub.routing.service.inputs import save_input
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from hub.sdk.testing.kit import FakeClock
from hub.sdk.values import Raw

QUEUES = ("intake", "flow")
SHOP = "shop"
CAPACITY = 12
"""Parcels of a warehouse's day: a fifth of the days are busier than all ten together can take at once."""


@contextmanager
def past_hub(
    folder: Path, url: str, past: Past, orders: Sequence[PastOrder], sourcing: Sequence[dict[str, Any]],
    tell: Callable[[int], None],
) -> Iterator[Runtime]:  # fmt: skip
    """The hub after the last of the orders."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(data_dir=folder, database_url=url, broker_url="memory://", log_level="error")
    crypto.create_key_file(settings.resolved_key_file)
    migrations.upgrade(settings.resolved_database_url)
    clock = FakeClock(orders[0].placed_at)
    runtime = build_runtime(settings, clock=clock)
    try:
        with runtime.database.write() as session:
            _furnish(session, runtime, past, orders, sourcing)
        done = 0
        for _, week in groupby(orders, key=lambda order: order.placed_at.isocalendar()[:2]):
            found = list(week)
            clock.set(found[-1].placed_at)
            _live(runtime, past, found)
            done += len(found)
            tell(done)
        yield runtime
    finally:
        runtime.close()


def _live(runtime: Runtime, past: Past, orders: Sequence[PastOrder]) -> None:
    with runtime.database.write() as session:
        info = load_by_name(session, SHOP)
        deliveries = [
            Delivery(info, Raw(orjson.dumps(_document(past, o)), kind="order", external_id=o.number)) for o in orders
        ]
        store_messages(session, deliveries=deliveries, at=runtime.services.clock.now())
    while sum(runtime.runner.drain(queue) for queue in QUEUES):
        continue


def _furnish(
    session: Session, runtime: Runtime, past: Past, orders: Sequence[PastOrder], sourcing: Sequence[dict[str, Any]]
) -> None:
    at, adapters = runtime.services.clock.now(), runtime.adapters
    shared: dict[str, Any] = {"adapters": adapters, "secrets": runtime.secrets, "mode": "live", "at": at}
    add_connection(session, name=SHOP, kind="channel", plugin="webhook", account=SHOP, settings={}, **shared)
    add_connection(
        session,
        name=past.name,
        kind="carrier",
        plugin="rate_card",
        account=past.name,
        settings=rate_card(past),
        **shared,
    )
    skus = sorted({sku for order in orders for sku, _, _ in order.items})
    upsert_products(session, products=[NewProduct(sku=sku, name=sku, grams=grams_of(sku)) for sku in skus], at=at)
    for city in past.warehouses:
        address = {
            "name": city.state, "lines": ["1 Rua"], "city": city.name, "region": city.state, "country": past.country
        }  # fmt: skip
        place = Location(
            code=city.state, name=city.name, address=address, latitude=city.latitude, longitude=city.longitude
        )
        create_location(session, location=place, at=at, actor="bench")
        save_input(
            session, kind="capacity", key=city.state, body={"orders_per_day": CAPACITY}, author="bench", at=at
        )  # fmt: skip
    stock = stock_of(past, orders).items()
    entries = [StockEntry(code, sku, Decimal(units)) for (code, sku), units in sorted(stock)]
    stocktake(session, entries=entries, at=at, actor="bench")
    row = create_rule_set(
        session, document=document(sourcing), adapters=adapters, author="bench", comment="", at=at
    )  # fmt: skip
    activate_rule_set(session, reference=row.rule_set_id, actor="bench", at=at)


def _document(past: Past, order: PastOrder) -> dict[str, Any]:
    """An order as a sender writes it."""
    lines = [
        {
            "id": str(number), "sku": sku, "name": sku, "quantity": units, "unit_price": _decimal(price),
            "total": _decimal(units * price),
        }
        for number, (sku, units, price) in enumerate(order.items, 1)
    ]  # fmt: skip
    buyer = f"Buyer {order.number[:12]}"
    return {
        "id": order.number, "number": order.number[:16], "placed_at": order.placed_at.isoformat(),
        "currency": past.currency, "revision": 1,
        "buyer": {"name": buyer, "email": f"{order.number[:12]}@example.com"},
        "ship_to": {
            "name": buyer, "lines": [f"1 Rua {order.number[:6]}"], "city": order.city_name, "region": order.state,
            "postal_code": order.postal_code, "country": past.country, "phone": "+551155256325",
        },
        "lines": lines, "grand_total": _decimal(order.total_minor),
        "payment": {"state": "paid", "method": "card"}, "delivery": {"deliver_by": order.promised.isoformat()},
    }  # fmt: skip


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
