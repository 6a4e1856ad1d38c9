"""`make bench` is a program: it runs, names its figures, and writes what it measured."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.peers import REPOSITORY, require_peer
from tests.servers import PostgresServer

PROMISED = {
    "end_to_end_postgresql", "resident_memory", "end_to_end_sqlite", "bulk_intake_raw", "bulk_intake",
    "webhook_postgresql", "webhook_to_routed", "job_claims", "job_claims_full", "hot_sku", "backlog", "migration_stall",
    "slow_platform", "idle_queries", "statements_per_order", "full_tables", "routing_plan_p95", "routing_plan_rate",
    "routing_backtest", "routing_reproduced", "routing_records", "routing_waves", "routing_oversold",
}  # fmt: skip
"""Figures that the docs speak of."""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ORDERHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_it_lists_its_figures():
    listed = bench("--list").stdout.split()
    assert set(listed) >= PROMISED
    assert len(set(listed)) == len(listed)


@pytest.mark.postgres
def test_a_figure_is_measured_and_written(tmp_path: Path):
    reason = PostgresServer.missing()
    require_peer("PostgreSQL", reason is None, reason or "")
    file = tmp_path / "run.json"
    run = bench("--quick", "--only", "statements_per_order", "--json", str(file))
    assert run.returncode == 0, run.stderr
    assert "statements_per_order" in run.stdout
    document = orjson.loads(file.read_bytes())
    assert set(document["machine"]) == {
        "cpu", "cores", "memory_gb", "python", "postgresql", "date", "load_average",
    }  # fmt: skip
    [figure] = document["figures"]
    assert set(figure) == {"name", "value", "unit", "ceiling", "ratio", "target", "reached", "note"}
    assert figure["name"] == "statements_per_order"
    # a batch of 100 takes hardly more statements than one of 10: what an order costs falls to about a tenth
    assert figure["reached"] is True, figure["note"]
    assert 0 < figure["value"] < figure["target"] / 8
