"""From a table file to canonical orders: rows are grouped, each group becomes an order or its faults. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import PurePath

from hub.canonical.facts import Fault, OrderFact, ParseResult, ParseWarning, Unknown
from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Row
from hub.sdk.readers.tables import TableOptions, read_table
from hub.sdk.values import Raw
from plugins.channels.spreadsheet.layout import SEARCHED_ROWS, find_layout
from plugins.channels.spreadsheet.orders import build_order
from plugins.channels.spreadsheet.settings import SpreadsheetSettings
from plugins.channels.spreadsheet.values import CellFault, Reading, RowValues, Unreadable, read_row, reading

MODIFIED = "last-modified"
"""Header of a raw file: when it was last written, as ISO text; orders of a later file are later states."""
REFUSED = "x-refused"
"""Header of a raw file that could not be taken: why, in words."""
MAX_FAULTS = 20
"""Faults that are told of one order; a shifted column makes one in every cell."""
HEADER_SEARCH = SEARCHED_ROWS * 3


@dataclass(slots=True)
class Group:
    """The rows of one order in the order in which they stand."""

    external_id: str
    rows: list[RowValues] = field(default_factory=list)


def read_file(raw: Raw, settings: SpreadsheetSettings) -> ParseResult:
    """Every order of a file; an order with a fault anywhere in its rows is left out as a whole.

    Raises `Malformed` where the file cannot be read at all, or a column that is needed is missing.
    """
    if REFUSED in raw.headers:
        raise Malformed(raw.headers[REFUSED], code="not_taken")
    options = TableOptions(settings.encoding, settings.delimiter, settings.sheet, settings.limits())
    table = read_table(raw.body, options)
    rows = iter(table.rows)
    first = list(islice(rows, HEADER_SEARCH))
    layout = find_layout(first, settings)
    how = reading(settings, layout, table.kind)
    content = (row for row in chain(first, rows) if _is_content(row, how))
    groups, faults = _grouped(content, how, raw)
    notes = tuple(ParseWarning(code=note.code, message=note.message) for note in table.notes)
    return _built(groups, faults, how, _File(notes, raw.headers.get(MODIFIED)))


@dataclass(frozen=True, slots=True)
class _File:
    notes: tuple[ParseWarning, ...]
    modified: str | None


def _is_content(row: Row, how: Reading) -> bool:
    """Not the header, nor what stands above it, nor an empty row, nor the header again (files pasted together)."""
    layout = how.layout
    if row.number <= layout.header_row or row.blank:
        return False
    return not layout.header or row.values != layout.header


def _grouped(rows: Iterator[Row], how: Reading, raw: Raw) -> tuple[list[Group], list[Fault]]:
    if how.settings.group_by == "file":
        group = Group(_name_of_file(raw), [read_row(row, how) for row in rows])
        return ([group] if group.rows else []), []
    groups: dict[str, Group] = {}
    faults: list[Fault] = []
    above: Group | None = None
    for row in rows:
        values = read_row(row, how, _currency_of(above))
        identity = values.order.get("order_id") or values.order.get("order_number")
        if isinstance(identity, str):
            above = groups.setdefault(identity, Group(identity))
            above.rows.append(values)
        elif how.settings.rows_without_order == "carry_down" and above is not None and not _spoilt(values, how):
            above.rows.append(values)
        elif how.settings.rows_without_order != "skip" or _spoilt(values, how):
            faults.append(_without_order(values, how))
            above = None
    return list(groups.values()), faults


def _currency_of(above: Group | None) -> str | None:
    """The currency of the order above: a row that continues it need not repeat it."""
    currency = above.rows[0].order.get("currency") if above is not None else None
    return currency if isinstance(currency, str) else None


def _name_of_file(raw: Raw) -> str:
    name = raw.name or raw.external_id
    if not name or not PurePath(name).stem.strip():
        raise Malformed("a file that is one order is named after its order, but it has no name", code="no_name")
    return PurePath(name).stem.strip()


def _spoilt(values: RowValues, how: Reading) -> bool:
    """Whether the order number itself is what cannot be read."""
    places = {
        how.layout.place(values.row.number, name) for name in ("order_id", "order_number") if name in how.layout.fields
    }
    return any(fault.where in places for fault in values.faults)


def _without_order(values: RowValues, how: Reading) -> Fault:
    if _spoilt(values, how):
        return _fault(values.faults[0], None)
    number = values.row.number
    name = "order_number" if "order_number" in how.layout.fields else "order_id"
    message = (
        f"{how.layout.place(number, name)}: the row has no order number: fill it in, or say in the setting"
        " rows_without_order that it belongs to the order above (carry_down) or is no order line (skip)"
    )
    return Fault(error="Malformed", code="no_order", message=message, path=how.layout.place(number, name))


def _built(groups: list[Group], faults: list[Fault], how: Reading, file: _File) -> ParseResult:
    facts: list[OrderFact] = []
    unknowns: list[Unknown] = []
    for group in groups:
        found = [fault for values in group.rows for fault in values.faults]
        if not found:
            try:
                fact, unknown = build_order(group.external_id, group.rows, how, file.modified)
            except Unreadable as error:
                found = [error.fault]
            else:
                facts.append(
                    fact.model_copy(update={"warnings": (*fact.warnings, *file.notes)}) if file.notes else fact
                )
                unknowns.extend(unknown)
        faults.extend(_fault(fault, group.external_id) for fault in found[:MAX_FAULTS])
    return ParseResult(facts=tuple(facts), faults=tuple(faults), unknowns=tuple(unknowns))


def _fault(fault: CellFault, external_id: str | None) -> Fault:
    message = f"{fault.where}: {fault.message}"
    return Fault(error="Malformed", code=fault.code, message=message, path=fault.where, external_id=external_id)
