"""What the tests of the Admin API share: a channel over the fake shop, pushes, and a window."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hub.sdk.testing.kit import open_adapter
from hub.sdk.values import ItemResult, Raw, ShipmentPush, ShippedLine, StockPush, Window
from plugins.channels.shopify.adapter import Shopify
from tests.plugins.channels.shopify.fake import TOKEN, FakeShop

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WINDOW = Window(since=AT - timedelta(days=1), until=AT)
SETTINGS = {
    "shop_domain": "acme.myshopify.com",
    "access_token": TOKEN,
    "webhook_secret": "s",
    "locations": {"EAST": "1", "WEST": "2"},
}


def channel(shop: FakeShop, **settings: Any) -> Shopify:
    adapter: Shopify = open_adapter(Shopify, SETTINGS | settings, shop, shop.clock)
    return adapter


def shipment(order: str = "1001", *numbers: str, reference: str = "ref-1", **units: int) -> ShipmentPush:
    lines = tuple(ShippedLine(name.removeprefix("l"), str(count)) for name, count in units.items())
    return ShipmentPush(
        reference=reference, order_external_id=order, order_number=None, carrier="ups", service=None,
        tracking_numbers=numbers, tracking_urls=(), lines=lines, shipped_at=AT,
    )  # fmt: skip


def only(results: list[ItemResult]) -> ItemResult:
    (result,) = results
    return result


def told(adapter: Shopify, raw: Raw) -> Any:
    (fact,) = adapter.parse(raw).facts
    return fact


def stock(
    sku: str, available: int, reference: str | None = None, location: str | None = "EAST", seconds: int = 0
) -> StockPush:
    return StockPush(reference or f"r-{sku}", sku, available, AT + timedelta(seconds=seconds), location)
