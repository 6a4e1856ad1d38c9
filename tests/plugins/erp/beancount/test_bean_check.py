"""The books are judged by beancount itself, run as a separate program: `bean-check` and `bean-query`."""

import csv
import io
import os
import subprocess
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.canonical.erp import ErpCharge
from hub.canonical.money import Money
from hub.sdk.testing.builders import erp_document, erp_line, header_discount, invoice, reference, shipping_charge
from hub.sdk.testing.kit import open_adapter
from plugins.erp.beancount.adapter import Beancount
from plugins.erp.beancount.totals import ledger_keys, ledger_totals
from tests.peers import PEERS, require_peer

pytestmark = pytest.mark.peer
KINDS = ("sales_order", "delivery", "invoice", "credit_note", "payment", "return")


@pytest.fixture(scope="module")
def tools() -> Path:
    stated = os.environ.get("ORDERHUB_BEAN_CHECK")
    checker = Path(stated) if stated else PEERS / "beancount" / "bin" / "bean-check"
    require_peer(
        "bean-check",
        checker.is_file(),
        "set ORDERHUB_BEAN_CHECK to the program, or install beancount and beanquery into a virtual environment at "
        ".peers/beancount (a tool of its own licence, never a dependency of the product)",
    )
    return checker.parent


def check(tools: Path, folder: Path) -> str:
    """What bean-check complains about: empty for good books."""
    run = subprocess.run(
        [tools / "bean-check", "--no-cache", folder / "main.beancount"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.stdout + run.stderr + ("" if run.returncode == 0 else f"exit {run.returncode}")


def balances(tools: Path, folder: Path) -> dict[str, dict[str, Decimal]]:
    """Balances of all accounts as bean-query computes them."""
    query = "SELECT account, currency, sum(number) AS total GROUP BY account, currency"
    run = subprocess.run(
        [tools / "bean-query", "-f", "csv", folder / "main.beancount", query],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in csv.DictReader(io.StringIO(run.stdout)):
        found[row["account"].strip()][row["currency"].strip()] = Decimal(row["total"].strip())
    return dict(found)


def without_zeros(totals):
    kept = {account: {code: amount for code, amount in each.items() if amount} for account, each in totals.items()}
    return {account: each for account, each in kept.items() if each}


def names():
    return st.text(max_size=30) | st.sampled_from(
        ['"', "\\", "a\nb", "王小明", "; comment", "^link #tag", "2026-01-01 open X", '\\"']
    )


@st.composite
def documents(draw, number: int):
    currency = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
    amount = st.integers(0, 10**9)
    kind = draw(st.sampled_from(KINDS))
    lines = tuple(
        erp_line(
            index, draw(amount), draw(amount), currency=currency, cost=draw(st.none() | amount), name=draw(names())
        )
        for index in range(draw(st.integers(1, 3)))
    )
    wrap = ErpCharge(
        kind="gift_wrap", net=Money(minor=draw(amount), currency=currency), tax=Money(minor=7, currency=currency)
    )
    charges = (shipping_charge(draw(amount), currency=currency), header_discount(draw(amount), currency=currency), wrap)
    document = erp_document(
        kind, number=number, key=reference(number, "day"), currency=currency, lines=lines, charges=charges,
        customer=draw(names()), payment_method=draw(names()) if kind == "payment" else None,
        total=sum(part.net.minor + part.tax.minor for part in (*lines, *charges)),
    )  # fmt: skip
    later = timedelta(hours=draw(st.integers(0, 24 * 60)))
    changes = {"issued_at": document.issued_at + later, "number": draw(names()), "order_ref": draw(names())}
    return document.model_copy(update=changes)


@st.composite
def days(draw):
    return [draw(documents(number)) for number in range(draw(st.integers(1, 30)))]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(day=days())
def test_any_day_of_documents_is_accepted_and_adds_up(tools, tmp_path_factory, day) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    adapter = open_adapter(Beancount, {"folder": folder})
    items = [(adapter.build(document), document.key) for document in day]
    assert all(result.ok for result in adapter.push_many(items))
    assert check(tools, folder) == ""
    assert without_zeros(balances(tools, folder)) == without_zeros(ledger_totals(folder))
    assert without_zeros(ledger_totals(folder)) == without_zeros(expected(day))
    assert ledger_keys(folder) == {document.key: 1 for document in day}


def expected(day):
    """The balances as the documents say, computed without the plugin's mapping."""
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))

    def add(account, money, sign=1):
        totals[account][money.currency] += sign * money.decimal

    charge_accounts = {"shipping": "Income:Shipping", "discount": "Income:Discounts", "gift_wrap": "Income:Charges"}
    memo = {"sales_order": "Ordered", "delivery": "Delivered", "return": "Returned"}
    for document in day:
        sign = -1 if document.kind in ("credit_note", "return", "payment") else 1
        if document.kind in ("invoice", "credit_note"):
            add("Assets:Receivable", document.total, sign)
            for line in document.lines:
                add("Income:Sales", line.net, -sign)
            for charge in document.charges:
                add(charge_accounts[charge.kind], charge.net, -sign)
            for part in (*document.lines, *document.charges):
                add("Liabilities:SalesTax", part.tax, -sign)
        elif document.kind == "payment":
            add("Assets:Clearing", document.total)
            add("Assets:Receivable", document.total, -1)
        else:
            add(f"Equity:Memo:{memo[document.kind]}", document.total)
            add("Equity:Memo:Contra", document.total, -1)
            for line in document.lines if document.kind != "sales_order" else ():
                if line.cost is not None:
                    add("Expenses:CostOfGoods", line.cost, sign)
                    add("Assets:Inventory", line.cost, -sign)
    return totals


def test_repaired_voided_and_foreign_books_are_accepted(tools, tmp_path) -> None:
    accounts = {"payments": {"bank": "Assets:Bank:Hauptkonto-1"}, "sales": "Income:Verkäufe"}
    adapter = open_adapter(Beancount, {"folder": tmp_path, "accounts": accounts, "title": 'A "quoted" \\ title'})
    posted = [invoice(1), invoice(2), erp_document("payment", number=3, payment_method="bank")]
    adapter.push_many([(adapter.build(document), document.key) for document in posted])
    adapter.cancel(adapter.find("invoice", posted[1].key), 'cancelled: "too late"\nby phone')
    month = tmp_path / "books" / "2026-03.beancount"
    month.write_bytes(month.read_bytes() + month.read_bytes()[:77])
    adapter.push(adapter.build(invoice(4)), invoice(4).key)
    assert "; torn by a crash" in month.read_text()
    assert check(tools, tmp_path) == ""
    assert without_zeros(balances(tools, tmp_path)) == without_zeros(ledger_totals(tmp_path))


def test_the_judge_is_awake(tools, tmp_path) -> None:
    """An entry changed by one cent is refused, so that the tests above mean something."""
    adapter = open_adapter(Beancount, {"folder": tmp_path})
    adapter.push(adapter.build(invoice()), invoice().key)
    month = tmp_path / "books" / "2026-03.beancount"
    month.write_text(
        month.read_text()
        .replace("31.40 USD\n  Income", "31.41 USD\n  Income")
        .replace("  31.40 USD\n", "  31.41 USD\n")
    )
    assert "does not balance" in check(tools, tmp_path)
