"""Order lines and header charges, and the money in them.

A line's total is what the source states in parts: price x quantity less the discounts allocated to the line. Where a
part is missing there is no total. Shopify's `quantity` is what was ordered and what all its order totals refer to;
`current_quantity` is what is left after removals and refunds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.canonical.money import MAX_MINOR, Money, round_to_minor
from hub.canonical.order import Charge, ChargeKind, Discount, LineKind, OrderLine, Tax
from hub.sdk.errors import Malformed
from plugins.channels.shopify.mapping_reading import NOISE, UNSTORABLE, Node

MAX_PRICE = Decimal(10) ** 13
MICRO = Decimal("0.000001")
MAX_GRAMS = 10**9
DISCOUNT_FIELDS = ("discount_allocations", "total_discount", "total_discount_set", "applied_discount")
"""A line that has one of them says what its discounts are, none included."""
DUTIES = ("original_total_duties_set", "current_total_duties_set", "total_duties_set")
FEES = ("original_total_additional_fees_set", "current_total_additional_fees_set")


@dataclass(frozen=True, slots=True)
class Label:
    """How a discount is called: the code that the buyer entered, or the title of an automatic one."""

    code: str | None = None
    title: str | None = None


def labels_of(node: Node) -> list[Label]:
    """The discount applications of an order, which allocations name by their index."""
    return [
        Label(inner.text("code"), inner.text("title", "description"))
        for inner in node.children("discount_applications")
    ]


def line_of(node: Node, currency: str | None, labels: list[Label], position: int) -> OrderLine:
    """One line item; `Malformed` where it states no quantity."""
    ordered = node.quantity("quantity")
    if ordered is None:
        raise Malformed("the line states no quantity", code="quantity_missing", path=node.at("quantity"))
    current = node.quantity("current_quantity")
    price = unit_price(node)
    discounts = tuple(line_discounts(node, currency, labels))
    gross = _gross(price, ordered, currency, node.at("price"))
    return OrderLine(
        external_id=_line_id(node, position),
        sku=node.text("sku") or _inner_text(node, "variant", "sku"),
        name=node.text("name") or _full_title(node),
        kind=_line_kind(node),
        quantity=ordered if current is None else current,
        quantity_ordered=ordered,
        unit_price=price,
        gross=gross,
        discounts=discounts,
        taxes=tuple(taxes_of(node, currency)),
        total=_line_total(node, gross, discounts, currency),
        grams=_grams(node),
        requires_shipping=node.flag("requires_shipping"),
        product_ref=node.identity("product_id"),
        variant_ref=node.identity("variant_id"),
        properties=properties_of(node, "properties"),
    )


def _line_id(node: Node, position: int) -> str:
    found = node.identity("id", "admin_graphql_api_id")
    if found is None:
        node.remarks.warn("line_without_id", "the line has no id; its position stands for it", node.at("id"))
    return found or f"line-{position}"


def _full_title(node: Node) -> str | None:
    title, variant = node.text("title"), node.text("variant_title") or _inner_text(node, "variant", "title")
    return f"{title} - {variant}" if title and variant and variant != "Default Title" else title


def _inner_text(node: Node, name: str, inner: str) -> str | None:
    child = node.child(name)
    return child.text(inner) if child else None


def _line_kind(node: Node) -> LineKind:
    if node.flag("gift_card"):
        return "digital"
    if node.filled("tip") or node.flag("requires_shipping") is False:
        return "service"
    return "standard"


def _grams(node: Node) -> int | None:
    value = node.data.get("grams")
    number = node.decimal("grams") if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    return int(number) if number is not None and 0 <= number <= MAX_GRAMS else None


def unit_price(node: Node) -> Decimal | None:
    """The price of one unit in the shop's currency, before discounts; may be finer than the currency."""
    for name in ("price", "price_set", "discounted_unit_price_set"):
        if isinstance(node.data.get(name), dict):
            inner = node.child(name)
            value = (inner.child("shop_money") or inner).decimal("amount") if inner else None
        else:
            value = node.decimal(name)
        if value is not None:
            return exact_price(value, node.at(name))
    return None


def exact_price(value: Decimal, path: str) -> Decimal:
    """A price with at most six decimals; `Malformed` where it has more, or too many digits."""
    if abs(value) > MAX_PRICE or abs(value - value.quantize(MICRO)) > NOISE:
        raise Malformed("the price has too many digits", code="price_unreadable", path=path)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -6 <= exponent <= 0:
        return value
    return value.quantize(MICRO)


def line_discounts(node: Node, currency: str | None, labels: list[Label]) -> Iterator[Discount]:
    """What was taken off this line: its allocations, else the draft's line discount, else its total discount."""
    stated = (_allocation(inner, currency, labels) for inner in node.children("discount_allocations"))
    if allocations := [discount for discount in stated if discount is not None]:
        yield from allocations
        return
    applied = node.child("applied_discount")
    if applied:
        amount = applied.money(currency, "amount", "amount_set")
    else:
        amount = node.money(currency, "total_discount", "total_discount_set")
    if amount is not None and amount.minor > 0:
        yield Discount(amount=amount, title=applied.text("title", "description") if applied else None)


