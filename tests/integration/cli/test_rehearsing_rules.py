"""`hub routing backtest|lint|shadow`: what a change of the rules would do, before it does it."""

from pathlib import Path

import pytest

from tests.builders import World, order_document
from tests.e2e.command_line import Hub
from tests.integration.cli.terminal import at_terminal

WEST = """sourcing:
  - id: place
    name: From the west
    then: [{action: only, locations: [W2]}]
"""
DEAD = """sourcing:
  - id: never
    name: Never
    when: ["order.lines > 5", "order.lines < 2"]
    then: [{action: only, locations: [W2]}]
"""


@pytest.fixture
def ada(small_world: World) -> Hub:
    """Two orders were sent from W1; W2 has nothing."""
    small_world.stock(W1_A=9)
    small_world.send(order_document("1"), order_document("2"))
    (small_world.folder / "west.yaml").write_text(WEST)
    (small_world.folder / "dead.yaml").write_text(DEAD)
    return at_terminal(small_world, "ada")


def test_a_backtest_is_a_page_and_a_picture_too(ada: Hub) -> None:
    told = ada.run("routing", "backtest", "west.yaml", "--html", "west.html", "--png", "west.png")
    assert (told.returncode, [row for row in told.stderr.splitlines() if row.startswith("Wrote")]) == (
        0, ["Wrote west.html.", "Wrote west.png."],
    )  # fmt: skip
    page = (ada.folder / "west.html").read_text()
    assert "2 of 2 orders would have been sent otherwise." in page
    assert '<th scope="row">N-1</th>' in page
    picture = (ada.folder / "west.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 5000


def test_a_page_that_cannot_be_written_is_told(ada: Hub) -> None:
    refused = ada.refused("routing", "backtest", "west.yaml", "--html", str(Path("nowhere", "west.html")))
    assert "nowhere/west.html cannot be written: No such file or directory" in refused


def test_lint_says_which_rule_does_nothing_and_where(ada: Hub) -> None:
    assert "0 faults in 1 rules, looked at with 2 orders." in ada.ok("routing", "lint", "west.yaml")
    outcome = ada.run("routing", "lint", "dead.yaml")
    assert outcome.returncode == 1
    assert "rule never (/sourcing/0" in outcome.stdout
    assert "To do:" in outcome.stdout
    assert "Traceback" not in outcome.stderr


def test_a_shadow_counts_where_it_disagrees_with_what_is_decided(ada: Hub, small_world: World) -> None:
    ada.ok("routing", "draft", "west.yaml")
    assert "Version 1 is asked about live orders" in ada.ok("routing", "shadow", "start", "1")
    small_world.send(order_document("3"), order_document("4"))
    small_world.drain()
    shown = ada.json("routing", "shadow", "show", "1")
    assert (shown["agreed"], shown["disagreed"], len(shown["disagreements"])) == (0, 2, 2)
    first = ada.run("routing", "shadow", "show", "1", "--limit", "1")
    assert "There are more: --after " in first.stderr
    assert "2 disagreements are kept" in ada.ok("routing", "shadow", "stop", "1")
    small_world.send(order_document("5"))
    small_world.drain()
    assert ada.json("routing", "shadow", "show", "1")["disagreed"] == 2
