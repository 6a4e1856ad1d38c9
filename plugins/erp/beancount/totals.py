"""What the books add up to, read back without any bookkeeping program: for comparing them with another source."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from plugins.erp.beancount.client import BOOKS
from plugins.erp.beancount.reader import LINK, headers, postings


def ledger_totals(folder: Path) -> dict[str, dict[str, Decimal]]:
    """The balance of every account by currency, exact; an empty result where there is no ledger."""
    totals: dict[str, dict[str, Decimal]] = {}
    for data in _books(folder):
        for posting in postings(data.decode("utf-8")):
            of_account = totals.setdefault(posting.account, {})
            of_account[posting.currency] = of_account.get(posting.currency, Decimal(0)) + posting.amount
    return totals


def ledger_keys(folder: Path) -> Counter[str]:
    """How often each document key is in the books; more than once would be a doubled document."""
    links = (link for data in _books(folder) for link, _ in headers(data))
    return Counter(link.removeprefix(LINK) for link in links if link.startswith(LINK))


def _books(folder: Path) -> Iterator[bytes]:
    for path in sorted((folder / BOOKS).glob("*.beancount")):
        yield path.read_bytes()
