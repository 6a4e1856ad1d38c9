"""PURE: any document of Shopify into canonical facts, by its shape.

Sources: shopify.dev/docs/api/admin-rest and /admin-graphql (2026-10), shopify.dev/docs/api/webhooks. Webhook bodies are
the bare REST object; REST answers wrap it (`{"order": ...}`, `{"orders": [...]}`); GraphQL answers have `data`.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from pydantic import ValidationError

from hub.canonical.facts import Fact, FactBase, Fault, ParseResult, Unknown
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from plugins.channels.shopify.mapping_catalogue import (
    calculation_fact,
    other_fact,
    product_facts,
    stock_fact,
    variant_fact,
)
from plugins.channels.shopify.mapping_graphql import in_rest_names
from plugins.channels.shopify.mapping_orders import deletion_fact, draft_fact, order_fact
from plugins.channels.shopify.mapping_parts import (
    SUGGESTED,
    fulfilment_order_fact,
    payment_fact,
    refund_fact,
    return_fact,
    shipment_fact,
)
from plugins.channels.shopify.mapping_people import customer_fact
from plugins.channels.shopify.mapping_reading import GID, Node, Remarks, revision_of
from plugins.channels.shopify.mapping_shapes import Found, objects_of

CANCELLED_TOPIC = "orders/cancelled"
SIMPLE: dict[str, Callable[[Node], FactBase]] = {
    "shipment": shipment_fact,
    "fulfilment_order": fulfilment_order_fact,
    "return": return_fact,
    "stock": stock_fact,
    "customer": customer_fact,
    "deletion": deletion_fact,
}
"""Shapes that need nothing but the document."""


def parse_document(raw: Raw, currency: str | None = None) -> ParseResult:
    """Facts and faults of one document; `Malformed` where nothing of it can be read.

    `currency` is the shop's, used only where a document states amounts without saying in what.
    """
    found = objects_of(decode(raw.body), raw.kind)
    if len(found) == 1 and not found[0].path.rpartition("/")[2].isdigit():
        facts, unknowns = _facts(found[0], currency, raw.kind)
        return ParseResult(facts=tuple(facts), unknowns=tuple(unknowns))
    return _many(found, currency, raw.kind)


def _many(found: Sequence[Found], currency: str | None, topic: str | None) -> ParseResult:
    facts: list[Fact] = []
    faults: list[Fault] = []
    unknowns: list[Unknown] = []
    for one in found:
        try:
            good, odd = _facts(one, currency, topic)
        except Malformed as error:
            faults.append(_fault(error, one))
        else:
            facts.extend(good)
            unknowns.extend(odd)
    return ParseResult(facts=tuple(facts), faults=tuple(faults), unknowns=tuple(unknowns))


def _fault(error: Malformed, found: Found) -> Fault:
    external_id = identity_of(found.value)
    return Fault(error="Malformed", code=error.code, message=error.message, path=error.path, external_id=external_id)


def _facts(found: Found, currency: str | None, topic: str | None) -> tuple[list[Fact], list[Unknown]]:
    if not isinstance(found.value, dict):
        raise Malformed("this is not an object", code="not_an_object", path=found.path)
    node = Node(in_rest_names(found.value), found.path, Remarks())
    try:
        facts = [_remarked(fact, node) for fact in _dispatch(found.shape, node, currency, topic)]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "/".join(str(step) for step in first["loc"])
        message = f"{place}: {first['msg']}"
        raise Malformed(message, code="value_out_of_range", path=found.path or "/") from error
    return facts, list(dict.fromkeys(node.remarks.unknowns))


def _remarked(fact: Any, node: Node) -> Any:
    return fact.model_copy(update={"warnings": tuple(dict.fromkeys(node.remarks.warnings))})


def _dispatch(shape: str, node: Node, currency: str | None, topic: str | None) -> Sequence[FactBase]:
    if shape.startswith("other:"):
        return [other_fact(node, shape.removeprefix("other:"))]
    if shape == "order":
        return [order_fact(node, currency, cancelled=topic == CANCELLED_TOPIC)]
    if shape == "refund":
        return [refund_fact(node, currency) if node.identity("id") else calculation_fact(node, currency)]
    if shape == "payment":
        suggested = (node.text("kind") or "").lower() == SUGGESTED
        return [other_fact(node, SUGGESTED) if suggested else payment_fact(node, currency)]
    if shape == "product":
        return product_facts(node, currency) or [other_fact(node, "product")]
    if shape == "variant":
        return [variant_fact(node, None, currency)]
    if shape == "draft":
        return [draft_fact(node, currency)]
    if shape not in SIMPLE:
        raise Malformed("no document that is known", code="unknown_document", path=node.path)
    return [SIMPLE[shape](node)]


def decode(body: bytes) -> Any:
    """The JSON value of a body, numbers exact; `Malformed` where it is no JSON text in UTF-8."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise Malformed("the document is not text in UTF-8", code="not_utf8", path=f"byte {error.start}") from error
    except RecursionError as error:
        raise Malformed("the document is nested too deeply", code="too_deep", path="") from error
    except ValueError as error:
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed("the document is not JSON", code="not_json", path=place) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def identity_of(value: Any) -> str | None:
    """The id of an object, wherever its shape keeps it; None where it has none."""
    if not isinstance(value, dict):
        return None
    return Node(value, "", Remarks()).identity("id", "admin_graphql_api_id")


def describe(body: bytes) -> tuple[str | None, str | None]:
    """External id and revision of a webhook body, for filing it before it is parsed; None where it cannot be read."""
    try:
        document = decode(body)
    except Malformed:
        return None, None
    if not isinstance(document, dict):
        return None, None
    node = Node(document, "", Remarks())
    return node.identity("id", "admin_graphql_api_id"), revision_of(node.instant("updated_at"))


def global_id(kind: str, external_id: str) -> str:
    """The id that GraphQL wants (`gid://shopify/Order/1`) for an id as REST and webhooks state it."""
    return external_id if GID.match(external_id) else f"gid://shopify/{kind}/{external_id}"
