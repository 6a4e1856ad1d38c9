from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.canonical.facts import Fault, OrderFact, ParseResult
from hub.canonical.money import Money, format_minor
from hub.canonical.order import Charge, Discount, Order, Tax
from hub.canonical.party import Party
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from plugins.channels.spreadsheet.mapping import read_file
from plugins.channels.spreadsheet.settings import SpreadsheetSettings
from tests.peers import fixtures_folder

EUR = {"defaults": {"currency": "EUR"}}
HEAD = "Order No,SKU,Qty,Price"


def read(
    text: str | bytes, name: str = "orders.csv", headers: dict[str, str] | None = None, **settings: Any
) -> ParseResult:
    body = text.encode() if isinstance(text, str) else text
    raw = Raw(body=body, name=name, headers=headers or {})
    return read_file(raw, SpreadsheetSettings.model_validate(EUR | settings))


def orders(text: str | bytes, **settings: Any) -> list[Order]:
    result = read(text, **settings)
    assert result.faults == ()
    return [fact.order for fact in result.facts if isinstance(fact, OrderFact)]


def faults(text: str | bytes, **settings: Any) -> tuple[Fault, ...]:
    return read(text, **settings).faults


def refusal(text: str | bytes, **settings: Any) -> Malformed:
    with pytest.raises(Malformed) as caught:
        read(text, **settings)
    return caught.value


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def test_rows_of_one_order_become_one_order_wherever_they_stand() -> None:
    first, second = orders(f"{HEAD}\nA,MUG,2,12.50\nB,MUG,1,12.50\nA,0049,1.5,8\n")
    assert (first.external_id, first.number, [line.sku for line in first.lines]) == ("A", "A", ["MUG", "0049"])
    assert [(line.external_id, line.quantity, line.unit_price, line.total) for line in first.lines] == [
        ("1", Decimal(2), Decimal("12.50"), eur(2500)), ("2", Decimal("1.5"), Decimal(8), eur(1200)),
    ]  # fmt: skip
    assert second.external_id == "B"


def test_an_order_with_all_its_columns() -> None:
    text = (
        "Nr;Datum;Pos;Artikel;Menge;Preis;Summe;MwSt;Versand;Rabatt;Steuer;Gesamt;Zahlung;Firma;Str;Ort;PLZ;Land;Tel;Info\n"
        "4711;02.03.2026 09:30;10;M-1;2;1.012,50;2.025,00;19%;4,90;-1,00;323,32;2.028,90;bezahlt;Ada KG;Weg 1;Köln;"
        "01067;Deutschland;+49 30 1;=ring\n"
    )
    columns = {
        "order_id": "Nr", "placed_at": "Datum", "line_id": "Pos", "sku": "Artikel", "quantity": "Menge",
        "unit_price": "Preis", "line_total": "Summe", "line_tax_rate": "MwSt", "shipping_total": "Versand",
        "discount_total": "Rabatt", "tax_total": "Steuer", "grand_total": "Gesamt", "payment_state": "Zahlung",
        "ship_company": "Firma", "ship_line1": "Str", "ship_city": "Ort", "ship_postal_code": "PLZ",
        "ship_country": "Land", "ship_phone": "Tel", "note_buyer": "Info",
    }  # fmt: skip
    result = read(
        text.encode("cp1252"), columns=columns, decimal_separator=",", thousands_separator=".", encoding="cp1252",
        date_formats=["%d.%m.%Y %H:%M"], timezone="Europe/Berlin", prices_include_tax=True,
    )  # fmt: skip
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    order = fact.order
    assert (order.placed_at, order.placed_at_offset) == (datetime(2026, 3, 2, 8, 30, tzinfo=UTC), "+01:00")
    (line,) = order.lines
    assert (line.external_id, line.unit_price, line.total) == ("10", Decimal("1012.50"), eur(202500))
    assert line.taxes == (Tax(rate=Decimal("0.19"), included=True),)
    assert order.charges == (Charge(kind="shipping", amount=eur(490)),)
    assert order.discounts == (Discount(amount=eur(100)),)
    assert (order.totals.discount, order.totals.tax, order.totals.grand) == (eur(100), eur(32332), eur(202890))
    assert (order.payment_state, order.payment_state_raw) == ("paid", "bezahlt")
    to = order.ship_to
    assert to is not None
    assert (to.company, to.lines, to.city, to.postal_code, to.country, to.country_raw, to.phone) == (
        "Ada KG", ("Weg 1",), "Köln", "01067", "DE", "Deutschland", "+49 30 1",
    )  # fmt: skip
    assert order.notes.buyer == "=ring"
    assert [(warning.code, warning.path) for warning in fact.warnings] == [("formula_text", "row 2, column Info (T)")]


