"""A shop of Shopify's shape, as far as the demo needs one: it is told what was shipped, and shows it when it is asked.

It answers the requests of the Admin API with which the hub pushes a shipment, reads it back and asks for changes
(shopify.dev/docs/api/admin-graphql). It keeps its own book: what it was told, and in how many pieces.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hub.cli.demo_day import SentOrder

FIRST_FULFILMENT = 9_000_001
_NO_PAGE = {"hasNextPage": False, "endCursor": None}


@dataclass(frozen=True, slots=True)
class Told:
    """A shipment that a channel was told about; `reference` is the sender's own id of the message."""

    order: str
    tracking_numbers: tuple[str, ...]
    units: Mapping[str, int]
    reference: str


@dataclass(slots=True)
class _Order:
    sent: SentOrder
    left: dict[str, int]
    fulfilments: list[str] = field(default_factory=list)


class DemoShop:
    """The shop's own orders and what was fulfilled of them; answers from any thread."""

    def __init__(self, orders: Iterable[SentOrder]) -> None:
        self._orders = {
            order.external_id: _Order(order, {line.id: line.quantity for line in order.lines})
            for order in orders
            if order.connection == "shop"
        }
        self._fulfilments: dict[str, dict[str, Any]] = {}
        self._numbers = count(FIRST_FULFILMENT)
        self._lock = threading.Lock()
        self.told: list[Told] = []
        self._answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "OrderParts": self._parts,
            "ReadFulfilments": lambda sent: {"nodes": [self._fulfilments.get(each) for each in sent["ids"]]},
            "FulfilmentOrders": self._work,
            "CreateFulfilment": self._create,
            "ListOrders": lambda _: {"orders": {"nodes": [], "pageInfo": _NO_PAGE}},
            "ReadOrders": lambda sent: {"nodes": [self._node(each) for each in sent["ids"]]},
        }

    def answer(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """The answer to a POST of the Admin API, with its status."""
        asked = json.loads(body)
        name = next((name for name in self._answers if f" {name}(" in asked["query"]), None)
        if name is None:
            return 200, {
                "errors": [{"message": "the demo's shop does not know this", "extensions": {"code": "BAD_REQUEST"}}]
            }
        with self._lock:
            return 200, {"data": self._answers[name](asked.get("variables") or {})}

    def _parts(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        order = self._orders.get(_number(sent["id"]))
        if order is None:
            return {"order": None}
        return {
            "order": {"fulfillments": [{"id": key} for key in order.fulfilments], "refunds": [], "transactions": []}
        }

    def _work(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        key = _number(sent["id"])
        order = self._orders.get(key)
        if order is None:
            return {"order": None}
        lines = [
            {
                "id": _gid("FulfillmentOrderLineItem", line),
                "remainingQuantity": left,
                "lineItem": {"id": _gid("LineItem", line)},
            }
            for line, left in order.left.items()
        ]
        is_open = any(order.left.values())
        work = {
            "id": _gid("FulfillmentOrder", key), "status": "OPEN" if is_open else "CLOSED",
            "assignedLocation": {"location": {"id": _gid("Location", "1")}},
            "supportedActions": [{"action": "CREATE_FULFILLMENT"}] if is_open else [],
            "lineItems": {"nodes": lines, "pageInfo": _NO_PAGE},
        }  # fmt: skip
        found = {"nodes": [work], "pageInfo": _NO_PAGE}
        return {"order": {"id": sent["id"], "name": order.sent.number, "cancelledAt": None, "fulfillmentOrders": found}}

    def _create(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        wanted = sent["fulfillment"]
        [part] = wanted["lineItemsByFulfillmentOrder"]
        key = _number(part["fulfillmentOrderId"])
        order = self._orders[key]
        units = {_number(item["id"]): int(item["quantity"]) for item in part["fulfillmentOrderLineItems"]}
        if any(quantity > order.left.get(line, 0) for line, quantity in units.items()):
            error = {"field": ["fulfillment"], "message": "Invalid fulfillment order line item quantity requested."}
            return {"fulfillmentCreate": {"fulfillment": None, "userErrors": [error]}}
        for line, quantity in units.items():
            order.left[line] -= quantity
        tracking = wanted.get("trackingInfo") or {}
        identity = _gid("Fulfillment", str(next(self._numbers)))
        numbers = tuple(tracking.get("numbers") or ())
        self._fulfilments[identity] = _fulfilment(identity, key, tracking, numbers, units)
        order.fulfilments.append(identity)
        self.told.append(Told(order.sent.external_id, numbers, units, str(sent.get("message"))))
        return {"fulfillmentCreate": {"fulfillment": self._fulfilments[identity], "userErrors": []}}

    def _node(self, identity: str) -> dict[str, Any] | None:
        """What a shop shows of an order, as far as its shipments are concerned."""
        order = self._orders.get(_number(identity))
        if order is None:
            return None
        empty = {"nodes": [], "pageInfo": _NO_PAGE}
        return {
            "id": identity, "name": order.sent.number, "currencyCode": "USD", "lineItems": empty,
            "shippingLines": empty, "transactions": [], "transactionsCount": {"count": 0}, "refunds": [],
            "fulfillmentsCount": {"count": len(order.fulfilments)},
        }  # fmt: skip


def _fulfilment(
    identity: str, order: str, tracking: Mapping[str, Any], numbers: Iterable[str], units: Mapping[str, int]
) -> dict[str, Any]:
    info = [{"company": tracking.get("company"), "number": number, "url": None} for number in numbers]
    lines = [
        {"id": _gid("FulfillmentLineItem", line), "quantity": quantity, "lineItem": {"id": _gid("LineItem", line)}}
        for line, quantity in units.items()
    ]
    return {
        "id": identity, "name": None, "status": "SUCCESS", "displayStatus": "FULFILLED", "createdAt": None,
        "updatedAt": None, "order": {"id": _gid("Order", order)}, "location": {"id": _gid("Location", "1")},
        "trackingInfo": info, "fulfillmentLineItems": {"nodes": lines, "pageInfo": _NO_PAGE},
    }  # fmt: skip


def _gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def _number(identity: str) -> str:
    return identity.rsplit("/", 1)[-1]
