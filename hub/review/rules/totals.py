"""Do the parts of an order add up to what its source states as the grand total?"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.canonical.money import Money
from hub.canonical.order import Discount, Order, Tax


@dataclass(frozen=True, slots=True)
class TotalsCheck:
    """The sum of the stated parts beside the stated grand total, in minor units; `difference` is parts less stated."""

    lines: int
    charges: int
    taxes: int
    discounts: int
    parts: int
    stated: int
    currency: str

    @property
    def difference(self) -> int:
        """Parts less stated."""
        return self.parts - self.stated


def check_totals(order: Order) -> TotalsCheck | None:
    """The comparison, or None where the source does not state all parts (then nothing can be said).

    lines (after their discounts) + charges (less theirs) - discounts of the whole order + taxes that are not included.
    Where the source does not say whether taxes are included, the reading that fits is taken.
    """
    grand = order.totals.grand
    if grand is None or not order.lines:
        return None
    currency = grand.currency
    lines = _sum((line.total for line in order.lines), currency)
    charges = _sum(_charges(order), currency)
    charged_less = _sum(_amounts(d for charge in order.charges for d in charge.discounts), currency)
    discounts = _sum(_amounts(order.discounts), currency)
    if lines is None or charges is None or charged_less is None or discounts is None:
        return None
    before_tax = lines + charges - charged_less - discounts
    taxes = _added_taxes(order, currency, before_tax, grand.minor)
    if taxes is None:
        return None
    return TotalsCheck(lines, charges - charged_less, taxes, discounts, before_tax + taxes, grand.minor, currency)


def _charges(order: Order) -> Iterable[Money]:
    """The charges, and the shipping total where the source states it without a charge of its own."""
    yield from (charge.amount for charge in order.charges)
    shipping = order.totals.shipping
    if shipping is not None and not any(charge.kind == "shipping" for charge in order.charges):
        yield shipping


def _amounts(discounts: Iterable[Discount]) -> Iterable[Money]:
    return (discount.amount for discount in discounts)


def _sum(amounts: Iterable[Money | None], currency: str) -> int | None:
    total = 0
    for amount in amounts:
        if amount is None or amount.currency != currency:
            return None
        total += amount.minor
    return total


def _added_taxes(order: Order, currency: str, before_tax: int, stated: int) -> int | None:
    """Taxes that come on top; None where they do but are not stated."""
    if order.taxes_included:
        return 0
    taxes = _stated_taxes(order, currency)
    if order.taxes_included is None:
        return 0 if taxes is None or before_tax == stated else taxes
    return taxes


def _stated_taxes(order: Order, currency: str) -> int | None:
    if order.totals.tax is not None:
        return _sum([order.totals.tax], currency)
    if order.taxes:
        return _sum((tax.amount for tax in order.taxes if not tax.included), currency)
    parts: list[Tax] = [tax for line in order.lines for tax in line.taxes]
    parts += [tax for charge in order.charges for tax in charge.taxes]
    if not parts and order.taxes_included is None:
        return None
    return _sum((tax.amount for tax in parts if not tax.included), currency)