def test_the_tier_of_a_buyer_is_a_group() -> None:
    (fact,) = read(b"order_id;sku;quantity;Customer tier\n1;M;1;gold, b2b\n").facts
    assert isinstance(fact, OrderFact)
    assert fact.order.buyer == Party(groups=("gold", "b2b"))


def test_nothing_is_invented_where_the_file_says_nothing() -> None:
    (order,) = orders("Order No,SKU,Qty,Line Total,Grand Total\nA,MUG,1,,\n", defaults={})
    assert (order.lines[0].total, order.lines[0].unit_price, order.totals.grand, order.currency) == (None,) * 4
    assert (order.placed_at, order.payment_state, order.ship_to, order.buyer, order.cancelled) == (None,) * 5


def test_a_stated_line_total_is_never_recomputed() -> None:
    (order,) = orders("Order No,SKU,Qty,Price,Line Total\nA,MUG,3,3.335,10.00\n")
    assert order.lines[0].total == eur(1000)


def test_a_computed_line_total_is_exact_or_a_fault() -> None:
    (order,) = orders(f"{HEAD}\nA,MUG,4,0.125\n")
    assert order.lines[0].total == eur(50)
    (fault,) = faults(f"{HEAD}\nA,MUG,3,0.125\n")
    assert (fault.code, fault.path, fault.external_id) == ("inexact", "row 2, column Price (D)", "A")


def test_a_line_discount_lowers_the_computed_total() -> None:
    (order,) = orders("Order No,SKU,Qty,Price,Line Discount\nA,MUG,2,5.00,-1.00\n")
    assert (order.lines[0].total, order.lines[0].discounts) == (eur(900), (Discount(amount=eur(100)),))


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_a_total_comes_through_exactly(minor: int, currency: str) -> None:
    text = f"Order No,SKU,Qty,Currency,Grand Total\nA,MUG,1,{currency},{format_minor(minor, currency)}\n"
    (order,) = orders(text, defaults={})
    assert order.totals.grand == Money(minor=minor, currency=currency)


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        ("A,MUG,two,5", "bad_cell", "Qty (C)"),
        ("A,MUG,,5", "no_quantity", "Qty (C)"),
        ("A,MUG,-1,5", "bad_cell", "Qty (C)"),
        ("A,MUG,1.2345,5", "bad_cell", "Qty (C)"),
        ('A,MUG,"1,5",5', "bad_cell", "Qty (C)"),
        ("A,MUG,1,=2*3", "bad_cell", "Price (D)"),
        ("A,MUG,1,5.0000001", "bad_cell", "Price (D)"),
        ("A,MUG,1,$5", "bad_cell", "Price (D)"),
        ("A,MUG,1,1e3", "bad_cell", "Price (D)"),
        ("A,,1,5", "no_product", "SKU (B)"),
        ("A,4.00638E+12,1,5", "bad_cell", "SKU (B)"),
    ],
)
def test_a_bad_cell_is_a_fault_of_its_order_with_row_and_column(row: str, code: str, column: str) -> None:
    result = read(f"{HEAD}\nB,CUP,1,2\nA,CUP,1,2\n{row}\nC,CUP,1,2\n")
    assert [fact.order_id for fact in result.facts] == ["B", "C"]
    (fault,) = result.faults
    assert (fault.code, fault.path, fault.external_id) == (code, f"row 4, column {column}", "A")
    assert fault.message.startswith(f"row 4, column {column}: ")


