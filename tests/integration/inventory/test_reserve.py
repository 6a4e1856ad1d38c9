from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from hub.inventory.rules.grants import Demand
from hub.inventory.rules.levels import StockLimits
from hub.inventory.service.change import set_limits
from hub.inventory.service.query import available, list_movements, verify_projection
from hub.inventory.service.release import release
from hub.inventory.service.reserve import ReserveResult, reserve
from hub.kit.db import Database
from hub.kit.errors import InvalidInput, StateConflict
from hub.kit.ids import new_id
from tests.integration.inventory.building import AT, level, need, set_up, stock


def ask(database: Database, *demands: Demand) -> ReserveResult:
    with database.write() as session:
        return reserve(session, demands=demands, at=AT, actor="router")


def lines(*demands: Demand) -> frozenset[str]:
    return frozenset(demand.fulfilment_order_line_id for demand in demands)


def drift(database: Database) -> object:
    with database.read() as session:
        return verify_projection(session)


def test_what_fits_is_granted_and_noted(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, S_A=1)
    first, second = need("N_A", 3), need("S_A", "0.5")
    assert ask(database, first, second) == ReserveResult(lines(first, second), {})
    with database.read() as session:
        assert available(session, skus=["A", "B"]) == {("N", "A"): Decimal(2), ("S", "A"): Decimal("0.5")}
        assert available(session, skus=["A"], locations=["S"]) == {("S", "A"): Decimal("0.5")}
        newest, received = list_movements(session, location="N", sku="A")
    assert (newest.kind, newest.reserved_delta, newest.on_hand_delta) == ("reserved", Decimal(3), Decimal(0))
    assert (newest.reference, newest.actor) == (first.fulfilment_order_line_id, "router")
    assert (received.kind, received.on_hand_delta) == ("received", Decimal(5))
    assert drift(database) == []


def test_in_the_given_order_as_long_as_it_fits(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5)
    big, small, tiny = need("N_A", 4), need("N_A", 2), need("N_A", 1)
    result = ask(database, big, small, tiny)
    assert result.granted == lines(big, tiny)
    assert result.refused == {small.fulfilment_order_line_id: Decimal(1)}
    assert level(database, "N_A").reserved == 5


def test_a_fulfilment_order_is_granted_whole_or_not_at_all(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=1, S_B=9)
    order = new_id()
    a, b, elsewhere = need("N_A", 2, order=order), need("N_B", 2, order=order), need("S_B", 2, order=order)
    result = ask(database, a, b, elsewhere)
    assert result.granted == lines(elsewhere)
    assert result.refused == {a.fulfilment_order_line_id: Decimal(0), b.fulfilment_order_line_id: Decimal(1)}
    assert level(database, "N_A").reserved == 0


def test_safety_is_kept_back_and_the_allowance_may_be_promised(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=5)
    limits = [
        StockLimits("N", "A", safety=Decimal(2)),
        StockLimits("N", "B", safety=Decimal(1), oversell_allowance=Decimal(3)),
    ]
    with database.write() as session:
        set_limits(session, entries=limits, at=AT, actor="test")
    assert ask(database, need("N_A", 4)).granted == frozenset()
    assert len(ask(database, need("N_A", 3)).granted) == 1
    assert len(ask(database, need("N_B", 7)).granted) == 1
    assert ask(database, need("N_B", 1)).granted == frozenset()


def test_nothing_is_granted_where_there_never_was_stock(database: Database) -> None:
    set_up(database)
    unknown = need("N_A")
    assert ask(database, unknown).refused == {unknown.fulfilment_order_line_id: Decimal(1)}


def test_a_bundle_line_holds_each_component(database: Database) -> None:
    set_up(database)
    stock(database, N_A=5, N_B=1)
    order, one, two = new_id(), new_id(), new_id()
    whole = [need("N_A", 2, order=order, line=one), need("N_B", 1, order=order, line=one)]
    assert ask(database, *whole).granted == {one}
    other = new_id()
    half = [need("N_A", 2, order=other, line=two), need("N_B", 1, order=other, line=two)]
    assert ask(database, *half).refused == {two: Decimal(1)}
    assert (level(database, "N_A").reserved, level(database, "N_B").reserved) == (2, 1)


