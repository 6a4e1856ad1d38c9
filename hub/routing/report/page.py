"""A backtest as one HTML page that loads nothing: plots by uPlot (MIT), which is part of the page.

Names of rules, locations and orders come from outside: in the page they are text and never markup, and a policy in the
page lets the browser run its own two scripts only.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import orjson

from hub.routing.report.figures import figure_rows, freight, loads

Rows = Sequence[tuple[str, int, int]]
SHOWN = 60
"""So many classes of a plot: the table below it has all."""
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def report_html(report: Mapping[str, Any], *, title: str = "Backtest of routing rules") -> str:
    """The page. `report` is a backtest as the API answers it: summary, before, after, differences, reproduced, skipped.

    Further members are ignored, and of the differences so are those of which there are none.
    """
    plots = list(_plots(report["before"], report["after"]))
    data = _json([{"rows": rows[:SHOWN], "x": x, "y": y} for _, x, y, rows in plots])
    styles = f"{_asset('uPlot.min.css')}\n{_asset('page.css')}"
    library, script = _asset("uPlot.iife.min.js"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_source(styles)}; script-src {_source(library)} {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(
        (
            f"<h1>{escape(title)}</h1>", f"<p>{escape(report['summary'])}</p>",
            '<section aria-labelledby="figures"><h2 id="figures">Figures</h2>', *_figures(report), "</section>",
            *(part for number, plot in enumerate(plots) for part in _plot(number, *plot)),
            *_differences(report.get("differences", [])),
        )
    )  # fmt: skip
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{styles}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f'<script type="application/json" id="plots">{data}</script>\n'
        f"<script>{library}</script>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _plots(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Rows]]:
    """(heading, what the rows are, what is counted, rows) of each plot."""
    yield "Load per location", "location", "fulfilments", loads(before, after)
    for currency, rows in freight(before, after):
        yield f"Freight per order in {currency}", "from", "orders", rows


def _plot(number: int, heading: str, what: str, y: str, rows: Rows) -> Iterator[str]:
    name = escape(heading)
    yield f'<section aria-labelledby="h{number}"><h2 id="h{number}">{name}</h2>'
    if rows:
        yield (
            f'<div class="plot" id="plot{number}" role="img" aria-label="{name}, before and after, as bars. The table '
            'below has the numbers."></div>'
        )
        yield f"<details><summary>The numbers</summary>{_table((what, f'{y} before', f'{y} after'), rows)}</details>"
    else:
        yield "<p>Nothing to show.</p>"
    yield "</section>"


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (row.label, row.before, row.after, row.change, row.verdict)
        for row in figure_rows(report["before"], report["after"])
    ]
    yield _table(("figure", "before", "after", "change", ""), rows)
    orders = report["before"].get("orders", 0)
    again = f"{report['reproduced']:,} of {orders:,} were decided again"
    yield f"<p>{again}, bit for bit, by the rules that decided them.</p>"


def _differences(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f'<section aria-labelledby="orders"><h2 id="orders">Orders that differ ({len(found):,})</h2>'
    if found:
        yield (
            '<p class="search"><label for="search">Search</label> <input type="search" id="search" autocomplete="off" '
            'aria-describedby="hits"> <span id="hits" role="status"></span></p>'
        )
        names = ("number", "changed", "before", "after", "why")
        yield _table(names, ([one.get(name, "") for name in names] for one in found), identity="differences")
    else:
        yield "<p>No order would have been sent otherwise.</p>"
    yield "</section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, identity: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{_cells(row)}</tr>\n" for row in rows)
    named = f' id="{identity}"' if identity else ""
    table = f"<table{named}><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0">{table}</div>'


def _cells(row: Sequence[Any]) -> str:
    first, *others = row
    return f'<th scope="row">{escape(str(first))}</th>' + "".join(_cell(value) for value in others)


def _cell(value: Any) -> str:
    kind = f' class="{value}"' if value in ("better", "worse") else ""
    return f"<td{kind}>{escape(f'{value:,}' if isinstance(value, int) else str(value))}</td>"


def _json(value: Any) -> str:
    """JSON that cannot end the element that it stands in."""
    text = orjson.dumps(value).decode()
    for character, code in _UNSAFE.items():
        text = text.replace(character, code)
    return text


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")
