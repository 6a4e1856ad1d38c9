from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk.readers.scalars import (
    NumberFormat,
    TimeFormat,
    looks_like_formula,
    to_decimal,
    to_flag,
    to_identifier,
    to_instant,
    to_text,
)
from hub.sdk.readers.workbooks import to_value

ENGLISH = NumberFormat(".", ",")
GERMAN = NumberFormat(",", ".")
FRENCH = NumberFormat(",", " ")
PLAIN = NumberFormat()
numbers = st.decimals(min_value=-(10**15), max_value=10**15, places=4, allow_nan=False, allow_infinity=False)


def written(value: Decimal, form: NumberFormat, blank: str | None = None) -> str:
    text = f"{value:,f}".replace(",", "\x01").replace(".", form.decimal)
    return text.replace("\x01", blank or form.thousands)


@given(numbers)
def test_a_number_survives_every_way_of_writing_it(value: Decimal) -> None:
    for form in (ENGLISH, GERMAN, FRENCH, PLAIN):
        assert to_decimal(written(value, form), form) == value
    assert to_decimal(written(value, FRENCH, "\u202f"), FRENCH) == value
    assert to_decimal(f"{abs(value):f}-", PLAIN) == -abs(value)
    assert to_decimal(f"({abs(value):f})", PLAIN) == -abs(value)
    assert to_decimal(f"EUR {value:f}", PLAIN, "EUR") == to_decimal(f"{value:f} €", PLAIN, "EUR") == value


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False))
def test_a_number_survives_the_float_of_a_workbook(value: Decimal) -> None:
    assert to_value(float(value)) == value


def test_noise_of_binary_floats_is_gone() -> None:
    assert to_value(0.1 + 0.2) == Decimal("0.3")
    assert to_value(1.1 * 3) == Decimal("3.3")


@pytest.mark.parametrize(
    "text",
    [
        "1,5",
        "1,23,456",
        "1,2345",
        "12.3.4",
        "1e5",
        "0x10",
        "NaN",
        "inf",
        "--5",
        "5 6",
        "１２",
        "abc",
        "=2*3",
        "+",
        ".",
        "1_0",
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|currency") as caught:
        to_decimal(text, ENGLISH)
    assert f"{text!r}" not in str(caught.value)


def test_a_comma_is_never_guessed_to_be_a_decimal_or_a_thousands_separator() -> None:
    with pytest.raises(ValueError, match="decimal_separator"):
        to_decimal("1,234", PLAIN)
    assert to_decimal("1,234", ENGLISH) == 1234
    assert to_decimal("1,234", GERMAN) == Decimal("1.234")


def test_more_digits_than_arithmetic_keeps_are_refused() -> None:
    with pytest.raises(ValueError, match="28 digits"):
        to_decimal("1." + "0" * 30 + "1", PLAIN)


@pytest.mark.parametrize(("text", "currency"), [("$5", "EUR"), ("5 USD", "EUR"), ("€5", None), ("5 pieces", "EUR")])
def test_a_sign_of_another_currency_is_refused(text: str, currency: str | None) -> None:
    with pytest.raises(ValueError, match="currency"):
        to_decimal(text, PLAIN, currency)


def test_dollar_and_yen_signs_mean_several_currencies() -> None:
    assert to_decimal("$5", PLAIN, "CAD") == to_decimal("￥5", PLAIN, "CNY") == to_decimal("¥5", PLAIN, "JPY") == 5
    assert to_decimal("-$1,234.50", ENGLISH, "USD") == Decimal("-1234.50")


def test_empty_is_none_and_not_zero() -> None:
    for blank in (None, "", "  ", "\u00a0", "\u3000"):
        assert to_decimal(blank, PLAIN) is None
        assert to_text(blank) is None
        assert to_flag(blank) is None
        assert to_instant(blank, TimeFormat()) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1001.0, "1001"),
        (4006381333931.0, "4006381333931"),
        (1.5, "1.5"),
        ("0049", "0049"),
        ("  007 ", "007"),
        (True, "TRUE"),
        (date(2026, 3, 2), "2026-03-02"),
        (timedelta(hours=30), "1 day, 6:00:00"),
        (time(9, 5), "09:05:00"),
    ],
)
def test_ids_are_what_a_person_reads(cell: object, text: str) -> None:
    assert to_text(to_value(cell)) == text


def test_ids_that_a_spreadsheet_program_has_damaged_are_refused() -> None:
    with pytest.raises(ValueError, match="15 digits"):
        to_identifier(to_value(1234567890123456.0))
    with pytest.raises(ValueError, match="scientific"):
        to_identifier("4.00638E+12")
    assert to_identifier("1E5") == "1E5"
    with pytest.raises(ValueError, match="NUL"):
        to_text("a\x00b")


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-foo()", "=HYPERLINK(1)"])
def test_formulas_are_recognised(text: str) -> None:
    assert looks_like_formula(text)


@pytest.mark.parametrize("text", ["+49 30 1234", "-5", "- none", "mug", "a=b", "-", "+(86) 10"])
def test_phones_and_dashes_are_no_formulas(text: str) -> None:
    assert not looks_like_formula(text)


SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2026-03-02", (), datetime(2026, 3, 1, 16, 0, tzinfo=UTC)),
        ("2026-03-02 09:30", (), datetime(2026, 3, 2, 1, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00+01:00", (), datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00Z", (), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("02.03.2026", ("%d.%m.%Y",), datetime(2026, 3, 1, 16, 0, tzinfo=UTC)),
        ("03/02/2026 9:30", ("%d.%m.%Y", "%m/%d/%Y %H:%M"), datetime(2026, 3, 2, 1, 30, tzinfo=UTC)),
        ("20260302", ("%Y%m%d",), datetime(2026, 3, 1, 16, 0, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_declared_zone(text: str, formats: tuple[str, ...], expected: datetime) -> None:
    assert to_instant(text, TimeFormat(formats, SHANGHAI)) == expected


@pytest.mark.parametrize("text", ["02/03/2026", "20260302", "45000", "2026-13-01", "soon", "2026-3-2"])
def test_dates_of_an_unknown_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="date_formats"):
        to_instant(text, TimeFormat(serials=True))


def test_a_serial_is_a_date_in_workbooks_only() -> None:
    serial = to_value(46083.5)
    assert to_instant(serial, TimeFormat(zone=SHANGHAI, serials=True)) == datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    for refused, form in (
        (serial, TimeFormat()),
        (Decimal(-1), TimeFormat(serials=True)),
        (Decimal(10**9), TimeFormat(serials=True)),
    ):
        with pytest.raises(ValueError, match="date"):
            to_instant(refused, form)


def test_of_a_repeated_hour_the_earlier_is_meant() -> None:
    berlin = TimeFormat(zone=ZoneInfo("Europe/Berlin"))
    instant = to_instant("2026-10-25 02:30", berlin)
    assert instant is not None
    assert instant.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_yes_and_no() -> None:
    assert [to_flag(word) for word in ("yes", "X", "1", "是", True)] == [True] * 5
    assert [to_flag(word) for word in ("No", "nein", "0", "否", False)] == [False] * 5
    with pytest.raises(ValueError, match="neither"):
        to_flag("maybe")
