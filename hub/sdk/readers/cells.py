"""Cells and their places, as every table reader gives them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

CellValue = str | Decimal | bool | datetime | date | time | timedelta | None
"""What a cell holds; None where it is empty. Numbers of workbooks are decimals of the 15 digits that Excel keeps."""

Mark = Literal["formula", "no_result", "error", "merged"]
"""`formula`: the stored result of a formula; `no_result`: a formula without one; `error`: a cell that shows `#N/A` or
the like; `merged`: a copy of the first cell of a merged range."""

TableKind = Literal["delimited", "xlsx", "xls", "ods"]

_LETTERS = re.compile(r"[A-Z]{1,3}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost; everything is checked before memory is spent on it.

    `bytes` counts the file, `unpacked_bytes` and `ratio` what a workbook's archive says it holds, `cells` the whole
    rectangle from A1 to the last used cell (that is what a reader must allocate).
    """

    bytes: int = 32 * 1024 * 1024
    unpacked_bytes: int = 128 * 1024 * 1024
    ratio: int = 200
    rows: int = 100_000
    columns: int = 512
    cells: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `number` is 1-based, as the spreadsheet program shows it. `marks` are by 0-based column."""

    number: int
    values: tuple[CellValue, ...]
    marks: Mapping[int, Mark] = field(default_factory=dict)

    def value(self, index: int) -> CellValue:
        """The value of a 0-based column; None beyond the end of the row."""
        return self.values[index] if index < len(self.values) else None

    @property
    def blank(self) -> bool:
        """Whether nothing at all is in the row (a copy of a merged cell is something)."""
        return all(value is None or value == "" for value in self.values) and not self.marks


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the whole table that a person should know."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being read: `rows` can be walked once."""

    kind: TableKind
    rows: Iterator[Row]
    sheet: str | None = None
    notes: tuple[Note, ...] = ()


def column_letters(index: int) -> str:
    """The letters of a 0-based column: 0 -> A, 26 -> AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int | None:
    """The 0-based column of one to three letters (either case); None where the text is none."""
    letters = letters.upper()
    if not _LETTERS.fullmatch(letters):
        return None
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
