"""What a benchmark says: figures beside their ceilings, as a table for people and as JSON for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `ceiling` is what the barest code reaches with the same rows and calls, in the same unit.

    `target` is the value to reach, `ratio` is value / ceiling; a figure that could not be measured has no value and
    its reason in `note`.
    """

    name: str
    value: float | None
    unit: str
    target: float | None
    reached: bool
    ceiling: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over ceiling, where both are known."""
        if self.value is None or not self.ceiling:
            return None
        return round(self.value / self.ceiling, 3)

    def as_document(self) -> dict[str, Any]:
        """The figure as JSON."""
        return {**asdict(self), "ratio": self.ratio}


def not_measured(name: str, unit: str, target: float | None, reason: str) -> Figure:
    """A figure that stays in the list without a value."""
    return Figure(name, None, unit, target, reached=False, note=reason)


def write_json(path: Path, machine: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """Keep the run as a document."""
    document = {"machine": machine, "figures": [figure.as_document() for figure in figures]}
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def print_table(console: Console, machine: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """The figures as a table, and what they were measured on."""
    table = Table(title="OrderHub: speed beside its ceilings")
    for name in ("figure", "value", "unit", "ceiling", "ratio", "target", "reached"):
        table.add_column(name, justify="left" if name in ("figure", "unit", "reached") else "right", no_wrap=True)
    for figure in figures:
        table.add_row(
            figure.name, _plain(figure.value), figure.unit, _plain(figure.ceiling), _plain(figure.ratio),
            _plain(figure.target), "[green]yes[/]" if figure.reached else "[red]no[/]",
        )  # fmt: skip
    console.print(table)
    for figure in figures:
        console.print(f"[bold]{figure.name}[/]: {figure.note}", highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
