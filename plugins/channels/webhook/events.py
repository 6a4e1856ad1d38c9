"""Documents of a delivery (events, bare orders, lists of both) and the facts that each of them states. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic_core import from_json

from hub.canonical.facts import (
    AddressChangeFact,
    CancellationFact,
    Fact,
    FactBase,
    Fault,
    OtherFact,
    ParseResult,
    PaymentFact,
    ProductFact,
    RefundFact,
    StockFact,
    Unknown,
)
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from plugins.channels.webhook import wire
from plugins.channels.webhook.mapping import (
    address_values,
    amount,
    expect_currency,
    order_fact,
    revision_of,
    transaction,
    transactions,
    utc,
)
from plugins.channels.webhook.pointers import FieldError, explain, malformed, pointer, suggestion

BARE = "order"
"""The kind of a bare order; an event's kind is its type."""

Values = dict[str, Any]
Reader = Callable[[Any, list[Unknown]], FactBase]

_DECODER = json.JSONDecoder()
_ESCAPED_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class EventType:
    """How the data of one type of event is validated and read, and which fields identify what it is about."""

    model: Any
    adapter: TypeAdapter[Any]
    read: Reader
    identity: tuple[str, ...]


def _common(data: Mapping[str, Any], occurred: str, unknowns: list[Unknown]) -> Values:
    del unknowns
    if data.get("currency") is not None:
        expect_currency(data["currency"])
    return {
        "external_id": data.get("id"),
        "order_id": data.get("order_id"),
        "number": data.get("number"),
        "occurred_at": utc(data.get(occurred)),
        "revision": revision_of(data),
    }


def _quantities(data: Mapping[str, Any], currency: str | None) -> tuple[Values, ...]:
    lines = []
    for index, line in enumerate(data.get("lines", ())):
        try:
            money = amount(line, "amount", currency)
        except FieldError as error:
            raise error.under("lines", index) from error
        lines.append(
            {
                "line_external_id": line["line_id"],
                "quantity": Decimal(line["quantity"]),
                "amount": money,
                "restock": line.get("restock"),
            }
        )
    return tuple(lines)


def _cancelled(data: Any, unknowns: list[Unknown]) -> FactBase:
    common = _common(data, "cancelled_at", unknowns)
    return CancellationFact.model_validate(common | {"reason": data.get("reason"), "lines": _quantities(data, None)})


def _refunded(data: Any, unknowns: list[Unknown]) -> FactBase:
    common, currency = _common(data, "created_at", unknowns), data.get("currency")
    refund = {
        "external_id": data["id"],
        "created_at": common["occurred_at"],
        "reason": data.get("reason"),
        "lines": _quantities(data, currency),
        "transactions": transactions(data, currency, unknowns),
        "amount": amount(data, "amount", currency),
        "shipping": amount(data, "shipping", currency),
    }
    return RefundFact.model_validate(common | {"refund": refund})


def _paid(data: Any, unknowns: list[Unknown]) -> FactBase:
    common = _common(data, "processed_at", unknowns)
    return PaymentFact.model_validate(common | {"transaction": transaction(data, data.get("currency"), unknowns)})


def _address_changed(data: Any, unknowns: list[Unknown]) -> FactBase:
    common = _common(data, "changed_at", unknowns)
    return AddressChangeFact.model_validate(common | {"ship_to": address_values(data["ship_to"])})


def _stock(data: Any, unknowns: list[Unknown]) -> FactBase:
    available = data["available"]
    common = _common(data, "observed_at", unknowns) | {
        "external_id": f"{data['sku']}@{data['location']}",
        "sku": data["sku"],
        "location_ref": data["location"],
        "available": None if available is None else Decimal(available),
    }
    return StockFact.model_validate(common)


