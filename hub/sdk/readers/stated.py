"""Rows that a person hands in, read into typed values with every fault told at once, each by its row and column.

Used for whole tables (products, stock) in CSV or JSON: one bad cell must neither stop the reading nor hide the next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import CellValue, Limits
from hub.sdk.readers.delimited import AUTO, read_delimited

MAX_FAULTS = 1000
"""Faults that are told at once; a file with more is another file than was meant."""

_YES = frozenset({"true", "yes", "y", "1"})
_NO = frozenset({"false", "no", "n", "0"})


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong in one cell. In CSV the header is row 1; in JSON the first object is row 1."""

    row: int
    column: str | None
    message: str

    def as_problem(self) -> dict[str, str | int | None]:
        """The fault as a member of `errors` of a problem document."""
        return {"detail": self.message, "row": self.row, "column": self.column}


class StatedRow:
    """One row's cells, read by name; what cannot be read is noted in `faults` and answered with the default.

    An empty cell and an absent one are the same: not stated.
    """

    def __init__(self, row: int, cells: Mapping[str, object], faults: list[CellFault]) -> None:
        self.row = row
        self._cells = cells
        self._faults = faults

    def fault(self, column: str | None, message: str) -> None:
        """Note a fault of this row."""
        self._faults.append(CellFault(self.row, column, message))

    def stated(self, column: str) -> bool:
        """Whether the row says anything in this column."""
        return self.raw(column) is not None

    def raw(self, column: str) -> object | None:
        """The cell as it came; text without outer blanks, None where nothing is stated."""
        value = self._cells.get(column)
        if isinstance(value, str):
            return value.strip() or None
        return value

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Note every stated column that is not one of `known`."""
        for column in self._cells:
            if column not in known and self.stated(column):
                self.fault(column, f"Unknown column; known are {', '.join(known)}.")

    def text(self, column: str, *, most: int) -> str:
        """Required text of at most so many characters; empty where it is at fault."""
        value = self.raw(column)
        if value is None:
            self.fault(column, "A value is required.")
        elif not isinstance(value, str):
            self.fault(column, "Must be text.")
        elif "\x00" in value:
            self.fault(column, "Must not contain a NUL character.")
        elif len(value) > most:
            self.fault(column, f"Must have at most {most} characters.")
        else:
            return value
        return ""

    def integer(self, column: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds, None where it is not stated or at fault."""
        value = self.decimal(column, least=Decimal(least), most=Decimal(most), places=0)
        return None if value is None else int(value)

    def decimal(self, column: str, *, least: Decimal, most: Decimal, places: int) -> Decimal | None:
        """A number with a decimal point, within bounds; None where it is not stated or at fault."""
        value = self.raw(column)
        if value is None:
            return None
        number = parse_decimal(value)
        if number is None:
            self.fault(column, "Must be a number such as 12 or 12.5 (decimal point, no thousands separator).")
        elif not least <= number <= most:
            self.fault(column, f"Must be between {least} and {most}.")
        elif decimal_places(number) > places:
            self.fault(column, f"Must have at most {places} decimal places." if places else "Must be a whole number.")
        else:
            return number
        return None

    def flag(self, column: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self.raw(column)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in _YES | _NO:
            self.fault(column, "Must be true or false.")
        return word in _YES


def parse_decimal(value: object) -> Decimal | None:
    """The finite number that a cell states, None where it is none; a float is read by its shortest digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and "_" not in str(value) else None


def decimal_places(value: Decimal) -> int:
    """How many digits after the point a finite number needs; 1.500 needs one."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def read_stated_csv(text: str, faults: list[CellFault]) -> Iterator[StatedRow]:
    """The rows of a CSV document with a header; the delimiter is found out.

    Column names are trimmed and lower case. Blank rows are passed over. Faults of the form (no header, a column twice,
    more cells than columns, a quote that never closes, too many rows) are noted in `faults`.
    """
    names: list[str] = []
    number = 0
    try:
        for row in read_delimited(text.removeprefix("\ufeff"), AUTO, Limits()):
            number = row.number
            if row.blank:
                continue
            if not names:
                names = _names(row.number, row.values, faults)
                continue
            stated = StatedRow(row.number, dict(zip(names, row.values, strict=False)), faults)
            if any(value is not None for value in row.values[len(names) :]):
                stated.fault(None, f"The row has {len(row.values)} cells, the header has {len(names)}.")
            yield stated
    except Malformed as error:
        faults.append(CellFault(number + 1, None, f"{error.message[:1].upper()}{error.message[1:]}."))
    if not names:
        faults.append(CellFault(1, None, "The document is empty: a header row is required."))


def _names(row: int, values: Sequence[CellValue], faults: list[CellFault]) -> list[str]:
    names = [str(value or "").strip().lower() for value in values]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults.extend(CellFault(row, name or None, "The header names this column twice.") for name in twice)
    return names
