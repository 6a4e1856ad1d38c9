"""A backtest as one picture (PNG), drawn by matplotlib: an extra, loaded where somebody wants a picture."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from io import BytesIO
from typing import Any

from hub.kit.errors import HubError
from hub.routing.report.figures import figure_rows, freight, loads

BEFORE, AFTER, INK, SOFT = "#8b95a1", "#1f6feb", "#1c2128", "#59636e"
VERDICTS = {"better": "#116329", "worse": "#a40e26", "": INK}
SHOWN = 20
"""So many locations, and classes of freight."""
NAME = 22
"""So many characters of a name."""
_DETAILS = ("Load of ", "Service ")


def load_figures() -> Any:
    """matplotlib's figures; 409 `plots_not_installed` where the extra is missing."""
    try:
        return import_module("matplotlib.figure")
    except ImportError as error:
        raise HubError(
            409, "plots_not_installed",
            f"{error.name} draws the picture and is not installed: run `pip install orderhub[plots]`, or ask for "
            "--html, which needs nothing.",
        ) from error  # fmt: skip


def report_png(report: Mapping[str, Any]) -> bytes:
    """The picture of a backtest as the API answers it: figures, load per location, freight of one currency."""
    before, after = report["before"], report["after"]
    figure = load_figures().Figure(figsize=(12, 8.5), dpi=110, layout="constrained")
    figure.suptitle(_plain(report["summary"][:150]), fontsize=11, color=INK)
    table, load, cost = figure.subplot_mosaic("AB;AC", width_ratios=(1, 1.15)).values()
    _figures(table, before, after)
    busiest = loads(before, after)
    _bars(load, "Load per location (fulfilments)", busiest[:SHOWN], left_out=len(busiest) - SHOWN)
    costs = sorted(freight(before, after), key=lambda found: -sum(row[1] + row[2] for row in found[1]))
    currency, classes = costs[0] if costs else ("", [])
    _bars(cost, f"Freight per order in {currency} (orders by class)" if currency else "Freight per order", classes)
    content = BytesIO()
    figure.savefig(content, format="png", facecolor="white")
    return content.getvalue()


def _figures(axes: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    axes.axis("off")
    axes.set_title("Figures", loc="left", fontsize=11, color=INK)
    rows = [row for row in figure_rows(before, after) if not row.label.startswith(_DETAILS)][:26]
    _text_row(axes, 0, ("", "before", "after", "change"), (SOFT,) * 4)
    for place, row in enumerate(rows, 1):
        _text_row(
            axes, place, (row.label[:NAME], row.before, row.after, row.change), (INK, INK, INK, VERDICTS[row.verdict])
        )


def _text_row(axes: Any, place: int, texts: Iterable[str], colors: Iterable[str]) -> None:
    for x, text, color in zip((0.0, 0.58, 0.79, 1.0), texts, colors, strict=True):
        axes.text(
            x, 0.98 - place * 0.04, _plain(text), transform=axes.transAxes, fontsize=9, color=color, va="top",
            ha="right" if x else "left",
        )  # fmt: skip


def _bars(axes: Any, title: str, rows: Sequence[tuple[str, int, int]], *, left_out: int = 0) -> None:
    more = f", and {left_out} more" if left_out > 0 else ""
    axes.set_title(_plain(title + more), loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=SOFT, labelsize=8, length=0)
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.7)
    axes.set_axisbelow(True)
    if not rows:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", color=SOFT)
        return
    places = range(len(rows))
    axes.bar([place - 0.2 for place in places], [row[1] for row in rows], 0.38, color=BEFORE, label="before")
    axes.bar([place + 0.2 for place in places], [row[2] for row in rows], 0.38, color=AFTER, label="after")
    crowded = len(rows) > 6
    axes.set_xticks(
        list(places), [_plain(row[0][:NAME]) for row in rows], rotation=40 if crowded else 0,
        ha="right" if crowded else "center",
    )  # fmt: skip
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def _plain(text: str) -> str:
    """Text that is drawn as it is: a dollar sign would begin a formula."""
    return text.replace("$", r"\$")
