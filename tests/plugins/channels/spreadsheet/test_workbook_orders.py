import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook

from hub.canonical.facts import OrderFact, ParseResult
from hub.canonical.money import Money
from hub.sdk.values import Raw
from plugins.channels.spreadsheet.mapping import read_file
from plugins.channels.spreadsheet.settings import SpreadsheetSettings

HEAD = ["Order No", "Order Date", "SKU", "Qty", "Price", "Phone", "Grand Total"]


def read(fill: Callable[[Any], None], **settings: Any) -> ParseResult:
    book, stream = Workbook(), io.BytesIO()
    book.active.append(HEAD)
    fill(book.active)
    book.save(stream)
    options = {"defaults": {"currency": "EUR"}, **settings}
    return read_file(Raw(body=stream.getvalue(), name="o.xlsx"), SpreadsheetSettings.model_validate(options))


def rows(*values: list[Any]) -> Callable[[Any], None]:
    def fill(sheet: Any) -> None:
        for row in values:
            sheet.append(row)

    return fill


def test_numbers_are_what_a_person_sees() -> None:
    when = datetime(2026, 3, 2, 9, 30)
    (fact,) = read(
        rows([1001.0, when, 4006381333931, 3, 0.1 + 0.2, 4915112345678, 0.9]), timezone="Asia/Shanghai"
    ).facts
    assert isinstance(fact, OrderFact)
    order = fact.order
    assert (order.external_id, order.lines[0].sku) == ("1001", "4006381333931")
    assert (order.lines[0].unit_price, order.lines[0].total) == (Decimal("0.3"), Money(minor=90, currency="EUR"))
    assert order.placed_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert order.ship_to is not None
    assert order.ship_to.phone == "4915112345678"


def test_a_bare_serial_is_a_date_and_a_long_number_is_no_id() -> None:
    result = read(rows(["A", 46083, "MUG", 1, 5, None, None], ["B", None, 12345678901234567, 1, 5, None, None]))
    (fact,) = result.facts
    assert fact.occurred_at == datetime(2026, 3, 2, tzinfo=UTC)
    (fault,) = result.faults
    assert (fault.path, fault.external_id) == ("row 3, column SKU (C)", "B")


def test_merged_order_cells_speak_for_their_rows_but_quantities_do_not() -> None:
    def merged(sheet: Any) -> None:
        rows(["A", None, "MUG", 2, 5, None, 30], [None, None, "CUP", 4, 5, None, None])(sheet)
        sheet.merge_cells("A2:A3")
        sheet.merge_cells("G2:G3")

    (fact,) = read(merged).facts
    assert isinstance(fact, OrderFact)
    assert [line.quantity for line in fact.order.lines] == [2, 4]
    assert fact.order.totals.grand == Money(minor=3000, currency="EUR")

    def too_much(sheet: Any) -> None:
        rows(["A", None, "MUG", 2, 5, None, None], ["A", None, "CUP", None, 5, None, None])(sheet)
        sheet.merge_cells("D2:D3")

    (fault,) = read(too_much).faults
    assert (fault.code, fault.path) == ("no_quantity", "row 3, column Qty (D)")


def test_a_formula_without_a_result_and_an_error_cell_are_faults() -> None:
    def fill(sheet: Any) -> None:
        rows(["A", None, "MUG", "=1+1", 5, None, None], ["B", None, "MUG", 1, "#N/A", None, None])(sheet)
        sheet["E3"].data_type = "e"

    result = read(fill)
    assert result.facts == ()
    assert [(fault.path, fault.external_id) for fault in result.faults] == [
        ("row 2, column Qty (D)", "A"), ("row 3, column Price (E)", "B"),
    ]  # fmt: skip
    assert "formula" in result.faults[0].message
    assert "#N/A" in result.faults[1].message


def test_text_that_looks_like_a_formula_stays_text() -> None:
    def fill(sheet: Any) -> None:
        rows(["A", None, "x", 1, 5, "+49 30 1", None])(sheet)
        sheet["C2"] = "=cmd|' /C calc'!A0"
        sheet["C2"].data_type = "s"

    (fact,) = read(fill).facts
    assert isinstance(fact, OrderFact)
    assert fact.order.lines[0].sku == "=cmd|' /C calc'!A0"
    assert [(warning.code, warning.path) for warning in fact.warnings] == [("formula_text", "row 2, column SKU (C)")]


def test_the_setting_names_the_sheet() -> None:
    book, stream = Workbook(), io.BytesIO()
    book.active.append(["Read me"])
    sheet = book.create_sheet("Orders")
    sheet.append(HEAD)
    sheet.append(["A", None, "MUG", 1, 5, None, None])
    book.save(stream)
    settings = SpreadsheetSettings.model_validate({"sheet": "Orders", "defaults": {"currency": "EUR"}})
    (fact,) = read_file(Raw(body=stream.getvalue()), settings).facts
    assert (fact.order_id, fact.warnings) == ("A", ())
