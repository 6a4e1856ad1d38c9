"""An order without some of its units: what they cost goes with them, to the last minor unit."""

from collections.abc import Mapping
from decimal import Decimal

from hub.billing.rules.amounts import share
from hub.canonical.money import Money
from hub.canonical.order import Order, OrderLine

ZERO = Decimal(0)


def without_units(order: Order, cut: Mapping[str, Decimal]) -> Order:
    """The order after so many units of its lines (by external id) were cancelled: amounts fall in proportion.

    The stated grand total and tax fall by what the lines lose; freight and other charges stay as they were.
    """
    lines = tuple(_lowered(line, cut.get(line.external_id, ZERO)) for line in order.lines)
    off = sum(_total(before) - _total(after) for before, after in zip(order.lines, lines, strict=True))
    tax = sum(_tax(before) - _tax(after) for before, after in zip(order.lines, lines, strict=True))
    totals = order.totals
    gross = off if order.taxes_included else off + tax
    changed = {
        "subtotal": _less(totals.subtotal, off),
        "grand": _less(totals.grand, gross),
        "tax": _less(totals.tax, tax),
    }
    return order.model_copy(update={"lines": lines, "totals": totals.model_copy(update=changed)})


def _lowered(line: OrderLine, cut: Decimal) -> OrderLine:
    left = max(line.quantity - cut, ZERO)
    if left == line.quantity:
        return line
    discounts = tuple(one.model_copy(update={"amount": _part(one.amount, line, left)}) for one in line.discounts)
    taxes = tuple(
        one.model_copy(update={"amount": None if one.amount is None else _part(one.amount, line, left)})
        for one in line.taxes
    )
    return line.model_copy(
        update={
            "quantity": left,
            "discounts": discounts,
            "taxes": taxes,
            "total": None if line.total is None else _part(line.total, line, left),
            "gross": None if line.gross is None else _part(line.gross, line, left),
        }
    )


def _part(amount: Money, line: OrderLine, left: Decimal) -> Money:
    return Money(minor=share(amount.minor, of=line.quantity, before=ZERO, upto=left), currency=amount.currency)


def _total(line: OrderLine) -> int:
    return 0 if line.total is None else line.total.minor


def _tax(line: OrderLine) -> int:
    return sum(tax.amount.minor for tax in line.taxes if tax.amount is not None)


def _less(amount: Money | None, off: int) -> Money | None:
    return None if amount is None else Money(minor=amount.minor - off, currency=amount.currency)
