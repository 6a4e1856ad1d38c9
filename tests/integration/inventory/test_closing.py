from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from hub.inventory.rules.closing import LineQuantity
from hub.inventory.rules.grants import Demand
from hub.inventory.service.change import stocktake
from hub.inventory.service.consume import ConsumeResult, consume
from hub.inventory.service.query import list_movements, verify_projection
from hub.inventory.service.release import expire, release, release_part
from hub.inventory.service.reserve import reserve
from hub.kit.db import Database
from hub.kit.errors import InvalidInput, StateConflict
from hub.kit.ids import new_id
from tests.integration.inventory.building import AT, entry, level, need, set_up, stock

Published = Callable[[str], list[dict[str, Any]]]


def hold(database: Database, *demands: Demand, minutes: int | None = None) -> list[str]:
    """Reserve, all of it; the lines in their order."""
    expires_at = None if minutes is None else AT + timedelta(minutes=minutes)
    with database.write() as session:
        result = reserve(session, demands=demands, at=AT, actor="router", expires_at=expires_at)
    assert not result.refused
    return [demand.fulfilment_order_line_id for demand in demands]


def ship(database: Database, *quantities: LineQuantity, rest: Literal["hold", "release"] = "hold") -> ConsumeResult:
    with database.write() as session:
        return consume(session, consumed=quantities, at=AT, actor="dock", rest=rest)


def figures(database: Database, key: str) -> tuple[Decimal, Decimal]:
    found = level(database, key)
    return found.on_hand, found.reserved


@pytest.fixture(autouse=True)
def no_drift(database: Database) -> Any:
    yield
    with database.read() as session:
        assert verify_projection(session) == []


def test_release_frees_what_is_held_once(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=5)
    before = len(published("inventory.stock_increased"))
    first, second, third = hold(database, need("N_A", 2), need("N_B", 1), need("N_A", 1))
    with database.write() as session:
        gone = release(
            session, fulfilment_order_line_ids=[first, second, new_id()], at=AT, actor="desk", reason="cancelled"
        )  # fmt: skip
        assert gone == {first, second}
    assert (figures(database, "N_A"), figures(database, "N_B")) == ((5, 1), (5, 0))
    with database.write() as session:
        again = release(session, fulfilment_order_line_ids=[first], at=AT, actor="desk", reason="cancelled")
        newest = list_movements(session, location="N", sku="A")[0]
    assert again == frozenset()
    assert (newest.kind, newest.reserved_delta, newest.reference) == ("released", -2, f"{first} cancelled")
    assert [data["sku"] for data in published("inventory.stock_increased")[before:]] == ["A", "B"]
    assert figures(database, "N_A") == (5, 1), third


def test_release_part_for_a_short_pick(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    (line,) = hold(database, need("N_A", 3))
    with database.write() as session:
        assert not release_part(session, quantities=[LineQuantity(line, Decimal(1))], at=AT, actor="x", reason="short")
    assert figures(database, "N_A") == (5, 2)
    with database.write() as session:
        release_part(session, quantities=[LineQuantity(line, Decimal(9))], at=AT, actor="x", reason="short")
        missing = release_part(session, quantities=[LineQuantity(line, Decimal(1))], at=AT, actor="x", reason="short")
    assert missing == {line}
    assert figures(database, "N_A") == (5, 0)


def test_consume_in_two_parts(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    (line,) = hold(database, need("N_A", 3))
    not_stocked = new_id()
    result = ship(database, LineQuantity(line, Decimal(1)), LineQuantity(not_stocked, Decimal(1)))
    assert result == ConsumeResult(consumed=frozenset({line}), unreserved=frozenset({not_stocked}))
    assert figures(database, "N_A") == (4, 2)
    ship(database, LineQuantity(line, Decimal(2)))
    assert figures(database, "N_A") == (2, 0)
    with pytest.raises(StateConflict, match="went out already"):
        ship(database, LineQuantity(line, Decimal(1)))


def test_consume_a_part_and_release_the_rest(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    (line,) = hold(database, need("N_A", 3))
    ship(database, LineQuantity(line, Decimal(1)), rest="release")
    assert figures(database, "N_A") == (4, 0)
    with database.write() as session:
        assert not release(session, fulfilment_order_line_ids=[line], at=AT, actor="x", reason="cancelled")


def test_what_left_is_the_truth_even_beyond_the_reservation(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=5)
    over, other = hold(database, need("N_A", 1), need("N_A", 3))
    ship(database, LineQuantity(over, Decimal(3)))
    assert figures(database, "N_A") == (2, 3)
    assert published("inventory.stock_short") == [{"sku": "A", "location": "N", "short": "1"}], other


def test_a_released_line_that_ships_all_the_same_lowers_the_stock(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    (line,) = hold(database, need("N_A", 2))
    with database.write() as session:
        release(session, fulfilment_order_line_ids=[line], at=AT, actor="x", reason="expired")
    ship(database, LineQuantity(line, Decimal(2)))
    assert figures(database, "N_A") == (3, 0)


def test_a_line_of_several_skus_needs_the_sku(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=5)
    order, line = new_id(), new_id()
    hold(database, need("N_A", 4, order=order, line=line), need("N_B", 2, order=order, line=line))
    with pytest.raises(InvalidInput, match="holds A, B"):
        ship(database, LineQuantity(line, Decimal(1)))
    ship(database, LineQuantity(line, Decimal(2), sku="A"), LineQuantity(line, Decimal(1), sku="B"))
    assert (figures(database, "N_A"), figures(database, "N_B")) == ((3, 2), (4, 1))


def test_only_overdue_reservations_expire(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=9)
    hold(database, need("N_A", 1), need("N_A", 1), minutes=5)
    hold(database, need("N_A", 1), minutes=10)
    hold(database, need("N_A", 1))
    with database.write() as session:
        assert expire(session, at=AT + timedelta(minutes=4)) == 0
        assert expire(session, at=AT + timedelta(minutes=5), limit=1) == 1
        assert expire(session, at=AT + timedelta(minutes=5)) == 1
        assert expire(session, at=AT + timedelta(minutes=5)) == 0
    assert figures(database, "N_A") == (9, 2)


def test_a_count_below_what_is_reserved_is_stored_and_told(database: Database, published: Published) -> None:
    set_up(database)
    stock(database, N_A=5)
    hold(database, need("N_A", 4))
    with database.write() as session:
        stocktake(session, entries=[entry("N_A", 1)], at=AT, actor="counter")
    assert figures(database, "N_A") == (1, 4)
    assert published("inventory.stock_short") == [{"sku": "A", "location": "N", "short": "3"}]
    with database.write() as session:
        stocktake(session, entries=[entry("N_A", 2)], at=AT, actor="counter")
    assert len(published("inventory.stock_short")) == 1, "a level that recovers is no news of a shortage"


def test_two_who_release_the_same_lines_free_them_once(database: Database) -> None:
    set_up(database)
    stock(database, N_A=20, S_B=20)
    held = hold(database, *(need("N_A" if number % 2 else "S_B") for number in range(20)))

    def free(lines: list[str]) -> int:
        with database.write() as session:
            return len(release(session, fulfilment_order_line_ids=lines, at=AT, actor="two", reason="cancelled"))

    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            first = release(session, fulfilment_order_line_ids=held, at=AT, actor="one", reason="cancelled")
            second = pool.submit(free, held[::-1])
            assert not wait([second], timeout=0.3).done, "the second must wait for the first"
        assert (len(first), second.result()) == (20, 0)
    assert (figures(database, "N_A"), figures(database, "S_B")) == ((20, 0), (20, 0))
