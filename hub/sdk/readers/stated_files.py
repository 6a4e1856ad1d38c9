"""A file that a person hands in, as the CSV text that `stated.read_stated_csv` reads; its rows keep their numbers."""

import csv
from datetime import date
from decimal import Decimal
from io import StringIO

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import CellValue
from hub.sdk.readers.tables import read_table
from hub.sdk.readers.workbooks import is_workbook


def stated_text(body: bytes) -> str:
    """CSV in UTF-8 as it is; the first sheet of a workbook (XLSX, XLSM, XLS, ODS) as CSV.

    Raises `Malformed` for what is neither, with what to do.
    """
    if not is_workbook(body):
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = f"byte {error.start} is not UTF-8: save the file as CSV UTF-8 or as XLSX"
            raise Malformed(message, code="not_utf8") from error
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    number = 0
    for row in read_table(body).rows:
        while number < row.number - 1:
            writer.writerow([""])
            number += 1
        writer.writerow([_text(value) for value in row.values])
        number = row.number
    return written.getvalue()


def _text(value: CellValue) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)
