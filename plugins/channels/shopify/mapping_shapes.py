"""What kind of document it is, told by its shape: envelope, global id, fields; the webhook topic comes last.

A document without a shape that is known here is refused by name: an order is never guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.sdk.errors import Malformed
from plugins.channels.shopify.mapping_reading import GID

ENVELOPES = {
    "order": "order",
    "draft_order": "draft",
    "refund": "refund",
    "fulfillment": "shipment",
    "fulfillment_order": "fulfilment_order",
    "transaction": "payment",
    "inventory_level": "stock",
    "product": "product",
    "variant": "variant",
    "customer": "customer",
    "return": "return",
    "abandoned_checkout": "other:checkout",
    "checkout": "other:checkout",
    "carrier_service": "other:carrier_service",
    "gift_card": "other:gift_card",
    "line_item": "other:line_item",
    "location": "other:location",
    "order_edit": "other:order_edit",
    "shipping_zone": "other:shipping_zone",
    "shop": "other:shop",
    "webhook": "other:webhook",
    "inventory_item": "other:inventory_item",
    "collection": "other:collection",
    "custom_collection": "other:collection",
    "smart_collection": "other:collection",
    "fulfillment_event": "other:fulfillment_event",
    "fulfillment_service": "other:fulfillment_service",
    "metafield": "other:metafield",
    "price_rule": "other:price_rule",
    "discount_code": "other:discount_code",
    "risk": "other:risk",
    "dispute": "other:dispute",
    "payout": "other:payout",
    "tender_transaction": "other:tender_transaction",
    "customer_address": "other:customer_address",
}
"""The key under which the Admin API wraps one object; `orders`, `refunds` ... wrap a list of them."""

TYPES = {
    "Order": "order",
    "DraftOrder": "draft",
    "Refund": "refund",
    "Fulfillment": "shipment",
    "FulfillmentOrder": "fulfilment_order",
    "OrderTransaction": "payment",
    "InventoryLevel": "stock",
    "Product": "product",
    "ProductVariant": "variant",
    "Customer": "customer",
    "Return": "return",
    "AbandonedCheckout": "other:checkout",
    "DeliveryCarrierService": "other:carrier_service",
    "GiftCard": "other:gift_card",
    "LineItem": "other:line_item",
    "Location": "other:location",
    "Shop": "other:shop",
    "WebhookSubscription": "other:webhook",
}
"""The type in a global id (`gid://shopify/Order/1`)."""

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Sign:
    """Fields by which a bare object without a global id is known: all of `every`, one of `some`, none of `without`."""

    shape: str
    every: Names = NONE
    some: Names = NONE
    without: Names = NONE

    def fits(self, names: set[str]) -> bool:
        """Whether an object with these field names is of this shape."""
        return self.every <= names and (not self.some or bool(self.some & names)) and not self.without & names


ORDER_ONLY = frozenset({"financial_status", "order_number", "order_status_url"})
PARTIAL_ORDER = frozenset({"line_items", "name", "total_price"})
INVOICED = frozenset({"invoice_url", "invoice_sent_at"})
TRACKED = frozenset({"tracking_number", "tracking_numbers", "tracking_company"})
SIGNS = (
    Sign("other:privacy_request", every=frozenset({"shop_id", "shop_domain"})),
    Sign("other:checkout", some=frozenset({"abandoned_checkout_url"})),
    Sign("draft", every=frozenset({"line_items"}), some=INVOICED, without=ORDER_ONLY),
    Sign("order", some=ORDER_ONLY),
    Sign("other:cart", every=frozenset({"token", "line_items"}), without=frozenset({"name", "total_price"})),
    Sign("payment", every=frozenset({"kind", "gateway"})),
    Sign("other:fulfillment_event", every=frozenset({"fulfillment_id", "status"})),
    Sign("fulfilment_order", some=frozenset({"assigned_location_id", "request_status"})),
    Sign("shipment", every=frozenset({"order_id"}), some=TRACKED),
    Sign("refund", some=frozenset({"refund_line_items", "refund_shipping_lines"})),
    Sign("return", some=frozenset({"return_line_items"})),
    Sign("order", every=PARTIAL_ORDER, without=frozenset({"order_id", "completed_at"})),
    Sign("stock", every=frozenset({"inventory_item_id", "location_id"})),
    Sign("product", every=frozenset({"title", "variants"})),
    Sign("variant", every=frozenset({"product_id", "inventory_item_id"})),
    Sign("other:inventory_item", every=frozenset({"sku", "tracked"})),
    Sign("other:line_item", every=frozenset({"price", "quantity"})),
    Sign("other:line_item_properties", every=frozenset({"properties"})),
    Sign("customer", some=frozenset({"orders_count", "default_address", "verified_email"})),
    Sign("other:gift_card", some=frozenset({"initial_value"})),
    Sign("other:location", every=frozenset({"address1", "active"})),
    Sign("other:shop", some=frozenset({"myshopify_domain"})),
    Sign("other:webhook", every=frozenset({"topic", "address"})),
)  # fmt: skip
"""Read from top to bottom; the first sign that fits decides."""

TOPICS = {
    "orders": "order",
    "draft_orders": "draft",
    "refunds": "refund",
    "fulfillments": "shipment",
    "fulfillment_orders": "fulfilment_order",
    "order_transactions": "payment",
    "inventory_levels": "stock",
    "products": "product",
    "variants": "variant",
    "customers": "customer",
    "returns": "return",
}
"""The first part of a webhook topic, used only where the document itself says nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a document: its shape, its JSON value and where it stands."""

    shape: str
    value: Any
    path: str


def objects_of(document: Any, topic: str | None) -> list[Found]:
    """The objects that a decoded document holds; `Malformed` where it is none of Shopify's that is known."""
    if isinstance(document, list):
        return [Found(_shape(value, topic) or "unknown", value, f"/{index}") for index, value in enumerate(document)]
    if not isinstance(document, dict):
        raise Malformed("the document is not a JSON object", code="not_an_object", path="")
    if _refused_by_source(document):
        raise Malformed("the document is an error answer of Shopify", code="error_answer", path="/errors")
    if isinstance(document.get("data"), dict) and not document.get("id"):
        found = list(_graph(document["data"], "/data"))
    elif _stands_alone(document):
        found = list(_bare(document, topic))
    else:
        found = list(_enveloped(document)) or list(_bare(document, topic))
    if not found and not any(isinstance(value, list) and _envelope(key) for key, value in document.items()):
        names = ", ".join(sorted(map(str, document))[:5])
        message = f"no document of Shopify that is known: its fields are {names or 'none'}"
        raise Malformed(message, code="unknown_document", path="")
    return found


