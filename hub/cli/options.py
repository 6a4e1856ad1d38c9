"""What several commands take: JSON from the line or a file, instants, lists."""

import gzip
import json
import sys
import zlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from hub.kit.errors import InvalidInput
from hub.sdk.errors import Malformed
from hub.sdk.readers.stated_files import stated_text

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of a table that comes packed."""


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object, given as text, as `@file` or as `-` (standard input)."""

    name = "json|@file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """The object; a usage error names where the text is wrong, never the text, which may hold a secret."""
        if isinstance(value, dict):
            return value
        text = self._text(str(value), param, ctx)
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            self.fail(f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.", param, ctx)
        if not isinstance(found, dict):
            self.fail('must be a JSON object, e.g. {"currency": "EUR"}.', param, ctx)
        return found

    def _text(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "-":
            return sys.stdin.read()
        if not value.startswith("@"):
            return value
        try:
            return Path(value[1:]).read_text("utf-8")
        except OSError as error:
            self.fail(f"cannot read {value[1:]}: {error.strerror}.", param, ctx)
        except UnicodeDecodeError:
            self.fail(f"{value[1:]} is not UTF-8 text.", param, ctx)


class Instant(click.ParamType[datetime]):
    """A date or a time in ISO 8601; without an offset it is UTC."""

    name = "iso date or time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no date or time such as 2026-03-01 or 2026-03-01T08:00:00+01:00.", param, ctx)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Names(click.ParamType[tuple[str, ...]]):
    """Words, comma separated."""

    name = "a,b,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The words; a usage error where there is none."""
        if isinstance(value, tuple):
            return value
        found = tuple(word.strip() for word in str(value).split(",") if word.strip())
        if not found:
            self.fail("names nothing.", param, ctx)
        return found


class Quantity(click.ParamType[Decimal]):
    """A quantity with at most three decimals."""

    name = "quantity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The quantity."""
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no quantity such as 120 or 2.5.", param, ctx)
        if not found.is_finite():
            self.fail(f"{value!r} is no quantity such as 120 or 2.5.", param, ctx)
        return found


def read_rows(path: Path) -> str | list[dict[str, Any]]:
    """The rows of a table: CSV text (UTF-8), or a workbook's first sheet as such; the objects of a JSON list where the
    name ends with .json; each also packed, where `.gz` follows.
    """
    try:
        text = stated_text(_unpacked(path) if path.suffix == ".gz" else path.read_bytes())
    except Malformed as error:
        raise InvalidInput(error.code or "unreadable", f"{path}: {error.message}.") from error
    if ".json" not in [suffix.lower() for suffix in path.suffixes[-2:]]:
        return text
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput("not_json", f"{path}, line {error.lineno}: {error.msg}.") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InvalidInput("not_a_list", f"{path} must hold a JSON list of objects, one a row.")
    return found


def _unpacked(path: Path) -> bytes:
    """What is in a packed file; refused beyond what a table may hold, before it is unpacked."""
    try:
        with gzip.open(path) as packed:
            found = packed.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput("not_gzip", f"{path} is no whole gzip file: {error}.") from error
    if len(found) > MAX_UNPACKED:
        raise InvalidInput("too_large", f"{path} holds more than {MAX_UNPACKED >> 20} MiB: send it in parts.")
    return found


JSON_OBJECT = JsonObject()
INSTANT = Instant()
NAMES = Names()
QUANTITY = Quantity()
TABLE_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
after_option = click.option("--after", metavar="CURSOR", help="Go on where another list ended: it names the cursor.")
