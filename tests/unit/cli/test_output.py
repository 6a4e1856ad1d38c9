"""What is printed."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from hub.cli.output import emit, shown
from hub.cli.tables import print_facts, print_table


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"at": datetime(2026, 3, 1, tzinfo=UTC), "whole": Decimal("5.000"), "part": Decimal("2.5"), "set": {"b", "a"}})
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-03-01T00:00:00+00:00",
        "whole": 5,
        "part": 2.5,
        "set": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ("", ""),
        ((), "-"),
        (["a", "b"], "a, b"),
        (Decimal("120.000"), "120"),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), "2026-03-01 08:00:00"),
    ],
)
def test_values_in_words(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_table_in_a_pipe_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    print_table(
        [{"sku": "[bold]A[/bold]", "name": long, "on_hand": Decimal(5)}], ("sku", "name", "on_hand"), empty="none"
    )
    printed = capsys.readouterr().out
    assert long in printed
    assert "[bold]A[/bold]" in printed
    assert "on hand" in printed


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], ("sku",), empty="There is nothing.")
    assert capsys.readouterr().out == "There is nothing.\n"


def test_facts_are_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"name": "mia", "import_from": None})
    assert capsys.readouterr().out == "name         mia\nimport from  -\n"
