"""The hub's own review checks, through the same hook as those of plugins."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from hub.canonical.money import MoneyError, exponent, format_minor
from hub.canonical.order import Order, OrderLine
from hub.connections.rules.policy import DEFAULT_POLICY, ReviewPolicy
from hub.kit.rules.order_facts import needs_shipping
from hub.review.rules.addresses import address_findings
from hub.review.rules.found import Found
from hub.review.rules.totals import check_totals
from hub.sdk.hooks import Finding, ReviewRequest, hookimpl


class HubChecks:
    """Completeness, addresses, bounds, SKUs, totals, duplicates and payment; pure."""

    @hookimpl
    def hub_review_checks(self, request: ReviewRequest) -> list[Finding]:
        """Findings of one order, as severe as the connection's policy says; what it ignores is left out."""
        policy = request.policy if isinstance(request.policy, ReviewPolicy) else DEFAULT_POLICY
        findings = []
        for found in _all(request, policy):
            level = policy.level(found.code)
            if level != "ignore":
                findings.append(
                    Finding(
                        code=found.code, severity=level, message=found.message,
                        scope="order" if found.line is None else "line", line_external_id=found.line,
                        evidence=dict(found.evidence), suggestion=found.suggestion,
                    )
                )  # fmt: skip
        return findings


def _all(request: ReviewRequest, policy: ReviewPolicy) -> Iterator[Found]:
    order = request.order
    yield from _content(order, policy)
    yield from _lines(order, request.unknown_skus, policy)
    yield from address_findings(order, policy)
    yield from _amount(order, policy)
    yield from _totals(order, policy)
    yield from _context(request, policy)


def _content(order: Order, policy: ReviewPolicy) -> Iterator[Found]:
    if not order.lines:
        yield Found("lines_missing", "the order has no lines", suggestion="fetch the order from its channel again")
    elif len(order.lines) > policy.max_lines:
        count, limit = len(order.lines), policy.max_lines
        yield Found("quantity_out_of_bounds", f"{count} lines, the limit is {limit}", {"lines": count, "limit": limit})
    currency = order.currency
    if currency is None:
        if order.totals.grand is not None or any(line.total is not None for line in order.lines):
            yield Found("currency_missing", "the source states amounts, but not their currency")
    elif not _is_currency(currency) or (policy.currencies is not None and currency not in policy.currencies):
        yield Found("currency_unknown", f"{currency} is not taken here", {"currency": currency},
                    suggestion="add the currency to the connection's policy, or cancel the order")  # fmt: skip


@lru_cache(maxsize=256)
def _is_currency(code: str) -> bool:
    try:
        exponent(code)
    except MoneyError:
        return False
    return True


def _lines(order: Order, unknown_skus: tuple[str, ...], policy: ReviewPolicy) -> Iterator[Found]:
    unknown = frozenset(unknown_skus)
    for line in order.lines:
        if not line.external_id:
            yield Found(
                "line_id_missing", "a line has no id of its source", suggestion="the channel plugin must give one"
            )
        yield from _line(line, unknown, policy)


def _line(line: OrderLine, unknown: frozenset[str], policy: ReviewPolicy) -> Iterator[Found]:
    if line.quantity < 0:
        yield Found("quantity_invalid", "the quantity is negative", {"quantity": str(line.quantity)}, line.external_id)
    elif line.quantity > policy.max_quantity:
        yield Found("quantity_out_of_bounds", f"{_plain(line.quantity)} units, the limit is {policy.max_quantity}",
                    {"quantity": str(line.quantity), "limit": policy.max_quantity}, line.external_id,
                    "check with the buyer, or raise max_quantity")  # fmt: skip
    if not needs_shipping(line):
        return
    if not line.sku:
        yield Found("sku_missing", "the line has no SKU", line=line.external_id,
                    suggestion="match the line to a product")  # fmt: skip
    elif line.sku in unknown:
        yield Found("sku_unknown", f"there is no product for SKU {line.sku}", {"sku": line.sku}, line.external_id,
                    "create the product or an alias for this SKU")  # fmt: skip


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _amount(order: Order, policy: ReviewPolicy) -> Iterator[Found]:
    grand = order.totals.grand
    if grand is None:
        yield Found("amount_missing", "the source states no grand total")
        return
    if grand.minor < policy.min_total_minor:
        yield Found("amount_out_of_bounds", "the total is below the limit",
                    {"total_minor": grand.minor, "limit_minor": policy.min_total_minor})  # fmt: skip
    limit = policy.max_total_minor.get(grand.currency)
    if limit is not None and grand.minor > limit:
        yield Found("amount_out_of_bounds", "the total is above the limit",
                    {"total_minor": grand.minor, "limit_minor": limit},
                    suggestion="check the order with the buyer")  # fmt: skip


def _totals(order: Order, policy: ReviewPolicy) -> Iterator[Found]:
    check = check_totals(order)
    if check is None or abs(check.difference) <= policy.totals_tolerance_minor:
        return
    evidence = {
        "lines_minor": check.lines, "charges_minor": check.charges, "taxes_minor": check.taxes,
        "discounts_minor": check.discounts, "parts_minor": check.parts, "stated_minor": check.stated,
        "difference_minor": check.difference, "currency": check.currency,
    }  # fmt: skip
    yield Found("totals_mismatch", _totals_text(check.parts, check.stated, check.currency), evidence,
                suggestion="compare with the channel; nothing is posted until it is released")  # fmt: skip


def _totals_text(parts: int, stated: int, currency: str) -> str:
    if not _is_currency(currency):
        return f"the parts add up to {parts} minor units, the source states {stated}"
    return f"the parts add up to {format_minor(parts, currency)}, the source states {format_minor(stated, currency)}"


def _context(request: ReviewRequest, policy: ReviewPolicy) -> Iterator[Found]:
    order = request.order
    if request.lookalikes and not policy.ignore_tags.intersection(order.tags):
        others = ", ".join(request.lookalikes[:5])
        yield Found("duplicate_looking", f"it looks like {others}", {"orders": list(request.lookalikes[:20])},
                    suggestion="cancel one of them, or release this one if both are wanted")  # fmt: skip
    if request.payment_state not in policy.payment_states:
        yield Found("payment_not_settled", f"the payment is {request.payment_state}", {"state": request.payment_state},
                    suggestion="it goes on by itself when the payment arrives")  # fmt: skip
    if order.test or any(transaction.test for transaction in order.transactions):
        yield Found(
            "test_order", "the source marks it as a test", suggestion="cancel it, or release it to try the way out"
        )