def test_faults_name_all_bad_cells_but_none_of_their_values() -> None:
    text = "Order No,SKU,Qty,Order Date,Recipient\nA,MUG,Ada Lovelace,Ada Lovelace,x\n"
    found = faults(text)
    assert [fault.path for fault in found] == ["row 2, column Qty (C)", "row 2, column Order Date (D)"]
    assert "Lovelace" not in repr(found)


def test_rows_that_disagree_about_their_order_are_a_fault() -> None:
    text = "Order No,SKU,Qty,City\nA,MUG,1,Köln\nA,CUP,1,\nA,JUG,1,Bonn\n"
    (fault,) = faults(text)
    assert (fault.code, fault.path) == ("conflict", "row 4, column City (D)")
    assert "row 2" in fault.message
    assert "Bonn" not in fault.message


@pytest.mark.parametrize(("how", "ids"), [("keep", ["1", "2", "3"]), ("drop", ["1", "2"])])
def test_equal_rows_are_kept_or_dropped_as_it_was_said(how: str, ids: list[str]) -> None:
    result = read(f"{HEAD}\nA,MUG,1,5\nA,CUP,1,5\nA,MUG,1,5\n", duplicate_rows=how)
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    assert [line.external_id for line in fact.order.lines] == ids
    assert [warning.path for warning in fact.warnings] == (["row 4"] if how == "drop" else [])


def test_equal_rows_are_a_fault_where_nobody_said_what_they_are() -> None:
    (fault,) = faults(f"{HEAD}\nA,MUG,1,5\nA,MUG,1,5\n")
    assert (fault.code, fault.path) == ("duplicate_row", "row 3")


def test_lines_with_an_id_are_told_apart_by_it() -> None:
    head = "Order No,Line,SKU,Qty"
    result = read(f"{head}\nA,1,MUG,1\nA,2,MUG,1\nA,1,MUG,1\n")
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    assert [line.external_id for line in fact.order.lines] == ["1", "2"]
    assert [warning.code for warning in fact.warnings] == ["duplicate_row"]
    (fault,) = faults(f"{head}\nA,1,MUG,1\nA,1,CUP,1\n")
    assert (fault.code, fault.path) == ("duplicate_line", "row 3, column Line (B)")


def test_rows_without_an_order_number() -> None:
    text = f"{HEAD}\nA,MUG,1,5\n,CUP,2,5\n,,3,10\n"
    result = read(text)
    assert [fact.order_id for fact in result.facts] == ["A"]
    assert [(fault.code, fault.path) for fault in result.faults] == [
        ("no_order", "row 3, column Order No (A)"), ("no_order", "row 4, column Order No (A)"),
    ]  # fmt: skip
    (skipped,) = orders(text, rows_without_order="skip")
    assert len(skipped.lines) == 1
    (carried,) = orders(f"{HEAD}\nA,MUG,1,5\n,CUP,2,5\n", rows_without_order="carry_down")
    assert [line.sku for line in carried.lines] == ["MUG", "CUP"]


def test_a_row_below_an_unreadable_order_number_is_not_given_to_the_order_above() -> None:
    text = f"{HEAD}\nA,MUG,1,5\n1.2E+15,CUP,1,5\n,JUG,1,5\n"
    result = read(text, rows_without_order="carry_down")
    (fact,) = result.facts
    assert isinstance(fact, OrderFact)
    assert [line.sku for line in fact.order.lines] == ["MUG"]
    assert [fault.path for fault in result.faults] == ["row 3, column Order No (A)", "row 4, column Order No (A)"]


