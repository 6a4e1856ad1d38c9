"""The demo's own reader of the books."""

from pathlib import Path

from hub.cli.demo_ledger import read_ledger, standing

SALE = """2026-03-02 * "Ada \\"A\\" Example" "Sales order 1 of order 1" ^HUB-a
  kind: "sales_order"
  order_number: "1"
  total: 12.34 USD
  Equity:Memo:Ordered  12.34 USD
  Equity:Memo:Contra   -12.34 USD

"""
TAKEN_BACK = """2026-03-02 * "" "Void of 1: changed" ^VOID-a
  kind: "void"
  Equity:Memo:Ordered  -12.34 USD
  Equity:Memo:Contra   12.34 USD

"""
PAYMENT = """2026-03-02 * "" "Payment" ^HUB-b
  kind: "payment"
  order_number: "1"
  Assets:Clearing    5.00 USD
  Assets:Receivable  -4.99 USD

"""


def ledger(folder: Path, text: str) -> Path:
    (folder / "books").mkdir()
    (folder / "books" / "2026-03.beancount").write_text(text)
    return folder


def test_values_are_read_from_the_postings_in_cents(tmp_path: Path) -> None:
    sale, payment = read_ledger(ledger(tmp_path, SALE + PAYMENT))
    assert (sale.kind, sale.order_number, sale.value_minor, sale.balance_minor) == ("sales_order", "1", 1234, 0)
    assert (payment.value_minor, payment.balance_minor) == (499, 1)


def test_what_was_taken_back_does_not_stand(tmp_path: Path) -> None:
    entries = read_ledger(ledger(tmp_path, SALE + TAKEN_BACK + PAYMENT))
    assert [entry.link for entry in entries] == ["HUB-a", "VOID-a", "HUB-b"]
    assert [entry.link for entry in standing(entries)] == ["HUB-b"]


def test_no_books_are_empty_books(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == []
