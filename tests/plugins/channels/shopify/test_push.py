"""Shipments and stock towards Shopify: every request passes Shopify's own schema on its way to the fake shop."""

from dataclasses import replace

import httpx
import pytest

from hub.sdk.errors import Conflict, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.values import ShippedLine, StockShown
from tests.plugins.channels.shopify.fake import FakeShop, gid
from tests.plugins.channels.shopify.shops import channel, only, shipment, stock

pytestmark = pytest.mark.peer


# shipments


def test_a_shipment_is_created_with_tracking_and_read_back(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 3, 2: 1}, updated_at="2026-03-02T08:00:00Z")
    result = only(channel(shop, carrier_names={"ups": "UPS"}).push_shipments([shipment("1001", "A", "B", l1=2)]))
    assert (result.ok, result.remote_id) == (True, shop.fulfilments[order_id][0]["id"])
    assert shop.numbers(order_id) == ["A", "B"]
    assert shop.messages == ["OrderHub ref-1"]
    assert [entry["remainingQuantity"] for entry in shop.work[order_id][0]["entries"]] == [1, 1]
    assert shop.requests[-2:] == ["OrderParts", "ReadFulfilments"]


def test_a_shipment_that_is_there_is_not_sent_again(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 3}, updated_at="2026-03-02T08:00:00Z")
    push = shipment("1001", "A", l1=2)
    first, again = (only(channel(shop).push_shipments([push])) for _ in range(2))
    assert first == again
    assert len(shop.fulfilments[order_id]) == 1


def test_a_cancelled_fulfilment_does_not_count(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 1}, updated_at="2026-03-02T08:00:00Z")
    shop.add_fulfilment(order_id, {gid("LineItem", 1): 1}, {"number": "A"}, status="CANCELLED")
    assert only(channel(shop).push_shipments([shipment("1001", "A", l1=1)])).ok
    assert len(shop.fulfilments[order_id]) == 2


def test_two_locations_need_two_fulfilments_and_a_half_done_one_is_completed(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 1}, updated_at="2026-03-02T08:00:00Z")
    shop.add_work(order_id, {2: 1}, location=2)
    shop.add_work(order_id, {3: 5}, location=2, status="ON_HOLD")
    shop.add_fulfilment(order_id, {gid("LineItem", 1): 1}, {"number": "A"})
    shop.work[order_id][0]["entries"][0]["remainingQuantity"] = 0
    assert only(channel(shop).push_shipments([shipment("1001", "A", l1=1, l2=1)])).ok
    assert shop.numbers(order_id) == ["A", "A"]
    refused = only(channel(shop).push_shipments([shipment("1001", "B", l3=1)]))
    assert isinstance(refused.error, Rejected)
    assert (refused.error.code, refused.error.path) == ("not_fulfillable", "3")
    assert "ON_HOLD" in refused.error.message


def test_fulfilment_orders_and_their_lines_are_read_over_pages(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, dict.fromkeys(range(1, 31), 1), updated_at="2026-03-02T08:00:00Z")
    for number in range(31, 43):
        shop.add_work(order_id, {number: 1}, location=1)
    assert only(channel(shop).push_shipments([shipment("1001", "A", l30=1, l42=1)])).ok
    assert "MoreWork" in shop.requests


def test_a_lost_answer_is_in_doubt_and_the_next_attempt_finds_it(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 1}, updated_at="2026-03-02T08:00:00Z")

    def lose(name: str) -> None:
        if name == "CreateFulfilment":
            raise httpx.ReadTimeout("lost")

    shop.after = lose
    doubtful = only(channel(shop).push_shipments([shipment("1001", "A", l1=1)]))
    assert (doubtful.in_doubt, type(doubtful.error)) == (True, Uncertain)
    shop.after = lambda _name: None
    assert only(channel(shop).push_shipments([shipment("1001", "A", l1=1)])).ok
    assert len(shop.fulfilments[order_id]) == 1


def test_a_shipment_without_a_number_is_known_by_its_lines(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 3}, updated_at="2026-03-02T08:00:00Z")
    for _ in range(2):
        assert only(channel(shop).push_shipments([shipment("1001", l1=1)])).ok
    assert len(shop.fulfilments[order_id]) == 1


def test_one_bad_shipment_stops_no_other(shop: FakeShop) -> None:
    shop.add_order(1001, {1: 1}, updated_at="2026-03-02T08:00:00Z")
    items = [
        shipment("404", "A", reference="a", l1=1),
        replace(shipment("1001", "A", reference="b"), lines=(ShippedLine("1", "0.5"),)),
        shipment("1001", "A", reference="c", l1=1),
    ]
    results = channel(shop).push_shipments(items)
    assert [(result.ref, result.ok) for result in results] == [("a", False), ("b", False), ("c", True)]
    assert [result.error.code for result in results if result.error] == ["unknown_order", "fractional_quantity"]


