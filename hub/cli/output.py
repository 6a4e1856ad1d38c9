"""What commands print: one JSON document, or a table for people, on standard output; progress on standard error."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import click
import orjson

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document instead of text."
)


def emit(document: Any) -> None:
    """Print one JSON document: times in ISO 8601, quantities as numbers."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=_plain).decode())


def say(text: str) -> None:
    """A line for people."""
    click.echo(text)


def note(text: str) -> None:
    """A line beside the answer: on standard error, so that the answer can be piped."""
    click.echo(text, err=True)


def page(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> list[T]:
    """The first `limit` of what was asked for with one more: that one only tells that the list goes on, and how."""
    if len(found) > limit:
        note(f"There are more: --after {cursor(found[limit - 1])}")
    return list(found[:limit])


def shown(value: Any) -> str:
    """One value in a table's cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(shown(item) for item in value) or "-"
    return str(value)


def as_rows(items: Iterable[Any], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The named attributes of objects, for `emit` and for a table."""
    return [{name: getattr(item, name) for name in columns} for item in items]


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stderr.isatty()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
