"""ERP documents of an order: pure building blocks, each balanced by construction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hub.billing.rules.amounts import OrderAmounts, order_amounts, share, split_tax
from hub.canonical.erp import ErpCharge, ErpDocument, ErpKind, ErpLine
from hub.canonical.money import Money
from hub.canonical.order import Order


@dataclass(frozen=True, slots=True)
class Heading:
    """What every document of an order says at its top."""

    key: str
    number: str
    order_ref: str
    order_number: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ShippedQuantity:
    """Units of a line that go with this document: from `before` to `upto` of the line's quantity."""

    before: Decimal
    upto: Decimal


def sales_order(order: Order, heading: Heading) -> ErpDocument:
    """The whole order."""
    amounts = order_amounts(order)
    whole = {line.external_id: ShippedQuantity(Decimal(0), line.quantity) for line in order.lines}
    return _document(order, heading, "sales_order", amounts, whole, with_charges=True)


def delivery(
    order: Order, heading: Heading, shipped: Mapping[str, ShippedQuantity], *, location: str,
    tracking_numbers: Sequence[str],
) -> ErpDocument:  # fmt: skip
    """What went out; its amounts are those of the goods alone."""
    document = _document(order, heading, "delivery", order_amounts(order), shipped, with_charges=False)
    return document.model_copy(update={"location_code": location, "tracking_numbers": tuple(tracking_numbers)})


def invoice(
    order: Order, heading: Heading, shipped: Mapping[str, ShippedQuantity], *, with_charges: bool
) -> ErpDocument:
    """The goods of one shipment; the header charges go with an order's first invoice."""
    return _document(order, heading, "invoice", order_amounts(order), shipped, with_charges=with_charges)


def payment(order: Order, heading: Heading, amount: Money, *, method: str | None) -> ErpDocument:
    """Money that came in (or, negative, went back)."""
    return _bare(order, heading, "payment", amount).model_copy(update={"payment_method": method})


def credit_note(order: Order, heading: Heading, amount: Money) -> ErpDocument:
    """Money given back: net and tax in the order's own proportion, amounts positive."""
    amounts = order_amounts(order)
    net, tax = split_tax(amount.minor, tax=amounts.tax, grand=amounts.total)
    charge = ErpCharge(kind="refund", net=_money(net, amount.currency), tax=_money(tax, amount.currency))
    return _bare(order, heading, "credit_note", amount).model_copy(update={"charges": (charge,)})


def _document(
    order: Order, heading: Heading, kind: ErpKind, amounts: OrderAmounts, shipped: Mapping[str, ShippedQuantity],
    *, with_charges: bool,
) -> ErpDocument:  # fmt: skip
    currency = order.currency or ""
    names = {line.external_id: line for line in order.lines}
    lines = []
    for amount in amounts.lines:
        units = shipped.get(amount.line_external_id)
        if units is None or units.upto == units.before:
            continue
        source = names[amount.line_external_id]
        net = share(amount.net, of=amount.quantity, before=units.before, upto=units.upto)
        tax = share(amount.tax, of=amount.quantity, before=units.before, upto=units.upto)
        lines.append(
            ErpLine(
                line_ref=amount.line_external_id, sku=source.sku, name=source.name, quantity=units.upto - units.before,
                unit_price=source.unit_price, net=_money(net, currency), tax=_money(tax, currency),
            )
        )  # fmt: skip
    charges = tuple(
        ErpCharge(kind=charge.kind, net=_money(charge.net, currency), tax=_money(charge.tax, currency))
        for charge in (amounts.charges if with_charges else ())
    )
    total = sum(line.net.minor + line.tax.minor for line in lines)
    total += sum(charge.net.minor + charge.tax.minor for charge in charges)
    bare = _bare(order, heading, kind, _money(total, currency))
    return bare.model_copy(update={"lines": tuple(lines), "charges": charges})


def _bare(order: Order, heading: Heading, kind: ErpKind, total: Money) -> ErpDocument:
    return ErpDocument(
        kind=kind, key=heading.key, number=heading.number, order_number=heading.order_number,
        order_ref=heading.order_ref, issued_at=heading.issued_at, currency=total.currency, customer=order.buyer,
        ship_to=order.ship_to, total=total, payment_method=order.payment_method,
    )  # fmt: skip


def _money(minor: int, currency: str) -> Money:
    return Money(minor=minor, currency=currency)
