"""The page and the picture of a backtest: names in them are text, whatever they hold."""

import re
import sys
from html.parser import HTMLParser
from typing import Any

import pytest

from hub.kit.errors import HubError
from hub.routing.report.figures import figure_rows
from hub.routing.report.page import report_html
from hub.routing.report.picture import load_figures, report_png
from hub.routing.rules.approval import Approval
from hub.routing.rules.backtest import Comparison
from hub.routing.schemas import BacktestOut
from tests.unit.routing.test_backtest import INPUTS
from tests.unit.routing.test_differences import body, part

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&$x$\u2028"


def backtest(name: str = EVIL) -> dict[str, Any]:
    """One order that goes from another place; everything that has a name is called as told."""
    found = Comparison()
    one = body(part(name), inputs_hash="h", number=name, message=name)
    other = body(part("W2", service={"service": name, "total_minor": 900}), message=name)
    found.add(one, INPUTS, again=one, other=other, approved=Approval(True, False, name, name))
    found.skip(name)
    return BacktestOut.of(found).model_dump(mode="json")


class Elements(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_names_are_text_and_never_markup() -> None:
    plain, evil = Elements(report_html(backtest("W1"))), Elements(report_html(backtest()))
    assert [tag for tag, _ in evil.found] == [tag for tag, _ in plain.found]
    assert EVIL in evil.text
    assert [name for _, attributes in evil.found for name in attributes if name.startswith("on")] == []


def test_the_page_loads_nothing_and_runs_its_own_scripts_only() -> None:
    page = Elements(report_html(backtest()))
    assert [attributes for _, attributes in page.found if {"src", "href"} & attributes.keys()] == []
    [policy] = [found["content"] or "" for tag, found in page.found if "http-equiv" in found]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert len(re.findall("'sha256-", policy)) == 3
    assert "unsafe" not in policy


def test_everything_is_in_the_page_also_without_scripts() -> None:
    page = Elements(report_html(backtest("W1")))
    for text in ("1 of 1 orders would have been sent otherwise", "Auto-approval rate", "-100.0 points",
                 "a person must approve it", "Load per location", "Freight per order in USD", "uPlot"):  # fmt: skip
        assert text in page.text
    assert {found.get("role") for tag, found in page.found if tag == "div"} == {None, "img"}
    assert len([1 for tag, _ in page.found if tag == "label"]) == 1


def test_nothing_to_compare_is_a_page_too() -> None:
    empty = BacktestOut.of(Comparison()).model_dump(mode="json")
    assert "No order would have been sent otherwise." in report_html(empty)
    assert report_png(empty).startswith(b"\x89PNG")


def test_what_became_better_or_worse() -> None:
    one = {"planned": 5, "unfillable": 1, "freight_per_order_minor": {"USD": 500}, "fill_rate_permille": None}
    other = {"planned": 4, "unfillable": 0, "freight_per_order_minor": {"USD": 450}, "fill_rate_permille": 990}
    rows = {row.label: (row.before, row.after, row.change, row.verdict) for row in figure_rows(one, other)}
    assert rows == {
        "Planned": ("5", "4", "-1", "worse"), "Unfillable": ("1", "0", "-1", "better"),
        "Freight per order USD": ("5.00", "4.50", "-0.50", "better"), "Fill rate": ("–", "99.0 %", "", ""),
    }  # fmt: skip


def test_the_picture_is_drawn_whatever_the_names() -> None:
    assert report_png(backtest()).startswith(b"\x89PNG")


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(HubError, match=r"pip install orderhub\[plots\]"):
        load_figures()
