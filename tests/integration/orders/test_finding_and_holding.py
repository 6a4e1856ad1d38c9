"""Orders are found by what people know of them, and held by whom it concerns."""

from datetime import timedelta
from typing import Any

import pytest

from hub.kit.errors import NotFound, StateConflict
from hub.orders.service.holding import find_order, hold_orders
from hub.orders.service.search import After, OrderFilter, list_orders
from tests.builders import World, event, line, order_document


@pytest.fixture
def shops(world: World) -> World:
    """Five orders of two shops, an hour apart."""
    world.shop("other")
    for number in range(5):
        placed = (world.clock.now() + timedelta(hours=number)).isoformat()
        document = order_document(str(number), line("1", "A" if number % 2 else "B"), placed_at=placed)
        world.send(document, to="other" if number == 4 else "shop")
    return world


def found(world: World, **filters: Any) -> list[str]:
    with world.read() as session:
        return [row.external_id for row in list_orders(session, wanted=OrderFilter(**filters), after=None, limit=50)]


def test_by_what_people_know(shops: World) -> None:
    order = shops.order("2")
    assert found(shops, number=order.number) == ["2"]
    assert found(shops, email=f" {(order.email or '').upper()} ") == ["2"]
    assert found(shops, sku="A") == ["3", "1"]
    assert found(shops, accounts=["other"]) == ["4"]
    assert found(shops, phone="+1 (212) 555-0123") == ["4", "3", "2", "1", "0"]
    assert found(shops, ids=[order.order_id], sku="A") == []
    at = shops.clock.now()
    assert found(shops, placed_from=at + timedelta(hours=1), placed_to=at + timedelta(hours=3)) == ["2", "1"]


def test_page_by_page(shops: World) -> None:
    pages: list[str] = []
    for wanted in (OrderFilter(), OrderFilter(placed_from=shops.clock.now())):
        after = None
        while True:
            with shops.read() as session:
                rows = list_orders(session, wanted=wanted, after=after, limit=2)
            if not rows:
                break
            pages.extend(row.external_id for row in rows)
            after = After(rows[-1].order_id, rows[-1].placed_at)
    assert pages == ["4", "3", "2", "1", "0"] * 2


def test_a_number_that_two_shops_use_names_no_order(shops: World) -> None:
    shops.send(order_document("9", number="N-2"), to="other")
    with shops.read() as session:
        assert find_order(session, shops.order("3").order_id).external_id == "3"
        assert find_order(session, "N-3").external_id == "3"
        with pytest.raises(StateConflict, match="Several orders"):
            find_order(session, "N-2")
        with pytest.raises(NotFound):
            find_order(session, "nothing")


def hold(world: World, *ids: str, reason: str = "fraud") -> tuple[int, list[str]]:
    with world.write() as session:
        held = hold_orders(
            session, order_ids=ids, reason_code=reason, message="?", actor="person", at=world.clock.now()
        )  # fmt: skip
    return len(held.done), sorted(refusal.code for refusal in held.refused.values())


def test_holds_are_placed_once_and_found_and_the_last_one_lets_go(shops: World) -> None:
    order_id = shops.order("1").order_id
    assert hold(shops, order_id) == hold(shops, order_id) == (1, [])
    hold(shops, order_id, reason="address")
    assert (shops.holds("1"), found(shops, hold="fraud")) == (["address", "fraud"], ["1"])
    assert shops.timeline("1").count("order.held") == 2
    shops.stock(W1_A=9)
    shops.drain()
    assert shops.open_work("1") == []
    shops.release("1", "fraud")
    assert (shops.holds("1"), shops.open_work("1")) == (["address"], [])
    shops.release("1")
    assert [row.location for row in shops.open_work("1")] == ["W1"]


def test_what_is_over_cannot_be_held_and_stops_no_other(shops: World) -> None:
    shops.send(event("order.cancelled", order_id="0"))
    ids = [shops.order("0").order_id, shops.order("1").order_id, "01a20447-b009-7968-9779-52f23a38e641"]
    assert hold(shops, *ids) == (1, ["order_not_found", "order_not_open"])
    assert (shops.holds("0"), shops.holds("1")) == ([], ["fraud"])
