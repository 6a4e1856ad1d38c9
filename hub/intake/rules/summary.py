"""What a fact says, as the compact JSON that `hub parse` prints and golden files hold.

Every document has the same keys, null where the source does not say; keys that only one kind has are added. Amounts are
decimal text with the currency's decimals, quantities are numbers, times keep the source's own offset where it is known.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hub.canonical.facts import (
    AddressChangeFact,
    CancellationFact,
    CustomerFact,
    Fact,
    FulfilmentOrderFact,
    HintFact,
    OrderFact,
    OtherFact,
    PaymentFact,
    ProductFact,
    RefundFact,
    ReturnFact,
    ShipmentFact,
    StockFact,
)
from hub.canonical.money import Money, MoneyError, exponent
from hub.canonical.order import ChannelShipment, LineQuantity, Order, OrderLine, PaymentState, Refund, Transaction
from hub.canonical.party import Address
from hub.canonical.shipping import TrackingEvent

Document = dict[str, Any]

PAID: dict[PaymentState, bool | str | None] = {
    "unpaid": False,
    "deposit_paid": "partial",
    "authorized": False,
    "partially_paid": "partial",
    "paid": True,
    "cod_due": False,
    "on_credit": False,
    "partially_refunded": True,
    "refunded": True,
    "voided": False,
    "unknown": None,
}
"""Whether the buyer's money came in; a refund later on does not undo that, it has its own documents."""


def summarise(fact: Fact) -> Document:
    """The compact document of one fact."""
    document = _base(fact)
    document |= EXTRAS[type(fact)](fact)
    document["warnings"] = [warning.model_dump() for warning in fact.warnings]
    return document


def summarise_scans(scans: Iterable[TrackingEvent]) -> list[Document]:
    """One shipment document a tracking number, with its scans in the carrier's own sequence."""
    by_number: dict[str, list[TrackingEvent]] = {}
    for scan in scans:
        by_number.setdefault(scan.tracking_number, []).append(scan)
    empty = {name: value for name, value in summarise(OtherFact(document="tracking")).items() if name != "facts"}
    return [
        {
            **empty, "kind": "shipment", "tracking_numbers": [number],
            "status": max(found, key=lambda scan: scan.occurred_at).status,
            "events": [scan.model_dump(mode="json") for scan in found],
        }
        for number, found in by_number.items()
    ]  # fmt: skip


def _base(fact: Fact) -> Document:
    return {
        "kind": fact.kind,
        "external_id": fact.external_id,
        "order_id": fact.order_id,
        "number": fact.number,
        "placed_at": None,
        "currency": None,
        "grand_total": None,
        "tax_total": None,
        "shipping_total": None,
        "discount_total": None,
        "paid": None,
        "cancelled": None,
        "test": None,
        "ship_to": None,
        "lines": [],
    }


def money_text(amount: Money | None) -> str | None:
    """Decimal text of an amount, null where there is none."""
    return None if amount is None else str(amount)


def price_text(price: Decimal | None, currency: str | None) -> str | None:
    """Decimal text of a unit price: the source's decimals, at least the currency's, no noise."""
    if price is None:
        return None
    try:
        least = exponent(currency) if currency else 0
    except MoneyError:
        least = 0
    stated = -int(price.normalize().as_tuple().exponent)
    return f"{price:.{max(least, stated, 0)}f}"


def number(value: Decimal | None) -> int | float | None:
    """A quantity as a JSON number: whole where it is whole."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def instant_text(instant: datetime | None, offset: str | None = None) -> str | None:
    """ISO 8601 with the source's offset where it is known, else in UTC with `Z`."""
    if instant is None:
        return None
    if offset is None or offset in ("+00:00", "-00:00"):
        return instant.isoformat().replace("+00:00", "Z")
    hours, minutes = offset[1:].split(":")
    shift = timedelta(hours=int(hours), minutes=int(minutes))
    return instant.astimezone(timezone(-shift if offset.startswith("-") else shift)).isoformat()


def _address(address: Address | None) -> Document | None:
    if address is None:
        return None
    return {
        "name": address.name,
        "company": address.company,
        "lines": list(address.lines),
        "country": address.country,
        "region": address.region_code or address.region,
        "city": address.city,
        "postal_code": address.postal_code,
        "phone": address.phone,
    }


def _line(line: OrderLine, currency: str | None) -> Document:
    ordered = line.quantity if line.quantity_ordered is None else line.quantity_ordered
    document: Document = {
        "external_id": line.external_id,
        "sku": line.sku,
        "name": line.name,
        "quantity": number(ordered),
        "unit_price": price_text(line.unit_price, currency),
        "total": money_text(line.total),
    }
    if line.quantity != ordered:
        document["quantity_wanted"] = number(line.quantity)
    if line.kind != "standard":
        document["kind"] = line.kind
    if line.requires_shipping is not None:
        document["requires_shipping"] = line.requires_shipping
    if line.properties:
        document["properties"] = dict(line.properties)
    return document


def _quantity(line: LineQuantity) -> Document:
    document: Document = {
        "external_id": line.line_external_id,
        "sku": None,
        "name": None,
        "quantity": number(line.quantity),
        "unit_price": None,
        "total": money_text(line.amount),
    }
    if line.restock is not None:
        document["restock"] = line.restock
    return document


