"""From a canonical order to net amounts and taxes that add up to the source's own total, to the last minor unit.

The source's totals are the authority. Where its parts do not reach its grand total, the rest is a charge of its own
(`discount` where header discounts explain it, else `difference`), never spread silently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from hub.canonical.money import allocate, round_to_minor
from hub.canonical.order import Charge, Order, OrderLine


@dataclass(frozen=True, slots=True)
class LineAmount:
    """Net and tax of a whole line, in minor units."""

    line_external_id: str
    quantity: Decimal
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class ChargeAmount:
    """Net and tax of a header amount, in minor units; negative for a discount."""

    kind: str
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class OrderAmounts:
    """All of an order; `total` is the sum of everything in it."""

    lines: tuple[LineAmount, ...]
    charges: tuple[ChargeAmount, ...]
    total: int

    @property
    def tax(self) -> int:
        """Tax of lines and charges."""
        return sum(line.tax for line in self.lines) + sum(charge.tax for charge in self.charges)


def order_amounts(order: Order) -> OrderAmounts:
    """Amounts of an order as its source states them."""
    included = bool(order.taxes_included)
    gross = [line_gross(line, order.currency or "") for line in order.lines]
    line_taxes = _line_taxes(order, gross)
    lines = tuple(
        LineAmount(line.external_id, line.quantity, amount - tax if included else amount, tax)
        for line, amount, tax in zip(order.lines, gross, line_taxes, strict=True)
    )
    charges = [_charge(charge, included=included) for charge in order.charges]
    total = sum(line.net + line.tax for line in lines) + sum(charge.net + charge.tax for charge in charges)
    grand = total if order.totals.grand is None else order.totals.grand.minor
    if grand != total:
        discounts = sum(discount.amount.minor for discount in order.discounts)
        explained = discounts > 0 and grand - total == -discounts
        charges.append(ChargeAmount("discount" if explained else "difference", grand - total, 0))
    return OrderAmounts(lines, tuple(charges), grand)


def line_gross(line: OrderLine, currency: str) -> int:
    """The line's total in minor units; price x quantity where the source states only these."""
    if line.total is not None:
        return line.total.minor
    if line.unit_price is None:
        return 0
    off = sum(discount.amount.minor for discount in line.discounts)
    return round_to_minor(line.unit_price * line.quantity, currency) - off


def share(amount: int, *, of: Decimal, before: Decimal, upto: Decimal) -> int:
    """What falls on the units from `before` to `upto`: consecutive shares always add up to the whole amount."""
    if of == 0:
        return 0
    if before == 0 and upto == of:
        return amount
    return _part(amount, upto, of) - _part(amount, before, of)


def split_tax(total: int, *, tax: int, grand: int) -> tuple[int, int]:
    """Net and tax of a partial amount, in the order's own proportion."""
    if grand == 0 or tax == 0:
        return total, 0
    part = int((Decimal(total) * tax / grand).to_integral_value(rounding=ROUND_HALF_UP))
    return total - part, part


def _part(amount: int, units: Decimal, of: Decimal) -> int:
    return int((Decimal(amount) * units / of).to_integral_value(rounding=ROUND_HALF_UP))


def _line_taxes(order: Order, gross: Sequence[int]) -> list[int]:
    stated = [[tax.amount.minor for tax in line.taxes if tax.amount is not None] for line in order.lines]
    if any(stated) or order.totals.tax is None or not order.lines:
        return [sum(taxes) for taxes in stated]
    on_charges = sum(_charge_tax(charge) for charge in order.charges)
    return allocate(order.totals.tax.minor - on_charges, [max(amount, 0) for amount in gross])


def _charge_tax(charge: Charge) -> int:
    return sum(tax.amount.minor for tax in charge.taxes if tax.amount is not None)


def _charge(charge: Charge, *, included: bool) -> ChargeAmount:
    off = sum(discount.amount.minor for discount in charge.discounts)
    amount, tax = charge.amount.minor - off, _charge_tax(charge)
    return ChargeAmount(charge.kind, amount - tax if included else amount, tax)
