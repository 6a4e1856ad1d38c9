"""What hangs on an order and also comes alone: transactions, refunds, fulfilments, fulfilment orders, returns.

Field names are those of the REST Admin API (shopify.dev/docs/api/admin-rest, resources `transaction`, `refund`,
`fulfillment`, `fulfillmentorder`); GraphQL nodes come here in the same names.
"""

from collections.abc import Iterable
from typing import Literal

from hub.canonical.facts import FulfilmentOrderFact, PaymentFact, RefundFact, ReturnFact, ShipmentFact
from hub.canonical.money import Money
from hub.canonical.order import (
    ChannelShipment,
    LineQuantity,
    Refund,
    Transaction,
    TransactionKind,
    TransactionState,
)
from hub.sdk.errors import Malformed
from plugins.channels.shopify.mapping_reading import Node, revision_of, total_of

TRANSACTION_KINDS: dict[str, TransactionKind] = {
    "authorization": "authorization",
    "emv_authorization": "authorization",
    "capture": "capture",
    "sale": "sale",
    "void": "void",
    "refund": "refund",
}
TRANSACTION_STATES: dict[str, TransactionState] = {
    "success": "success",
    "pending": "pending",
    "awaiting_response": "pending",
    "failure": "failure",
    "error": "failure",
}
SHIPMENT_STATES: dict[str, Literal["pending", "open", "success", "cancelled", "failure"]] = {
    "pending": "pending",
    "open": "open",
    "success": "success",
    "cancelled": "cancelled",
    "error": "failure",
    "failure": "failure",
}
RESTOCKS: dict[str, Literal["none", "cancel", "return", "unknown"]] = {
    "no_restock": "none",
    "cancel": "cancel",
    "return": "return",
    "legacy_restock": "unknown",
}
"""`legacy_restock` went back to stock in a way that nobody recorded."""

SUGGESTED = "suggested_refund"
"""Transactions of a calculation: nothing moved."""


def required_id(node: Node, what: str, *names: str) -> str:
    """The id of an object; `Malformed` where it has none, because nothing could be matched to it later."""
    found = node.identity(*(names or ("id", "admin_graphql_api_id")))
    if found is None:
        raise Malformed(f"the {what} has no id", code=f"{what.replace(' ', '_')}_without_id", path=node.at("id"))
    return found


def transaction_of(node: Node, currency: str | None) -> Transaction:
    """One movement of money; its amount is in its own currency, else in the order's."""
    kind_text = (node.text("kind") or "").lower()
    state_text = (node.text("status") or "").lower()
    kind, state = TRANSACTION_KINDS.get(kind_text, "unknown"), TRANSACTION_STATES.get(state_text, "unknown")
    for name, text, known in (("kind", kind_text, kind), ("status", state_text, state)):
        if known == "unknown" and text:
            node.remarks.unknown(f"transaction.{name}", text)
    amount = node.money(node.currency("currency") or currency, "amount", "amount_set")
    if amount is None:
        raise Malformed("the transaction states no amount", code="transaction_without_amount", path=node.at("amount"))
    return Transaction(
        external_id=required_id(node, "transaction"),
        kind=kind,
        state=state,
        amount=amount,
        gateway=node.text("gateway"),
        parent_id=node.identity("parent_id"),
        processed_at=node.instant("processed_at", "created_at"),
        test=node.flag("test") or False,
        raw_code=_raw_code(kind_text if kind == "unknown" else "", state_text if state == "unknown" else ""),
        error_code=node.text("error_code"),
    )


def _raw_code(*parts: str) -> str | None:
    return "/".join(part for part in parts if part) or None


def payment_fact(node: Node, currency: str | None) -> PaymentFact:
    """A transaction that came alone (`order_transactions/create`, a list of transactions)."""
    transaction = transaction_of(node, currency)
    return PaymentFact(
        external_id=transaction.external_id,
        order_id=node.identity("order_id"),
        occurred_at=transaction.processed_at,
        transaction=transaction,
    )


def refund_of(node: Node, currency: str | None) -> Refund:
    """One refund. `amount` is the money that surely went back; a line's amount is its subtotal, without its tax.

    A refund without successful transactions (goods were only taken off the order) has no amount.
    """
    transactions = tuple(transaction_of(inner, currency) for inner in node.children("transactions"))
    paid = [move.amount for move in transactions if move.kind == "refund" and move.state == "success"]
    stated = node.money(currency, "total_refunded_set")
    return Refund(
        external_id=required_id(node, "refund"),
        created_at=node.instant("created_at", "processed_at"),
        reason=node.text("note"),
        lines=tuple(_refund_line(inner, currency) for inner in node.children("refund_line_items")),
        transactions=transactions,
        amount=total_of(paid) or (stated if not node.has("transactions") else None),
        shipping=_refunded_shipping(node, currency),
    )


def _refund_line(node: Node, currency: str | None) -> LineQuantity:
    raw = node.text("restock_type")
    restock = None if raw is None else RESTOCKS.get(raw.lower())
    if raw is not None and restock is None:
        node.remarks.unknown("refund_line_items.restock_type", raw)
        restock = "unknown"
    quantity = node.quantity("quantity")
    if quantity is None:
        raise Malformed("the refunded line states no quantity", code="quantity_missing", path=node.at("quantity"))
    return LineQuantity(
        line_external_id=required_id(node, "refunded line", "line_item_id"),
        quantity=quantity,
        amount=node.money(currency, "subtotal_set", "subtotal"),
        restock=restock,
    )


