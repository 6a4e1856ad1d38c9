"""Every list of the command line goes on where it ended: nothing is left out, nothing comes twice."""

import json
import shlex
from typing import Any

import pytest

from hub.cases.service.open import NewCase, open_cases
from hub.flows.housekeeping import ensure_schedules
from hub.flows.watch_stock import WatchStock
from tests.builders import World, order_document
from tests.e2e.command_line import Hub
from tests.integration.cli.terminal import at_terminal

RULES = "sourcing:\n  - id: all\n    name: All\n    then: [{action: prefer, locations: [W1], weight: 1}]\n"
MORE = "There are more: --after "


@pytest.fixture
def hub(small_world: World) -> Hub:
    """At least two of everything that is listed."""
    found = at_terminal(small_world, "ada")
    small_world.stock(W1_A=9, W1_B=9)
    small_world.send(order_document("1"), order_document("2"))
    with small_world.write() as session:
        cases = [
            NewCase(
                kind="odd",
                dedupe_key=f"odd:{number}",
                subject_kind="order",
                subject_id=str(number),
                title="Odd",
                what_to_do="Look.",
            )
            for number in (1, 2)
        ]
        open_cases(session, cases=cases, at=small_world.clock.now())
        ensure_schedules(session, small_world.runtime.services, at=small_world.clock.now())
    (found.folder / "rules.yaml").write_text(RULES)
    return found


def listed(hub: Hub, *command: str) -> list[Any]:
    found = hub.json(*command)
    return list(found) if isinstance(found, list) else list(found["waves"] if "waves" in found else found["items"])


def page_by_page(hub: Hub, *command: str) -> list[Any]:
    rows: list[Any] = []
    place: list[str] = []
    for _ in range(50):
        outcome = hub.run(*command, "--limit", "1", *place, "--json")
        assert outcome.returncode == 0, outcome.stderr
        found = json.loads(outcome.stdout)
        rows.extend(found if isinstance(found, list) else found["items"])
        named = [row.removeprefix(MORE) for row in outcome.stderr.splitlines() if row.startswith(MORE)]
        if not named:
            return rows
        place = ["--after", *shlex.split(named[0])]
    raise AssertionError(f"{command} never ends")


MADE = {
    "stock transfer list": [f"stock transfer create W1 W2 --line A {number} --reason move" for number in (1, 2)],
    "stock count list": ["stock count open W1 --reference one", "stock count open W2 --reference two"],
    "stock keep list": ["stock keep create cart-1 --line A 1", "stock keep create cart-2 --line A 1"],
    "stock buffer list shop": ["stock buffer set shop --units 1", "stock buffer set shop --sku A --units 2"],
    "stock reorder list": ["stock reorder set 20", "stock reorder set 5 --location W1 --sku A"],
    "routing list": ["routing draft rules.yaml", "routing draft rules.yaml --comment again"],
    "routing backtests": ["routing draft rules.yaml", "routing backtest 1", "routing backtest 1"],
    "routing golden list": [f"routing golden make N-{number} g{number}" for number in (1, 2)],
    "products list": [],
    "orders list": [],
    "orders timeline N-1": [],
    "jobs list --state done": [],
    "cases list": [],
    "schedules list": [],
    "stock location list": [],
    "stock list": [],
    "stock atp shop": [],
}


@pytest.mark.parametrize("command", MADE)
def test_it_goes_on_where_it_ended(hub: Hub, command: str) -> None:
    for made in MADE[command]:
        hub.ok(*made.split())
    whole = listed(hub, *command.split())
    assert len(whole) > 1
    assert page_by_page(hub, *command.split()) == whole


def test_the_lines_of_a_sheet_go_on(hub: Hub) -> None:
    (sheet,) = hub.json("stock", "count", "open", "W1", "--reference", "one")
    command = ("stock", "count", "show", sheet["count_id"])
    hub.ok("stock", "count", "enter", sheet["count_id"], "--line", "A", "8", "--line", "B", "9")
    assert [row["sku"] for row in page_by_page(hub, *command)] == ["A", "B"]


def test_low_levels_go_on(hub: Hub, small_world: World) -> None:
    hub.ok("stock", "reorder", "set", "20")
    with small_world.write() as session:
        WatchStock(small_world.runtime.services)(session, [])
    whole = listed(hub, "stock", "low")
    assert {(row["location"], row["sku"]) for row in whole} >= {("W1", "A"), ("W1", "B")}
    assert page_by_page(hub, "stock", "low") == whole
