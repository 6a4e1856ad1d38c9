"""A complete, deliverable, paid order, and what is said about it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hub.canonical.money import Money
from hub.canonical.order import Charge, Order, OrderLine, StatedTotals
from hub.canonical.party import Address, Party
from hub.connections.rules.policy import ReviewPolicy
from hub.review.rules.checks import HubChecks
from hub.sdk.hooks import Finding, ReviewRequest

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def address(**changes: Any) -> Address:
    known: dict[str, Any] = {
        "name": "Ada Lovelace",
        "lines": ("Unter den Linden 1",),
        "city": "Berlin",
        "postal_code": "10117",
        "country": "DE",
        "phone": "+49 30 901820",
    }
    return Address(**(known | changes))


def line(identity: str = "1", **changes: Any) -> OrderLine:
    known: dict[str, Any] = {
        "external_id": identity,
        "sku": f"SKU-{identity}",
        "quantity": Decimal(2),
        "total": eur(2000),
        "grams": 300,
    }
    return OrderLine(**(known | changes))


def order(**changes: Any) -> Order:
    known: dict[str, Any] = {
        "external_id": "1001",
        "number": "#1001",
        "placed_at": NOW,
        "currency": "EUR",
        "buyer": Party(name="Ada Lovelace"),
        "ship_to": address(),
        "lines": (line(),),
        "charges": (Charge(kind="shipping", amount=eur(490)),),
        "taxes_included": True,
        "totals": StatedTotals(grand=eur(2490)),
        "payment_state": "paid",
    }
    return Order(**(known | changes))


def request(what: Order | None = None, **changes: Any) -> ReviewRequest:
    known: dict[str, Any] = {
        "order": what or order(),
        "connection": "shop",
        "payment_state": "paid",
        "policy": ReviewPolicy(),
    }
    return ReviewRequest(**(known | changes))


def findings(what: Order | None = None, **changes: Any) -> list[Finding]:
    return list(HubChecks().hub_review_checks(request(what, **changes)))


def codes(what: Order | None = None, **changes: Any) -> list[str]:
    return [found.code for found in findings(what, **changes)]
