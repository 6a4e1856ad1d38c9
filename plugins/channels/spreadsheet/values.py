"""The cells of one row as canonical scalars, each refusal with its place. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.canonical.facts import ParseWarning
from hub.sdk.readers.cells import CellValue, Mark, Row, TableKind
from hub.sdk.readers.scalars import (
    SIGNS,
    NumberFormat,
    TimeFormat,
    looks_like_formula,
    to_decimal,
    to_flag,
    to_identifier,
    to_instant,
    to_text,
)
from plugins.channels.spreadsheet.fields import KIND_OF, LINE_FIELDS
from plugins.channels.spreadsheet.layout import Layout
from plugins.channels.spreadsheet.settings import SpreadsheetSettings

Scalar = str | Decimal | bool | datetime | None

UNREADABLE: Mapping[Mark, str] = {
    "error": "shows an error such as #N/A: correct it, or paste the value",
    "no_result": "holds a formula without a stored result: open the file in a spreadsheet program and save it again",
}


@dataclass(frozen=True, slots=True)
class CellFault:
    """One thing that cannot be read; `where` is a row and column, or a setting."""

    code: str
    message: str
    where: str


class Unreadable(ValueError):
    """Raised where one value spoils what is being built from it."""

    def __init__(self, fault: CellFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of one file are read."""

    settings: SpreadsheetSettings
    layout: Layout
    numbers: NumberFormat
    times: TimeFormat


def reading(settings: SpreadsheetSettings, layout: Layout, kind: TableKind) -> Reading:
    """The forms of numbers and times of a file; bare numbers are dates only where a workbook keeps them so."""
    numbers = NumberFormat(decimal=settings.decimal_separator, thousands=settings.thousands_separator)
    zone = ZoneInfo(settings.timezone)
    times = TimeFormat(formats=settings.date_formats, zone=zone, serials=kind != "delimited")
    return Reading(settings, layout, numbers, times)


@dataclass(slots=True)
class RowValues:
    """What the mapped cells of one row say; empty cells are left out. `line` and `order` are by field."""

    row: Row
    order: dict[str, Scalar] = field(default_factory=dict)
    line: dict[str, Scalar] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)
    warnings: list[ParseWarning] = field(default_factory=list)


def read_row(row: Row, how: Reading, currency: str | None = None) -> RowValues:
    """Every mapped cell of a row; `currency` is what the order's other rows say, for signs beside amounts."""
    values = RowValues(row)
    layout = how.layout
    currency = _currency(row, how) or currency
    for name, index in layout.fields.items():
        value = row.value(index)
        if value is None and index not in row.marks:
            continue
        # A merged cell speaks for the whole order, but a quantity or a price stands for its own row only.
        if row.marks.get(index) == "merged" and name in LINE_FIELDS:
            continue
        try:
            scalar = _cell(row, index, name, how, currency)
        except ValueError as error:
            values.faults.append(CellFault("bad_cell", f"{name} {error}", layout.place(row.number, name)))
            continue
        _note(values, row, index, name, scalar, layout)
        if scalar is not None:
            (values.line if name in LINE_FIELDS else values.order)[name] = scalar
    _read_properties(row, how, values)
    _expect_no_more_cells(row, how, values)
    return values


def convert(value: CellValue, name: str, how: Reading, currency: str | None) -> Scalar:
    """One cell, or the text of a default, as its field's kind of scalar; `ValueError` where it is none."""
    kind = KIND_OF.get(name, "text")
    if name == "line_tax_rate":
        return _rate(value, how)
    if kind == "number":
        return to_decimal(value, how.numbers, currency if name != "quantity" else None)
    if kind == "identifier":
        return to_identifier(value)
    if kind == "flag":
        return to_flag(value)
    if kind == "instant":
        return to_instant(value, how.times)
    text = to_text(value)
    return to_currency(text) if name == "currency" and text else text


def to_currency(text: str) -> str:
    """A currency code in capitals; a sign only where it means one currency."""
    meant = SIGNS.get(text) or {text.upper()}
    if len(meant) > 1:
        raise ValueError("is a sign of several currencies: write the ISO 4217 code")
    return next(iter(meant))


def _currency(row: Row, how: Reading) -> str | None:
    index = how.layout.fields.get("currency")
    text = None
    try:
        if index is not None and row.marks.get(index) not in UNREADABLE:
            text = to_text(row.value(index))
        text = text or how.settings.defaults.get("currency")
        return to_currency(text) if text else None
    except ValueError:
        return None  # The cell is read again with the others of its row, and its fault is told there.


def _cell(row: Row, index: int, name: str, how: Reading, currency: str | None) -> Scalar:
    _expect_readable(row, index)
    return convert(row.value(index), name, how, currency)


def _expect_readable(row: Row, index: int) -> None:
    mark = row.marks.get(index)
    if mark is not None and mark in UNREADABLE:
        raise ValueError(UNREADABLE[mark])


def _rate(value: CellValue, how: Reading) -> Decimal | None:
    percent = how.settings.tax_rate_unit == "percent"
    if isinstance(value, str) and value.strip().endswith("%"):
        value, percent = value.strip()[:-1], True
    rate = to_decimal(value, how.numbers)
    return rate / 100 if rate is not None and percent else rate


def _note(values: RowValues, row: Row, index: int, name: str, scalar: Scalar, layout: Layout) -> None:
    if row.marks.get(index) == "formula":
        place = layout.place(row.number, name)
        values.warnings.append(ParseWarning(code="formula", message=f"{name} is the result of a formula", path=place))
    elif isinstance(scalar, str) and looks_like_formula(scalar):
        place = layout.place(row.number, name)
        message = f"{name} looks like a formula; it was kept as text, and nothing was run"
        values.warnings.append(ParseWarning(code="formula_text", message=message, path=place))


def _read_properties(row: Row, how: Reading, values: RowValues) -> None:
    for name, index in how.layout.properties.items():
        if row.marks.get(index) == "merged":
            continue
        try:
            _expect_readable(row, index)
            text = to_text(row.value(index))
        except ValueError as error:
            values.faults.append(CellFault("bad_cell", f"{name} {error}", how.layout.place(row.number, name)))
            continue
        if text is not None:
            values.properties[name] = text


def _expect_no_more_cells(row: Row, how: Reading, values: RowValues) -> None:
    """More cells than headers: most likely a delimiter inside a value, which shifts all that follow it."""
    width = how.layout.width
    if width is None:
        return
    if any(value is not None for value in row.values[width:]):
        message = "the row has more cells than the header: a value may hold the delimiter without quotes"
        values.faults.append(CellFault("too_many_cells", message, how.layout.place(row.number, "")))
