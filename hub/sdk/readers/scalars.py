"""What people type into cells, to text, numbers, times and yes or no: exactly, or refused.

Every refusal is a `ValueError` whose message says what was expected and never repeats the value (it may be a person's).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache

from hub.sdk.readers.cells import CellValue

BLANKS = " \t\r\n\u00a0\u202f\u2007\u3000\ufeff"
MAX_EXACT = Decimal(10) ** 15
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial has no zone until it is read in the sheet's
MAX_SERIAL = 2_958_466
MAX_DIGITS = 28
"""Digits of a number that is text: as many as decimal arithmetic keeps, so that nothing is rounded later."""
SCIENTIFIC = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
FORMULA = re.compile(r"[=@]|[+-](?![0-9\s(.,]|$)")
TRUE_WORDS = frozenset({"1", "true", "yes", "y", "x", "ja", "oui", "si", "sí", "是", "真", "wahr", "vrai"})
FALSE_WORDS = frozenset({"0", "false", "no", "n", "nein", "non", "否", "假", "falsch", "faux"})
SIGNS = {
    "€": {"EUR"}, "£": {"GBP"}, "\u00a5": {"CNY", "JPY"}, "\uffe5": {"CNY", "JPY"}, "元": {"CNY"}, "円": {"JPY"},
    "zł": {"PLN"},
    "kr": {"SEK", "NOK", "DKK", "ISK"}, "₹": {"INR"}, "₩": {"KRW"}, "R$": {"BRL"}, "Kč": {"CZK"}, "Fr.": {"CHF"},
    "US$": {"USD"}, "RMB": {"CNY"},
    "$": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "CLP", "COP", "ARS"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written as text; `thousands` is empty where numbers have no such separator."""

    decimal: str = "."
    thousands: str = ""


def to_text(value: CellValue) -> str | None:
    """Text as a person reads it in the cell; None where there is nothing but blanks.

    A whole number has no decimals (`1001.0` is `1001`). A number of more than 15 digits is refused: the workbook has
    lost the rest, so it is no longer the id that was typed.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("holds the character NUL, which cannot be stored")
        return value.strip(BLANKS) or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        if abs(value) >= MAX_EXACT:
            raise ValueError(
                "is a number of more than 15 digits, of which workbooks lose the last ones: type it as text"
            )
        return f"{value:f}"
    return str(value) if isinstance(value, timedelta) else value.isoformat()


def to_identifier(value: CellValue) -> str | None:
    """Text that names something (order, SKU, phone); refuses what Excel has turned into `4.00638E+12`."""
    text = to_text(value)
    if text is not None and SCIENTIFIC.fullmatch(text):
        raise ValueError(
            "was cut to scientific notation by a spreadsheet program: format the column as text and save again"
        )
    return text


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet program would run the text as a formula; the hub keeps it as text and runs nothing."""
    return FORMULA.match(text) is not None


def to_decimal(value: CellValue, numbers: NumberFormat, currency: str | None = None) -> Decimal | None:
    """A number, exactly as it is written; None where the cell is empty.

    Text may have the declared thousands separator in groups of three, a sign in front or behind, brackets for a
    negative one, and the currency's own code or sign.
    """
    if value is None or isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError("is not a number")
    text = value.strip(BLANKS)
    if not text:
        return None
    text, negative = _unsigned(_without_currency(text, currency))
    if not _number_pattern(numbers).fullmatch(text):
        raise ValueError(_number_advice(numbers))
    for separator in _separators(numbers.thousands):
        text = text.replace(separator, "")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits")
    number = Decimal(text.replace(numbers.decimal, "."))
    return -number if negative else number


def _number_advice(numbers: NumberFormat) -> str:
    sample = f"1{numbers.thousands}234{numbers.decimal}5"
    return f"is not a number such as {sample} (settings decimal_separator and thousands_separator)"


@lru_cache(maxsize=64)
def _number_pattern(numbers: NumberFormat) -> re.Pattern[str]:
    point = re.escape(numbers.decimal)
    whole = "[0-9]+"
    if numbers.thousands:
        separator = f"[{re.escape(''.join(_separators(numbers.thousands)))}]"
        whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+)"
    return re.compile(f"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)")


def _separators(thousands: str) -> str:
    """All blanks count as one: programs write no-break and narrow ones."""
    return " \u00a0\u202f\u2007" if thousands == " " else "'’" if thousands == "'" else thousands


def _unsigned(text: str) -> tuple[str, bool]:
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(BLANKS), True
    for sign, negative in (("-", True), ("\u2212", True), ("+", False)):
        if text.startswith(sign):
            return text[1:].lstrip(BLANKS), negative
        if text.endswith(sign):
            return text[:-1].rstrip(BLANKS), negative
    return text, False


def _without_currency(text: str, currency: str | None) -> str:
    outer = re.fullmatch(r"([-(\u2212+]?)\s*([^\d\s.,'’()+-]*)\s*(.*?)\s*([^\d\s.,'’()+-]*)\s*([-)\u2212+]?)", text)
    if outer is None or not (outer[2] or outer[4]):
        return text
    for sign in filter(None, (outer[2], outer[4])):
        meant = SIGNS.get(sign) or {sign.upper()}
        if currency is None or currency not in meant:
            raise ValueError("has a currency sign that is not the order's currency")
    return f"{outer[1]}{outer[3]}{outer[5]}"


def to_flag(value: CellValue) -> bool | None:
    """Yes or no in a few languages; None where the cell is empty."""
    if isinstance(value, bool):
        return value
    text = to_text(value)
    if text is None:
        return None
    word = text.casefold()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise ValueError("is neither yes nor no (write yes, no, true, false, 1, 0 or x)")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How times are written: formats of `strptime` beside ISO 8601, and the zone of those without an offset.

    `serials` says whether a bare number is a workbook's serial date.
    """

    formats: tuple[str, ...] = ()
    zone: tzinfo = UTC
    serials: bool = False


def to_instant(value: CellValue, times: TimeFormat) -> datetime | None:
    """An aware time in the offset that it was written in (else in the declared zone); None where the cell is empty.

    A date alone is midnight there. `02/03/2026` is refused unless a format says which is the month. Of a local time
    that a clock change repeats the earlier one is meant.
    """
    if value is None:
        return None
    if isinstance(value, Decimal) and times.serials:
        value = _from_serial(value)
    if isinstance(value, datetime):
        return _aware(value, times.zone)
    if isinstance(value, date):
        return _aware(datetime.combine(value, time()), times.zone)
    if not isinstance(value, str):
        raise ValueError(_time_advice(times))
    text = value.strip(BLANKS)
    return _aware(_parsed(text, times), times.zone) if text else None


def _from_serial(serial: Decimal) -> datetime:
    if not 1 <= serial < MAX_SERIAL:
        raise ValueError("is a number that is no date")
    return EXCEL_EPOCH + timedelta(seconds=round(float(serial) * 86_400))


def _aware(instant: datetime, zone: tzinfo) -> datetime:
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)


def _parsed(text: str, times: TimeFormat) -> datetime:
    for form in times.formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the declared one
        except ValueError:
            continue
    # The compact forms of ISO 8601 are left out: eight digits may as well be a number or another order of the parts.
    if len(text) >= 10 and text[4] == text[7] == "-":
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(_time_advice(times)) from error
    raise ValueError(_time_advice(times))


def _time_advice(times: TimeFormat) -> str:
    formats = ", ".join(("2026-03-02", "2026-03-02T09:00:00", *times.formats))
    return f"is not a date in a known form ({formats}): add its form to the setting date_formats"