def _product(data: Any, unknowns: list[Unknown]) -> FactBase:
    common = _common(data, "updated_at", unknowns)
    fields = {name: data.get(name) for name in ("sku", "name", "grams", "barcode", "requires_shipping")}
    price = amount(data, "price", data.get("currency"))
    return ProductFact.model_validate(common | fields | {"external_id": data["sku"], "price": price})


def _order(data: Any, unknowns: list[Unknown]) -> FactBase:
    fact, found = order_fact(data)
    unknowns.extend(found)
    return fact


def _draft(data: Any, unknowns: list[Unknown]) -> FactBase:
    fact, found = order_fact(data, draft=True)
    unknowns.extend(found)
    return fact


def _other(data: Any, unknowns: list[Unknown]) -> FactBase:
    del data, unknowns
    return OtherFact(document="event")


def _event(model: Any, read_data: Reader, *identity: str) -> EventType:
    envelope = wire.Envelope[model]
    return EventType(envelope, TypeAdapter(envelope), read_data, identity)


EVENTS: Mapping[str, EventType] = {
    "order.upserted": _event(wire.OrderIn, _order, "id"),
    "order.drafted": _event(wire.OrderIn, _draft, "id"),
    "order.cancelled": _event(wire.CancellationIn, _cancelled, "order_id"),
    "order.refunded": _event(wire.RefundIn, _refunded, "order_id"),
    "order.paid": _event(wire.PaidIn, _paid, "order_id"),
    "order.address_changed": _event(wire.AddressChangedIn, _address_changed, "order_id"),
    "stock.changed": _event(wire.StockIn, _stock, "sku", "location"),
    "product.upserted": _event(wire.ProductIn, _product, "sku"),
}
READERS: Mapping[str, EventType] = {
    **EVENTS,
    BARE: EventType(wire.OrderIn, TypeAdapter(wire.OrderIn), _order, ("id",)),
}
FOREIGN = _event(Any, _other)
OWN_SUBJECTS = frozenset(name.split(".", maxsplit=1)[0] for name in EVENTS)
_TIMESTAMP = TypeAdapter(AwareDatetime)


def read(raw: Raw) -> ParseResult:
    """Every fact of one document; `Malformed` names the field.

    A list gives a fault for each bad entry and the facts of the others. The kind of a document that `documents` named
    saves one reading; a kind that does not fit the body is of no consequence.
    """
    body, event = raw.body, READERS.get(raw.kind or "")
    if event is None or body[:1] != b"{" or _ESCAPED_NUL in body:
        return _any(body)
    try:
        values = event.adapter.validate_json(body)
    except ValidationError:
        return _any(body)
    return _read(event, values) if raw.kind in (BARE, values.get("type")) else _any(body)


def _any(body: bytes) -> ParseResult:
    document = _document(body)
    if isinstance(document, list):
        return _list(body)
    _expect_text_without_nul(document)
    kind = document["type"] if _is_event(document) else BARE
    event = READERS.get(kind) or _foreign(kind)
    try:
        values = event.adapter.validate_json(body)
    except ValidationError as error:
        raise explain(error, document, event.model) from error
    return _read(event, values)


def documents(body: bytes, event_id: str | None = None) -> list[Raw]:
    """The documents of one delivery, byte for byte; `event_id` becomes theirs (numbered in a list).

    Raises `Malformed` only where no document can be told from another: a bad field blocks its own document later.
    """
    document = _document(body)
    if not isinstance(document, list):
        return [_raw(body, document, event_id)]
    entries = _entries(body)
    return [
        _raw(entry, value, None if event_id is None else f"{event_id}/{index}")
        for index, (entry, value) in enumerate(entries)
    ]


def _raw(body: bytes, document: Any, event_id: str | None) -> Raw:
    kind, data = (str(document["type"]), document["data"]) if _is_event(document) else (BARE, document)
    if not isinstance(data, dict):
        return Raw(body=body, kind=kind, event_id=event_id)
    identity = [data.get(name) for name in READERS.get(kind, FOREIGN).identity]
    known = identity and all(isinstance(part, str) and part for part in identity)
    return Raw(
        body=body,
        kind=kind,
        external_id="@".join(str(part) for part in identity) if known else None,
        revision=_stated_revision(data),
        event_id=event_id,
    )


