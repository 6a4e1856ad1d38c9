"""Any table file to rows: the one door to the table readers. Pure; the format is told from the bytes."""

from dataclasses import dataclass, field

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits, Note, Table
from hub.sdk.readers.delimited import AUTO, read_delimited
from hub.sdk.readers.encodings import decode
from hub.sdk.readers.workbooks import is_workbook, read_workbook

MARKUP = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<body", b"<style")
"""How the pages begin that some programs save as `.xls`."""


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How to read a file: what is `auto` or None is found out. `sheet` is a name or a 1-based number."""

    encoding: str = AUTO
    delimiter: str = AUTO
    sheet: str | int | None = None
    limits: Limits = field(default_factory=Limits)


def read_table(body: bytes, options: TableOptions | None = None) -> Table:
    """A CSV, TSV, XLSX, XLSM, XLS or ODS file as rows, told apart by its bytes, never by its name.

    Raises `Malformed` (code, message with what to do, and the row where there is one) for what is damaged, encrypted,
    dangerous or too large; while the rows are walked, for a text file that breaks off in a quote.
    """
    options = options or TableOptions()
    if not body.strip():
        raise Malformed("the file is empty", code="empty")
    if len(body) > options.limits.bytes:
        raise Malformed(f"the file is larger than {options.limits.bytes // 1024} KiB: split it", code="too_large")
    if is_workbook(body):
        return read_workbook(body, options.sheet, options.limits)
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        message = "the file is a page or XML, whatever its name says: save it as XLSX or CSV"
        raise Malformed(message, code="unsupported_format")
    text, encoding, guessed = decode(body, options.encoding)
    notes: tuple[Note, ...] = ()
    if guessed:
        message = f"the text was taken for {encoding}: set `encoding` so that names surely read right"
        notes = (Note(code="encoding_guessed", message=message),)
    return Table(kind="delimited", rows=read_delimited(text, options.delimiter, options.limits), notes=notes)
