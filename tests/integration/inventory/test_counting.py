"""A stocktake corrects the ledger by what was counted, whatever moved while people counted."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.inventory.rules.closing import LineQuantity
from hub.inventory.rules.counts import Counted
from hub.inventory.service.consume import consume
from hub.inventory.service.counting import (
    approve_count,
    cancel_count,
    enter_counts,
    get_count,
    import_counts,
    list_counts,
    list_lines,
    open_count,
)
from hub.inventory.service.query import list_movements, verify_projection
from hub.inventory.service.reserve import reserve
from hub.kit.db import Database
from hub.kit.errors import InvalidInput, StateConflict
from tests.integration.inventory.building import AT, level, need, set_up, stock

LATER = AT + timedelta(hours=2)


@pytest.fixture
def sheet(database: Database) -> str:
    """An open sheet for N, where 10 of A and 3 of B should be."""
    set_up(database, skus=("A", "B", "C"))
    stock(database, N_A=10, N_B=3)
    with database.write() as session:
        return open_count(session, location="N", skus=None, reference="ST-1", at=AT, actor="lead").count_id


def enter(database: Database, sheet: str, **found: int) -> None:
    with database.write() as session:
        counted = [Counted(sku, Decimal(quantity)) for sku, quantity in found.items()]
        enter_counts(session, count_id=sheet, counted=counted, at=LATER, actor="counter")


def approve(database: Database, sheet: str) -> None:
    with database.write() as session:
        approve_count(session, count_id=sheet, reason="year end", at=LATER, actor="lead")


def send(database: Database, quantity: int) -> None:
    """So many of A leave N."""
    demand = need("N_A", quantity)
    with database.write() as session:
        reserve(session, demands=[demand], at=LATER, actor="test")
    gone = [LineQuantity(demand.fulfilment_order_line_id, Decimal(quantity))]
    with database.write() as session:
        consume(session, consumed=gone, at=LATER, actor="test")


def test_what_moves_after_a_count_is_accounted_for(database: Database, sheet: str) -> None:
    enter(database, sheet, A=8, C=1)
    send(database, 3)
    stock(database, N_A=5)
    approve(database, sheet)
    assert (level(database, "N_A").on_hand, level(database, "N_C").on_hand, level(database, "N_B").on_hand) == (
        10,
        1,
        3,
    )
    with database.read() as session:
        newest = list_movements(session, location="N", sku="A")[0]
        found = get_count(session, count_id=sheet)
        assert verify_projection(session) == []
    assert (newest.kind, newest.on_hand_delta, newest.reference) == ("counted", -2, "ST-1 year end")
    assert (found.state, found.lines, found.counted) == ("approved", 3, 2)


def test_a_count_of_an_earlier_time_is_held_against_the_ledger_of_that_time(database: Database, sheet: str) -> None:
    send(database, 4)
    csv = f"sku,counted,counted_at\nA,9,{(AT + timedelta(minutes=5)).isoformat()}\nB,3,\n"
    with database.write() as session:
        import_counts(session, count_id=sheet, rows=csv, at=LATER + timedelta(minutes=1), actor="counter")
    with database.read() as session:
        lines = {line.sku: (line.expected, line.difference) for line in list_lines(session, count_id=sheet)}
    assert lines == {"A": (10, -1), "B": (3, 0)}
    approve(database, sheet)
    assert level(database, "N_A").on_hand == 5


def test_less_than_is_promised_is_the_truth_and_is_told(
    database: Database, sheet: str, published: Callable[[str], list[dict[str, Any]]]
) -> None:
    with database.write() as session:
        reserve(session, demands=[need("N_A", 9)], at=AT, actor="test")
    enter(database, sheet, A=6)
    approve(database, sheet)
    assert [(event["sku"], event["short"]) for event in published("inventory.stock_short")] == [("A", "3")]
    assert (level(database, "N_A").on_hand, level(database, "N_A").reserved) == (6, 9)


def test_a_count_that_cannot_have_been_right_is_counted_again(database: Database, sheet: str) -> None:
    enter(database, sheet, A=1, B=2)
    send(database, 6)
    with pytest.raises(InvalidInput) as refused:
        approve(database, sheet)
    assert [error["index"] for error in refused.value.extra["errors"]] == [0]
    assert "count it again" in refused.value.extra["errors"][0]["detail"]
    enter(database, sheet, A=4)
    approve(database, sheet)
    assert (level(database, "N_A").on_hand, level(database, "N_B").on_hand) == (4, 2)


def test_every_bad_row_is_named_and_nothing_is_stored_unless_asked(database: Database, sheet: str) -> None:
    csv = "location,sku,counted,counted_at\nN,A,8,\nS,B,1,\nN,X,1,\nN,A,x,\nN,B,1,2020-01-01\nN,B,,yesterday\n"

    def read(*, skip_faulty: bool) -> Any:
        with database.write() as session:
            return import_counts(session, count_id=sheet, rows=csv, at=LATER, actor="counter", skip_faulty=skip_faulty)

    with pytest.raises(InvalidInput) as refused:
        read(skip_faulty=False)
    named = {(error["row"], error["column"]) for error in refused.value.extra["errors"]}
    assert {(3, "location"), (4, "sku"), (5, "counted"), (5, "sku"), (6, "counted_at"), (7, "counted")} <= named
    count, faults = read(skip_faulty=True)
    assert (count.counted, {fault.row for fault in faults}) == (1, {3, 4, 5, 6, 7})


def test_a_sheet_is_closed_once(database: Database, sheet: str) -> None:
    with pytest.raises(StateConflict, match="Nothing is counted"):
        approve(database, sheet)
    with database.write() as session:
        cancel_count(session, count_id=sheet, at=LATER, actor="lead")
    for again in (lambda: enter(database, sheet, A=1), lambda: approve(database, sheet)):
        with pytest.raises(StateConflict, match="is cancelled already"):
            again()
    with database.read() as session:
        assert [one.state for one in list_counts(session, location="N")] == ["cancelled"]
        assert list_counts(session, state="open") == []


def test_counts_that_cannot_be_are_all_named(database: Database, sheet: str) -> None:
    counted = [Counted("A", Decimal(-1)), Counted("X", Decimal(1)), Counted("X", Decimal(1), AT - timedelta(hours=1))]
    with database.write() as session, pytest.raises(InvalidInput) as refused:
        enter_counts(session, count_id=sheet, counted=counted, at=LATER, actor="counter")
    found = {(error["index"], error["field"]) for error in refused.value.extra["errors"]}
    assert found == {(0, "counted"), (1, "sku"), (2, "sku"), (2, "counted_at")}