def test_a_value_with_a_bare_delimiter_is_noticed() -> None:
    found = faults(f"{HEAD}\nA,MUG, blue,1,5\n")
    assert [(fault.code, fault.path) for fault in found] == [
        ("bad_cell", "row 2, column Qty (C)"), ("too_many_cells", "row 2"),
    ]  # fmt: skip
    assert [fault.code for fault in faults(f"{HEAD}\nA,MUG,1,5,6\n")] == ["too_many_cells"]
    assert orders(f"{HEAD}\nA,MUG,1,5,,\n")


def test_columns_by_alias_letter_and_number() -> None:
    text = "Ref,Code,Pieces,Gift text\nA,MUG,2,Hello\n"
    (order,) = orders(
        text, columns={"order_id": ["Order", "ref."], "sku": "B", "quantity": 3}, properties={"gift_note": "GIFT  TEXT"}
    )
    assert (order.lines[0].sku, order.lines[0].quantity) == ("MUG", Decimal(2))
    assert order.lines[0].properties == {"gift_note": "Hello"}


def test_a_header_is_found_below_a_title_and_is_no_row_when_it_comes_again() -> None:
    (order,) = orders(f"Acme orders,,,\n\n{HEAD}\nA,MUG,1,5\n{HEAD}\nA,CUP,1,5\n")
    assert [line.sku for line in order.lines] == ["MUG", "CUP"]


def test_a_file_without_a_header() -> None:
    columns = {"order_id": "A", "sku": 2, "quantity": "C"}
    (order,) = orders("A-1;007;2\n", header=False, columns=columns)
    assert (order.external_id, order.lines[0].sku) == ("A-1", "007")
    assert faults("A-1;007;x\n", header=False, columns=columns)[0].path == "row 1, column C"


def test_a_whole_file_as_one_order_is_named_after_it() -> None:
    text = "PROD_DEL;2\nE-COM11;5\n"
    settings = {"header": False, "columns": {"sku": "A", "quantity": "B"}, "group_by": "file"}
    (order,) = orders(text, name="PO-77.csv", **settings)
    assert (order.external_id, len(order.lines)) == ("PO-77", 2)
    assert refusal(text, name="", **settings).code == "no_name"