def _refused_by_source(document: dict[str, Any]) -> bool:
    return bool(document.get("errors")) and not document.get("data") and not document.get("id")


def _stands_alone(document: dict[str, Any]) -> bool:
    names = set(map(str, document))
    return bool(document.get("id") or document.get("admin_graphql_api_id")) or any(sign.fits(names) for sign in SIGNS)


def _bare(document: dict[str, Any], topic: str | None) -> Iterator[Found]:
    shape = _shape(document, topic)
    if shape is not None:
        yield Found(shape, document, "")


def _enveloped(document: dict[str, Any]) -> Iterator[Found]:
    for key, value in document.items():
        shape = _envelope(key)
        if shape is None or value is None:
            continue
        if isinstance(value, list):
            for index, inner in enumerate(value):
                yield Found(_within(shape, inner), inner, f"/{key}/{index}")
        else:
            yield Found(_within(shape, value), value, f"/{key}")


def _within(shape: str, value: Any) -> str:
    """The global id corrects an envelope where it names a type that is known; `shape` is the envelope's."""
    typed = _typed(value)
    return shape if typed is None or typed.startswith("other:") else typed


def _envelope(key: str) -> str | None:
    single = key if key in ENVELOPES else key.removesuffix("s")
    return "fulfilment_order" if single.endswith("_fulfillment_order") else ENVELOPES.get(single)


def _graph(data: dict[str, Any], path: str, depth: int = 0) -> Iterator[Found]:
    for key, value in data.items():
        place = f"{path}/{key}"
        if isinstance(value, list):
            found = (_graph_node(key, inner, f"{place}/{index}") for index, inner in enumerate(value))
            yield from (one for one in found if one is not None)
        elif isinstance(value, dict) and isinstance(value.get("nodes"), list):
            yield from _graph({key: value["nodes"]}, path, depth)
        elif isinstance(value, dict) and isinstance(value.get("edges"), list):
            nodes = [edge.get("node") if isinstance(edge, dict) else edge for edge in value["edges"]]
            yield from _graph({key: nodes}, path, depth)
        elif single := _graph_node(key, value, place):
            yield single
        elif isinstance(value, dict) and depth == 0:
            yield from _graph(value, place, depth + 1)


def _graph_node(key: str, value: Any, path: str) -> Found | None:
    if not isinstance(value, dict):
        return None
    shape = _typed(value) or (_envelope(_snake(key)) if key not in ("node", "nodes") else None)
    return Found(shape, value, path) if shape else None


def _shape(value: Any, topic: str | None) -> str | None:
    if not isinstance(value, dict) or not value:
        return None
    if topic is not None and topic.endswith("/delete"):
        return "deletion" if topic == "orders/delete" else "other:deletion"
    typed = _typed(value)
    if typed is not None:
        return typed
    names = set(map(str, value))
    for sign in SIGNS:
        if sign.fits(names):
            return sign.shape
    if topic is None or "/" not in topic:
        return None
    family = topic.split("/", 1)[0]
    return TOPICS.get(family, f"other:{family}")


def _typed(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    for name in ("id", "admin_graphql_api_id"):
        match = GID.match(value[name]) if isinstance(value.get(name), str) else None
        if match:
            return TYPES.get(match["type"], f"other:{_snake(match['type'])}")
    return None


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
