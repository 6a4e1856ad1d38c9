"""Shipments, scans and returns that are told before their order, or before its goods, are counted when these come."""

import json
from decimal import Decimal
from typing import Any

import pytest

from hub.canonical.facts import ParseResult
from hub.intake.service.store import Delivery, store_messages
from hub.kit.ids import digest
from hub.sdk.values import Raw
from tests.builders import World, canonical_order, order_document

LINES = [{"line_external_id": "1", "quantity": "2"}]
RETURN = {"kind": "return", "external_id": "RMA-1", "reason": "too small", "lines": LINES}
SHIPMENT = {"kind": "shipment", "shipment": {"external_id": "S-1", "state": "success", "lines": LINES}}


@pytest.fixture
def feed(world: World) -> World:
    """A channel that says facts one by one."""
    book = world.double("channel", "fake_channel", "feed")
    book.parse = lambda raw: ParseResult.model_validate_json(raw.body)
    world.stock(W1_A=5)
    return world


def tell(world: World, fact: dict[str, Any]) -> str:
    """It says this of its order 1; the message's state."""
    body = json.dumps({"facts": [{"order_id": "1", **fact}]}).encode()
    with world.write() as session:
        raw = Raw(body=body, event_id=digest(body))
        (stored,) = store_messages(session, deliveries=[Delivery(world.connections["feed"], raw)], at=world.clock.now())
    world.drain()
    return str(world.message(stored.message_id).state)


def order() -> dict[str, Any]:
    """Two units, paid."""
    address = order_document()["ship_to"]
    told = canonical_order(external_id="1", number="1", ship_to=address, payment_state="paid")
    return {"kind": "order", "order": told.model_dump(mode="json")}


def counters(world: World) -> dict[str, Decimal]:
    """Of the line, but what was ordered."""
    return {name: value for name, value in world.lines("1")["1"].items() if not name.startswith("ordered")}


def test_what_the_channel_shipped_before_its_order_came_is_not_sent_by_us(feed: World) -> None:
    assert tell(feed, SHIPMENT) == "parked"
    tell(feed, order())
    assert (counters(feed), feed.open_work("1")) == ({"external_shipped": 2}, [])
    assert (feed.order("1").lifecycle, feed.level("W1_A").reserved, feed.folded("1")) == ("completed", 0, True)


def test_a_return_that_is_told_first_of_all_is_counted_when_the_goods_have_left(feed: World) -> None:
    assert tell(feed, RETURN) == "parked"
    tell(feed, order())
    assert "return_requested" not in counters(feed)
    tell(feed, SHIPMENT)
    assert counters(feed) == {"external_shipped": 2, "return_requested": 2}
    assert feed.folded("1")


def test_a_return_told_before_our_own_parcel_left_is_counted_once_it_leaves(feed: World) -> None:
    feed.carrier()
    tell(feed, order())
    tell(feed, RETURN)
    assert "return_requested" not in counters(feed)
    feed.deliver("1")
    assert counters(feed)["return_requested"] == 2
    tell(feed, {**RETURN, "reason": "told again"})
    assert (counters(feed)["return_requested"], feed.folded("1")) == (2, True)


def test_a_return_that_grows_adds_what_is_new_and_two_returns_never_more_than_left(feed: World) -> None:
    tell(feed, order())
    tell(feed, SHIPMENT)
    one = [{"line_external_id": "1", "quantity": "1"}]
    tell(feed, {**RETURN, "lines": one})
    assert counters(feed)["return_requested"] == 1
    tell(feed, RETURN)
    assert counters(feed)["return_requested"] == 2
    tell(feed, {**RETURN, "external_id": "RMA-2"})
    assert (counters(feed)["return_requested"], feed.folded("1")) == (2, True)