def test_a_throttled_batch_stops_at_once(shop: FakeShop) -> None:
    shop.add_order(1001, {1: 2}, updated_at="2026-03-02T08:00:00Z")
    shop.points = 100
    results = channel(shop).push_shipments(
        [shipment("1001", "A", reference="a", l1=1), shipment("1001", "B", reference="b", l1=1)]
    )
    assert [type(result.error) for result in results] == [RateLimited, RateLimited]
    assert len(shop.requests) == 1


# stock


def test_stock_is_set_location_by_location_in_one_call_each(shop: FakeShop) -> None:
    mug = shop.add_item("MUG", {1: 5, 2: 5})
    cup = shop.add_item('CUP "L"', {1: 0})
    results = channel(shop).push_stock([stock("MUG", 7), stock('CUP "L"', 3), stock("MUG", 1, "w", "WEST")])
    assert all(result.ok for result in results)
    assert shop.levels == {(mug, gid("Location", 1)): 7, (mug, gid("Location", 2)): 1, (cup, gid("Location", 1)): 3}
    assert shop.requests.count("SetQuantities") == 2


def test_a_level_that_is_right_is_not_written(shop: FakeShop) -> None:
    shop.add_item("MUG", {1: 5})
    assert only(channel(shop).push_stock([stock("MUG", 5)])).ok
    assert "SetQuantities" not in shop.requests


def test_what_the_shop_shows_is_what_can_be_set_there(shop: FakeShop) -> None:
    shop.add_item("MUG", {1: 5, 2: 9})
    shop.add_item("TWICE", {1: 1})
    shop.add_item("TWICE", {1: 1})
    shop.add_item("ELSEWHERE", {2: 3})
    assert channel(shop, stock_location="1").list_stock(["ELSEWHERE", "MUG", "NONE", "TWICE"]) == [StockShown("MUG", 5)]


def test_of_two_news_of_one_sku_the_later_counts(shop: FakeShop) -> None:
    mug = shop.add_item("MUG", {1: 5})
    results = channel(shop).push_stock([stock("MUG", 9, "late", seconds=5), stock("MUG", 1, "early")])
    assert [(result.ref, result.ok) for result in results] == [("late", True), ("early", True)]
    assert shop.levels[mug, gid("Location", 1)] == 9


def test_one_bad_sku_stops_no_other(shop: FakeShop) -> None:
    mug = shop.add_item("MUG", {1: 5})
    shop.add_item("TWICE", {1: 1})
    shop.add_item("TWICE", {1: 1})
    shop.add_item("FREE", {1: 1}, tracked=False)
    shop.add_item("AWAY", {2: 1})
    shop.add_item("HUGE", {1: 1})
    skus = {"MUG": 7, "TWICE": 1, "FREE": 1, "AWAY": 1, "NONE": 1, "HUGE": 10**9 + 1}
    results = channel(shop).push_stock(
        [*(stock(sku, units) for sku, units in skus.items()), stock("MUG", 1, "x", "NORTH")]
    )
    codes = {result.ref: result.error.code if result.error else None for result in results}
    assert codes == {
        "r-MUG": None, "r-TWICE": "ambiguous_sku", "r-FREE": "not_tracked", "r-AWAY": "not_stocked_here",
        "r-NONE": "unknown_sku", "r-HUGE": "INVALID_QUANTITY_TOO_HIGH",
        "x": "unknown_location",
    }  # fmt: skip
    assert shop.levels[mug, gid("Location", 1)] == 7


def test_a_sale_in_between_is_not_overwritten(shop: FakeShop) -> None:
    mug = shop.add_item("MUG", {1: 5})

    def sell(name: str) -> httpx.Response | None:
        if name == "SetQuantities":
            shop.levels[mug, gid("Location", 1)] = 4
        return None

    shop.before = sell
    result = only(channel(shop).push_stock([stock("MUG", 7)]))
    assert isinstance(result.error, Conflict)
    assert shop.levels[mug, gid("Location", 1)] == 4
    shop.before = lambda _name: None
    assert only(channel(shop).push_stock([stock("MUG", 6)])).ok


def test_a_repeated_change_has_the_key_of_the_first(shop: FakeShop) -> None:
    shop.add_item("MUG", {1: 5})

    def lose(name: str) -> None:
        if name == "SetQuantities":
            raise httpx.ReadTimeout("lost")

    shop.after = lose
    assert isinstance(only(channel(shop).push_stock([stock("MUG", 7)])).error, Transient)
    shop.after = lambda _name: None
    assert only(channel(shop).push_stock([stock("MUG", 7)])).ok
    assert len(shop.keys) == 1