def _stated_revision(data: Mapping[str, Any]) -> str | None:
    revision, updated_at = data.get("revision"), data.get("updated_at")
    if isinstance(revision, str) or (isinstance(revision, int) and not isinstance(revision, bool) and revision >= 0):
        return revision_of({"revision": revision})
    try:
        return revision_of({"updated_at": _TIMESTAMP.validate_python(updated_at)})
    except ValidationError:
        return None


def _foreign(kind: str) -> EventType:
    hint = suggestion(kind, EVENTS)
    if hint or kind.split(".", maxsplit=1)[0] in OWN_SUBJECTS:
        known = ", ".join(EVENTS)
        raise malformed(f"is not a known type of event{hint}; known are {known}", "type", code="unknown_type")
    return FOREIGN


def _read(event: EventType, values: Any) -> ParseResult:
    unknowns: list[Unknown] = []
    bare = event is READERS[BARE]
    try:
        fact = event.read(values if bare else values["data"], unknowns)
    except FieldError as error:
        raise malformed(error.message, *(() if bare else ("data",)), *error.path, code=error.code) from error
    except ValidationError as error:
        raise explain(error, {}, event.model) from error
    timestamp = None if bare else values.get("timestamp")
    if timestamp is not None and fact.occurred_at is None:
        fact = fact.model_copy(update={"occurred_at": utc(timestamp)})
    if event is FOREIGN:
        fact = fact.model_copy(update={"document": values["type"]})
        unknowns.append(Unknown(field="type", value=values["type"]))
    return ParseResult(facts=(cast("Fact", fact),), unknowns=tuple(unknowns))


def _list(body: bytes) -> ParseResult:
    facts: list[Fact] = []
    faults: list[Fault] = []
    unknowns: list[Unknown] = []
    for index, (entry, value) in enumerate(_entries(body)):
        document = _raw(entry, value, None)
        try:
            result = read(document)
        except Malformed as error:
            faults.append(
                Fault(
                    error="Malformed",
                    code=error.code,
                    message=f"entry {index}: {error.message}",
                    path=pointer((index,)) + (error.path or ""),
                    external_id=document.external_id,
                )
            )
            continue
        facts.extend(result.facts)
        unknowns.extend(result.unknowns)
    return ParseResult(facts=tuple(facts), faults=tuple(faults), unknowns=tuple(unknowns))


def _is_event(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("type"), str) and "data" in document


def _document(body: bytes) -> Any:
    if not body.strip():
        raise malformed("is empty: send an order, an event or a list of them as JSON", code="empty")
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise malformed(f"is not JSON: {error}", code="not_json") from error


def _entries(body: bytes) -> list[tuple[bytes, Any]]:
    """The entries of a JSON list as they were written, each with its value."""
    text = body.decode()
    entries: list[tuple[bytes, Any]] = []
    at = _after_blanks(text, text.index("[") + 1)
    try:
        while text[at] != "]":
            value, end = _DECODER.raw_decode(text, at)
            entries.append((text[at:end].encode(), value))
            at = _after_blanks(text, end)
            if text[at] == ",":
                at = _after_blanks(text, at + 1)
    except (ValueError, RecursionError) as error:
        message = "is not JSON that can be read: a number or a nesting is absurd"
        raise malformed(message, len(entries), code="not_json") from error
    return entries


def _after_blanks(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


def _expect_text_without_nul(value: Any, path: tuple[str | int, ...] = ()) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise malformed("holds the character NUL, which cannot be stored", *path, code="nul")
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in children:
        _expect_text_without_nul(step, path)
        _expect_text_without_nul(inner, (*path, step))
