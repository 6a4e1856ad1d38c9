"""Pure: an `ErpDocument` as one balanced entry of the books.

Syntax: the language of beancount 3 (transactions, links, metadata). Signs: debit is positive. See README.md for the
accounts of each kind of document.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from hub.canonical.erp import ErpDocument, ErpKind
from hub.canonical.money import Money, format_minor
from hub.sdk.errors import Rejected
from plugins.erp.beancount.reader import LINK, VOID, Entry
from plugins.erp.beancount.settings import Accounts, BeancountSettings

TITLES: dict[ErpKind, str] = {
    "sales_order": "Sales order", "delivery": "Delivery", "invoice": "Invoice", "credit_note": "Credit note",
    "payment": "Payment", "return": "Return",
}  # fmt: skip
KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
ZERO_WIDTH_JOINER = "\u200d"
MAX_TEXT = 400

Leg = tuple[str, Money]
Payload = dict[str, Any]


def entry_of(document: ErpDocument, settings: BeancountSettings) -> Payload:
    """The entry and what the store must know about it; `Rejected` where the document is not balanced or cannot be told.

    The payload is `{"kind", "key", "number", "total", "month", "text", "accounts"}`, all text but the list of accounts.
    """
    if not KEY.fullmatch(document.key):
        raise Rejected(
            "the key must be 1 to 64 letters, digits, dots, dashes or underscores", code="bad_key", path="/key"
        )
    _require_balance(document)
    legs = _summed(_legs(document, settings.accounts))
    day = document.issued_at.astimezone(ZoneInfo(settings.timezone)).date()
    total = f"{document.total} {document.total.currency}"
    metadata = {
        "kind": document.kind,
        "number": document.number,
        "order_id": document.order_ref,
        "order_number": document.order_number,
        "location": document.location_code or "",
        "parents": ", ".join(document.parent_numbers),
        "tracking": ", ".join(document.tracking_numbers),
        "payment_method": document.payment_method or "",
    }
    narration = f"{TITLES[document.kind]} {document.number} of order {document.order_number}"
    return {
        "kind": document.kind,
        "key": document.key,
        "number": document.number,
        "total": total,
        "month": f"{day:%Y-%m}",
        "text": _text(day, _payee(document, settings), narration, LINK + document.key, metadata, total, legs),
        "accounts": sorted({account for account, _ in legs}),
    }


def reversal_of(entry: Entry, key: str, day: date, reason: str) -> Payload:
    """The entry that takes back a posted one, dated `day`."""
    legs = [(posting.account, Money.of(-posting.amount, posting.currency)) for posting in entry.postings]
    total = entry.metadata["total"]
    number = entry.metadata.get("number", "")
    metadata = {"kind": "void", "void_of": LINK + key, "number": number, "order_id": entry.metadata.get("order_id", "")}
    return {
        "kind": "void",
        "key": key,
        "number": number,
        "total": total,
        "month": f"{day:%Y-%m}",
        "text": _text(day, "", f"Void of {number}: {reason}", VOID + key, metadata, total, legs),
        "accounts": sorted({account for account, _ in legs}),
    }


def quoted(text: str) -> str:
    """Text as a string of the language: one line, quotes and backslashes escaped, invisible controls left out."""
    spaced = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    visible = "".join(
        character
        for character in spaced
        if character == ZERO_WIDTH_JOINER or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    escaped = visible[:MAX_TEXT].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _require_balance(document: ErpDocument) -> None:
    parts = [
        *((line.net, line.tax) for line in document.lines),
        *((charge.net, charge.tax) for charge in document.charges),
    ]
    used = {money.currency for pair in parts for money in pair} | {document.total.currency}
    if used != {document.currency}:
        raise Rejected(
            f"{document.kind} {document.number} is in {document.currency}, but has amounts in "
            f"{', '.join(sorted(used))}: post one document a currency",
            code="mixed_currencies",
        )
    if document.kind == "payment" and not parts:
        return
    stated = sum(net.minor + tax.minor for net, tax in parts)
    if stated != document.total.minor:
        difference = format_minor(document.total.minor - stated, document.currency)
        raise Rejected(
            f"{document.kind} {document.number} is unbalanced: its total is {document.total} {document.currency}, "
            f"its parts make {format_minor(stated, document.currency)}, the difference is {difference}; "
            "correct the lines, the charges or the total",
            code="unbalanced",
            path="/total",
        )


def _legs(document: ErpDocument, accounts: Accounts) -> Iterator[Leg]:
    if document.kind == "invoice":
        yield from _invoice(document, accounts, 1)
    elif document.kind == "credit_note":
        yield from _invoice(document, accounts, -1)
    elif document.kind == "payment":
        yield _method_account(document, accounts), document.total
        yield accounts.receivable, _times(document.total, -1)
    else:
        memo = {"sales_order": accounts.ordered, "delivery": accounts.delivered, "return": accounts.returned}
        yield memo[document.kind], document.total
        yield accounts.memo_contra, _times(document.total, -1)
        if document.kind != "sales_order":
            yield from _cost(document, accounts, 1 if document.kind == "delivery" else -1)


def _invoice(document: ErpDocument, accounts: Accounts, sign: int) -> Iterator[Leg]:
    yield accounts.receivable, _times(document.total, sign)
    for line in document.lines:
        yield accounts.sales, _times(line.net, -sign)
        yield accounts.tax, _times(line.tax, -sign)
    for charge in document.charges:
        yield _charge_account(charge.kind, accounts), _times(charge.net, -sign)
        yield accounts.tax, _times(charge.tax, -sign)


def _cost(document: ErpDocument, accounts: Accounts, sign: int) -> Iterator[Leg]:
    for line in document.lines:
        if line.cost is not None:
            yield accounts.cost_of_goods, _times(line.cost, sign)
            yield accounts.inventory, _times(line.cost, -sign)


def _charge_account(kind: str, accounts: Accounts) -> str:
    named = {"shipping": accounts.shipping, "discount": accounts.discounts}
    return accounts.charges_by_kind.get(kind) or named.get(kind, accounts.charges)


def _method_account(document: ErpDocument, accounts: Accounts) -> str:
    method = (document.payment_method or "").casefold()
    by_method = {name.casefold(): account for name, account in accounts.payments.items()}
    return by_method.get(method, accounts.clearing)


def _times(money: Money, sign: int) -> Money:
    return Money(minor=sign * money.minor, currency=money.currency)


def _summed(legs: Iterator[Leg]) -> list[Leg]:
    """One leg for each account and currency, in order of appearance; empty ones only where all are empty."""
    sums: dict[tuple[str, str], int] = {}
    for account, money in legs:
        sums[account, money.currency] = sums.get((account, money.currency), 0) + money.minor
    full = {place: minor for place, minor in sums.items() if minor} or sums
    return [(account, Money(minor=minor, currency=currency)) for (account, currency), minor in full.items()]


def _payee(document: ErpDocument, settings: BeancountSettings) -> str:
    if settings.payee == "order":
        return document.order_number
    if settings.payee == "none" or document.customer is None:
        return ""
    return document.customer.company or document.customer.name or ""


def _text(
    day: date, payee: str, narration: str, link: str, metadata: dict[str, str], total: str, legs: list[Leg]
) -> str:
    lines = [f"{day.isoformat()} * {quoted(payee)} {quoted(narration)} ^{link}"]
    lines += [f"  {name}: {quoted(value)}" for name, value in metadata.items() if value]
    lines.append(f"  total: {total}")
    width = max(len(account) for account, _ in legs)
    lines += [f"  {account:<{width}}  {money} {money.currency}" for account, money in legs]
    return "\n".join(lines) + "\n\n"
