"""What an old workbook (XLS) says before it is opened: whether it is sound, how far it reaches, and its formulas.

A damaged or hostile file of this format can make a reader follow sectors in a circle, or ask for hundreds of gigabytes,
which ends the whole process: so its sectors and records are walked here first. Sources: MS-CFB (compound files) and
MS-XLS (records of a workbook stream).
"""

import struct
from collections.abc import Iterator

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits
from hub.sdk.readers.sheets import Extent

END_OF_CHAIN, FREE = 0xFFFFFFFE, 0xFFFFFFFF
ENTRY = 128
MINI_SECTOR, MINI_CUTOFF = 64, 4096
MAX_MINI_TABLES = 256
"""Sectors of the table of small streams: far more than any workbook has."""
HEADER_TABLES = 109

BOF, EOF, FILE_PASS, BOUND_SHEET, SHARED_STRINGS, DIMENSIONS = 0x0809, 0x000A, 0x002F, 0x0085, 0x00FC, 0x0200
FORMULA, BOOL_OR_ERROR, MANY_NUMBERS = 0x0006, 0x0205, 0x00BD
CELLS = frozenset({FORMULA, BOOL_OR_ERROR, 0x0203, 0x0204, 0x027E, 0x00FD, 0x00D6})


def measure_xls(body: bytes, limits: Limits) -> list[Extent]:
    """The extent of every sheet in the order of the workbook; `Malformed` where the file is unsound or too large."""
    try:
        return _measured(_Compound(body).workbook(), limits)
    except (struct.error, IndexError) as error:
        raise _damaged() from error


class _Compound:
    """A compound file: a small file system of chained sectors."""

    def __init__(self, body: bytes) -> None:
        (shift,) = struct.unpack_from("<H", body, 30)
        if shift not in (9, 12):
            raise _damaged()
        self._body = body
        self._size = 1 << shift
        directories, tables, first_directory = struct.unpack_from("<3I", body, 40)
        first_mini, mini_tables, self._next_table, self._more_tables = struct.unpack_from("<4I", body, 60)
        self._sectors = len(body) // self._size + 1
        if max(directories, tables, self._more_tables) > self._sectors or mini_tables > MAX_MINI_TABLES:
            raise _damaged()
        self._table = self._read_table()
        entries = self._chain(first_directory, self._table)
        self._entries = [entries[at : at + ENTRY] for at in range(0, len(entries) - ENTRY + 1, ENTRY)]
        self._mini_table = _numbers(self._chain(first_mini, self._table))

    def workbook(self) -> bytes:
        """The stream of records, found as readers find it: by name, the new name first."""
        named = {self._name(entry): entry for entry in reversed(self._entries)}
        entry = named.get("Workbook") or named.get("Book")
        if entry is None:
            if "EncryptedPackage" in named:
                raise Malformed("the workbook has a password: save it without one", code="password")
            raise Malformed("the file is no workbook: save it as XLSX or CSV", code="unsupported_format")
        start, length = self._extent(entry)
        root, root_length = self._extent(self._entries[0])
        if max(length, root_length) > len(self._body):
            raise _damaged()
        small = self._chain(root, self._table)
        if length >= MINI_CUTOFF:
            return self._chain(start, self._table)[:length]
        places = _walk(start, self._mini_table, len(small) // MINI_SECTOR + 1)
        return b"".join(small[at * MINI_SECTOR : (at + 1) * MINI_SECTOR] for at in places)[:length]

    def _read_table(self) -> list[int]:
        places = list(struct.unpack_from(f"<{HEADER_TABLES}I", self._body, 76))
        sector, seen = self._next_table, set[int]()
        while sector not in (END_OF_CHAIN, FREE):
            if sector in seen:
                raise _damaged()
            seen.add(sector)
            *more, sector = _numbers(self._sector(sector))
            places += more
        if len({place for place in places if place != FREE}) != sum(place != FREE for place in places):
            raise _damaged()
        return [entry for place in places if place != FREE for entry in _numbers(self._sector(place))]

    def _chain(self, start: int, table: list[int]) -> bytes:
        return b"".join(self._sector(number) for number in _walk(start, table, self._sectors))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        if at >= len(self._body):
            raise _damaged()
        return self._body[at : at + self._size]

    def _extent(self, entry: bytes) -> tuple[int, int]:
        start, low, high = struct.unpack_from("<3I", entry, 116)
        return start, low if self._size == 512 else low | high << 32

    @staticmethod
    def _name(entry: bytes) -> str:
        return entry[:64].decode("utf-16-le", "replace").partition("\x00")[0]


def _walk(start: int, table: list[int], most: int) -> Iterator[int]:
    """The sectors of a chain; one that is longer than the file returns to itself, which is damage."""
    for _ in range(most):
        if start in (END_OF_CHAIN, FREE):
            return
        yield start
        start = table[start]
    if start not in (END_OF_CHAIN, FREE):
        raise _damaged()


def _numbers(sector: bytes) -> list[int]:
    return [number for (number,) in struct.iter_unpack("<I", sector[: len(sector) // 4 * 4])]


def _measured(stream: bytes, limits: Limits) -> list[Extent]:
    places = []
    for kind, data in _records(stream, 0):
        if kind == FILE_PASS and data[:2] != b"\x00\x00":
            raise Malformed("the workbook has a password: save it without one", code="password")
        if kind == BOUND_SHEET:
            places.append(struct.unpack_from("<I", data)[0])
        elif kind == SHARED_STRINGS and struct.unpack_from("<4xI", data)[0] > len(stream):
            raise _damaged()
    if any(place >= len(stream) for place in places):
        raise _damaged()
    if len(set(places)) != len(places):
        raise _damaged()
    return [_sheet(stream, place, limits) for place in places]


def _sheet(stream: bytes, place: int, limits: Limits) -> Extent:
    extent = Extent()
    for kind, data in _records(stream, place):
        if kind == DIMENSIONS:
            Extent(*_stated_size(data)).expect_within(limits)
        elif kind == MANY_NUMBERS:
            row, first = struct.unpack_from("<2H", data)
            extent.reach(row + 1, first + (len(data) - 6) // 6)
        elif kind in CELLS:
            row, column = struct.unpack_from("<2H", data)
            extent.reach(row + 1, column + 1)
            _mark(extent, kind, data, (row, column))
    extent.expect_within(limits)
    return extent


def _stated_size(data: bytes) -> tuple[int, int]:
    """Rows and columns that the sheet says it has; readers make room for the difference of the two ends."""
    form = "<4H" if len(data) == 10 else "<2I2H"
    first_row, end_row, first_column, end_column = struct.unpack_from(form, data)
    if end_row < first_row or end_column < first_column:
        raise _damaged()
    return end_row, end_column


def _mark(extent: Extent, kind: int, data: bytes, place: tuple[int, int]) -> None:
    if kind == FORMULA:
        error = data[6] == 2 and data[12:14] == b"\xff\xff"
        extent.marks[place] = "error" if error else "formula"
    elif kind == BOOL_OR_ERROR and data[7] == 1:
        extent.marks[place] = "error"


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Records up to the end of the part that begins here; parts inside it (charts) are walked through."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<2H", stream, at)
        at += 4
        if at + length > len(stream):
            raise _damaged()
        yield kind, stream[at : at + length]
        at += length
        depth += (kind == BOF) - (kind == EOF)
        if kind == EOF and depth <= 0:
            return


def _damaged() -> Malformed:
    return Malformed("the workbook is damaged: save it again as XLSX or CSV", code="damaged_workbook")
