"""What `make soak` says of rounds, and that it goes on where it was interrupted; no process is started here."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from tests.chaos import soak

ENTRY: dict[str, Any] = {
    "setup": "sqlite", "seed": 1, "orders": 10, "kills": 2, "done": {"kill_api": 2}, "recoveries": [1.0, 2.0],
    "faults": {"drop": 3, "requests": 40}, "waiting_for_a_person": [],
    "promises": [{"name": "accepted_orders_lost", "broken": 0, "of": 10, "examples": []}],
}  # fmt: skip


def run(state: Path, *entries: dict[str, Any], orders: int = 10) -> tuple[int, dict[str, dict[str, Any]], str]:
    """The soak over rounds that are in its state folder already: its status, its figures, its report."""
    for number, entry in enumerate(entries):
        size, kills = orders // len(entries), 4 // len(entries)
        (state / f"sqlite-1-{number}-{size}-{kills}.json").write_bytes(orjson.dumps(entry))
    given = ["--setup", "sqlite", "--orders", str(orders), "--kills", "4", "--seed", "1", "--state", str(state)]
    files = ["--json", str(state / "run.json"), "--markdown", str(state / "run.md")]
    outcome = CliRunner().invoke(soak.main, [*given, *files])
    assert "was done before" in outcome.output
    figures = json.loads((state / "run.json").read_text())["figures"]
    return outcome.exit_code, {entry["name"]: entry for entry in figures}, (state / "run.md").read_text()


def test_promises_that_were_kept_are_figures_with_status_0(tmp_path: Path) -> None:
    status, figures, report = run(tmp_path, ENTRY)
    assert status == 0
    assert figures["sqlite: kills"]["value"] == 2
    assert (figures["sqlite: faults"]["value"], figures["sqlite: recovery_p95"]["value"]) == (3, 2.0)
    assert figures["sqlite: accepted_orders_lost"]["reached"] is True
    assert "| sqlite: accepted_orders_lost | 0 | 0 | yes | of 10, in 10 orders, 2 kills |" in report


BROKEN = [{"name": "accepted_orders_lost", "broken": 1, "of": 10, "examples": ["shop-3"]}]


@pytest.mark.parametrize(
    ("changed", "figure"),
    [
        ({"promises": BROKEN}, "sqlite: accepted_orders_lost"),
        ({"recoveries": [1.0] * 8 + [7.5] * 2}, "sqlite: recovery_p95"),
        ({"stuck": "not quiet"}, "sqlite: stuck"),
        ({"kills": 0}, "sqlite: kills"),
    ],
)
def test_a_promise_that_was_broken_is_a_status(tmp_path: Path, changed: dict[str, Any], figure: str) -> None:
    status, figures, report = run(tmp_path, {**ENTRY, **changed})
    assert (status, figures[figure]["reached"]) == (1, False)
    assert f"| {figure} |" in report
    assert "| NO |" in report


def test_rounds_add_up(tmp_path: Path) -> None:
    lost = {**ENTRY, "promises": BROKEN}
    status, figures, _ = run(tmp_path, ENTRY, lost, orders=2 * soak.ORDERS_A_ROUND)
    found = figures["sqlite: accepted_orders_lost"]
    assert (status, found["value"]) == (1, 1)
    assert found["note"] == "of 20, in 20 orders, 4 kills: shop-3"
