import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits, Row
from hub.sdk.readers.tables import TableOptions, read_table

SHEET = "xl/worksheets/sheet1.xml"
CELL_TIME = datetime(2026, 3, 2, 9, 0)
NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def xlsx(fill: Callable[[Any], None]) -> bytes:
    book = Workbook()
    fill(book.active)
    return saved(book)


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def cells(values: dict[str, Any]) -> bytes:
    def fill(sheet: Any) -> None:
        for place, value in values.items():
            sheet[place] = value

    return xlsx(fill)


def repacked(body: bytes, changes: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return stream.getvalue()


def with_sheet(data: str) -> bytes:
    return repacked(cells({"A1": 1}), {SHEET: f"<worksheet {NS}><sheetData>{data}</sheetData></worksheet>".encode()})


def rows(body: bytes, **options: Any) -> list[Row]:
    return list(read_table(body, TableOptions(**options)).rows)


def code(body: bytes, **options: Any) -> str:
    with pytest.raises(Malformed) as caught:
        rows(body, **options)
    return caught.value.code


def test_rows_have_their_place_and_exact_values() -> None:
    body = cells({"B3": "SKU", "B4": 1001, "C4": 2.5, "D4": CELL_TIME, "E4": True, "F4": "0049"})
    found = rows(body)
    assert [row.number for row in found if not row.blank] == [3, 4]
    assert found[3].values == (None, Decimal(1001), Decimal("2.5"), CELL_TIME, True, "0049")


def test_formulas_errors_and_merged_cells_are_marked() -> None:
    def fill(sheet: Any) -> None:
        sheet["A1"], sheet["B1"], sheet["C3"] = "A-1", 5, "end"
        sheet["C1"] = "=B1*2"
        sheet["D1"] = "#N/A"
        sheet["D1"].data_type = "e"
        sheet.merge_cells("A1:A3")

    first, second, third = rows(xlsx(fill))
    assert first.marks == {2: "no_result", 3: "error"}
    assert (second.values[0], second.marks[0], third.values[0]) == ("A-1", "merged", "A-1")
    cached = with_sheet('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"x"</f><v>x</v></c></row>')
    (row,) = rows(cached)
    assert (row.values, row.marks) == ((Decimal(2), "x"), {0: "formula", 1: "formula"})


def test_sheets_are_chosen_by_name_number_or_the_first_that_is_visible() -> None:
    book = Workbook()
    book.active.title = "Hidden"
    book.active.sheet_state = "hidden"
    for name in ("Orders", "Notes"):
        book.create_sheet(name)["A1"] = name
    body = saved(book)
    table = read_table(body)
    assert (table.sheet, [note.code for note in table.notes]) == ("Orders", ["other_sheets"])
    assert rows(body, sheet="Notes")[0].values == rows(body, sheet=3)[0].values == ("Notes",)
    assert code(body, sheet="Prices") == code(body, sheet=4) == "no_sheet"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>',
            "too_many_rows",
        ),
        ('<row r="1"><c r="A1048576"><v>1</v></c></row>', "too_many_rows"),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>', "too_many_columns"),
        ("<row r='1048576'><c><v>1</v></c></row>", "too_many_rows"),
        ('<row r="1">' + "<c><v>1</v></c>" * 600 + "</row>", "too_many_columns"),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="90000"><c r="CV90000"><v>2</v></c></row>', "too_many_cells"),
    ],
)
def test_a_sheet_that_would_fill_the_memory_is_refused_before_it_is_opened(data: str, expected: str) -> None:
    assert code(with_sheet(data)) == expected


def test_formatting_far_below_is_no_content() -> None:
    body = with_sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576" s="1"/></row>')
    assert [row.values for row in rows(body)] == [(Decimal(1),)]


def test_cells_without_a_reference_are_read_in_their_order() -> None:
    body = with_sheet("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>")
    assert [row.values for row in rows(body)] == [(Decimal(1), Decimal(2)), (Decimal(3), None)]


def test_zip_bombs_are_refused() -> None:
    bomb = repacked(cells({"A1": 1}), {"xl/media/zeros.bin": bytes(40 * 2**20)})
    assert len(bomb) < 100_000
    assert code(bomb) == "zip_bomb"
    noise = repacked(cells({"A1": 1}), {"xl/media/a.bin": bytes(2**19), "xl/media/b.bin": bytes(2**19)})
    assert code(noise, limits=Limits(unpacked_bytes=2**20)) == "zip_bomb"
    assert rows(noise)


def test_an_entry_that_lies_about_its_size_is_refused() -> None:
    honest = repacked(cells({"A1": 1}), {"xl/theme/zeros.xml": b"<a>" + bytes(b"x" * 2**20) + b"</a>"})
    claimed = 1000
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        info = archive.getinfo("xl/theme/zeros.xml")
        content = archive.read(info)
    real, lie = (
        struct.pack("<II", info.CRC, info.compress_size),
        struct.pack("<II", zlib.crc32(content[:claimed]), info.compress_size),
    )
    body = honest.replace(real + struct.pack("<I", info.file_size), lie + struct.pack("<I", claimed))
    assert body != honest
    assert code(body) == "damaged_archive"


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        "<!doctype x>",
        '<?xml version="1.0"?><!-- ' + "-" * 5000 + ' --><!DOCTYPE x SYSTEM "file:///etc/passwd">',
    ],
)
@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"])
def test_a_part_with_a_document_type_is_refused(prolog: str, part: str) -> None:
    body = cells({"A1": "text"})
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        content = archive.read(part) if part in archive.namelist() else b"<a/>"
    assert code(repacked(body, {part: prolog.encode() + content})) == "xml_doctype"
    wide = (prolog + "<worksheet/>").encode("utf-16")
    assert code(repacked(body, {part: wide})) == "xml_encoding"


@pytest.mark.parametrize("size", [10, 200, 2000, -30, -1])
def test_a_cut_workbook_is_refused(size: int) -> None:
    assert code(cells({"A1": 1})[:size]) == "damaged_archive"


def test_other_archives_and_formats_are_named() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert code(stream.getvalue()) == "unsupported_format"
    assert code(repacked(stream.getvalue(), {"xl/workbook.bin": b"x"})) == "unsupported_format"
    assert code(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)) == "damaged_workbook"


def ods_cell(kind: str, text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="{kind}" {more}><text:p>{text}</text:p></table:table-cell>'


def ods_row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def test_an_opendocument_sheet_is_read_with_its_empty_end() -> None:
    formula = ods_cell("float", "2.5", 'office:value="2.5" table:formula="of:=5/2"')
    empty = '<table:table-cell table:number-columns-repeated="16384"/>'
    body = ods(
        ods_row(ods_cell("string", "SKU"), formula)
        + ods_row(ods_cell("string", "007"))
        + ods_row(empty, repeated=1048574)
    )
    first, second = rows(body)
    assert (first.values, first.marks) == (("SKU", Decimal("2.5")), {1: "formula"})
    assert second.values[0] == "007"


@pytest.mark.parametrize(
    ("down", "across", "expected"),
    [(1_000_000, 1, "too_many_rows"), (1, 16_384, "too_many_columns"), (99_999, 500, "too_many_cells")],
)
def test_repetitions_of_an_opendocument_sheet_are_counted(down: int, across: int, expected: str) -> None:
    cell = ods_cell("float", "1", f'office:value="1" table:number-columns-repeated="{across}"')
    assert code(ods(ods_row(cell, repeated=down))) == expected


def ods(table: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<office:document-content {spaces} office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return stream.getvalue()
