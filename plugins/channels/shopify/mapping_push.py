"""PURE: what the hub wants to tell Shopify, compared with what Shopify already knows, as inputs of mutations."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.sdk.errors import Rejected
from hub.sdk.values import ShipmentPush
from plugins.channels.shopify.mapping_reading import Node, Remarks
from plugins.channels.shopify.settings import ShopifySettings

LIVE = frozenset({"SUCCESS", "PENDING", "OPEN"})
"""Fulfilments that count; cancelled and failed ones do not."""

CREATE = "CREATE_FULFILLMENT"
Lines = Counter[str]


def wanted_lines(push: ShipmentPush) -> Lines:
    """Units by order line id; `Rejected` where a quantity is not a whole number of units, as Shopify knows no other."""
    wanted: Lines = Counter()
    for line in push.lines:
        quantity = Decimal(line.quantity)
        if quantity != quantity.to_integral_value() or quantity <= 0:
            message = f"Shopify ships whole units only, not {line.quantity}"
            raise Rejected(message, code="fractional_quantity", path=line.line_external_id)
        wanted[line.line_external_id] += int(quantity)
    return wanted


def sent_already(push: ShipmentPush, fulfilments: Sequence[Mapping[str, Any]]) -> tuple[Lines, str | None]:
    """Units that Shopify holds as shipped under our tracking numbers, and the id of such a fulfilment.

    A shipment without a number is found by its lines alone: a fulfilment without a number that has exactly these.
    """
    sent: Lines = Counter()
    found: str | None = None
    numbers, wanted = set(push.tracking_numbers), wanted_lines(push)
    for fulfilment in fulfilments:
        if fulfilment.get("status") not in LIVE:
            continue
        lines = _units(fulfilment, "fulfillmentLineItems", "quantity")
        theirs = {info.get("number") for info in fulfilment.get("trackingInfo") or () if info.get("number")}
        if (numbers & theirs) if numbers else (not theirs and lines == wanted):
            sent += lines
            found = str(fulfilment.get("id"))
    return sent, found


def _units(holder: Mapping[str, Any], connection: str, name: str) -> Lines:
    units: Lines = Counter()
    for node in (holder.get(connection) or {}).get("nodes") or ():
        if line := number_of(node.get("lineItem")):
            units[line] += int(node.get(name) or 0)
    return units


def number_of(value: Any) -> str | None:
    """The number in the global id of an object."""
    return Node(value, "", Remarks()).identity("id") if isinstance(value, dict) else None


def plan_fulfilments(
    push: ShipmentPush, missing: Lines, orders: Sequence[Mapping[str, Any]], settings: ShopifySettings
) -> list[dict[str, Any]]:
    """Inputs of `fulfillmentCreate`, one a location: Shopify takes only fulfilment orders of one location together.

    Fulfilment orders are used in Shopify's order. `Rejected` where they do not hold the missing units any more.
    """
    left = Lines(missing)
    places: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in orders:
        actions = {action.get("action") for action in order.get("supportedActions") or ()}
        items = _take(order, left) if CREATE in actions else []
        if items:
            place = number_of((order.get("assignedLocation") or {}).get("location")) or ""
            places[place].append({"fulfillmentOrderId": order["id"], "fulfillmentOrderLineItems": items})
    short = sorted(+left)
    if short:
        states = ", ".join(sorted({str(order.get("status")) for order in orders})) or "none"
        message = f"Shopify has nothing left to fulfil for lines {', '.join(short)} (its fulfilment orders: {states})"
        raise Rejected(message, code="not_fulfillable", path=short[0])
    tracking = tracking_of(push, settings)
    return [
        {
            "lineItemsByFulfillmentOrder": parts,
            "notifyCustomer": settings.notify_customer,
            **({"trackingInfo": tracking} if tracking else {}),
        }
        for parts in places.values()
    ]


def _take(order: Mapping[str, Any], left: Lines) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for node in (order.get("lineItems") or {}).get("nodes") or ():
        line = number_of(node.get("lineItem"))
        units = min(left[line] if line else 0, int(node.get("remainingQuantity") or 0))
        if line and units > 0:
            left[line] -= units
            items.append({"id": node["id"], "quantity": units})
    return items


def tracking_of(push: ShipmentPush, settings: ShopifySettings) -> dict[str, Any]:
    """Tracking numbers and links as Shopify takes them; the carrier by the name that Shopify shows."""
    tracking: dict[str, Any] = {}
    if push.tracking_numbers:
        tracking = {"company": settings.carrier_names.get(push.carrier, push.carrier)}
        tracking["numbers"] = list(push.tracking_numbers)
        if push.tracking_urls:
            tracking["urls"] = list(push.tracking_urls)
    return tracking


@dataclass(frozen=True, slots=True)
class Level:
    """What Shopify holds of one SKU at one location; `available` is None where the item is not stocked there."""

    item: str
    tracked: bool
    available: int | None


def levels_of(nodes: Sequence[Mapping[str, Any]]) -> dict[str, list[Level]]:
    """Levels by SKU; a SKU that several items carry has several."""
    found: dict[str, list[Level]] = defaultdict(list)
    for node in nodes:
        level = node.get("inventoryLevel")
        quantities = level.get("quantities") if isinstance(level, dict) else ()
        amounts = [entry.get("quantity") for entry in quantities or () if entry.get("name") == "available"]
        if node.get("sku"):
            available = int(amounts[0]) if amounts and amounts[0] is not None else None
            found[str(node["sku"])].append(Level(str(node["id"]), bool(node.get("tracked")), available))
    return found


def level_for(sku: str, levels: Mapping[str, Sequence[Level]]) -> Level:
    """The one level of a SKU; `Rejected` with what to do where there is none, or more than one."""
    found = levels.get(sku, ())
    if not found:
        raise Rejected(f"Shopify has no item with SKU {sku}: add it there, or match the SKU", code="unknown_sku")
    if len(found) > 1:
        raise Rejected(f"{len(found)} items of Shopify have the SKU {sku}: make it unique there", code="ambiguous_sku")
    if not found[0].tracked:
        raise Rejected(f"Shopify does not track the quantity of {sku}: turn tracking on there", code="not_tracked")
    if found[0].available is None:
        raise Rejected(f"{sku} is not stocked at this location of Shopify: activate it there", code="not_stocked_here")
    return found[0]


def shown_of(skus: Sequence[str], levels: Mapping[str, Sequence[Level]]) -> dict[str, int]:
    """What is available of each SKU by its one level; what `level_for` refuses is left out."""
    sole = {sku: levels[sku][0] for sku in skus if len(levels.get(sku, ())) == 1}
    return {sku: level.available for sku, level in sole.items() if level.tracked and level.available is not None}


def stock_input(changes: Sequence[tuple[Level, int]], location: str, reference: str) -> dict[str, Any]:
    """Input of `inventorySetQuantities`: compare-and-set, so that a sale that happened meanwhile is not overwritten."""
    return {
        "name": "available",
        "reason": "correction",
        "referenceDocumentUri": f"gid://orderhub/StockPush/{reference}",
        "quantities": [
            {
                "inventoryItemId": level.item,
                "locationId": location,
                "quantity": available,
                "changeFromQuantity": level.available,
            }
            for level, available in changes
        ],
    }


def key_of(value: Mapping[str, Any]) -> str:
    """The idempotency key of a change: the same change has the same key at every attempt, another one has another.

    The level that is compared with is part of it: Shopify refuses a known key with other parameters.
    """
    text = json.dumps(value["quantities"], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def search_for(skus: Sequence[str]) -> str:
    """Shopify's search syntax for any of the SKUs (shopify.dev/docs/api/usage/search-syntax)."""
    return " OR ".join(f'sku:"{escaped(sku)}"' for sku in skus)


def escaped(text: str) -> str:
    """Text inside quotes of Shopify's search syntax."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
