"""A small reader of the books that the hub's ledger wrote (plain text accounting in the syntax of Beancount 3).

It shares no code with the plugin that writes them: the demo compares the books with the senders' own sums.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

DOCUMENT, VOID = "HUB-", "VOID-"
"""What the link of a document begins with, and that of an entry that takes it back."""
_HEADER = re.compile(r'^\d{4}-\d\d-\d\d \* "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*" \^(\S+)$')
_FACT = re.compile(r'^ +([a-z_]+): "((?:[^"\\]|\\.)*)"$')
_POSTING = re.compile(r"^ +([A-Z][A-Za-z]+:\S+) +(-?\d+\.\d\d) USD$")
ACCOUNT_OF = {
    "sales_order": "Equity:Memo:Ordered",
    "delivery": "Equity:Memo:Delivered",
    "invoice": "Assets:Receivable",
    "payment": "Assets:Receivable",
}
"""The account whose posting is the value of a document of this kind."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document in the books; amounts in cents, a payment's value is what came in."""

    link: str
    kind: str
    order_number: str
    value_minor: int
    balance_minor: int


def read_ledger(folder: Path) -> list[Entry]:
    """All entries of the books in a folder."""
    return [
        entry for path in sorted((folder / "books").glob("*.beancount")) for entry in _entries(path.read_text("utf-8"))
    ]


def standing(entries: list[Entry]) -> list[Entry]:
    """The documents that no later entry took back."""
    taken_back = {entry.link.removeprefix(VOID) for entry in entries if entry.link.startswith(VOID)}
    return [
        entry for entry in entries if entry.link.removeprefix(DOCUMENT) not in taken_back and entry.kind in ACCOUNT_OF
    ]


def _entries(text: str) -> Iterator[Entry]:
    for block in text.split("\n\n"):
        lines = block.strip("\n").splitlines()
        header = _HEADER.match(lines[0]) if lines else None
        if header is None:
            continue
        facts = {found[1]: found[2] for line in lines if (found := _FACT.match(line))}
        postings = [(found[1], _cents(found[2])) for line in lines if (found := _POSTING.match(line))]
        kind = facts.get("kind", "")
        value = sum(amount for account, amount in postings if account == ACCOUNT_OF.get(kind))
        yield Entry(
            link=header[1], kind=kind, order_number=facts.get("order_number", ""),
            value_minor=-value if kind == "payment" else value, balance_minor=sum(amount for _, amount in postings),
        )  # fmt: skip


def _cents(text: str) -> int:
    return int(Decimal(text) * 100)
