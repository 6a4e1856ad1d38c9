"""What a sheet's XML says before it is opened: how far it reaches, and which cells are formulas or errors.

Readers allocate the whole rectangle up to the last used cell, so that two cells in a tiny file can ask for half a
terabyte: the extent is measured here first.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from hub.sdk.errors import Malformed
from hub.sdk.readers.archives import Archive
from hub.sdk.readers.cells import Limits, Mark, column_index

SHEET_DATA = re.compile(rb"<(?:[\w.-]+:)?sheetData\b")
CELL = re.compile(rb"<(?:[\w.-]+:)?c\b([^>]*?)(/?)>(\s*<(?:[\w.-]+:)?f\b)?")
ROW = re.compile(rb"<(?:[\w.-]+:)?row\b([^>]*)>")
REFERENCE = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]{1,3})([0-9]{1,7})\s*["']""")
ROW_NUMBER = re.compile(rb"""\sr\s*=\s*["']\s*([0-9]{1,7})\s*["']""")
ERROR_TYPE = re.compile(rb"""\st\s*=\s*["']e["']""")

ADVICE = "split the file, or delete stray cells"

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT_MAIN = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"


@dataclass(slots=True)
class Extent:
    """The last used row and column (1-based), and marked cells by 0-based row and column."""

    rows: int = 0
    columns: int = 0
    marks: dict[tuple[int, int], Mark] = field(default_factory=dict)

    def reach(self, row: int, column: int) -> None:
        """Take a used cell into account."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)

    def expect_within(self, limits: Limits) -> None:
        """Raise `Malformed` where reading the sheet would cost too much."""
        if self.rows > limits.rows:
            message = f"the sheet reaches down to row {self.rows}, at most {limits.rows} are allowed"
            raise Malformed(f"{message}: {ADVICE}", code="too_many_rows", path=f"row {self.rows}")
        if self.columns > limits.columns:
            message = f"the sheet reaches to column {self.columns}, at most {limits.columns} are allowed"
            raise Malformed(f"{message}: {ADVICE}", code="too_many_columns")
        if self.rows * self.columns > limits.cells:
            message = f"the sheet spans {self.rows} rows and {self.columns} columns, more than {limits.cells} cells"
            raise Malformed(f"{message}: {ADVICE}", code="too_many_cells")


def measure_xlsx(archive: Archive, limits: Limits) -> dict[str, Extent]:
    """The extent of every worksheet part by part name; all XML parts are checked on the way."""
    found = {}
    for name, content in archive.xml_parts():
        if SHEET_DATA.search(content):
            extent = _worksheet(content)
            extent.expect_within(limits)
            found[name] = extent
    return found


def _worksheet(content: bytes) -> Extent:
    extent = Extent()
    placed = True
    for cell in CELL.finditer(content):
        attributes, closed, formula = cell.groups()
        if closed:
            continue
        reference = REFERENCE.search(attributes)
        if reference is None:
            placed = False
            continue
        row, column = int(reference[2]), (column_index(reference[1].decode()) or 0) + 1
        extent.reach(row, column)
        if ERROR_TYPE.search(attributes):
            extent.marks[row - 1, column - 1] = "error"
        elif formula:
            extent.marks[row - 1, column - 1] = "formula"
    if not placed:
        _count_unplaced(content, extent)
    return extent


def _count_unplaced(content: bytes, extent: Extent) -> None:
    """Cells without a reference stand side by side, in rows that may have a number: their marks are not known."""
    starts = [*ROW.finditer(content)]
    row, placed = 0, extent.columns
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        number = ROW_NUMBER.search(start[1])
        row = int(number[1]) if number else row + 1
        inside = content[start.end() : following.start() if following else len(content)]
        count = sum(1 for _ in CELL.finditer(inside))
        if count:
            extent.reach(row, placed + count)


def part_of_sheet(archive: Archive, sheet: str) -> str:
    """The name of the part that holds a worksheet."""
    try:
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise Malformed("the workbook's list of sheets is damaged: save it again", code="damaged_archive") from error
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for entry in (*workbook.iter(f"{MAIN}sheet"), *workbook.iter(f"{STRICT_MAIN}sheet")):
        if entry.get("name") == sheet:
            target = targets.get(entry.get(RELATION) or entry.get(STRICT_RELATION), "")
            path = target.removeprefix("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            if path in archive.entries:
                return path
    raise Malformed("the workbook names a sheet that is not in it: save it again", code="damaged_archive")


def measure_ods(archive: Archive, limits: Limits) -> dict[str, Extent]:
    """The extent of every table of an OpenDocument spreadsheet by name; a repeated cell counts each time."""
    content = dict(archive.xml_parts()).get("content.xml")
    if content is None:
        raise Malformed("the workbook lacks its part content.xml: save it again", code="damaged_archive")
    try:
        document = ElementTree.fromstring(content)
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise Malformed("the workbook's content is damaged: save it again", code="damaged_archive") from error
    found = {}
    for table in document.iter(f"{TABLE}table"):
        extent = Extent()
        row = 0
        for element in table.iter(f"{TABLE}table-row"):
            repeated = _repeats(element.get(f"{TABLE}number-rows-repeated"))
            _ods_row(element, row, repeated, extent)
            row += repeated
        extent.expect_within(limits)
        found[table.get(f"{TABLE}name", "")] = extent
    return found


def _ods_row(cells: Iterable[Element], row: int, repeated: int, extent: Extent) -> None:
    column = 0
    for cell in cells:
        if not cell.tag.startswith(TABLE):
            continue
        width = _repeats(cell.get(f"{TABLE}number-columns-repeated"))
        if cell.get(f"{OFFICE}value-type") is not None or len(cell):
            extent.reach(row + repeated, column + width)
            if cell.get(f"{TABLE}formula") is not None:
                extent.marks[row, column] = "formula"
        column += width


def _repeats(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 1
