"""Stock kept for what is no order yet: never sold twice, never kept longer than said."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from hub.inventory.rules.soft import SoftLine, SoftReservation
from hub.inventory.service.query import available, verify_projection
from hub.inventory.service.reserve import reserve
from hub.inventory.service.soft import (
    assign_softly,
    expire_softly,
    extend_softly,
    get_soft,
    list_soft,
    release_softly,
    reserve_softly,
    take_over,
    yield_softly,
)
from hub.kit.db import Database
from hub.kit.errors import HubError, InvalidInput, StateConflict
from hub.kit.ids import new_id
from tests.integration.inventory.building import AT, level, need, set_up, stock

HOUR = timedelta(hours=1)


def keep(database: Database, *lines: SoftLine, until: datetime = AT + HOUR) -> SoftReservation:
    with database.write() as session:
        return reserve_softly(session, reference="draft 7", lines=lines, expires_at=until, at=AT, actor="phone")


def of(sku: str, quantity: int, location: str | None = None) -> SoftLine:
    return SoftLine(sku, Decimal(quantity), location)


def places(kept: SoftReservation) -> list[tuple[str, str, Decimal]]:
    return [(line.location, line.sku, line.quantity) for line in kept.lines]


def sound(database: Database) -> bool:
    with database.read() as session:
        return verify_projection(session) == []


def test_it_is_kept_whole_where_it_can_be_else_in_parts_else_not_at_all(database: Database) -> None:
    set_up(database)
    stock(database, N_A=2, S_A=5, N_B=1)
    assert places(keep(database, of("A", 3))) == [("S", "A", 3)]
    assert places(keep(database, of("A", 4), of("B", 1, "N"))) == [("N", "A", 2), ("N", "B", 1), ("S", "A", 2)]
    with pytest.raises(StateConflict) as refused:
        keep(database, of("A", 1), of("B", 2))
    assert [error["index"] for error in refused.value.extra["errors"]] == [0, 1]
    assert level(database, "S_A").available == 0
    assert sound(database)


def test_its_time_ends_it_and_may_be_made_longer(database: Database) -> None:
    set_up(database)
    stock(database, N_A=3)
    first, second = keep(database, of("A", 1)), keep(database, of("A", 2))
    with database.write() as session:
        extend_softly(session, soft_id=second.soft_reservation_id, expires_at=AT + 2 * HOUR, at=AT, actor="phone")
    with database.write() as session:
        assert expire_softly(session, at=AT + HOUR) == 1
        assert expire_softly(session, at=AT + HOUR) == 0
    with database.write() as session:
        assert get_soft(session, soft_id=first.soft_reservation_id).state == "expired"
        assert [one.state for one in list_soft(session, state="held")] == ["held"]
        with pytest.raises(StateConflict, match="is expired already"):
            extend_softly(session, soft_id=first.soft_reservation_id, expires_at=AT + HOUR, at=AT, actor="phone")
        release_softly(session, soft_id=second.soft_reservation_id, at=AT, actor="phone")
    assert (level(database, "N_A").reserved, sound(database)) == (0, True)


def test_the_order_that_it_becomes_takes_it_over(database: Database) -> None:
    set_up(database)
    stock(database, N_A=3)
    kept, order = keep(database, of("A", 3)), new_id()
    with database.write() as session:
        assign_softly(session, soft_id=kept.soft_reservation_id, order_id=order, at=AT, actor="phone")
        with pytest.raises(StateConflict, match="another order"):
            assign_softly(session, soft_id=kept.soft_reservation_id, order_id=new_id(), at=AT, actor="phone")
        assert available(session, skus=["A"]) == {("N", "A"): 0}
        assert available(session, skus=["A"], order_ids=[order]) == {("N", "A"): 3}
    with database.write() as session:
        take_over(session, order_ids=[order], keys=[("N", "A")], at=AT, actor="routing")
        demand = need("N_A", 3, order=order)
        assert reserve(session, demands=[demand], at=AT, actor="routing").refused == {}
    with database.read() as session:
        assert get_soft(session, soft_id=kept.soft_reservation_id).state == "converted"
    assert (level(database, "N_A").reserved, sound(database)) == (3, True)


def test_the_youngest_gives_way_where_less_is_there(database: Database) -> None:
    set_up(database)
    stock(database, N_A=3)
    kept = [keep(database, of("A", 1)) for _ in range(3)]
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE stock_levels SET on_hand = 1000 WHERE sku = 'A'")
    with database.write() as session:
        assert yield_softly(session, keys=[("N", "A")], at=AT) == 2
    with database.read() as session:
        states = [get_soft(session, soft_id=one.soft_reservation_id).state for one in kept]
    assert states == ["held", "released", "released"]


@pytest.mark.parametrize("until", [AT, AT + timedelta(days=31)])
def test_a_time_that_cannot_be(database: Database, until: datetime) -> None:
    set_up(database)
    with pytest.raises(InvalidInput, match="at most 30 days"):
        keep(database, of("A", 1), until=until)


def test_lines_that_cannot_be_are_all_named(database: Database) -> None:
    set_up(database)
    with pytest.raises(InvalidInput) as refused:
        keep(database, of("A", 0), of("X", 1), of("A", 1, "Q"), of("A", 1, "Q"))
    found = {(fault["index"], fault["field"]) for fault in refused.value.extra["errors"]}
    assert found == {(0, "quantity"), (1, "sku"), (2, "location"), (3, "location"), (3, "sku")}


def test_64_at_once_never_keep_more_than_is_there(database: Database) -> None:
    set_up(database)
    stock(database, N_A=10)

    def one(_: int) -> bool:
        try:
            keep(database, of("A", 1))
        except HubError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(64))) == 10
    found = level(database, "N_A")
    assert (found.reserved, found.on_hand, sound(database)) == (10, 10, True)