def _refunded_shipping(node: Node, currency: str | None) -> Money | None:
    parts = [inner.money(currency, "subtotal_amount_set") for inner in node.children("refund_shipping_lines")]
    if not parts:
        adjustments = (inner for inner in node.children("order_adjustments") if inner.text("kind") == "shipping_refund")
        parts = [inner.money(currency, "amount_set", "amount") for inner in adjustments]
    total = total_of([part for part in parts if part is not None])
    return None if total is None else Money(minor=abs(total.minor), currency=total.currency)


def refund_fact(node: Node, currency: str | None) -> RefundFact:
    """A refund that came alone (`refunds/create`, a list of refunds)."""
    refund = refund_of(node, _refund_currency(node) or currency)
    return RefundFact(
        external_id=refund.external_id,
        order_id=node.identity("order_id"),
        occurred_at=refund.created_at,
        revision=revision_of(node.instant("processed_at", "created_at")),
        refund=refund,
    )


def _refund_currency(node: Node) -> str | None:
    for name in ("total_refunded_set", "total_duties_set", "total_additional_fees_set"):
        bag = node.child(name)
        shop = bag.child("shop_money") if bag else None
        if shop and (found := shop.currency("currency_code")):
            return found
    return next((found for inner in node.children("transactions") if (found := inner.currency("currency"))), None)


def shipment_of(node: Node) -> ChannelShipment:
    """One fulfilment: what left, from where, under which numbers."""
    raw = (node.text("status") or "").lower()
    if raw and raw not in SHIPMENT_STATES:
        node.remarks.unknown("fulfillment.status", raw)
    infos = list(node.children("tracking_info"))
    numbers = _texts(node, "tracking_numbers", "tracking_number") or _unique(info.text("number") for info in infos)
    urls = _texts(node, "tracking_urls", "tracking_url") or _unique(info.text("url") for info in infos)
    return ChannelShipment(
        external_id=required_id(node, "fulfilment"),
        state=SHIPMENT_STATES.get(raw, "unknown"),
        raw_code=raw or None,
        created_at=node.instant("created_at"),
        carrier=node.text("tracking_company") or next((name for info in infos if (name := info.text("company"))), None),
        service=node.text("service") if isinstance(node.data.get("service"), str) else None,
        tracking_numbers=numbers,
        tracking_urls=urls,
        lines=tuple(_shipped_line(inner) for inner in node.children("line_items")),
        location_ref=node.identity("location_id"),
        shipment_status=node.text("shipment_status"),
    )


def _shipped_line(node: Node) -> LineQuantity:
    quantity = node.quantity("quantity")
    if quantity is None:
        raise Malformed("the shipped line states no quantity", code="quantity_missing", path=node.at("quantity"))
    return LineQuantity(line_external_id=required_id(node, "shipped line", "line_item_id", "id"), quantity=quantity)


def _texts(node: Node, many: str, one: str) -> tuple[str, ...]:
    listed = (Node({"value": value}, place, node.remarks).text("value") for place, value in node.entries(many))
    return _unique((*listed, node.text(one)))


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def shipment_fact(node: Node) -> ShipmentFact:
    """A fulfilment that came alone (`fulfillments/create`, a list of fulfilments); `name` is its own number."""
    shipment = shipment_of(node)
    return ShipmentFact(
        external_id=shipment.external_id,
        order_id=node.identity("order_id"),
        number=node.text("name"),
        occurred_at=shipment.created_at,
        revision=revision_of(node.instant("updated_at", "created_at")),
        shipment=shipment,
    )


def fulfilment_order_fact(node: Node) -> FulfilmentOrderFact:
    """Shopify's unit of work at one location; one that is `scheduled` must not leave before `fulfil_at`."""
    return FulfilmentOrderFact(
        external_id=required_id(node, "fulfilment order"),
        order_id=node.identity("order_id"),
        number=node.text("order_name"),
        occurred_at=node.instant("created_at"),
        revision=revision_of(node.instant("updated_at", "created_at")),
        status=(node.text("status") or "unknown").lower(),
        request_status=(node.text("request_status") or "").lower() or None,
        location_ref=node.identity("assigned_location_id"),
        fulfil_at=node.instant("fulfill_at"),
        fulfil_at_offset=node.offset("fulfill_at"),
        lines=tuple(_work_line(inner) for inner in node.children("line_items")),
    )


def _work_line(node: Node) -> LineQuantity:
    quantity = node.quantity("quantity" if node.has("quantity") else "total_quantity")
    if quantity is None:
        raise Malformed("the line to fulfil states no quantity", code="quantity_missing", path=node.at("quantity"))
    return LineQuantity(line_external_id=required_id(node, "fulfilment order line", "line_item_id"), quantity=quantity)


def return_fact(node: Node) -> ReturnFact:
    """A return that was asked for or opened (`returns/request`, `returns/approve`); lines by the order's line ids."""
    order = node.child("order")
    stated = list(node.children("return_line_items"))
    lines = [line for inner in stated if (line := _returned_line(inner)) is not None]
    reasons = [inner.text("customer_note", "return_reason_note", "return_reason") for inner in stated]
    return ReturnFact(
        external_id=required_id(node, "return"),
        order_id=node.identity("order_id") or (order.identity("id", "admin_graphql_api_id") if order else None),
        number=node.text("name"),
        occurred_at=node.instant("created_at"),
        reason=next((reason for reason in reasons if reason), None),
        lines=tuple(lines),
    )


def _returned_line(node: Node) -> LineQuantity | None:
    shipped = node.child("fulfillment_line_item")
    line = shipped.child("line_item") if shipped else None
    identity = line.identity("id", "admin_graphql_api_id") if line else node.identity("line_item_id")
    quantity = node.quantity("quantity")
    if identity is None or quantity is None:
        node.remarks.warn("return_line_unmatched", "the returned line names no line of the order", node.path)
        return None
    return LineQuantity(line_external_id=identity, quantity=quantity)
