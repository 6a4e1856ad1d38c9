"""`hub routing`: a rule set from its draft to the rules that decide, and back, as people do it at a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import World, order_document
from tests.e2e.command_line import Hub
from tests.integration.cli.terminal import at_terminal

WEST = """sourcing:
  - id: place
    name: From the west
    then: [{action: only, locations: [W2]}]
"""
EAST = WEST.replace("W2", "W1").replace("west", "east") + "    priority: 7\n"


@pytest.fixture
def folder(small_world: World) -> Path:
    """Two orders were sent from W1; W2 has nothing."""
    small_world.stock(W1_A=9)
    small_world.send(order_document("1"), order_document("2"))
    (small_world.folder / "west.yaml").write_text(WEST)
    (small_world.folder / "east.yaml").write_text(EAST)
    return small_world.folder


@pytest.fixture
def ada(small_world: World, folder: Path) -> Hub:
    return at_terminal(small_world, "ada")


@pytest.fixture
def bob(small_world: World, folder: Path) -> Hub:
    return at_terminal(small_world, "bob")


def problem(hub: Hub, *arguments: str) -> dict[str, Any]:
    outcome = hub.run(*arguments, "--json")
    assert outcome.returncode == 1, outcome.stdout
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def test_from_draft_past_the_gate_to_rollback(ada: Hub, bob: Hub) -> None:
    assert "Kept as version 1" in ada.ok("routing", "draft", "east.yaml", "--comment", "as it is")
    assert ada.json("routing", "backtest", "1")["reproduced"] == 2
    assert ada.json("routing", "backtests", "1")[0]["orders"] == 2
    assert "Version 1 passes the gate" in ada.ok("routing", "gate", "1")
    assert "version 1 decides from now on" in ada.ok("routing", "activate", "1")

    ada.ok("routing", "draft", "west.yaml")
    refused = ada.refused("routing", "activate", "2")
    assert "hub routing backtest 2" in refused
    ada.ok("routing", "backtest", "2")
    faults = problem(ada, "routing", "activate", "2")["errors"]
    assert {fault["figure"] for fault in faults} == {"fill_rate_permille", "unfillable"}
    told = ada.ok("routing", "gate", "2")
    assert "unfillable: 2 after 0 before, at most 0 wanted" in told
    assert "Version 2 does not pass" in told
    assert problem(ada, "routing", "override", "2", "--reason", "mine")["code"] == "second_person_needed"
    assert "cli:bob lets version 2 pass" in bob.ok("routing", "override", "2", "--reason", "W1 closes tomorrow")
    assert problem(bob, "routing", "activate", "2")["code"] == "second_person_needed"
    activation = ada.json("routing", "activate", "2")["activation"]
    assert (activation["basis"], activation["reason"]) == ("overridden", "W1 closes tomorrow")

    assert problem(bob, "routing", "rollback", "--active", "1")["code"] == "not_active"
    assert "version 1 decides from now on, version 2 no more" in bob.ok("routing", "rollback", "--reason", "not yet")
    assert [row["state"] for row in ada.json("routing", "list")] == ["retired", "active"]


def test_a_file_that_does_not_pass_is_kept_as_a_draft(ada: Hub) -> None:
    assert "hub routing backtest 1" in ada.refused("routing", "activate", "west.yaml")
    assert [(row["version"], row["state"]) for row in ada.json("routing", "list")] == [(1, "draft")]


def test_a_file_is_tried_without_a_trace(ada: Hub, small_world: World) -> None:
    assert "2 of 2 orders" in ada.ok("routing", "backtest", "west.yaml")
    assert (small_world.count("backtests"), small_world.count("rule_sets")) == (0, 0)


def test_what_is_exported_is_the_same_rules_again(ada: Hub) -> None:
    first = ada.json("routing", "draft", "east.yaml")
    (ada.folder / "again.yaml").write_text(ada.ok("routing", "export", "1"))
    assert ada.json("routing", "draft", "again.yaml")["content_hash"] == first["content_hash"]
    assert ada.json("routing", "export", "2")["sourcing"][0]["priority"] == 7


def test_what_differs_is_shown_clause_by_clause(ada: Hub) -> None:
    for file in ("west.yaml", "east.yaml", "west.yaml"):
        ada.ok("routing", "draft", file)
    lines = [line.strip() for line in ada.ok("routing", "diff", "1", "2").splitlines()]
    assert lines[:4] == [
        "sourcing", "~ place", "~ name: From the west -> From the east", "~ priority: 100 -> 7",
    ]  # fmt: skip
    assert [line.split(" ", 1)[0] for line in lines[4:]] == ["-", "+"]
    assert '["W1"]' in lines[5]
    assert "say the same" in ada.ok("routing", "diff", "1", "3")
    assert ada.json("routing", "diff", "1", "3")["equal"] is True
    assert problem(ada, "routing", "diff", "1", "9")["code"] == "rule_set_not_found"


def test_thresholds_are_shown_and_set(ada: Hub) -> None:
    assert "minimum orders" in ada.ok("routing", "gate")
    changed = ada.json("routing", "gate", "--set", '{"minimum_orders": 7}', "--comment", "few orders yet")
    assert (changed["version"], changed["author"], changed["thresholds"]["minimum_orders"]) == (1, "cli:ada", 7)
    assert changed["thresholds"]["maximum_age_days"] == 7
    assert problem(ada, "routing", "gate", "--set", '{"minimum_orders": "many"}')["code"] == "invalid_gate"
    assert "not both" in ada.refused("routing", "gate", "1", "--set", "{}", status=2)


def test_golden_orders_run_at_every_save(ada: Hub, bob: Hub) -> None:
    made = ada.ok("routing", "golden", "make", "N-1", "east", "--expect", "locations")
    assert "east is run whenever rules are saved: it expects locations" in made
    assert problem(ada, "routing", "golden", "make", "N-1", "east")["code"] == "golden_order_exists"
    (listed,) = ada.json("routing", "golden", "list")
    assert (listed["expect"], listed["author"]) == ({"locations": ["W1"]}, "cli:ada")
    refused = ada.refused("routing", "draft", "west.yaml")
    assert "1 of 1 golden orders are broken by these rules (east)" in refused
    assert "/golden_orders/east/expect/locations: expected locations W1, got none" in refused
    assert "rule:place took out W1" in refused
    tried = ada.run("routing", "golden", "run", "west.yaml")
    assert (tried.returncode, "1 of 1 golden orders are broken" in tried.stdout) == (1, True)
    assert "To do: correct place; or" in tried.stdout
    assert "0 of 1 golden orders" in ada.ok("routing", "golden", "run", "east.yaml")
    kept = ada.ok("routing", "draft", "west.yaml", "--golden", "report")
    assert "east (/golden_orders/east/expect/locations): expected locations W1, got none" in kept
    assert "golden_orders: 1 of 1 broken (east)" in ada.ok("routing", "gate", "1")
    ada.refused("routing", "golden", "run", "1")
    assert problem(bob, "routing", "golden", "run", "7")["code"] == "rule_set_not_found"


def test_golden_orders_go_with_the_file_of_the_rules(ada: Hub, bob: Hub) -> None:
    ada.ok("routing", "golden", "make", "N-1", "east")
    ada.ok("routing", "draft", "east.yaml")
    (ada.folder / "golden.yaml").write_text(ada.ok("routing", "golden", "show", "east"))
    (ada.folder / "all.yaml").write_text(ada.ok("routing", "export", "1", "--golden-orders"))
    assert problem(bob, "routing", "golden", "add", "golden.yaml")["code"] == "golden_order_exists"
    assert bob.json("routing", "golden", "add", "golden.yaml", "--replace")[0]["version"] == 1
    assert "run no more" in ada.ok("routing", "golden", "delete", "east")
    assert ada.json("routing", "golden", "list") == []
    ada.ok("routing", "golden", "run", "all.yaml")
    assert ada.json("routing", "golden", "list") == []
    ada.ok("routing", "draft", "all.yaml")
    assert [one["name"] for one in ada.json("routing", "golden", "list")] == ["east"]
