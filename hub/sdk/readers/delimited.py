"""Tables in text files: CSV, TSV and their relatives."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from hub.sdk.errors import Malformed
from hub.sdk.readers.cells import Limits, Row

AUTO = "auto"
DELIMITERS = (",", ";", "\t", "|")
SAMPLE_CHARS = 64 * 1024
SAMPLE_ROWS = 50

_HINT = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)


def read_delimited(text: str, delimiter: str, limits: Limits) -> Iterator[Row]:
    """Rows of text as it stands: leading zeros, spaces and signs are kept, nothing is evaluated.

    Row numbers count records (a quoted cell may hold line breaks), empty ones included, as spreadsheet programs show
    them. Excel's first line `sep=;` is obeyed. Raises `Malformed` with the row for a quote that is not closed: what
    follows it cannot be told apart.
    """
    hint = _HINT.match(text)
    if hint is not None:
        text = text[hint.end() :]
        delimiter = hint.group(1) if delimiter == AUTO else delimiter
    return _rows(text, detect_delimiter(text) if delimiter == AUTO else delimiter, limits)


def _rows(text: str, delimiter: str, limits: Limits) -> Iterator[Row]:
    number = 0
    try:
        for number, record in enumerate(_reader(text, delimiter, strict=True), start=1):
            _expect_within(number, len(record), limits)
            yield Row(number=number, values=tuple(value or None for value in record))
    except csv.Error as error:
        row = number + 1
        message = f"row {row} cannot be read ({error}): look for a quote that is not closed"
        raise Malformed(message, code="csv", path=f"row {row}") from error


def _expect_within(number: int, width: int, limits: Limits) -> None:
    if number > limits.rows:
        raise Malformed(f"more than {limits.rows} rows: split the file", code="too_many_rows", path=f"row {number}")
    if width > limits.columns:
        message = f"row {number} has {width} columns, at most {limits.columns} are allowed"
        raise Malformed(message, code="too_many_columns", path=f"row {number}")


def detect_delimiter(text: str) -> str:
    """The delimiter that cuts the first rows most evenly into the most columns; a comma where none cuts at all."""
    sample = text[:SAMPLE_CHARS]
    return max(DELIMITERS, key=lambda delimiter: (*_evenness(sample, delimiter), -DELIMITERS.index(delimiter)))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(record) for record in islice(_reader(sample, delimiter, strict=False), SAMPLE_ROWS) if record]
    except csv.Error:
        return (0.0, 0)
    if not widths:
        return (0.0, 0)
    width, times = Counter(widths).most_common(1)[0]
    return (times / len(widths), width) if width > 1 else (0.0, 0)


def _reader(text: str, delimiter: str, *, strict: bool) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
