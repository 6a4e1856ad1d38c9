"""Set up a fresh hub for the demo's day: data folder, key, tables, master data, connections, rules, an API key."""

import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.auth.service.keys import create_key
from hub.catalog.rules.products import NewProduct
from hub.catalog.service.upsert import upsert_products
from hub.cli.demo_day import Day
from hub.cli.serving import serving_process
from hub.connections.service.manage import add_connection
from hub.connections.tables import ConnectionRow
from hub.flows.runtime import Runtime, build_runtime
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import stocktake
from hub.inventory.service.locations import create_location
from hub.kit import migrations
from hub.kit.clock import SYSTEM
from hub.kit.crypto import create_key_file
from hub.kit.errors import InvalidInput, StateConflict
from hub.kit.ids import new_token
from hub.kit.settings import Settings
from hub.orders.tables import OrderRow
from hub.routing.service.inputs import save_input
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set

ACTOR = "demo"
MARK = ".orderhub-demo"
"""A file in the data folder that says: `hub demo` made this, and may throw it away."""
SHOP_DOMAIN = "orderhub-demo.myshopify.com"
SHOP_TOKEN = "shpat_demo"  # noqa: S105  the demo's own shop asks for no other
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""The sample day is over: without this date its orders would count as history, and nothing would follow from them."""
REVIEW = {"review": {"allowed_countries": ["US", "CA"], "currencies": ["USD"]}}
_NORTH_COLUMNS = {
    "order_number": "Bestellung", "placed_at": "Datum", "ship_name": "Name", "ship_line1": "Strasse",
    "ship_city": "Ort", "ship_region": "Staat", "ship_postal_code": "PLZ", "ship_country": "Land", "sku": "Artikel",
    "quantity": "Menge", "unit_price": "Einzelpreis", "grand_total": "Summe",
}  # fmt: skip
_HARBOR_COLUMNS = {
    "order_number": "PO", "placed_at": "Ordered on", "ship_name": "Ship to", "ship_line1": "Address",
    "ship_city": "Town", "ship_region": "State", "ship_postal_code": "Zip", "sku": "Item",
    "quantity": "Qty", "unit_price": "Price each", "grand_total": "Order total",
}  # fmt: skip
_ON_CREDIT = {"currency": "USD", "payment_state": "on_credit", "ship_country": "US"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the outside world needs to know of the hub that was set up."""

    api_key: str
    shop_secret: str
    portal_secret: str


