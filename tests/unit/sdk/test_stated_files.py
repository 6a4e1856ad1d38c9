"""Workbooks that people hand in read like CSV, and their rows keep their numbers."""

from io import BytesIO

import pytest
from openpyxl import Workbook

from hub.sdk.errors import Malformed
from hub.sdk.readers.stated import CellFault, read_stated_csv
from hub.sdk.readers.stated_files import stated_text


def test_a_workbook_reads_as_its_csv_would() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["location", "sku", "on_hand"], ["N", "A, big", 12.5], [], ["N", "B", "many"]):
        sheet.append(row)
    body = BytesIO()
    book.save(body)
    faults: list[CellFault] = []
    rows = list(read_stated_csv(stated_text(body.getvalue()), faults))
    assert [(row.row, row.raw("sku"), row.raw("on_hand")) for row in rows] == [(2, "A, big", "12.5"), (4, "B", "many")]
    assert faults == []


def test_text_stays_as_it_is_and_other_bytes_are_refused() -> None:
    assert stated_text("\ufeffsku,on_hand\nÄ,1\n".encode()) == "sku,on_hand\nÄ,1\n"
    with pytest.raises(Malformed, match="save the file as CSV UTF-8"):
        stated_text("Ä".encode("latin-1"))
