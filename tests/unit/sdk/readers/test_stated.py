from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.readers.stated import CellFault, StatedRow, decimal_places, parse_decimal, read_stated_csv


def read(text: str) -> tuple[list[StatedRow], list[CellFault]]:
    faults: list[CellFault] = []
    return list(read_stated_csv(text, faults)), faults


def test_rows_are_counted_as_a_spreadsheet_shows_them() -> None:
    rows, faults = read('\ufeffSKU ; Name\r\nA;"two\nlines"\r\n\r\n;\r\nB;plain\r\n')
    assert [(row.row, row.raw("sku"), row.raw("name")) for row in rows] == [(2, "A", "two\nlines"), (5, "B", "plain")]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (1, None)), ("\n\n", (1, None)), ("sku,sku\n", (1, "sku")), ("a,b\n1,2,3\n", (2, None)),
        ('a,b\n1,2\n"open,2\n', (3, None)),
    ],
)  # fmt: skip
def test_faults_of_the_form_are_told(text: str, place: tuple[int, str | None]) -> None:
    _, faults = read(text)
    assert [(fault.row, fault.column) for fault in faults] == [place]


@pytest.mark.parametrize(
    "value", ["", "1,000", "1_000", "abc", "NaN", "inf", True, [1], "1.0005", "-1", "11"]
)  # fmt: skip
def test_what_is_no_number_within_bounds_is_a_fault_or_not_stated(value: object) -> None:
    faults: list[CellFault] = []
    row = StatedRow(2, {"q": value}, faults)
    assert row.decimal("q", least=Decimal(0), most=Decimal(10), places=3) is None
    assert [fault.column for fault in faults] == (["q"] if value != "" else [])


@given(st.decimals(min_value=0, max_value=10, places=3))
def test_numbers_are_read_exactly(number: Decimal) -> None:
    faults: list[CellFault] = []
    row = StatedRow(2, {"text": f" {number} ", "decimal": number}, faults)
    for column in ("text", "decimal"):
        assert row.decimal(column, least=Decimal(0), most=Decimal(10), places=3) == number
    assert faults == []


def test_a_float_is_read_by_its_digits() -> None:
    assert parse_decimal(0.1) == Decimal("0.1")
    assert decimal_places(Decimal("1.500")) == 1
    assert decimal_places(Decimal(1000)) == 0


@pytest.mark.parametrize(
    ("value", "flag"), [("Yes", True), ("0", False), (True, True), (None, False), ("maybe", False)]
)
def test_flags(value: object, flag: bool) -> None:
    faults: list[CellFault] = []
    assert StatedRow(2, {"on": value}, faults).flag("on", default=False) is flag
    assert bool(faults) is (value == "maybe")


@pytest.mark.parametrize("value", [None, "  ", 5, "a\x00b", "x" * 11])
def test_text_that_cannot_be(value: object) -> None:
    faults: list[CellFault] = []
    assert StatedRow(2, {"sku": value}, faults).text("sku", most=10) == ""
    assert [fault.column for fault in faults] == ["sku"]
