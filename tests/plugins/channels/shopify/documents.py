"""Documents and what the hub makes of them: builders, what `hub parse` would print, and where the golden files are."""

import json
from pathlib import Path
from typing import Any

from hub.canonical.facts import OrderFact, ParseResult
from hub.canonical.order import Order
from hub.intake.rules.summary import summarise
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from plugins.channels.shopify.mapping import parse_document

GOLDEN = Path(__file__).parent / "golden"
FOLDER = "channels/shopify"


def parsed(document: Any, *, kind: str | None = None, currency: str | None = None) -> ParseResult:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_document(Raw(body=body, kind=kind), currency)


def facts(document: Any, *, kind: str | None = None) -> list[dict[str, Any]]:
    return [summarise(fact) for fact in parsed(document, kind=kind).facts]


def one(document: Any, *, kind: str | None = None) -> dict[str, Any]:
    found = facts(document, kind=kind)
    assert len(found) == 1
    return found[0]


def report(body: bytes) -> dict[str, Any]:
    try:
        result = parsed(body)
    except Malformed as error:
        refused = {"error": "Malformed", "code": error.code, "message": error.message, "path": error.path}
        return {"refused": refused, "documents": [], "faults": []}
    documents = [summarise(fact) for fact in result.facts]
    return {"refused": None, "documents": documents, "faults": [fault.model_dump() for fault in result.faults]}


def golden_of(source: Path, root: Path) -> Path:
    """`rest/locations.json` has its golden file at `golden/rest__locations.json`."""
    return GOLDEN / "__".join(source.relative_to(root / FOLDER).parts)


def sources(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*/*.json"))


def line(**fields: Any) -> dict[str, Any]:
    return {"id": 11, "name": "Mug", "sku": "MUG", "quantity": 2, "price": "10.00", "discount_allocations": []} | fields


def order(**fields: Any) -> dict[str, Any]:
    basis = {
        "id": 1, "name": "#1001", "currency": "USD", "financial_status": "paid", "cancelled_at": None, "test": False,
        "created_at": "2026-03-01T10:00:00-05:00", "updated_at": "2026-03-01T10:00:01-05:00", "line_items": [line()],
        "subtotal_price": "20.00", "total_tax": "0.00", "total_discounts": "0.00", "total_price": "20.00",
    }  # fmt: skip
    return basis | fields


def canonical(document: Any, **extra: Any) -> Order:
    (fact,) = parsed(document, **extra).facts
    assert isinstance(fact, OrderFact)
    return fact.order


def money(amount: str, currency: str, presentment: str, other: str) -> dict[str, Any]:
    return {
        "shop_money": {"amount": amount, "currency_code": currency},
        "presentment_money": {"amount": presentment, "currency_code": other},
    }