def fresh_folder(folder: Path) -> None:
    """An empty data folder; what an earlier demo left there goes, what is not a demo's is refused."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise StateConflict(
                "not_a_demo_folder", f"{folder} is not empty and no demo made it: name another folder with --data-dir."
            )
        other = serving_process(folder / "hub.sqlite3")
        if other is not None:
            raise StateConflict(
                "demo_is_running",
                f"A demo runs in {folder} ({other}): stop it, or name another folder with --data-dir.",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Made by `hub demo`, and made anew at its next run.\n", encoding="utf-8")


def set_up(settings: Settings, day: Day, *, receiver_url: str) -> Prepared:
    """Everything that somebody would do once to run a shop on the hub; on an empty database."""
    for name in ("north", "harbor", "ledger"):
        (settings.data_dir / name).mkdir(exist_ok=True)
    if not settings.secret_keys and not settings.resolved_key_file.exists():
        create_key_file(settings.resolved_key_file)
    migrations.upgrade(settings.resolved_database_url)
    runtime = build_runtime(settings)
    try:
        return _fill(runtime, day, receiver_url=receiver_url)
    finally:
        runtime.close()


def webhook_secret() -> str:
    """A new Standard Webhooks secret: `whsec_` and 32 bytes in base64."""
    return "whsec_" + base64.b64encode(sha256(new_token().encode()).digest()).decode()


def _fill(runtime: Runtime, day: Day, *, receiver_url: str) -> Prepared:
    at = SYSTEM.now()
    with runtime.database.write() as session:
        _refuse_used(session)
        _master_data(session, day.master, at)
    shop_secret, portal_secret = new_token(), webhook_secret()
    with runtime.database.write() as session:
        channels = _channels(runtime.settings.data_dir.absolute(), receiver_url, shop_secret, portal_secret)
        for name, (kind, plugin, given) in {**channels, **_carriers(day), **_books(runtime.settings.data_dir)}.items():
            add_connection(
                session, adapters=runtime.adapters, secrets=runtime.secrets, name=name, kind=kind, plugin=plugin,
                account=name, settings=given, mode="live", at=at, import_from=LONG_AGO,
                policy=REVIEW if kind == "channel" else None, allow_private=name in ("shop", "portal"),
            )  # fmt: skip
    with runtime.database.write() as session:
        rules = create_rule_set(
            session, document=day.rules, adapters=runtime.adapters, author=ACTOR, comment="The demo's rules", at=at
        )
        activate_rule_set(session, reference=rules.rule_set_id, actor=ACTOR, at=at)
        _, token = create_key(session, name="demo", scopes=["admin"], clock=SYSTEM, actor=ACTOR)
    return Prepared(token, shop_secret, portal_secret)


def _refuse_used(session: Session) -> None:
    used = session.scalar(select(func.count()).select_from(OrderRow)) or 0
    used += session.scalar(select(func.count()).select_from(ConnectionRow)) or 0
    if used:
        raise InvalidInput(
            "database_in_use",
            "The database of ORDERHUB_DATABASE_URL holds orders or connections already: the demo wants an empty one.",
        )


def _master_data(session: Session, master: Mapping[str, Any], at: datetime) -> None:
    products = [NewProduct(sku=entry["sku"], name=entry["name"], grams=entry["grams"]) for entry in master["products"]]
    upsert_products(session, products=products, at=at)
    for entry in master["locations"]:
        location = Location(
            code=entry["code"], name=entry["name"], address=entry["address"], latitude=entry["latitude"],
            longitude=entry["longitude"],
        )  # fmt: skip
        create_location(session, location=location, at=at, actor=ACTOR)
        save_input(session, kind="calendar", key=entry["code"], body=entry["calendar"], author=ACTOR, at=at)
        body = {"orders_per_day": entry["orders_per_day"]}
        save_input(session, kind="capacity", key=entry["code"], body=body, author=ACTOR, at=at)
    counted = [
        StockEntry(location=entry["location"], sku=entry["sku"], quantity=Decimal(entry["quantity"]))
        for entry in master["stock"]
    ]
    stocktake(session, entries=counted, at=at, actor=ACTOR)


Wanted = dict[str, tuple[str, str, dict[str, Any]]]


def _channels(folder: Path, receiver_url: str, shop_secret: str, portal_secret: str) -> Wanted:
    shop = {
        "shop_domain": SHOP_DOMAIN, "access_token": SHOP_TOKEN, "webhook_secret": shop_secret, "currency": "USD",
        "base_url": receiver_url,
    }  # fmt: skip
    portal = {"secret": portal_secret, "push_url": f"{receiver_url}/portal"}
    north = {
        "folder": str(folder / "north"), "columns": _NORTH_COLUMNS, "defaults": _ON_CREDIT, "settle_seconds": 0,
        "decimal_separator": ",", "date_formats": ["%d.%m.%Y"], "delimiter": ";",
    }  # fmt: skip
    harbor = {
        "folder": str(folder / "harbor"), "columns": _HARBOR_COLUMNS, "defaults": _ON_CREDIT, "settle_seconds": 0,
        "sheet": "Orders",
    }  # fmt: skip
    return {
        "shop": ("channel", "shopify", shop),
        "portal": ("channel", "webhook", portal),
        "north": ("channel", "spreadsheet", north),
        "harbor": ("channel", "spreadsheet", harbor),
    }


def _carriers(day: Day) -> Wanted:
    return {name: ("carrier", "rate_card", dict(card)) for name, card in day.carriers.items()}


def _books(data_dir: Path) -> Wanted:
    books = {"folder": str(data_dir.absolute() / "ledger"), "title": "OrderHub demo", "operating_currencies": ["USD"]}
    return {"books": ("erp", "beancount", books)}
