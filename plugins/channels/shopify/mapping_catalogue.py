"""Stock levels, products, and the documents that are none of the hub's business."""

from decimal import Decimal
from typing import Any

from hub.canonical.facts import OtherFact, ProductFact, StockFact
from hub.canonical.money import Money
from hub.sdk.errors import Malformed
from plugins.channels.shopify.mapping_lines import properties_of
from plugins.channels.shopify.mapping_parts import required_id
from plugins.channels.shopify.mapping_reading import Node, revision_of

GRAMS = {
    "g": Decimal(1), "kg": Decimal(1000), "oz": Decimal("28.349523125"), "lb": Decimal("453.59237"),
    "grams": Decimal(1), "kilograms": Decimal(1000), "ounces": Decimal("28.349523125"), "pounds": Decimal("453.59237"),
}  # fmt: skip
"""Grams in Shopify's weight units (avoirdupois pound and ounce: exact by definition)."""

KEPT = {
    "carrier_service": ("name", "active", "carrier_service_type"),
    "checkout": ("currency", "total_price", "total_tax", "completed_at"),
    "collection": ("title",),
    "fulfillment_event": ("status", "fulfillment_id", "order_id"),
    "gift_card": ("currency", "balance", "initial_value", "expires_on", "disabled_at"),
    "inventory_item": ("sku", "tracked", "requires_shipping"),
    "line_item": ("sku", "name", "price", "quantity", "total_discount", "gift_card", "grams"),
    "location": ("name", "active", "country_code"),
    "order_edit": ("order_id",),
    "shipping_zone": ("name",),
    "webhook": ("topic", "format", "api_version"),
}
"""What is kept of documents that are no facts of an order: nothing personal."""


def stock_fact(node: Node) -> StockFact:
    """What is available of one inventory item at one location; null where Shopify does not track it."""
    item, location = node.identity("inventory_item_id"), node.identity("location_id")
    if item is None or location is None:
        missing = "inventory_item_id" if item is None else "location_id"
        raise Malformed("the level names no item or no location", code="level_without_place", path=node.at(missing))
    inner = node.child("item")
    return StockFact(
        external_id=f"{location}:{item}",
        occurred_at=node.instant("updated_at"),
        revision=revision_of(node.instant("updated_at")),
        sku=inner.text("sku") if inner else None,
        item_ref=item,
        location_ref=location,
        available=_available(node),
    )


def _available(node: Node) -> Decimal | None:
    if node.has("quantities"):
        for inner in node.children("quantities"):
            if inner.text("name") == "available":
                return _level(inner, "quantity")
    return _level(node, "available")


def _level(node: Node, name: str) -> Decimal | None:
    number = node.decimal(name)
    if number is None:
        return None
    if number != number.to_integral_value() or abs(number) > 10**9:
        raise Malformed(f"{name} is not a number of pieces", code="quantity_unreadable", path=node.at(name))
    return Decimal(int(number))


def product_facts(node: Node, currency: str | None) -> list[ProductFact]:
    """One fact a variant: the variant is what is sold."""
    title = node.text("title")
    return [variant_fact(inner, title, currency) for inner in node.children("variants")]


def variant_fact(node: Node, title: str | None, currency: str | None) -> ProductFact:
    """One sellable variant; its price has a currency only where the document or the settings say one."""
    product = node.child("product")
    title = title or (product.text("title") if product else None)
    variant = node.text("title")
    name = f"{title} - {variant}" if title and variant and variant != "Default Title" else title or variant
    item = node.child("inventory_item")
    shipping = node.flag("requires_shipping")
    external_id = required_id(node, "variant")
    return ProductFact(
        external_id=external_id,
        occurred_at=node.instant("updated_at"),
        revision=revision_of(node.instant("updated_at")),
        sku=node.text("sku") or (item.text("sku") if item else None),
        name=name or external_id,
        grams=_grams(node, item),
        barcode=node.text("barcode"),
        price=_price(node, currency),
        requires_shipping=item.flag("requires_shipping") if item and shipping is None else shipping,
    )


def _price(node: Node, currency: str | None) -> Money | None:
    stated = node.money(None, "price", "price_set")
    if stated is not None:
        return stated
    amount = node.decimal("price") if not isinstance(node.data.get("price"), dict) else None
    for inner in node.children("presentment_prices"):
        price = inner.child("price")
        found = price.bag("shop_money", None) if price else None
        if found is not None and amount is not None and found.decimal == amount and currency in (None, found.currency):
            return found
    return node.money(currency, "price")


def _grams(node: Node, item: Node | None) -> int | None:
    weight = None
    if item is not None and (measurement := item.child("measurement")) is not None:
        weight = measurement.child("weight")
    grams = node.decimal("grams")
    if grams is None:
        number = weight.decimal("value") if weight else node.decimal("weight")
        unit = weight.text("unit") if weight else node.text("weight_unit")
        factor = GRAMS.get((unit or "").lower())
        grams = (number * factor).to_integral_value() if number is not None and factor is not None else None
    return int(grams) if grams is not None and 0 <= grams < 10**9 else None


def other_fact(node: Node, name: str) -> OtherFact:
    """A document that is read and understood as none of the hub's business."""
    raw: dict[str, Any] = {key: text for key in KEPT.get(name, ()) if (text := _kept(node, key)) is not None}
    if name in ("line_item", "line_item_properties"):
        raw["properties"] = properties_of(node, "properties")
        raw["tax_lines"] = len(list(node.children("tax_lines")))
    return OtherFact(
        external_id=node.identity("id", "admin_graphql_api_id"),
        order_id=node.identity("order_id"),
        document=name,
        raw=raw,
        warnings=tuple(node.remarks.warnings),
    )


def _kept(node: Node, key: str) -> Any:
    value = node.data.get(key)
    return value if isinstance(value, bool) else None if isinstance(value, dict | list) else node.text(key)


def calculation_fact(node: Node, currency: str | None) -> OtherFact:
    """A refund that Shopify only calculated: nothing moved."""
    moves = list(node.children("transactions"))
    amount = moves[0].money(moves[0].currency("currency") or currency, "amount") if moves else None
    return OtherFact(
        order_id=next((found for inner in moves if (found := inner.identity("order_id"))), None),
        document="refund_calculation",
        raw={} if amount is None else {"suggested_amount": str(amount), "currency": amount.currency},
        warnings=tuple(node.remarks.warnings),
    )
