"""From the canonical JSON of senders to canonical facts. Pure.

One validation reads the bytes into typed dictionaries, a second one builds the canonical order: both are faster than
building the values one by one, and neither lets anything unchecked through.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, get_args

from hub.canonical.facts import OrderFact, Unknown
from hub.canonical.money import MoneyError, exponent, to_minor
from hub.canonical.order import PaymentState, TransactionKind, TransactionState
from hub.sdk.readers.countries import country_code
from plugins.channels.webhook.pointers import FieldError
from plugins.channels.webhook.wire import AddressIn, LineIn, OrderIn, PartyIn, PaymentIn, TransactionIn

PAYMENT_STATES = frozenset(get_args(PaymentState))
TRANSACTION_KINDS = frozenset(get_args(TransactionKind))
TRANSACTION_STATES = frozenset(get_args(TransactionState))

COPIED = (
    "number", "kind", "currency", "pickup_location", "taxes_included", "cancel_reason", "cancelled", "closed", "test",
    "invoice_requested", "notes", "tags", "source_name",
)  # fmt: skip
COPIED_OF_LINE = (
    "sku", "name", "kind", "unit", "grams", "requires_shipping", "product_ref", "variant_ref", "bundle_parent",
    "properties",
)  # fmt: skip
TOTALS = (
    ("subtotal", "subtotal"), ("shipping_total", "shipping"), ("discount_total", "discount"), ("tax_total", "tax"),
    ("grand_total", "grand"), ("outstanding_total", "outstanding"),
)  # fmt: skip
DIGITS = 20
"""Width of a numeric revision as text, so that a later number compares greater."""


def order_fact(data: OrderIn, draft: bool = False) -> tuple[OrderFact, list[Unknown]]:
    """One order; raises `FieldError` for what is well-formed but cannot be meant."""
    unknowns: list[Unknown] = []
    order = order_values(data, unknowns)
    fact = OrderFact.model_validate(
        {
            "kind": "draft" if draft else "order",
            "external_id": data["id"],
            "order_id": data["id"],
            "number": data.get("number"),
            "occurred_at": order.get("updated_at") or order.get("placed_at"),
            "revision": order["revision"],
            "order": order,
        }
    )
    return fact, unknowns


def order_values(data: OrderIn, unknowns: list[Unknown]) -> dict[str, Any]:
    """The canonical order as plain values, ready for its own validation."""
    currency = data.get("currency")
    if currency is not None:
        expect_currency(currency)
    source: Mapping[str, Any] = data
    values = {name: source[name] for name in COPIED if source.get(name) is not None}
    values["external_id"] = data["id"]
    values["revision"] = revision_of(data)
    placed_at = data.get("placed_at")
    if placed_at is not None:
        values["placed_at"] = placed_at.astimezone(UTC)
        values["placed_at_offset"] = offset_text(placed_at)
    for name in ("updated_at", "cancelled_at"):
        values[name] = utc(source.get(name))
    if values["cancelled_at"] is not None:
        values.setdefault("cancelled", True)
    for name in ("buyer", "payer", "agent"):
        values[name] = party_values(source.get(name))
    for name in ("ship_to", "bill_to"):
        values[name] = address_values(source.get(name))
    values["lines"] = _lines(data["lines"], currency)
    values["charges"] = _each(source, "charges", currency, _charge)
    values["discounts"] = _each(source, "discounts", currency, _discount)
    values["taxes"] = _each(source, "taxes", currency, _tax)
    values["totals"] = {name: amount(source, field, currency) for field, name in TOTALS if field in source}
    _spell_out_totals(values)
    payment = data.get("payment")
    if payment is not None:
        values.update(_payment(payment, currency, unknowns))
    delivery: Mapping[str, Any] | None = data.get("delivery")
    if delivery is not None:
        values["delivery"] = {name: utc(value) if name != "service" else value for name, value in delivery.items()}
    values["raw"] = _extra(data.get("extra") or {})
    return values


def _extra(extra: dict[str, Any]) -> dict[str, Any]:
    if extra:
        try:
            json.dumps(extra, allow_nan=False)
        except ValueError as error:
            raise FieldError("holds a number that is too large", "extra") from error
    return extra


def _spell_out_totals(values: dict[str, Any]) -> None:
    """A stated total that no list accounts for becomes its one entry, so that what is built from the lists balances."""
    totals = values["totals"]
    shipping, discount, tax = (totals.get(name) for name in ("shipping", "discount", "tax"))
    parts = [*values["lines"], *values["charges"]]
    if shipping and shipping["minor"] and not any(charge["kind"] == "shipping" for charge in values["charges"]):
        values["charges"] = (*values["charges"], {"kind": "shipping", "amount": shipping})
    if discount and discount["minor"] and not values["discounts"] and not any(part.get("discounts") for part in parts):
        values["discounts"] = ({"amount": discount},)
    if tax and tax["minor"] and not values["taxes"] and not any(part.get("taxes") for part in parts):
        values["taxes"] = ({"amount": tax, "included": values.get("taxes_included")},)


def _lines(lines: tuple[LineIn, ...], currency: str | None) -> tuple[dict[str, Any], ...]:
    mapped = []
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if line["id"] in seen:
            message = "is the id of an earlier line too: ids of lines are unique"
            raise FieldError(message, "lines", index, "id", code="duplicate_id")
        seen.add(line["id"])
        try:
            mapped.append(_line(line, currency))
        except FieldError as error:
            raise error.under("lines", index) from error
    return tuple(mapped)


def _line(line: LineIn, currency: str | None) -> dict[str, Any]:
    source: Mapping[str, Any] = line
    values = {name: source[name] for name in COPIED_OF_LINE if source.get(name) is not None}
    values["external_id"] = line["id"]
    values["quantity"] = Decimal(line["quantity"])
    ordered = line.get("quantity_ordered")
    if ordered is not None:
        values["quantity_ordered"] = Decimal(ordered)
    values["total"] = amount(source, "total", currency)
    values["unit_price"] = price(source, "unit_price", currency)
    if "gross" in source:
        values["gross"] = amount(source, "gross", currency)
    if "discounts" in source:
        values["discounts"] = _each(source, "discounts", currency, _discount)
    if "taxes" in source:
        values["taxes"] = _each(source, "taxes", currency, _tax)
    if "due_at" in source:
        values["due_at"] = utc(source["due_at"])
    return values


def _each(source: Mapping[str, Any], field: str, currency: str | None, convert: Any) -> tuple[dict[str, Any], ...]:
    entries = source.get(field)
    if not entries:
        return ()
    mapped = []
    for index, entry in enumerate(entries):
        try:
            mapped.append(convert(entry, currency))
        except FieldError as error:
            raise error.under(field, index) from error
    return tuple(mapped)


def _charge(entry: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    return {
        "kind": entry["kind"],
        "amount": amount(entry, "amount", currency),
        "title": entry.get("title"),
        "code": entry.get("code"),
        "external_id": entry.get("id"),
        "discounts": _each(entry, "discounts", currency, _discount),
        "taxes": _each(entry, "taxes", currency, _tax),
    }


def _discount(entry: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    reduction = amount(entry, "amount", currency)
    if reduction is not None and reduction["minor"] < 0:
        raise FieldError("must be positive: a discount is stated as what it takes off", "amount")
    return {"amount": reduction, "code": entry.get("code"), "title": entry.get("title")}


def _tax(entry: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    rate = entry.get("rate")
    return {
        "title": entry.get("title"),
        "rate": None if rate is None else Decimal(rate),
        "amount": amount(entry, "amount", currency),
        "included": entry.get("included"),
    }


def _payment(payment: PaymentIn, currency: str | None, unknowns: list[Unknown]) -> dict[str, Any]:
    values: dict[str, Any] = {"payment_method": payment.get("method")}
    state = payment.get("state")
    if state is not None:
        known = state in PAYMENT_STATES
        values["payment_state"] = state if known else "unknown"
        values["payment_state_raw"] = state
        if not known:
            unknowns.append(Unknown(field="payment.state", value=state))
    try:
        values["transactions"] = transactions(payment, currency, unknowns)
    except FieldError as error:
        raise error.under("payment") from error
    return values


def transactions(source: Any, currency: str | None, unknowns: list[Unknown]) -> tuple[dict[str, Any], ...]:
    """The movements of money in the field `transactions`, each with its own id."""
    entries = _each(source, "transactions", currency, lambda entry, code: transaction(entry, code, unknowns))
    identities = [entry["external_id"] for entry in entries]
    if len(set(identities)) != len(identities):
        raise FieldError("holds an id twice: ids of transactions are unique", "transactions", code="duplicate_id")
    return entries


def transaction(entry: TransactionIn, currency: str | None, unknowns: list[Unknown]) -> dict[str, Any]:
    """One movement of money; an unknown kind or state is kept beside `unknown`."""
    kind, state = entry.get("kind", "sale"), entry.get("state", "success")
    raw = []
    if kind not in TRANSACTION_KINDS:
        unknowns.append(Unknown(field="transaction.kind", value=kind))
        raw.append(kind)
        kind = "unknown"
    if state not in TRANSACTION_STATES:
        unknowns.append(Unknown(field="transaction.state", value=state))
        raw.append(state)
        state = "unknown"
    return {
        "external_id": entry["id"],
        "kind": kind,
        "state": state,
        "amount": amount(entry, "amount", currency),
        "gateway": entry.get("gateway"),
        "parent_id": entry.get("parent_id"),
        "processed_at": utc(entry.get("processed_at")),
        "test": entry.get("test", False),
        "raw_code": "/".join(raw) or None,
        "error_code": entry.get("error_code"),
    }


def address_values(address: AddressIn | None) -> dict[str, Any] | None:
    """The canonical address; a country that is none stays as the sender wrote it."""
    if address is None:
        return None
    values: dict[str, Any] = dict(address)
    country = address.get("country")
    if country:
        code = country_code(country)
        values["country"] = code
        if code != country:
            values["country_raw"] = country
    else:
        values["country"] = None
    return values


def party_values(party: PartyIn | None) -> dict[str, Any] | None:
    """The canonical party."""
    if party is None:
        return None
    values: dict[str, Any] = dict(party)
    values["external_id"] = values.pop("id", None)
    return values


def amount(source: Mapping[str, Any], field: str, currency: str | None) -> dict[str, Any] | None:
    """The exact amount of a field; None where the sender states none."""
    value = source.get(field)
    if value is None:
        return None
    if currency is None:
        raise FieldError("is an amount, but there is no `currency` beside it: name one", field, code="no_currency")
    if isinstance(value, str):
        try:
            return {"minor": _minor(value, currency), "currency": currency}
        except MoneyError as error:
            raise FieldError(f"cannot be kept exactly: {error}", field, code="inexact") from error
    if value["currency"] != currency:
        message = f"is in {value['currency']}, but the document is in {currency}"
        raise FieldError(message, field, "currency", code="currency")
    return dict(value)


def price(source: Mapping[str, Any], field: str, currency: str | None) -> Decimal | None:
    """A unit price, which may be finer than the currency."""
    value = source.get(field)
    if isinstance(value, str):
        return Decimal(value)
    exact = amount(source, field, currency)
    return None if exact is None or currency is None else Decimal(exact["minor"]).scaleb(-exponent(currency))


@lru_cache(maxsize=8192)
def _minor(text: str, currency: str) -> int:
    return to_minor(text, currency)


def expect_currency(currency: str) -> None:
    """Raise `FieldError` where the code is none of ISO 4217."""
    try:
        exponent(currency)
    except MoneyError as error:
        raise FieldError("is not an ISO 4217 currency code", "currency", code="currency") from error


def revision_of(data: Mapping[str, Any]) -> str | None:
    """The state's place among the states of one object, as text that grows; from `updated_at` where none is stated."""
    revision = data.get("revision")
    if isinstance(revision, int):
        return f"{revision:0{DIGITS}d}"
    if isinstance(revision, str):
        return revision.zfill(DIGITS) if revision.isascii() and revision.isdigit() else revision
    updated_at = data.get("updated_at")
    return None if updated_at is None else updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc(instant: datetime | None) -> datetime | None:
    """The same instant in UTC."""
    return None if instant is None else instant.astimezone(UTC)


def offset_text(instant: datetime) -> str:
    """The offset that the sender wrote, e.g. `+08:00`."""
    minutes = (instant.utcoffset() or timedelta(0)) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
