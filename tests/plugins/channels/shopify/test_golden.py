"""Every shared document of Shopify against its reviewed golden file, and against the stated expectations."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.channels.shopify.documents import FOLDER, GOLDEN, golden_of, report, sources

pytestmark = pytest.mark.fixtures


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_the_document_says_what_its_golden_file_says(golden: Path, fixtures: Path) -> None:
    source = fixtures / FOLDER / golden.name.replace("__", "/", 1)
    assert report(source.read_bytes()) == json.loads(golden.read_text("utf-8"))


def test_every_document_has_a_golden_file(fixtures: Path) -> None:
    assert {golden_of(source, fixtures) for source in sources(fixtures)} == set(GOLDEN.glob("*.json"))


def expected(fixtures: Path) -> dict[str, dict[str, Any]]:
    stated = json.loads((fixtures / "expectations_sample.json").read_text("utf-8"))["files"]
    return {name: entry for name, entry in stated.items() if name.startswith(FOLDER)}


def test_the_stated_expectations_hold(fixtures: Path) -> None:
    entries = expected(fixtures)
    assert len(entries) >= 8
    for name, entry in entries.items():
        told = report((fixtures / name).read_bytes())
        assert told["refused"] is None
        assert CHECKS[entry["kind"]](told["documents"], entry["expect"]), name


def _order(documents: list[dict[str, Any]], expect: dict[str, Any]) -> bool:
    (document,) = documents
    same = (
        "order_id", "currency", "grand_total", "paid", "cancelled", "number", "tax_total", "shipping_total", "units",
        "fulfilled", "tags", "draft_status",
    )  # fmt: skip
    facts = {name: document.get(name) for name in same} | {
        "lines": len(document["lines"]),
        "ship_to_country": (document["ship_to"] or {}).get("country"),
        "is_draft": document["kind"] == "draft",
        "discount_amount": document["discount_total"],
        "financial_status_raw": document["payment_state_raw"],
        "fulfillments": len(document["fulfillments"]),
    }
    return {name: facts[name] for name in expect} == expect


def _fulfilment_order(documents: list[dict[str, Any]], expect: dict[str, Any]) -> bool:
    names = {"id": "external_id", "assigned_location_id": "location", "fulfill_at": "fulfil_at"}
    return any(
        document["kind"] == "fulfilment_order"
        and all(document[names.get(name, name)] == value for name, value in expect.items())
        for document in documents
    )


def _fragment(documents: list[dict[str, Any]], expect: dict[str, Any]) -> bool:
    (document,) = documents
    facts = {"must_not_crash": True, "id": document["external_id"]} | document["facts"]
    wanted = {name: str(value) for name, value in expect.items()}
    return document["kind"] == "other" and {name: str(facts[name]) for name in expect} == wanted


def _transaction(documents: list[dict[str, Any]], expect: dict[str, Any]) -> bool:
    (document,) = documents
    names = {"id": "external_id", "kind": "transaction_kind"}
    return document["kind"] == "payment" and all(
        document[names.get(key, key)] == value for key, value in expect.items()
    )


CHECKS = {
    "shopify_order": _order,
    "shopify_fulfillment_order": _fulfilment_order,
    "shopify_fragment": _fragment,
    "shopify_transaction": _transaction,
}