def test_asking_again_does_not_double(database: Database) -> None:
    set_up(database)
    stock(database, N_A=2)
    demand = need("N_A", 2)
    assert ask(database, demand).granted == lines(demand)
    assert ask(database, demand).granted == lines(demand)
    assert level(database, "N_A").reserved == 2
    with pytest.raises(StateConflict, match="release that first"):
        ask(database, need("N_A", 1, line=demand.fulfilment_order_line_id))


def test_a_released_line_can_be_held_anew(database: Database) -> None:
    set_up(database)
    stock(database, N_A=2, S_A=2)
    demand = need("N_A", 2)
    ask(database, demand)
    with database.write() as session:
        release(session, fulfilment_order_line_ids=lines(demand), at=AT, actor="test", reason="rerouted")
    moved = need("S_A", 1, order=demand.order_id, line=demand.fulfilment_order_line_id)
    assert ask(database, moved).granted == lines(moved)
    assert (level(database, "N_A").reserved, level(database, "S_A").reserved) == (0, 1)
    assert drift(database) == []


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0001"])
def test_a_quantity_that_cannot_be_held_is_refused(database: Database, quantity: str) -> None:
    with pytest.raises(InvalidInput, match="Cannot reserve"):
        ask(database, need("N_A", quantity))


def test_the_number_of_statements_does_not_grow(database: Database) -> None:
    set_up(database, skus=[f"P{number}" for number in range(60)])
    stock(database, **{f"{place}_P{number}": 1000 for place in "NS" for number in range(60)})

    def count(demands: list[Demand]) -> int:
        statements: list[str] = []

        def note(*args: object) -> None:
            statements.append(str(args[2]))

        with database.write() as session:
            session.connection()
            event.listen(database.engine, "before_cursor_execute", note)
            assert len(reserve(session, demands=demands, at=AT, actor="test").granted) == len(demands)
            event.remove(database.engine, "before_cursor_execute", note)
        return len(statements)

    few = count([need("N_P0"), need("S_P1")])
    many = count([need(f"{place}_P{number}") for place in "NS" for number in range(60)])
    assert few == many <= 5


@pytest.mark.parametrize("batch", [1, 4])
def test_sixteen_threads_never_oversell_a_hot_sku(database: Database, batch: int) -> None:
    set_up(database)
    stock(database, N_A=40, S_A=25, N_B=1000, S_B=1000)

    def work(thread: int) -> int:
        places = ("N", "S") if thread % 2 else ("S", "N")
        granted = 0
        for _ in range(8 // batch):
            demands = []
            for number in range(batch):
                order = new_id()
                place = places[number % 2]
                demands += [need(f"{place}_B", 1, order=order), need(f"{place}_A", 1, order=order)]
            granted += len(ask(database, *demands).granted)
        return granted

    with ThreadPoolExecutor(16) as pool:
        granted = sum(pool.map(work, range(16)))
    assert (level(database, "N_A").reserved, level(database, "S_A").reserved) == (40, 25)
    assert granted == 2 * (40 + 25)
    assert drift(database) == []


def test_threads_that_reserve_and_release_leave_no_drift(database: Database) -> None:
    set_up(database)
    stock(database, N_A=3, S_A=3)

    def work(thread: int) -> None:
        for turn in range(4):
            demand = need("N_A" if (thread + turn) % 2 else "S_A", 1)
            if ask(database, demand).granted:
                with database.write() as session:
                    release(
                        session, fulfilment_order_line_ids=lines(demand), at=AT + timedelta(minutes=turn),
                        actor="test", reason="cancelled",
                    )  # fmt: skip

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    assert level(database, "N_A").reserved == level(database, "S_A").reserved == 0
    assert drift(database) == []
