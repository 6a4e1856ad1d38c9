"""The facts of a canonical order, as `facts.ORDER_FACTS` declares them."""

from collections.abc import Iterable
from decimal import Decimal
from math import ceil

from hub.canonical.money import Money
from hub.canonical.order import Order, OrderLine
from hub.canonical.party import Address
from hub.kit.rules.facts import FactValue

NOT_SHIPPED = frozenset({"digital", "service"})
"""Line kinds that nobody has to ship unless the source says so."""


def needs_shipping(line: OrderLine) -> bool:
    """Whether a line has to be shipped: what the source says, else by the line's kind."""
    if line.requires_shipping is not None:
        return line.requires_shipping
    return line.kind not in NOT_SHIPPED


def order_facts(
    order: Order,
    *,
    connection: str,
    channel: str,
    payment_state: str,
    weight_grams: int | None = None,
    requires: Iterable[str] = (),
    tags: Iterable[str] | None = None,
) -> dict[str, FactValue]:
    """Facts of one order. What is not known is absent and named in `order.missing`; texts are then empty.

    `weight_grams` is the hub's own sum from the catalogue, else the source's weights count where every line has one.
    `requires` are the capabilities of its products; `tags` replace the source's.
    """
    shipped = [line for line in order.lines if needs_shipping(line)]
    optional: dict[str, int | None] = {
        "order.total_minor": _minor(order.totals.grand),
        "order.shipping_minor": _minor(order.totals.shipping),
        "order.discount_minor": _minor(order.totals.discount),
        "order.tax_minor": _minor(order.totals.tax),
        "order.weight_grams": _weight(shipped) if weight_grams is None else weight_grams,
        "order.promised_days": _promised_days(order),
        "order.placed_hour": order.placed_at.hour if order.placed_at else None,
        "order.placed_weekday": order.placed_at.isoweekday() if order.placed_at else None,
    }
    facts: dict[str, FactValue] = {name: value for name, value in optional.items() if value is not None}
    facts["order.missing"] = [name for name, value in optional.items() if value is None]
    facts |= {
        "order.number": order.number or order.external_id,
        "order.kind": order.kind,
        "order.channel": channel,
        "order.connection": connection,
        "order.source_name": order.source_name or "",
        "order.currency": order.currency or "",
        "order.lines": len(order.lines),
        "order.units": ceil(sum((line.quantity for line in order.lines), Decimal(0))),
        "order.skus": sorted({line.sku for line in order.lines if line.sku}),
        "order.line_kinds": sorted({line.kind for line in order.lines}),
        "order.requires": sorted(set(requires)),
        "order.tags": list(order.tags if tags is None else tags),
        "order.buyer.groups": sorted(set(order.buyer.groups)) if order.buyer else [],
        "order.discount_codes": _codes(order),
        "order.payment_state": payment_state,
        "order.payment_method": order.payment_method or "",
        "order.requested_service": order.delivery.service or "",
        "order.needs_shipping": bool(shipped),
        "order.has_buyer_note": bool(order.notes.buyer),
        "order.test": bool(order.test),
    }
    return facts | _address_facts(order.ship_to, order.bill_to)


def _address_facts(ship_to: Address | None, bill_to: Address | None) -> dict[str, FactValue]:
    to = ship_to or Address()
    return {
        "order.ship_to.country": to.country or "",
        "order.ship_to.region": to.region_code or to.region or "",
        "order.ship_to.city": to.city or "",
        "order.ship_to.postal_code": (to.postal_code or "").upper(),
        "order.ship_to.is_company": bool(to.company),
        "order.bill_to.country": (bill_to.country if bill_to else None) or "",
    }


def _promised_days(order: Order) -> int | None:
    if order.placed_at is None or order.delivery.deliver_by is None:
        return None
    return (order.delivery.deliver_by - order.placed_at).days


def _minor(money: Money | None) -> int | None:
    return None if money is None else money.minor


def _weight(lines: list[OrderLine]) -> int | None:
    if any(line.grams is None for line in lines):
        return None
    return ceil(sum((line.quantity * (line.grams or 0) for line in lines), Decimal(0)))


def _codes(order: Order) -> list[str]:
    codes = {discount.code for discount in order.discounts if discount.code}
    codes |= {discount.code for line in order.lines for discount in line.discounts if discount.code}
    return sorted(codes)
