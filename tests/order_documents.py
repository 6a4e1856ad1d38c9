"""Documents of orders, as their senders write them and as the hub knows them."""

import itertools
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.canonical.order import Order
from hub.sdk.testing.kit import START

_ORDERS = itertools.count(1)
STREET = "Sample Street"

CARD: Mapping[str, Any] = {
    "name": "Test Carrier",
    "currency": "USD",
    "zones": [{"name": "home", "destinations": [{"country": "US"}]}],
    "services": [
        {"code": "STD", "name": "Standard", "tables": [
            {"zone": "home", "steps": [{"up_to_grams": 30000, "price": "5.00"}], "transit_days": [1, 2]},
        ]},
    ],
}  # fmt: skip
"""A rate card that carries anything within the United States for 5 dollars."""


def line(number: str = "1", sku: str = "A", quantity: int = 1, price: str = "10.00", **changes: Any) -> dict[str, Any]:
    """One line of an order document."""
    total = Decimal(price) * quantity
    return {
        "id": number, "sku": sku, "name": f"Product {sku}", "quantity": quantity, "unit_price": price,
        "total": f"{total:.2f}", **changes,
    }  # fmt: skip


def order_document(external_id: str | None = None, *lines: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A clean, paid order as the `webhook` channel's senders write it; each has a buyer and an address of its own."""
    number = next(_ORDERS)
    goods = list(lines) or [line()]
    total = sum((Decimal(entry["total"]) for entry in goods if entry.get("total")), Decimal(0))
    document = {
        "id": external_id or f"X-{number}", "number": f"N-{external_id or number}",
        "placed_at": START.isoformat(), "currency": "USD",
        "buyer": {"name": f"Ada Example {number}", "email": f"ada{number}@example.com"},
        "ship_to": {
            "name": f"Ada Example {number}", "lines": [f"{number} {STREET}"], "city": "New York", "region": "NY",
            "postal_code": "10001", "country": "US", "phone": "+12125550123",
        },
        "lines": goods, "grand_total": f"{total:.2f}", "payment": {"state": "paid", "method": "card"},
    }  # fmt: skip
    return {**document, **changes}


def event(kind: str, **data: Any) -> dict[str, Any]:
    """An event as the `webhook` channel's senders write it."""
    return {"type": kind, "data": data}


def canonical_order(**changes: Any) -> Order:
    """A canonical order of one line, from plain JSON values."""
    values: dict[str, Any] = {
        "external_id": "X-1", "currency": "USD",
        "lines": [{"external_id": "1", "sku": "A", "quantity": "2", "total": {"minor": 2000, "currency": "USD"}}],
    }  # fmt: skip
    return Order.model_validate_json(json.dumps({**values, **changes}))
