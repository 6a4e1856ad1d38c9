"""Tables in workbooks: XLSX and XLSM, ODS, and the old XLS; values only, no formula is ever evaluated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from hub.sdk.errors import Malformed
from hub.sdk.readers.archives import open_archive
from hub.sdk.readers.cells import CellValue, Limits, Mark, Note, Row, Table, TableKind
from hub.sdk.readers.oldbooks import measure_xls
from hub.sdk.readers.sheets import Extent, measure_ods, measure_xlsx, part_of_sheet

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ExtentOf = Callable[[str, int], Extent]
"""The extent of a sheet by its name and its place among the sheets."""
EXCEL_DIGITS = 15
"""Significant digits of a number in a workbook; what a float has beyond them was never typed."""


def is_workbook(body: bytes) -> bool:
    """Whether the first bytes are those of a workbook, whatever the file is called."""
    return body.startswith((ZIP_MAGIC, OLE_MAGIC))


def read_workbook(body: bytes, sheet: str | int | None, limits: Limits) -> Table:
    """One sheet of a workbook: by name, by 1-based number, or the first visible one.

    Merged ranges repeat their first cell, marked `merged`. Raises `Malformed` for whatever is damaged, protected,
    dangerous (zip bomb, document type) or too large, before the workbook is opened.
    """
    kind, extent_of = _inspected(body, limits)
    workbook = _opened(body)
    name, notes = _chosen(workbook, sheet)
    extent = extent_of(name, workbook.sheet_names.index(name))
    grid, merged = _grid(workbook, name, limits)
    return Table(kind=kind, rows=_rows(_Grid(grid, extent.marks, merged)), sheet=name, notes=notes)


def _inspected(body: bytes, limits: Limits) -> tuple[TableKind, ExtentOf]:
    if body.startswith(OLE_MAGIC):
        sheets = measure_xls(body, limits)
        return "xls", lambda _, index: sheets[index] if index < len(sheets) else Extent()
    archive = open_archive(body, limits)
    if "xl/workbook.xml" in archive.entries:
        parts = measure_xlsx(archive, limits)
        return "xlsx", lambda name, _: parts.get(part_of_sheet(archive, name)) or Extent()
    if "content.xml" in archive.entries:
        tables = measure_ods(archive, limits)
        return "ods", lambda name, _: tables.get(name) or Extent()
    if "xl/workbook.bin" in archive.entries:
        raise Malformed("binary workbooks (XLSB) are not read: save the file as XLSX or CSV", code="unsupported_format")
    raise Malformed("the file is an archive but no workbook: send XLSX, ODS or CSV", code="unsupported_format")


def _opened(body: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(BytesIO(body))
    except PasswordError as error:
        raise Malformed("the workbook has a password: save it without one", code="password") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Malformed(
            "the workbook cannot be opened: save it again as XLSX or CSV", code="damaged_workbook"
        ) from error
    except BaseException as error:
        raise _panic(error) from error


def _panic(error: BaseException) -> BaseException:
    """The reader's own crash on a damaged file (which Python takes for no ordinary exception) is a damaged file."""
    if type(error).__name__ != "PanicException":
        return error
    return Malformed("the workbook cannot be read: save it again as XLSX or CSV", code="damaged_workbook")


def _chosen(workbook: CalamineWorkbook, sheet: str | int | None) -> tuple[str, tuple[Note, ...]]:
    sheets = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    names = [one.name for one in sheets]
    if isinstance(sheet, str):
        if sheet not in names:
            raise Malformed(f"the workbook has no sheet {sheet!r}: check the setting `sheet`", code="no_sheet")
        return sheet, ()
    if sheet is not None:
        if not 1 <= sheet <= len(names):
            message = f"the workbook has {len(names)} sheets, not {sheet}: check the setting `sheet`"
            raise Malformed(message, code="no_sheet")
        return names[sheet - 1], ()
    visible = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
    if not visible:
        raise Malformed("the workbook has no visible sheet", code="no_sheet")
    if len(visible) == 1:
        return visible[0], ()
    message = f"only the first of {len(visible)} sheets was read: name it in the setting `sheet` if that is right"
    return visible[0], (Note(code="other_sheets", message=message),)


def _grid(workbook: CalamineWorkbook, name: str, limits: Limits) -> tuple[list[list[Any]], list[Any]]:
    try:
        sheet: CalamineSheet = workbook.get_sheet_by_name(name)
        height, width = sheet.total_height, sheet.total_width
        Extent(rows=height, columns=width).expect_within(limits)
        return sheet.to_python(skip_empty_area=False), list(sheet.merged_cell_ranges or ())
    except Malformed:
        raise
    except (CalamineError, OSError, ValueError) as error:
        raise Malformed("the sheet cannot be read: save it again as XLSX or CSV", code="damaged_workbook") from error
    except BaseException as error:
        raise _panic(error) from error


@dataclass(frozen=True, slots=True)
class _Grid:
    """Raw cells of a sheet, its marks, and its merged ranges (0-based, both ends included)."""

    cells: list[list[Any]]
    marks: dict[tuple[int, int], Mark]
    merged: list[Any]


def _rows(grid: _Grid) -> Iterator[Row]:
    copies = _copies(grid)
    by_row: dict[int, dict[int, Mark]] = {}
    for (row, column), mark in grid.marks.items():
        by_row.setdefault(row, {})[column] = mark
    for index, cells in enumerate(grid.cells):
        values = [to_value(cell) for cell in cells]
        marks = by_row.get(index, {})
        for column, mark in marks.items():
            if mark == "formula" and column < len(values) and values[column] is None:
                marks[column] = "no_result"
        for column, first in copies.get(index, {}).items():
            if values[column] is None and first is not None:
                values[column] = first
                marks = {**marks, column: "merged"}
        yield Row(number=index + 1, values=tuple(values), marks=marks)


def _copies(grid: _Grid) -> dict[int, dict[int, CellValue]]:
    """The first cell of each merged range, for every other cell of it that the sheet has."""
    copies: dict[int, dict[int, CellValue]] = {}
    height = len(grid.cells)
    budget = sum(len(row) for row in grid.cells)
    for (top, left), (bottom, right) in grid.merged:
        if top >= height or left >= len(grid.cells[top]):
            continue
        first = to_value(grid.cells[top][left])
        last_row, last_column = min(bottom, height - 1), min(right, len(grid.cells[top]) - 1)
        budget -= (last_row - top + 1) * (last_column - left + 1)
        if budget < 0:
            raise Malformed("merged ranges of the sheet overlap: save it again", code="damaged_workbook")
        for row in range(top, last_row + 1):
            for column in range(left, last_column + 1):
                if (row, column) != (top, left):
                    copies.setdefault(row, {})[column] = first
    return copies


def to_value(cell: Any) -> CellValue:
    """A cell as the hub keeps it: empty text is None, a float its 15 digits (`0.1 + 0.2` is 0.3, `1001.0` is 1001)."""
    if cell == "" or cell is None:
        return None
    if isinstance(cell, bool | str | datetime | date | time | timedelta):
        return cell
    return Decimal(cell) if isinstance(cell, int) else Decimal(format(cell, f".{EXCEL_DIGITS}g"))
