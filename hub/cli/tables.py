"""Tables and progress bars for people, by Rich."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from hub.cli.output import shown

_PIPE_WIDTH = 4000
"""Columns of a table that goes into a file or a pipe: nothing is cut off there."""


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """Rows under the named columns; `empty` is what to say when there are none."""
    if not rows:
        click.echo(empty)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold", justify=_side(rows, name))
    for row in rows:
        table.add_row(*(Text(shown(row.get(name))) for name in columns))
    console().print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values below each other."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<{width}}  {shown(value)}")


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Progress]:
    """A bar on standard error; nothing where nobody watches. Advance it with `advance`."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        bar.add_task(label, total=total)
        yield bar


def advance(bar: Progress, items: Iterable[Any], *, by: int = 1) -> Iterator[Any]:
    """The items, each of which moves the bar on when it was worked on."""
    for item in items:
        yield item
        bar.advance(bar.task_ids[0], by)


def console() -> Console:
    """Standard output as Rich sees it."""
    return Console(file=sys.stdout) if sys.stdout.isatty() else Console(file=sys.stdout, width=_PIPE_WIDTH)


def _side(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    values = [row.get(name) for row in rows if row.get(name) is not None]
    numeric = values and all(not isinstance(value, str | bool) and hasattr(value, "__add__") for value in values)
    return (
        "right"
        if numeric and not any(hasattr(value, "tzinfo") or isinstance(value, list | tuple) for value in values)
        else "left"
    )
