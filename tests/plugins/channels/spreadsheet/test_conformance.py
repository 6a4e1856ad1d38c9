import io
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from openpyxl import Workbook

from hub.sdk.testing.channel import ChannelConformance
from hub.sdk.values import Raw
from plugins.channels.spreadsheet.adapter import Spreadsheet

HEAD = ["Order No", "Order Date", "SKU", "Qty", "Unit Price", "Recipient", "Country"]
ROWS = [
    ["A-1", "2026-03-01", "MUG", "2", "12.50", "张伟", "CN"],
    ["A-1", "2026-03-01", "CUP", "1", "8.00", "", ""],
    ["A-2", "2026-03-01 10:30", "MUG", "1", "12.50", "Zoë 🎁", "France"],
]
CSV = "\n".join(",".join(row) for row in [HEAD, *ROWS]).encode()


def workbook() -> bytes:
    book, stream = Workbook(), io.BytesIO()
    for row in [HEAD, *ROWS]:
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


class TestSpreadsheet(ChannelConformance):
    plugin = Spreadsheet
    samples = (Raw(body=CSV, kind="file", name="orders.csv"), Raw(body=workbook(), kind="file", name="orders.xlsx"))
    malformed = (
        Raw(body=CSV.replace(b"2,12.50", b"two,12.50"), name="bad-row.csv"),
        Raw(body=CSV.replace(b"Qty", b"Anything"), name="no-quantity.csv"),
    )
    settings: ClassVar[Mapping[str, Any]] = {"defaults": {"currency": "EUR"}, "timezone": "Asia/Shanghai"}

    def make_settings(self) -> Mapping[str, Any]:
        inbox: Path = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        written = (self.clock.now() - timedelta(hours=1)).timestamp()
        for number in range(5):
            path = inbox / f"orders-{number}.csv"
            path.write_bytes(CSV.replace(b"A-", b"B%d-" % number))
            os.utime(path, (written, written))
        return {**self.settings, "folder": inbox}
