from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from hub.inventory.rules.levels import StockLimits, Transfer
from hub.inventory.service.change import adjust, receive, set_limits, stocktake, transfer
from hub.inventory.service.importing import import_stock
from hub.inventory.service.query import list_levels, list_movements, verify_projection
from hub.inventory.service.reserve import reserve
from hub.inventory.tables import StockLevelRow
from hub.kit.db import Database
from hub.kit.errors import InvalidInput
from tests.integration.inventory.building import AT, entry, level, need, set_up, stock

Published = Callable[[str], list[dict[str, Any]]]


def faults_of(refusal: pytest.ExceptionInfo[InvalidInput], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(fault[name] for name in names) for fault in refusal.value.extra["errors"]]


def test_adjust_by_differences(database: Database) -> None:
    set_up(database)
    with database.write() as session:
        entries = [entry("N_A", 5), entry("N_A", -2), entry("S_A", "0.25")]
        changed = adjust(session, entries=entries, at=AT, actor="desk")
        assert [(item.key, item.on_hand) for item in changed] == [(("N", "A"), 3), (("S", "A"), Decimal("0.25"))]
        assert [line.on_hand_delta for line in list_movements(session, location="N", sku="A")] == [-2, 5]


def test_all_faults_at_once_and_nothing_stored(database: Database) -> None:
    set_up(database)
    stock(database, N_A=1)
    entries = [entry("N_A", 9), entry("X_A", 1), entry("N_Z", 1), entry("Y_Z", 1), entry("N_B", "0.0001")]
    with pytest.raises(InvalidInput) as refusal, database.write() as session:
        adjust(session, entries=entries, at=AT, actor="desk")
    assert sorted(faults_of(refusal, "index", "field")) == [
        (1, "location"), (2, "sku"), (3, "location"), (3, "sku"), (4, "quantity"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="1 faults"), database.write() as session:
        adjust(session, entries=[entry("N_A", 9), entry("N_A", -11)], at=AT, actor="desk")
    assert level(database, "N_A").on_hand == 1


def test_an_increase_wakes_each_sku_once_if_anything_is_free(database: Database, published: Published) -> None:
    set_up(database)
    with database.write() as session:
        set_limits(session, entries=[StockLimits("S", "B", safety=Decimal(5))], at=AT, actor="desk")
    stock(database, N_A=2, S_A=2, S_B=5)
    assert published("inventory.stock_increased") == [{"sku": "A", "locations": ["N", "S"]}]
    stock(database, S_B=1)
    with database.write() as session:
        set_limits(session, entries=[StockLimits("S", "B", safety=Decimal(1))], at=AT, actor="desk")
        stocktake(session, entries=[entry("N_A", 1)], at=AT, actor="desk")
    assert [data["sku"] for data in published("inventory.stock_increased")] == ["A", "B", "B"]


def test_limits_change_only_what_is_stated(database: Database) -> None:
    set_up(database)
    with database.write() as session:
        set_limits(session, entries=[StockLimits("N", "A", Decimal(1), Decimal(2), Decimal(3))], at=AT, actor="x")
        (changed,) = set_limits(session, entries=[StockLimits("N", "A", safety=Decimal(0))], at=AT, actor="x")
    assert (changed.safety, changed.oversell_allowance, changed.inbound) == (0, 2, 3)
    with database.write() as session:
        receive(session, entries=[entry("N_A", 2)], at=AT, actor="x")
        assert [line.kind for line in list_movements(session, location="N", sku="A")] == [
            "received",
            "limits",
            "limits",
        ]
    assert (level(database, "N_A").inbound, level(database, "N_A").on_hand) == (1, 2)


def test_a_transfer_leaves_what_is_reserved(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=5)
    with database.write() as session:
        reserve(session, demands=[need("N_A", 3)], at=AT, actor="x")
    with pytest.raises(InvalidInput) as refusal, database.write() as session:
        transfer(session, transfers=[Transfer("A", "N", "S", Decimal(3))], at=AT, actor="x")
    assert faults_of(refusal, "index", "field") == [(0, "quantity")]
    with pytest.raises(InvalidInput, match="1 faults"), database.write() as session:
        transfer(session, transfers=[Transfer("A", "N", "N", Decimal(1))], at=AT, actor="x")
    with database.write() as session:
        transfer(session, transfers=[Transfer("A", "N", "S", Decimal(2))], at=AT, actor="x")
        out = list_movements(session, location="N", sku="A")[0]
        into = list_movements(session, location="S", sku="A")[0]
    assert (out.kind, out.on_hand_delta, into.kind, into.on_hand_delta) == ("transferred_out", -2, "transferred_in", 2)
    assert out.reference == into.reference is not None
    assert (level(database, "N_A").on_hand, level(database, "S_A").on_hand) == (3, 2)
    assert published("inventory.stock_increased")[-1] == {"sku": "A", "locations": ["S"]}


def test_threads_that_begin_the_same_levels(database: Database) -> None:
    set_up(database, skus=[f"P{number}" for number in range(8)])

    def work(thread: int) -> None:
        keys = [f"{place}_P{number}" for place in "NS" for number in range(8)]
        with database.write() as session:
            entries = [entry(key, 1) for key in (keys if thread % 2 else keys[::-1])]
            receive(session, entries=entries, at=AT, actor=f"t{thread}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with database.read() as session:
        levels, _ = list_levels(session)
        assert {item.on_hand for item in levels} == {Decimal(8)}
        assert len(levels) == 16
        assert verify_projection(session) == []


def test_drift_is_found(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=5)
    with database.write() as session:
        session.execute(update(StockLevelRow).where(StockLevelRow.sku == "A").values(on_hand=Decimal("4.5")))
        session.execute(update(StockLevelRow).where(StockLevelRow.sku == "B").values(reserved=Decimal(1)))
    with database.read() as session:
        first, second = verify_projection(session)
    assert (first.sku, first.on_hand, first.ledger_on_hand) == ("A", Decimal("4.5"), Decimal(5))
    assert (second.sku, second.reserved, second.ledger_reserved, second.held) == ("B", 1, 0, 0)


def test_levels_by_filter_and_keyset(database: Database) -> None:
    set_up(database)
    stock(database, N_A=1, N_B=2, S_A=3, S_B=4)
    with database.write() as session:
        reserve(session, demands=[need("N_B", 2), need("S_B", 4)], at=AT, actor="x")
    with database.read() as session:
        assert [item.key for item in list_levels(session, location="S")[0]] == [("S", "A"), ("S", "B")]
        assert [item.key for item in list_levels(session, sku="A")[0]] == [("N", "A"), ("S", "A")]
        first, after = list_levels(session, limit=3)
        rest, end = list_levels(session, limit=3, after=after)
        assert [item.key for item in first + rest] == [("N", "A"), ("N", "B"), ("S", "A"), ("S", "B")]
        assert (after, end) == (("S", "A"), None)
        assert [item.key for item in list_levels(session, low=True)[0]] == [("N", "B"), ("S", "B")]
        assert list_levels(session, low=True, limit=1)[1] == ("N", "B")
        assert [item.key for item in list_levels(session, low=True, sku="B", location="S")[0]] == [("S", "B")]


@pytest.mark.parametrize("window", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("limit", [1, 2, 9])
def test_low_levels_page_by_page_are_all_low_levels(
    database: Database, window: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.inventory.service.query.LOW_WINDOW", window)
    set_up(database, skus=list("ABCDEF"))
    stock(database, N_A=1, N_B=1, N_C=1, N_D=1, N_E=1, N_F=1)
    with database.write() as session:
        reserve(session, demands=[need("N_B"), need("N_C"), need("N_F")], at=AT, actor="x")
    found, after, pages = [], None, 0
    with database.read() as session:
        while pages < 20:
            page, after = list_levels(session, low=True, limit=limit, after=after)
            found += [item.sku for item in page]
            pages += 1
            assert len(page) <= limit
            if after is None:
                break
    assert found == ["B", "C", "F"]


def test_import_counts_and_limits(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=9)
    rows = "Location,SKU,on_hand,safety\nN,A,7,\nS,A,3,2\nS,B,,1\n"
    with database.write() as session:
        done = import_stock(session, rows=rows, at=AT, actor="desk")
    assert {item.key: (item.on_hand, item.safety) for item in done.levels} == {
        ("N", "A"): (7, 0), ("S", "A"): (3, 2), ("S", "B"): (0, 1),
    }  # fmt: skip
    assert published("inventory.stock_increased")[-1] == {"sku": "A", "locations": ["S"]}
    with database.read() as session:
        assert verify_projection(session) == []


def test_import_tells_all_faults_and_stores_nothing_or_the_rest(database: Database) -> None:
    set_up(database)
    rows = [
        {"location": "N", "sku": "A", "on_hand": 5},
        {"location": "N", "sku": "A", "on_hand": 6},
        {"location": "X", "sku": "Z", "on_hand": "1,000"},
        {"location": "N", "sku": "B"},
        {"location": "S", "sku": "B", "on_hand": -1, "colour": "red"},
        {"sku": "B", "on_hand": 0.5},
    ]
    with pytest.raises(InvalidInput) as refusal, database.write() as session:
        import_stock(session, rows=rows, at=AT, actor="desk")
    assert sorted(faults_of(refusal, "row", "column")) == [
        (2, "sku"), (3, "location"), (3, "on_hand"), (3, "sku"), (4, "on_hand"), (5, "colour"), (5, "on_hand"),
        (6, "location"),
    ]  # fmt: skip
    with database.write() as session:
        done = import_stock(session, rows=rows, at=AT, actor="desk", skip_faulty=True)
        assert [(item.key, item.on_hand) for item in done.levels] == [(("N", "A"), 5)]
        assert {fault.row for fault in done.faults} == {2, 3, 4, 5, 6}
