"""Orders and drafts: from the REST document or the GraphQL node (in REST names) to the canonical order.

Field meanings: shopify.dev/docs/api/admin-rest resources `order` and `draftorder`; shopify.dev/docs/api/admin-graphql
objects `Order` and `DraftOrder`. All amounts are the shop's (`shop_money`); the buyer's total is kept in `raw`.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hub.canonical.facts import CancellationFact, OrderFact
from hub.canonical.money import Money
from hub.canonical.order import (
    ChannelShipment,
    Charge,
    Discount,
    Notes,
    Order,
    OrderLine,
    PaymentState,
    RequestedDelivery,
    StatedTotals,
)
from hub.sdk.errors import Malformed
from plugins.channels.shopify.mapping_lines import Label, charges_of, labels_of, line_of, properties_of, taxes_of
from plugins.channels.shopify.mapping_parts import SUGGESTED, refund_of, required_id, shipment_of, transaction_of
from plugins.channels.shopify.mapping_people import address_of, buyer_of
from plugins.channels.shopify.mapping_reading import Node, revision_of, total_of

PAYMENT_STATES: dict[str, PaymentState] = {
    "authorized": "authorized",
    "paid": "paid",
    "partially_paid": "partially_paid",
    "partially_refunded": "partially_refunded",
    "pending": "unpaid",
    "unpaid": "unpaid",
    "expired": "unpaid",
    "refunded": "refunded",
    "voided": "voided",
}
FULFILLED: dict[str, bool | str] = {
    "fulfilled": True,
    "partial": "partial",
    "partially_fulfilled": "partial",
    "pending": False,
    "restocked": False,
    "unfulfilled": False,
    "unshipped": False,
    "open": False,
    "in_progress": False,
    "on_hold": False,
    "scheduled": False,
    "pending_fulfillment": False,
    "request_declined": False,
}
ESSENTIAL = ("financial_status", "line_items")
"""Fields that every whole order has; a document without one of them was cut to some fields."""
DRAFT_UNPAID = frozenset({"open", "invoice_sent"})
KEPT = (
    "confirmation_number", "order_number", "fulfillment_status", "po_number", "app_id", "location_id", "reference",
    "current_total_price", "current_subtotal_price", "current_total_tax", "current_total_discounts",
    "checkout_id",
)  # fmt: skip
"""Fields of an order that have no canonical place and are worth keeping as text."""


def order_fact(node: Node, currency: str | None, *, cancelled: bool = False) -> OrderFact:
    """An order in its whole present state; `cancelled` is what the webhook topic says beside the document."""
    order = _order(node, currency, draft=False)
    if cancelled and not order.cancelled:
        order = order.model_copy(update={"cancelled": True})
    return _fact(node, order, "order")


def draft_fact(node: Node, currency: str | None) -> OrderFact:
    """A draft, which never ships; the order that it became is `raw["completed_order_id"]`."""
    return _fact(node, _order(node, currency, draft=True), "draft")


def deletion_fact(node: Node) -> CancellationFact:
    """`orders/delete` says only the id: nothing of the order shall be done any more."""
    external_id = required_id(node, "order")
    return CancellationFact(external_id=external_id, order_id=external_id, reason="deleted")


def _fact(node: Node, order: Order, kind: Any) -> OrderFact:
    return OrderFact(
        kind=kind,
        external_id=order.external_id,
        order_id=order.external_id,
        number=order.number,
        occurred_at=order.updated_at or order.placed_at,
        revision=order.revision,
        order=order,
        warnings=tuple(node.remarks.warnings),
    )


def currency_of(node: Node, fallback: str | None) -> str | None:
    """The shop's currency of an order: stated, else of its money sets, else what the connection's settings say."""
    stated = node.currency("currency")
    if stated:
        return stated
    holders = [node, *node.children("line_items"), *node.children("shipping_lines")]
    for holder in holders:
        for name, value in holder.data.items():
            if name.endswith("_set") and isinstance(value, dict):
                bag = Node(value, holder.at(name), node.remarks).child("shop_money")
                if bag and (found := bag.currency("currency_code")):
                    return found
    return fallback


def _order(node: Node, fallback: str | None, *, draft: bool) -> Order:
    external_id = required_id(node, "draft" if draft else "order")
    currency = currency_of(node, fallback)
    if currency is None and node.has("total_price", "line_items"):
        node.remarks.warn("currency_missing", "no field says the currency: amounts are left out", node.at("currency"))
    missing = [name for name in ESSENTIAL if name not in node.data and not (draft and name == "financial_status")]
    if missing:
        node.remarks.warn("partial_document", f"the document does not state {', '.join(missing)}", node.path)
    labels = labels_of(node)
    lines = tuple(_lines(node, currency, labels))
    included = node.flag("taxes_included")
    charges = tuple(charges_of(node, currency, labels, included))
    totals = _totals(node, currency, charges, draft=draft)
    state, state_text = _payment_state(node, draft=draft)
    updated_at, placed_at = node.instant("updated_at"), node.instant("processed_at", "created_at")
    order = Order(
        external_id=external_id,
        number=node.text("name", "order_number"),
        revision=revision_of(updated_at),
        placed_at=placed_at,
        placed_at_offset=node.offset("processed_at", "created_at"),
        updated_at=updated_at,
        currency=currency,
        presentment_currency=node.currency("presentment_currency") or _presentment(node),
        buyer=buyer_of(node),
        ship_to=address_of(node.child("shipping_address")),
        bill_to=address_of(node.child("billing_address")),
        lines=lines,
        charges=charges,
        discounts=tuple(_header_discounts(node, currency, lines, charges, totals.discount, draft=draft)),
        taxes=tuple(taxes_of(node, currency, included)),
        taxes_included=included,
        totals=totals,
        payment_state=state,
        payment_state_raw=state_text,
        payment_method=_first_text(node, "payment_gateway_names") or node.text("gateway"),
        transactions=tuple(
            transaction_of(inner, currency)
            for inner in node.children("transactions")
            if (inner.text("kind") or "").lower() != SUGGESTED
        ),
        refunds=tuple(refund_of(inner, currency) for inner in node.children("refunds")),
        shipments=tuple(_shipments(node)),
        cancelled_at=node.instant("cancelled_at"),
        cancel_reason=node.text("cancel_reason"),
        cancelled=False if draft else _present(node, "cancelled_at"),
        closed=_present(node, "closed_at"),
        test=node.flag("test"),
        delivery=_delivery(charges),
        notes=Notes(buyer=node.text("note")),
        tags=node.tags(),
        source_name=node.text("source_name"),
        raw=_raw(node, currency, draft=draft),
    )
    _judge(order, node)
    return order


def _lines(node: Node, currency: str | None, labels: list[Label]) -> Iterator[OrderLine]:
    seen: set[str] = set()
    for position, (place, value) in enumerate(node.entries("line_items"), start=1):
        if not isinstance(value, dict):
            raise Malformed("a line is not an object", code="line_unreadable", path=place)
        line = line_of(Node(value, place, node.remarks), currency, labels, position)
        if line.external_id in seen:
            raise Malformed("two lines have one id", code="line_id_doubled", path=place)
        seen.add(line.external_id)
        yield line


def _shipments(node: Node) -> Iterator[ChannelShipment]:
    for inner in node.children("fulfillments"):
        yield shipment_of(inner)


def _totals(node: Node, currency: str | None, charges: tuple[Charge, ...], *, draft: bool) -> StatedTotals:
    shipping = node.money(currency, "total_shipping_price_set", "total_shipping_price")
    if shipping is None:
        shipping = total_of([charge.amount for charge in charges if charge.kind == "shipping"])
    discount = node.money(currency, "total_discounts", "total_discounts_set")
    applied = node.child("applied_discount") if draft else None
    if discount is None and applied is not None:
        discount = applied.money(currency, "amount", "amount_set")
    return StatedTotals(
        subtotal=node.money(currency, "subtotal_price", "subtotal_price_set"),
        shipping=shipping,
        discount=discount,
        tax=node.money(currency, "total_tax", "total_tax_set"),
        grand=node.money(currency, "total_price", "total_price_set"),
        outstanding=node.money(currency, "total_outstanding", "total_outstanding_set"),
    )


def _payment_state(node: Node, *, draft: bool) -> tuple[PaymentState | None, str | None]:
    if draft:
        return ("unpaid" if (node.text("status") or "").lower() in DRAFT_UNPAID else None), None
    text = node.text("financial_status")
    if text is None:
        return None, None
    state = PAYMENT_STATES.get(text.lower(), "unknown")
    if state == "unknown":
        node.remarks.unknown("financial_status", text)
    return state, text


def _header_discounts(
    node: Node,
    currency: str | None,
    lines: tuple[OrderLine, ...],
    charges: tuple[Charge, ...],
    stated: Money | None,
    *,
    draft: bool,
) -> Iterator[Discount]:
    """What the source takes off the whole order beyond what it allocates to lines and shipping."""
    applied = node.child("applied_discount") if draft else None
    if applied is not None:
        amount = applied.money(currency, "amount", "amount_set")
        if amount is not None and amount.minor > 0:
            yield Discount(amount=amount, title=applied.text("title", "description"))
        return
    reduced = any(not inner.has("price", "price_set") for inner in node.children("line_items"))
    if stated is None or not lines or reduced:
        return
    rest = stated.minor - _taken(lines, charges)
    if rest > 0:
        yield Discount(amount=Money(minor=rest, currency=stated.currency), code=_first_code(node))
    elif rest < 0:
        message = "lines and shipping take off more than the order's discount"
        node.remarks.warn("discounts_exceed_total", message, node.at("total_discounts"))


def _taken(lines: tuple[OrderLine, ...], charges: tuple[Charge, ...]) -> int:
    of_lines = sum(part.amount.minor for line in lines for part in line.discounts)
    return of_lines + sum(part.amount.minor for charge in charges for part in charge.discounts)


def _first_code(node: Node) -> str | None:
    for place, value in node.entries("discount_codes"):
        holder = value if isinstance(value, dict) else {"code": value}
        if code := Node(holder, place, node.remarks).text("code"):
            return code
    return None


def _presentment(node: Node) -> str | None:
    bag = node.child("total_price_set")
    side = bag.child("presentment_money") if bag else None
    return side.currency("currency_code") if side else None


def _present(node: Node, name: str) -> bool | None:
    return node.data[name] not in (None, "", False) if name in node.data else None


def _delivery(charges: tuple[Charge, ...]) -> RequestedDelivery:
    titles = [charge.title or charge.code for charge in charges if charge.kind == "shipping"]
    return RequestedDelivery(service=next((title for title in titles if title), None))


def _first_text(node: Node, name: str) -> str | None:
    return next(node.texts(name), None)


def _raw(node: Node, currency: str | None, *, draft: bool) -> dict[str, Any]:
    plain = (name for name in KEPT if isinstance(node.data.get(name), str | int | Decimal))
    kept: dict[str, Any] = {name: text for name in plain if (text := node.text(name))}
    if node.has("fulfillment_status"):
        text = node.text("fulfillment_status")
        kept["fulfilled"] = FULFILLED.get(text.lower()) if text else False
    if draft:
        kept |= {"draft_status": node.text("status"), "completed_order_id": node.identity("order_id")}
    attributes = properties_of(node, "note_attributes")
    if attributes:
        kept["note_attributes"] = attributes
    total = node.child("total_price_set")
    buyers = total.bag("presentment_money", None) if total and "presentment_money" in total.data else None
    if buyers is not None and buyers.currency != currency:
        kept["presentment_total"] = str(buyers)
    for name in ("company", "purchasing_entity"):
        if (company := node.child(name)) is not None:
            inner = company.child("company") or company
            kept["company_id"] = inner.identity("id")
            kept["company_location_id"] = company.identity("location_id")
    return kept


def _judge(order: Order, node: Node) -> None:
    """Warn where the stated totals do not follow from the stated parts; review decides what that means."""
    totals = order.totals
    if order.payment_state == "paid" and totals.outstanding is not None and totals.outstanding.minor > 0:
        message = f"paid, yet {totals.outstanding} is outstanding"
        node.remarks.warn("paid_but_outstanding", message, node.at("total_outstanding"))
    _judge_shipping(order, node)
    whole = node.has("total_tax", "total_tax_set") and node.has("subtotal_price", "subtotal_price_set")
    if totals.grand is None or not whole or not order.lines or any(line.gross is None for line in order.lines):
        return
    goods = sum(line.gross.minor for line in order.lines if line.gross)
    taken = sum(part.amount.minor for part in order.discounts) + _taken(order.lines, order.charges)
    extra = sum(charge.amount.minor for charge in order.charges if charge.kind != "shipping")
    shipping = totals.shipping.minor if totals.shipping else 0
    tax = totals.tax.minor if totals.tax and not order.taxes_included else 0
    expected = goods - taken + shipping + extra + tax
    if expected != totals.grand.minor:
        computed = Money(minor=expected, currency=totals.grand.currency)
        node.remarks.warn(
            "totals_do_not_add_up", f"the parts make {computed}, the total is {totals.grand}", node.at("total_price")
        )


def _judge_shipping(order: Order, node: Node) -> None:
    lines = [charge for charge in order.charges if charge.kind == "shipping"]
    if order.totals.shipping is None or not lines:
        return
    gross = sum(charge.amount.minor for charge in lines)
    net = gross - _taken((), tuple(lines))
    if order.totals.shipping.minor not in (gross, net):
        message = f"the shipping lines do not make the stated {order.totals.shipping}"
        node.remarks.warn("shipping_disagrees", message, node.at("total_shipping_price_set"))
