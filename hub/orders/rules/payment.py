"""The payment axis, derived from the transactions; the channel's word counts where there are none."""

from collections.abc import Sequence

from hub.canonical.order import Order, PaymentState, Transaction


def derive(transactions: Sequence[Transaction], *, total_minor: int | None, stated: PaymentState | None) -> str:
    """The state that the successful transactions of the order's currency give."""
    captured = authorized = refunded = 0
    cash_on_delivery = False
    for transaction in transactions:
        cash_on_delivery = cash_on_delivery or transaction.kind == "cod"
        if transaction.state != "success":
            continue
        if transaction.kind in ("capture", "sale"):
            captured += transaction.amount.minor
        elif transaction.kind == "authorization":
            authorized += transaction.amount.minor
        elif transaction.kind == "refund":
            refunded += transaction.amount.minor
    if refunded:
        received = captured or total_minor or 0  # money can only go back that came in, told or not
        return "refunded" if refunded >= received else "partially_refunded"
    if captured:
        return "paid" if total_minor is None or captured >= total_minor else "deposit_paid"
    if stated is not None and stated != "unknown":
        return "deposit_paid" if stated == "partially_paid" else stated
    if authorized:
        return "authorized"
    return "cod_due" if cash_on_delivery else "unpaid"


def opening(order: Order) -> str:
    """The payment state of an order as it arrives."""
    grand = order.totals.grand
    in_currency = [entry for entry in order.transactions if entry.amount.currency == order.currency]
    return derive(in_currency, total_minor=None if grand is None else grand.minor, stated=order.payment_state)