def _order(fact: OrderFact) -> Document:
    order = fact.order
    paid = None if order.payment_state is None else PAID[order.payment_state]
    document: Document = {
        "order_id": order.external_id,
        "number": order.number,
        "placed_at": instant_text(order.placed_at, order.placed_at_offset),
        "currency": order.currency,
        "grand_total": money_text(order.totals.grand),
        "tax_total": money_text(order.totals.tax),
        "shipping_total": money_text(order.totals.shipping),
        "discount_total": money_text(order.totals.discount),
        "paid": paid,
        "cancelled": order.cancelled,
        "test": order.test,
        "ship_to": _address(order.ship_to),
        "lines": [_line(line, order.currency) for line in order.lines],
        "units": number(sum((_ordered(line) for line in order.lines), Decimal(0))),
        "subtotal": money_text(order.totals.subtotal),
        "outstanding": money_text(order.totals.outstanding),
        "presentment_currency": order.presentment_currency,
        "payment_state": order.payment_state,
        "payment_state_raw": order.payment_state_raw,
        "cancelled_at": instant_text(order.cancelled_at),
        "cancel_reason": order.cancel_reason,
        "closed": order.closed,
        "fulfilled": order.raw.get("fulfilled"),
        "tags": list(order.tags),
        "note": order.notes.buyer,
        "email": order.buyer.email if order.buyer else None,
        "charges": [
            {"kind": charge.kind, "title": charge.title, "amount": money_text(charge.amount)}
            for charge in order.charges
        ],
        "discounts": [{"code": each.code, "amount": money_text(each.amount)} for each in _discounts(order)],
        "transactions": [_transaction(each) for each in order.transactions],
        "refunds": [_refund(each) for each in order.refunds],
        "fulfillments": [_shipment(each) for each in order.shipments],
    }
    if fact.kind == "draft":
        document["draft_status"] = order.raw.get("draft_status")
        document["completed_order_id"] = order.raw.get("completed_order_id")
    return document


def _ordered(line: OrderLine) -> Decimal:
    return line.quantity if line.quantity_ordered is None else line.quantity_ordered


def _discounts(order: Order) -> Sequence[Any]:
    of_lines = [discount for line in order.lines for discount in line.discounts]
    return [*order.discounts, *of_lines, *(discount for charge in order.charges for discount in charge.discounts)]


def _transaction(transaction: Transaction) -> Document:
    return {
        "external_id": transaction.external_id,
        "transaction_kind": transaction.kind,
        "status": transaction.state,
        "amount": money_text(transaction.amount),
        "currency": transaction.amount.currency,
        "gateway": transaction.gateway,
        "parent_id": transaction.parent_id,
        "processed_at": instant_text(transaction.processed_at),
        "raw_code": transaction.raw_code,
        "error_code": transaction.error_code,
    }


def _payment(fact: PaymentFact) -> Document:
    return _transaction(fact.transaction) | {"test": fact.transaction.test}


def _refund(refund: Refund) -> Document:
    return {
        "external_id": refund.external_id,
        "amount": money_text(refund.amount),
        "currency": refund.amount.currency if refund.amount else None,
        "reason": refund.reason,
        "created_at": instant_text(refund.created_at),
        "shipping_amount": money_text(refund.shipping),
        "lines": [_quantity(line) for line in refund.lines],
        "transactions": [_transaction(each) for each in refund.transactions],
    }


def _shipment(shipment: ChannelShipment) -> Document:
    return {
        "external_id": shipment.external_id,
        "status": shipment.state,
        "status_raw": shipment.raw_code,
        "shipment_status": shipment.shipment_status,
        "created_at": instant_text(shipment.created_at),
        "carrier": shipment.carrier,
        "tracking_numbers": list(shipment.tracking_numbers),
        "tracking_urls": list(shipment.tracking_urls),
        "location": shipment.location_ref,
        "lines": [_quantity(line) for line in shipment.lines],
    }


def _fulfilment_order(fact: FulfilmentOrderFact) -> Document:
    return {
        "status": fact.status,
        "request_status": fact.request_status,
        "location": fact.location_ref,
        "fulfil_at": instant_text(fact.fulfil_at, fact.fulfil_at_offset),
        "lines": [_quantity(line) for line in fact.lines],
    }


def _lines(fact: CancellationFact | ReturnFact) -> Document:
    return {"reason": fact.reason, "lines": [_quantity(line) for line in fact.lines]}


def _cancellation(fact: CancellationFact) -> Document:
    return _lines(fact) | {"cancelled": True}


def _stock(fact: StockFact) -> Document:
    return {
        "sku": fact.sku,
        "item": fact.item_ref,
        "location": fact.location_ref,
        "available": number(fact.available),
    }


def _product(fact: ProductFact) -> Document:
    return {
        "sku": fact.sku,
        "name": fact.name,
        "grams": fact.grams,
        "barcode": fact.barcode,
        "price": money_text(fact.price),
        "currency": fact.price.currency if fact.price else None,
        "requires_shipping": fact.requires_shipping,
    }


def _customer(fact: CustomerFact) -> Document:
    return {
        "name": fact.party.name,
        "email": fact.party.email,
        "phones": list(fact.party.phones),
        "addresses": [_address(address) for address in fact.addresses],
    }


def _address_change(fact: AddressChangeFact) -> Document:
    return {"ship_to": _address(fact.ship_to)}


def _other(fact: OtherFact) -> Document:
    return {"document": fact.document, "facts": dict(fact.raw)}


EXTRAS: dict[type, Callable[[Any], Document]] = {
    OrderFact: _order,
    CancellationFact: _cancellation,
    RefundFact: lambda fact: _refund(fact.refund),
    PaymentFact: _payment,
    ShipmentFact: lambda fact: _shipment(fact.shipment),
    FulfilmentOrderFact: _fulfilment_order,
    ReturnFact: _lines,
    AddressChangeFact: _address_change,
    StockFact: _stock,
    ProductFact: _product,
    CustomerFact: _customer,
    HintFact: lambda _: {},
    OtherFact: _other,
}
"""What each kind of fact adds to the common keys."""