def _allocation(node: Node, currency: str | None, labels: list[Label]) -> Discount | None:
    amount = node.money(currency, "amount", "amount_set")
    if amount is None or amount.minor <= 0:
        return None
    index = node.data.get("discount_application_index")
    label = Label(title=node.text("description"))
    if isinstance(index, int) and 0 <= index < len(labels):
        label = labels[index]
    return Discount(amount=amount, code=label.code, title=label.title)


def _gross(price: Decimal | None, quantity: Decimal, currency: str | None, path: str) -> Money | None:
    if price is None or currency is None:
        return None
    minor = round_to_minor(price * quantity, currency)
    if abs(minor) > MAX_MINOR:
        raise Malformed("the line is worth too much", code="amount_unreadable", path=path)
    return Money(minor=minor, currency=currency)


def _line_total(node: Node, gross: Money | None, discounts: tuple[Discount, ...], currency: str | None) -> Money | None:
    stated = node.money(currency, "discounted_total_set")
    if gross is None or not node.has(*DISCOUNT_FIELDS):
        return stated
    if _per_unit_or_whole(node):
        message = "a fixed discount on several units: of each or of all?"
        node.remarks.warn("line_discount_unclear", message, node.at("applied_discount"))
        return stated
    taken = sum(discount.amount.minor for discount in discounts)
    return Money(minor=gross.minor - taken, currency=gross.currency)


def _per_unit_or_whole(node: Node) -> bool:
    applied = node.child("applied_discount")
    if applied is None or any(node.entries("discount_allocations")):
        return False
    return applied.text("value_type") != "percentage" and node.quantity("quantity") != 1


def taxes_of(node: Node, currency: str | None, included: bool | None = None) -> Iterator[Tax]:
    """The tax lines of an order, a line or a charge; their prices may be numbers or text."""
    for inner in node.children("tax_lines"):
        rate = inner.decimal("rate")
        yield Tax(
            title=inner.text("title"),
            rate=rate,
            amount=inner.money(currency, "price", "price_set"),
            included=included,
        )


def properties_of(node: Node, name: str) -> dict[str, str]:
    """Line properties or note attributes: a list of name and value, one such object, or a plain object."""
    value = node.data.get(name)
    pairs: Iterator[tuple[Any, Any]]
    if isinstance(value, list):
        listed = (inner.data for inner in node.children(name))
        pairs = ((pair.get("name", pair.get("key")), pair.get("value")) for pair in listed)
    elif isinstance(value, dict):
        pairs = iter([(value["name"], value["value"])]) if {"name", "value"} <= set(value) else iter(value.items())
    elif value is None:
        return {}
    else:
        node.remarks.warn("properties_unreadable", f"{name} is neither a list nor an object", node.at(name))
        return {}
    result: dict[str, str] = {}
    for key, inner in pairs:
        if (label := _plain(key)) and inner is not None:
            result[label] = f"{result[label]}, {_plain(inner)}" if label in result else _plain(inner)
    return result


def _plain(value: Any) -> str:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    elif isinstance(value, bool):
        value = "true" if value else "false"
    return UNSTORABLE.sub("", "" if value is None else str(value)).strip()


def charges_of(node: Node, currency: str | None, labels: list[Label], included: bool | None) -> Iterator[Charge]:
    """Header charges: shipping lines before their discounts, then duties, additional fees and a tip that is no line."""
    shipping = list(node.children("shipping_lines"))
    if not shipping and (single := node.child("shipping_line")):
        shipping = [single]
    for inner in shipping:
        if not inner.flag("is_removed") and (charge := _shipping(inner, currency, labels, included)):
            yield charge
    yield from _plain_charge("duty", node.money(currency, *DUTIES))
    fees = node.money(currency, *FEES)
    if fees is None:
        for inner in node.children("additional_fees"):
            yield from _plain_charge("fee", inner.money(currency, "price", "price_set"), inner.text("name"))
    else:
        yield from _plain_charge("fee", fees)
    if not any(inner.filled("tip") for inner in node.children("line_items")):
        yield from _plain_charge("tip", node.money(currency, "total_tip_received", "total_tip_received_set"))


def _plain_charge(kind: ChargeKind, amount: Money | None, title: str | None = None) -> Iterator[Charge]:
    if amount is not None and amount.minor:
        yield Charge(kind=kind, amount=amount, title=title)


def _shipping(node: Node, currency: str | None, labels: list[Label], included: bool | None) -> Charge | None:
    price = node.money(currency, "price", "price_set", "discounted_price_set")
    if price is None:
        return None
    discounts = tuple(line_discounts(node, currency, labels))
    reduced = node.money(currency, "discounted_price", "discounted_price_set")
    if not discounts and reduced is not None and reduced.currency == price.currency and reduced.minor < price.minor:
        discounts = (Discount(amount=Money(minor=price.minor - reduced.minor, currency=price.currency)),)
    return Charge(
        kind="shipping",
        amount=price,
        title=node.text("title"),
        code=node.text("code", "handle"),
        discounts=discounts,
        taxes=tuple(taxes_of(node, currency, included)),
        external_id=node.identity("id"),
    )
