"""GraphQL nodes in the field names of the REST documents, so that one mapping reads both.

Names turn from `camelCase` to `snake_case` and by the tables below, connections become lists, enum values lower case,
global ids stay as they are (`Node.identity` reads their last part). Documents that are REST-shaped pass unchanged.
"""

import re
from typing import Any

UPPER = re.compile(r"(?<=[a-z0-9])([A-Z])")

RENAMED = {
    "currency_code": "currency",
    "presentment_currency_code": "presentment_currency",
    "display_financial_status": "financial_status",
    "display_fulfillment_status": "fulfillment_status",
    "display_status": "shipment_status",
    "original_unit_price_set": "price_set",
    "original_price_set": "price_set",
    "custom_attributes": "properties",
    "is_gift_card": "gift_card",
    "allocated_amount_set": "amount_set",
    "country_code_v2": "country_code",
    "fulfillment_line_items": "line_items",
}
"""Names that REST spells differently; money sets keep `currency_code` (see `_renamed`)."""

LOWERED = frozenset({"shipment_status", "kind", "request_status", "restock_type", "cancel_reason"})
"""Enums that are shown as they come: `CUSTOMER` here is `customer` there."""

LINKS = {
    "parent_transaction": "parent_id",
    "line_item": "line_item_id",
    "location": "location_id",
    "order": "order_id",
    "assigned_location": "assigned_location_id",
    "product": "product_id",
    "variant": "variant_id",
    "item": "inventory_item_id",
    "inventory_item": "inventory_item_id",
}
"""Objects of which REST gives the id alone; the object stays beside it."""


def in_rest_names(value: Any) -> Any:
    """A GraphQL node in REST names; anything that is not GraphQL's comes back as it is."""
    if not _is_graph(value):
        return value
    node = _object(value)
    if "properties" in node and "line_items" in node:
        node["note_attributes"] = node.pop("properties")
    return node


def _is_graph(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    identity = value.get("id")
    if isinstance(identity, str) and identity.startswith("gid://"):
        return True
    return any(UPPER.search(str(name)) for name in value)


def _object(value: dict[str, Any]) -> dict[str, Any]:
    money = "amount" in value
    result: dict[str, Any] = {}
    for name, inner in value.items():
        snake = UPPER.sub(r"_\1", str(name)).lower()
        key = snake if money else RENAMED.get(snake, snake)
        result[key] = _value(inner)
        if key in LOWERED and isinstance(inner, str):
            result[key] = inner.lower()
    for name, link in LINKS.items():
        if isinstance(result.get(name), dict) and link not in result:
            result[link] = _linked(result[name])
    return result


def _linked(value: dict[str, Any]) -> Any:
    inner = value.get("location")
    return inner.get("id") if isinstance(inner, dict) and "id" not in value else value.get("id")


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("nodes"), list):
        return [_value(inner) for inner in value["nodes"]]
    if isinstance(value.get("edges"), list):
        return [_value(edge.get("node") if isinstance(edge, dict) else edge) for edge in value["edges"]]
    return _object(value)
