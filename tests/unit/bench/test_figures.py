"""What a benchmark says about itself: ratios, failures that stay in the list, rows for an order, orders of a number."""

from decimal import Decimal

import orjson
import pytest

from bench.ceiling import together
from bench.idle import statements
from bench.load import requests
from bench.orders import bulk_bodies, order
from bench.pace import paced
from bench.processes import Memory
from bench.report import Figure, not_measured, write_json
from bench.rows import Writes, difference, total
from bench.watch import percentile


def test_a_ratio_is_the_value_over_its_ceiling():
    assert Figure("speed", 400, "orders/s", 400, reached=True, ceiling=800).ratio == 0.5


def test_there_is_no_ratio_without_a_ceiling():
    assert Figure("statements", 0.6, "statements", None, reached=True).ratio is None


def test_the_document_has_the_machine_and_each_figure_with_its_reason(tmp_path):
    file = tmp_path / "run.json"
    figures = [
        Figure("speed", 400, "orders/s", 300, reached=True, ceiling=800),
        not_measured("memory", "MB", 150, "why"),
    ]
    write_json(file, {"cores": 2}, figures)
    document = orjson.loads(file.read_bytes())
    assert document["machine"] == {"cores": 2}
    assert document["figures"][0] == {
        "name": "speed", "value": 400, "unit": "orders/s", "target": 300, "reached": True, "ceiling": 800,
        "ratio": 0.5, "note": "",
    }  # fmt: skip
    assert (document["figures"][1]["value"], document["figures"][1]["reached"]) == (None, False)
    assert document["figures"][1]["note"] == "why"


def test_one_thing_after_the_other_takes_the_sum_of_their_times():
    assert together(100, 100) == pytest.approx(50)
    assert together(1000, 250) == pytest.approx(200)


def test_rows_are_counted_for_one_order_and_tables_that_hardly_matter_are_left_out():
    before = {"orders": Writes(10, 5)}
    after = {"orders": Writes(110, 205), "jobs": Writes(300, 600), "schedules": Writes(0, 0)}
    writes = difference(after, before, 100)
    assert writes == {"jobs": Writes(3, 6), "orders": Writes(1, 2)}
    assert total(writes) == 12


def test_an_order_is_the_same_each_time_and_adds_up():
    made = order(41)
    assert made == order(41)
    assert made["id"] != order(42)["id"]
    assert len(made["lines"]) == 3
    assert sum(Decimal(line["total"]) for line in made["lines"]) == Decimal(made["grand_total"])
    for line in made["lines"]:
        assert Decimal(line["unit_price"]) * line["quantity"] == Decimal(line["total"])


def test_bulk_bodies_hold_each_order_once():
    numbers = [entry["id"] for body in bulk_bodies("shop", 25, 10, first=5) for entry in orjson.loads(body)["orders"]]
    assert numbers == [f"B-{number}" for number in range(5, 30)]


def test_memory_that_grows_is_seen_and_start_up_is_not_growth():
    steady = [(float(second), 100.0 if second else 60.0) for second in range(20)]
    growing = [(float(second), 100.0 + 5 * second) for second in range(20)]
    memory = Memory({}, samples={"api": steady, "worker": growing})
    assert (memory.peak("api"), memory.growth("api")) == (100.0, 0.0)
    assert memory.growth("worker") == pytest.approx(60)


def test_statements_of_the_servers_log_are_counted_by_process_and_nothing_else_is():
    log = """\
bench-log|worker|LOG:  statement: BEGIN
bench-log|worker|LOG:  execute _pg3_0: UPDATE jobs SET state = 'leased'
  WHERE job_id = 1
bench-log|worker|DETAIL:  parameters: $1 = 'statement: SELECT 1'
bench-log|serve|LOG:  statement: COMMIT;
bench-log|serve|LOG:  checkpoint starting: time
"""
    assert list(statements(log)) == [("worker", "BEGIN"), ("worker", "UPDATE"), ("serve", "COMMIT")]


def test_a_percentile_is_a_measured_value():
    values = [float(number) for number in range(1, 201)]
    assert [percentile(values, part) for part in (0.0, 0.5, 0.99, 1.0)] == [1, 101, 199, 200]


def test_what_a_sender_at_a_pace_says_is_kept_by_the_shops_own_order_ids():
    document = {"sent": [1.0, 1.01], "late_ms": 3.0, "slowest_ms": 8.0, "answers": {"202": 1, "503": 1}}
    outcome = paced(document, first=40)
    assert outcome.sent == {"B-40": 1.0, "B-41": 1.01}
    assert outcome.answers["503"] == 1
    assert [b'"id":"B-40"' in request for request in requests("/hooks/shop", "whsec_AAAA", 2, 40)] == [True, False]
