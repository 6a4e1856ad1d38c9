"""Which column holds which field: by header, letter or number. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import CellValue, Row, column_index, column_letters
from plugins.channels.spreadsheet.fields import ALIASES
from plugins.channels.spreadsheet.settings import SpreadsheetSettings

SEARCHED_ROWS = 20
"""How far down a header may stand, below titles and addresses."""
MAX_LABEL = 40


@dataclass(frozen=True, slots=True)
class Layout:
    """Fields and line properties by 0-based column, and where the header stands (0: there is none)."""

    fields: Mapping[str, int]
    properties: Mapping[str, int]
    labels: Mapping[int, str]
    header_row: int = 0
    header: tuple[CellValue, ...] = ()
    width: int | None = None

    def place(self, row: int, field: str) -> str:
        """Where a value stands, as a person finds it: `row 7, column Qty (C)`."""
        index = self.fields.get(field, self.properties.get(field))
        return f"row {row}" if index is None else f"row {row}, column {self.column(index)}"

    def column(self, index: int) -> str:
        """A column by its header and its letter."""
        letters = column_letters(index)
        label = self.labels.get(index)
        return f"{label} ({letters})" if label else letters


def find_layout(rows: list[Row], settings: SpreadsheetSettings) -> Layout:
    """The layout from the first rows of a file; `Malformed` names the column that is missing."""
    if not settings.header:
        return _without_header(settings)
    if settings.header_row is not None:
        candidates = [row for row in rows if row.number == settings.header_row]
    else:
        candidates = [row for row in rows if not row.blank][:SEARCHED_ROWS]
    told: Malformed | None = None
    for row in candidates:
        try:
            return _with_header(row, settings)
        except Malformed as error:
            if told is None or (told.code == "no_column" and error.code != "no_column"):
                told = error
    raise told or Malformed("the file has no header row", code="no_header")


def normalised(header: str) -> str:
    """A header without case, width, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", header).casefold())


def header_texts(row: Row) -> tuple[str, ...]:
    """The cells of a header row as text."""
    return tuple("" if value is None else " ".join(str(value).split()) for value in row.values)


def _without_header(settings: SpreadsheetSettings) -> Layout:
    fields = {str(name): _numbered(columns[0]) for name, columns in settings.columns.items()}
    properties = {name: _numbered(columns[0]) for name, columns in settings.properties.items()}
    _expect_needed(fields, settings, ())
    return Layout(fields=_by_column(fields), properties=properties, labels={})


def _by_column(fields: dict[str, int]) -> dict[str, int]:
    """From left to right, so that faults are told as a person reads the row."""
    return dict(sorted(fields.items(), key=lambda item: item[1]))


def _numbered(column: int | str) -> int:
    index = column - 1 if isinstance(column, int) else column_index(column)
    if index is None or index < 0:
        raise Malformed(f"{column!r} is no column: use a letter or a 1-based number", code="no_column")
    return index


def _with_header(row: Row, settings: SpreadsheetSettings) -> Layout:
    texts = header_texts(row)
    names = [normalised(text) for text in texts]
    wanted: Mapping[str, Iterable[int | str]] = {str(name): columns for name, columns in settings.columns.items()}
    wanted = wanted or ALIASES
    fields = {name: index for name, columns in wanted.items() if (index := _index(columns, names)) is not None}
    missing = next((name for name in settings.columns if name not in fields and name not in settings.defaults), None)
    if missing is not None:
        raise _no_column(missing, settings.columns[missing], texts)
    properties = {
        name: index for name, columns in settings.properties.items() if (index := _index(columns, names)) is not None
    }
    _expect_needed(fields, settings, texts)
    used = Counter(fields.values())
    labels = {index: text[:MAX_LABEL] for index, text in enumerate(texts) if text}
    twice = next((index for index, times in used.items() if times > 1 and not settings.columns), None)
    if twice is not None:
        raise Malformed(f"column {labels[twice]!r} could be two fields: map `columns`", code="ambiguous_column")
    width = max((index for index, text in enumerate(texts) if text), default=-1) + 1
    return Layout(_by_column(fields), properties, labels, row.number, row.values, width)


def _index(columns: Iterable[int | str], names: list[str]) -> int | None:
    for column in columns:
        if isinstance(column, int):
            if 1 <= column <= len(names):
                return column - 1
            continue
        name = normalised(column)
        if names.count(name) > 1:
            places = ", ".join(column_letters(index) for index, one in enumerate(names) if one == name)
            message = f"columns {places} have the same header {column!r}: map the letter of the one that is meant"
            raise Malformed(message, code="ambiguous_column")
        if name and name in names:
            return names.index(name)
        letters = column_index(column) if column.isupper() else None
        if letters is not None and letters < len(names):
            return letters
    return None


def _expect_needed(fields: Mapping[str, int], settings: SpreadsheetSettings, texts: tuple[str, ...]) -> None:
    has = {*fields, *settings.defaults}
    if settings.group_by == "order" and not fields.keys() & {"order_id", "order_number"}:
        raise _no_column("order_number", ALIASES["order_number"], texts)
    if "quantity" not in has:
        raise _no_column("quantity", ALIASES["quantity"], texts)
    if not has & {"sku", "name"}:
        raise _no_column("sku", ALIASES["sku"], texts)


def _no_column(field: str, wanted: Iterable[int | str], texts: tuple[str, ...]) -> Malformed:
    """Headers of the file are told only where they resemble what is sought: the row may be no header but data."""
    words = [str(one) for one in wanted]
    close = next((found for word in words for found in get_close_matches(word, texts, n=1, cutoff=0.7)), None)
    hint = f'; did you mean "{close}"?' if close else ""
    message = f"no column for {field} (looked for {', '.join(words[:5])}){hint}; map it in the setting `columns`"
    return Malformed(message, code="no_column", path=f"column {field}")
