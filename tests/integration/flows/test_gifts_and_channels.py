"""A channel knows of no gift: what it says does not touch one, and it is told of none."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from hub.canonical.facts import OrderFact, ParseResult, ShipmentFact
from hub.canonical.order import ChannelShipment, LineQuantity
from hub.fulfilment import repository
from hub.fulfilment.service.negotiate import accept_cancel
from hub.fulfilment.service.work import accept_work
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.intake.service.store import Delivery, store_messages
from hub.sdk.values import Raw
from tests.builders import World, canonical_order, event, line, order_document
from tests.doubles import Book
from tests.rules_in_force import decide_by

GIFT = "gift:welcome:B"


@pytest.fixture
def gifted(world: World) -> World:
    """A hub that gives a B with each order."""
    world.double("carrier", "fake_carrier", "carrier")
    add = {"action": "add_gift", "sku": "B"}
    decide_by(world, gift=[{"id": "welcome", "name": "Welcome", "then": [add]}])
    return world


@pytest.fixture
def feed(gifted: World) -> Book:
    """A channel that is told of shipments."""
    return gifted.double("channel", "fake_channel", "feed")


def tell(world: World, feed: Book, fact: OrderFact | ShipmentFact) -> None:
    feed.parse = lambda _: ParseResult(facts=(fact,))
    with world.write() as session:
        delivery = Delivery(world.connections["feed"], Raw(body=b"{}", external_id="1"))
        store_messages(session, deliveries=[delivery], at=world.clock.now())
    world.drain()


def an_order(world: World, feed: Book) -> None:
    """Two A of the feed."""
    order = canonical_order(
        external_id="1", ship_to=order_document()["ship_to"], payment_state="paid", placed_at="2026-03-02T09:00:00Z"
    )
    tell(world, feed, OrderFact(kind="order", order_id="1", order=order))


def answer(world: World, row: FulfilmentOrderRow, say: Callable[..., object]) -> None:
    """What a partner says of its work, and what follows."""
    with world.write() as session:
        say(session, reference=row.fulfilment_order_id, actor="key:partner", at=world.clock.now())
    world.drain()


def test_it_is_told_of_what_it_sold(gifted: World, feed: Book) -> None:
    gifted.stock(W1_A=2, W1_B=1)
    an_order(gifted, feed)
    gifted.deliver("1")
    (push,) = feed.pushed
    assert [(sent.line_external_id, sent.quantity) for sent in push.lines] == [("1", "2")]
    assert gifted.lines("1")[GIFT]["shipped"] == 1


def test_it_is_not_told_of_a_parcel_with_nothing_else_in_it(gifted: World, feed: Book) -> None:
    gifted.stock(W1_A=2, W1_B=1)
    an_order(gifted, feed)
    (work,) = gifted.open_work("1")
    gifted.pack(work.fulfilment_order_id)
    with gifted.read() as session:
        rows = repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
        lines = {row.sku: row.fulfilment_order_line_id for row in rows}
    gifted.hand_over(gifted.ship(work.fulfilment_order_id, {lines["B"]: 1}))
    assert feed.pushed == []
    gifted.hand_over(gifted.ship(work.fulfilment_order_id, {lines["A"]: 2}))
    assert len(feed.pushed) == 1
    assert gifted.order("1").lifecycle == "completed"


def test_an_order_that_its_channel_has_shipped_does_not_wait_for_its_gift(gifted: World, feed: Book) -> None:
    an_order(gifted, feed)
    sent = LineQuantity(line_external_id="1", quantity=Decimal(2))
    shipment = ChannelShipment(external_id="S1", state="success", lines=(sent,))
    tell(gifted, feed, ShipmentFact(order_id="1", shipment=shipment))
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "cancelled": 1}
    assert (gifted.order("1").lifecycle, gifted.work("1")) == ("completed", [])


def test_a_newer_state_of_the_order_leaves_it_alone(gifted: World) -> None:
    gifted.stock(W1_A=9, W1_B=9)
    gifted.send(order_document("1", line("1", "A", 1)))
    gifted.send(order_document("1", line("1", "A", 3), line("2", "A", 1), revision="2"))
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "allocated": 1, "released": 1}
    assert gifted.lines("1")["2"]["allocated"] == 1
    assert gifted.folded("1")


def test_a_cancellation_takes_it_back(gifted: World) -> None:
    gifted.stock(W1_A=9, W1_B=9)
    gifted.send(order_document("1"))
    gifted.send(event("order.cancelled", order_id="1"))
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "cancelled": 1}
    assert (gifted.order("1").lifecycle, gifted.level("W1_B").reserved) == ("cancelled", 0)


def test_what_its_source_cut_while_it_was_bound_is_cancelled_and_its_gift_is_not(gifted: World) -> None:
    gifted.stock(W1_A=2, W1_B=1)
    gifted.send(order_document("1", line("1", "A", 2)))
    gifted.send(event("order.cancelled", order_id="1", lines=[{"line_id": "1", "quantity": "1"}]))
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "allocated": 1, "released": 1}


def test_what_its_source_cuts_of_a_partners_work_is_not_the_gift(gifted: World) -> None:
    gifted.locations("OUT", handling="outside")
    gifted.stock(OUT_A=5, OUT_B=5)
    gifted.send(order_document("1", line("1", "A", 2)))
    (work,) = gifted.open_work("1")
    answer(gifted, work, accept_work)
    gifted.send(event("order.cancelled", order_id="1", lines=[{"line_id": "1", "quantity": "1"}]))
    answer(gifted, work, accept_cancel)
    gifted.release("1")
    assert gifted.lines("1")["1"]["cancelled"] == 1
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "allocated": 1, "released": 1}
    assert (gifted.folded("1"), gifted.drift()) == (True, [])


def test_an_order_of_which_nothing_is_wanted_any_more_sends_no_gift(gifted: World) -> None:
    gifted.ledger()
    gifted.stock(W1_A=5, W1_B=5)
    gifted.send(order_document("1", line("1", "A", 1)))
    gifted.send(order_document("1", line("1", "A", 0), revision="2"))
    assert gifted.lines("1")[GIFT] == {"ordered": 1, "cancelled": 1}
    assert (gifted.order("1").lifecycle, gifted.open_work("1")) == ("completed", [])