@pytest.mark.parametrize(
    ("text", "settings", "code", "says"),
    [
        ("Order No,SKU,Quantitty\nA,MUG,1\n", {}, "no_column", 'did you mean "Quantitty"'),
        ("Ada Lovelace,Main St 5,1\n", {}, "no_column", "order_number"),
        ("SKU,Qty\n", {"columns": {"order_id": "Auftrag", "sku": "SKU", "quantity": "Qty"}}, "no_column", "Auftrag"),
        ("Order No,SKU,Qty,Qty\nA,MUG,1,2\n", {}, "ambiguous_column", "C, D"),
        ("Order No,SKU,Qty\n", {"header_row": 5}, "no_header", "header"),
        ('Order No,SKU,Qty\nA,"MUG,1\n', {}, "csv", "row 2"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_by_name(
    text: str, settings: dict[str, Any], code: str, says: str
) -> None:
    error = refusal(text, **settings)
    assert error.code == code
    assert says in error.message
    assert "Lovelace" not in error.message


def test_the_currency_comes_from_its_column_then_from_the_default() -> None:
    first, second, third = orders(f"{HEAD},Currency\nA,MUG,1,5.00,usd\nB,MUG,1,5.00,\nC,MUG,1,£5.00,£\n")
    assert [order.currency for order in (first, second, third)] == ["USD", "EUR", "GBP"]
    assert third.lines[0].total == Money(minor=500, currency="GBP")
    assert faults(f"{HEAD}\nA,MUG,1,5.00\n", defaults={})[0].code == "no_currency"
    assert faults(f"{HEAD},Currency\nA,MUG,1,5.00,EUX\n")[0].path == "row 2, column Currency (E)"
    assert "several" in faults(f"{HEAD},Currency\nA,MUG,1,5.00,$\n")[0].message


def test_defaults_fill_empty_cells_and_a_bad_one_names_its_setting() -> None:
    (order,) = orders(
        "Order No,SKU,Qty,Country\nA,MUG,,\n", defaults={"quantity": "1", "ship_country": "AT", "service": "express"}
    )
    assert (order.lines[0].quantity, order.delivery.service) == (Decimal(1), "express")
    assert faults("Order No,SKU\nA,MUG\n", defaults={"quantity": "one"})[0].path == "setting defaults.quantity"


def test_unknown_words_are_kept() -> None:
    result = read(
        "Order No,SKU,Qty,Payment Status,Country\nA,MUG,1,bitcoin,Atlantis\nB,MUG,1,Net 30,\n",
        payment_states={"net 30": "on_credit"},
    )
    first, second = result.facts
    assert isinstance(first, OrderFact)
    assert isinstance(second, OrderFact)
    assert (first.order.payment_state, first.order.payment_state_raw) == ("unknown", "bitcoin")
    assert first.order.ship_to is not None
    assert (first.order.ship_to.country, first.order.ship_to.country_raw) == (None, "Atlantis")
    assert [(unknown.field, unknown.value) for unknown in result.unknowns] == [
        ("ship_country", "Atlantis"),
        ("payment_state", "bitcoin"),
    ]
    assert second.order.payment_state == "on_credit"


def test_the_revision_is_the_rows_own_time_else_the_files() -> None:
    modified = {"last-modified": "2026-03-02T08:00:00.000000Z"}
    (plain,) = read(f"{HEAD}\nA,MUG,1,5\n", headers=modified).facts
    text = "Order,SKU,Qty,Changed\nA,MUG,1,2026-03-02T09:00:00+08:00\n"
    columns = {"order_id": "Order", "sku": "SKU", "quantity": "Qty", "updated_at": "Changed"}
    (dated,) = read(text, headers=modified, columns=columns).facts
    assert (plain.revision, dated.revision) == ("2026-03-02T08:00:00.000000Z", "2026-03-02T01:00:00.000000Z")


def test_a_file_that_was_not_taken_says_why() -> None:
    assert refusal("anything", headers={"x-refused": "too large"}).message == "too large"


@pytest.mark.parametrize(
    "settings",
    [
        {"columns": {"skuu": "A"}}, {"encoding": "klingon"}, {"encoding": "base64"}, {"timezone": "Mars/Olympus"},
        {"header": False}, {"header": False, "columns": {"sku": "Item"}}, {"sheets": 1},
        {"decimal_separator": ",", "thousands_separator": ","},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SpreadsheetSettings.model_validate(settings)


@pytest.mark.fixtures
def test_the_bike_shop_orders_are_all_read() -> None:
    body = (fixtures_folder() / "datasets" / "bike_sales" / "bike_sales.csv").read_bytes()
    columns = {
        "order_id": "order_id", "line_id": "order_line", "placed_at": "order_date", "quantity": "quantity",
        "unit_price": "price", "line_total": "total_price", "name": "model", "ship_name": "bikeshop_name",
        "ship_city": "city", "ship_region": "state",
    }  # fmt: skip
    found = orders(body, columns=columns, defaults={"currency": "USD"})
    assert (len(found), sum(len(order.lines) for order in found)) == (237, 1781)
    wanted = sum(int(row.split(",")[5]) for row in body.decode().splitlines()[1:])
    assert sum(line.total.minor for order in found for line in order.lines if line.total) == wanted * 100


@pytest.mark.fixtures
def test_order_lines_without_a_header_are_one_order() -> None:
    body = (fixtures_folder() / "b2b" / "csv_xlsx" / "order_lines_semicolon_no_header.csv").read_bytes()
    (order,) = orders(body, name="po.csv", header=False, columns={"sku": "A", "quantity": "B"}, group_by="file")
    assert [(line.sku, line.quantity) for line in order.lines] == [("PROD_DEL", 2), ("PROD_DEL02", 1), ("E-COM11", 5)]
