"""The body of the bulk order door: taken apart into a document an order, checked as far as that needs.

What an order says is read later by the connection's plugin: a document that it cannot read is kept, blocked, visible
and replayable. Reading every order twice would halve the door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import orjson

from hub.kit.errors import HubError, InvalidInput
from hub.sdk.values import Raw

MAX_ORDERS = 500
LONGEST_ID = 200
KIND = "order"
_MEMBERS = ("connection", "orders", "order")

Fault = dict[str, Any]
"""A fault as a problem document lists it: `detail`, `code`, `pointer`, and the `index` of its item."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """A readable body: documents by their place, and faults of the other places."""

    connection: str
    documents: tuple[tuple[int, Raw], ...]
    faults: tuple[Fault, ...]
    count: int


def read_bulk(body: bytes) -> Bulk:
    """Take a body apart: `{"connection": name, "orders": [...]}`, or `"order": {...}` for a single one.

    Raises 400 where it is not JSON and 422 where it has another shape; faults of single items are in the answer.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        fault = {"detail": f"{error.msg} at character {error.pos}", "code": "json_invalid", "pointer": "#"}
        detail = "The body is not JSON: see `errors` for the place."
        raise HubError(400, "malformed_json", detail, extra={"errors": [fault]}) from error
    faults = _shape_faults(document)
    if faults:
        raise invalid(faults)
    items = document["orders"] if "orders" in document else [document["order"]]
    place = "#/orders/{}" if "orders" in document else "#/order"
    documents: list[tuple[int, Raw]] = []
    item_faults: list[Fault] = []
    for index, item in enumerate(items):
        wrong = _item_fault(item, index, place.format(index))
        if wrong is None:
            documents.append((index, _raw(item)))
        else:
            item_faults.append(wrong)
    return Bulk(document["connection"], tuple(documents), tuple(item_faults), len(items))


def invalid(faults: list[Fault]) -> InvalidInput:
    """The refusal that lists the faults."""
    return InvalidInput(
        "invalid_request", "The request does not fit its schema: see `errors` for each fault.", extra={"errors": faults}
    )


def _shape_faults(document: Any) -> list[Fault]:
    if not isinstance(document, dict):
        return [_fault("must be an object with `connection` and `orders`", "dict_type", "#")]
    faults = [_unknown(name) for name in document if name not in _MEMBERS]
    connection = document.get("connection")
    if not isinstance(connection, str) or not connection:
        code = "string_type" if "connection" in document else "missing"
        faults.append(_fault("must be the name of a channel connection", code, "#/connection"))
    if ("orders" in document) == ("order" in document):
        faults.append(_fault("send either `orders`, a list, or `order`, a single one", "missing", "#/orders"))
    elif "orders" in document:
        faults.extend(_list_faults(document["orders"]))
    return faults


def _list_faults(orders: Any) -> list[Fault]:
    if not isinstance(orders, list):
        return [_fault("must be a list of orders", "list_type", "#/orders")]
    if not 1 <= len(orders) <= MAX_ORDERS:
        code = "too_short" if not orders else "too_long"
        return [_fault(f"must have 1 to {MAX_ORDERS} orders, has {len(orders)}", code, "#/orders")]
    return []


def _unknown(name: str) -> Fault:
    near = get_close_matches(name, _MEMBERS, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return _fault(f"is not known{hint}", "extra_forbidden", f"#/{escaped[:200]}")


def _item_fault(item: Any, index: int, pointer: str) -> Fault | None:
    if not isinstance(item, dict):
        return {**_fault("must be an order object", "dict_type", pointer), "index": index}
    identity = item.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= LONGEST_ID or identity != identity.strip():
        code = "missing" if identity is None else "invalid_id"
        text = f"must be the order's id in its channel: text of 1 to {LONGEST_ID} characters without blanks around it"
        return {**_fault(text, code, f"{pointer}/id"), "index": index}
    return None


def _fault(detail: str, code: str, pointer: str) -> Fault:
    return {"detail": detail, "code": code, "pointer": pointer}


def _raw(item: Mapping[str, Any]) -> Raw:
    return Raw(body=orjson.dumps(item), kind=KIND, external_id=item["id"], revision=_revision(item))


def _revision(item: Mapping[str, Any]) -> str | None:
    """What makes a second sending of the same state the same message; without it each sending is one of its own."""
    for name in ("revision", "updated_at"):
        stated = item.get(name)
        if isinstance(stated, str | int) and not isinstance(stated, bool):
            return str(stated)
    return None
