"""Channels hear of shipments, and what they show of the order proves it."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hub.canonical.facts import CancellationFact, OrderFact, ParseResult, ShipmentFact
from hub.canonical.order import ChannelShipment, LineQuantity
from hub.flows.pull_channel import pull_job
from hub.fulfilment.tables import ShipmentNoticeRow
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.service.publish import enqueue
from hub.sdk.errors import Rejected, Uncertain
from hub.sdk.testing.kit import MockHttp
from hub.sdk.values import Raw
from plugins.channels.webhook.signature import key_of, sign
from tests.builders import World, canonical_order, line, order_document
from tests.doubles import Book
from tests.plugins.channels.shopify.fake import FakeShop
from tests.plugins.channels.shopify.schema import schema
from tests.plugins.channels.shopify.shops import SETTINGS
from tests.rules_in_force import decide_by

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def notices(world: World) -> list[tuple[str, str | None]]:
    with world.read() as session:
        return [(row.state, row.remote_id) for row in session.query(ShipmentNoticeRow).all()]


class Receiver(ThreadingHTTPServer):
    """A shop's own endpoint; keeps what was posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Posted)
        self.posted: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = f"http://127.0.0.1:{self.server_port}/hooks"


class Posted(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posted.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_shipment_is_posted_once_and_signed(world: World, receiver: Receiver) -> None:
    world.shop("pushed", settings={"push_url": receiver.url, "push_secret": SECRET}, allow_private=True)
    world.double("carrier", "fake_carrier", "carrier")
    world.stock(W1_A=5)
    world.send(order_document("1", line("1", "A", 2)), to="pushed")
    (shipment,) = world.deliver("1")
    world.hand_over(shipment)
    ((headers, body),) = receiver.posted
    signed = sign(key_of(SECRET), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert signed in headers["webhook-signature"].split()
    told = json.loads(body)
    assert (told["type"], told["data"]["order_id"]) == ("shipment.created", "1")
    assert told["data"]["tracking_numbers"] == ["C-1-0"]
    assert told["data"]["lines"] == [{"line_id": "1", "quantity": "2"}]
    assert notices(world)[0][0] == "sent"


@pytest.fixture
def feed(world: World) -> Book:
    """A channel that shows its orders, with order 1 of two A in it."""
    book = world.double("channel", "fake_channel", "feed")
    world.double("carrier", "fake_carrier", "carrier")
    world.stock(W1_A=9)
    address = order_document()["ship_to"]
    order = canonical_order(external_id="1", ship_to=address, payment_state="paid", placed_at="2026-03-02T09:00:00Z")
    book.parse = lambda raw: ParseResult(
        facts=(OrderFact(kind="order", order_id="1", order=order.model_copy(update={"shipments": shown(raw)})),)
    )
    tell(world, b"[]")
    return book


def shown(raw: Raw) -> tuple[ChannelShipment, ...]:
    """Tracking numbers that a document of the double names."""
    numbers = json.loads(raw.body)
    if not numbers:
        return ()
    return (ChannelShipment(external_id="S-1", state="success", tracking_numbers=tuple(numbers)),)


def tell(world: World, body: bytes, **raw: Any) -> None:
    with world.write() as session:
        delivery = Delivery(world.connections["feed"], Raw(body=body, external_id="1", **raw))
        store_messages(session, deliveries=[delivery], at=world.clock.now())
    world.drain()


def test_what_the_channel_shows_proves_that_it_knows(world: World, feed: Book) -> None:
    feed.shown["1"] = b'["C-1-0"]'
    world.deliver("1")
    (push,) = feed.pushed
    assert (push.tracking_numbers, [(entry.line_external_id, entry.quantity) for entry in push.lines]) == (
        ("C-1-0",), [("1", "2")],
    )  # fmt: skip
    assert notices(world) == [("read_back", f"remote-{push.reference[:8]}")]


def test_our_own_shipment_that_comes_back_is_no_news(world: World, feed: Book) -> None:
    world.deliver("1")
    assert notices(world)[0][0] == "sent"
    before = world.lines("1")
    shipment = ChannelShipment(
        external_id="S-1", state="success", tracking_numbers=("C-1-0",),
        lines=(LineQuantity(line_external_id="1", quantity=Decimal(2)),),
    )  # fmt: skip
    feed.parse = lambda raw: ParseResult(facts=(ShipmentFact(order_id="1", shipment=shipment),))
    tell(world, b"{}")
    assert (notices(world)[0][0], world.lines("1")) == ("read_back", before)


def test_what_the_channel_shipped_itself_is_not_sent_by_us_however_often_it_is_told(world: World, feed: Book) -> None:
    document = {
        "order_id": "2", "kind": "shipment",
        "shipment": {"external_id": "S-9", "state": "success", "lines": [{"line_external_id": "1", "quantity": "1"}]},
    }  # fmt: skip
    order = canonical_order(
        external_id="2", ship_to=order_document()["ship_to"],
        lines=[{"external_id": "1", "sku": "A", "quantity": "3", "total": {"minor": 3000, "currency": "USD"}}],
    )  # fmt: skip
    world.shop("other")
    feed.parse = lambda raw: ParseResult(facts=(OrderFact(kind="order", order_id="2", order=order),))
    tell(world, b"{}")
    fact = ShipmentFact.model_validate_json(json.dumps(document))
    feed.parse = lambda raw: ParseResult(facts=(fact,))
    for _ in range(2):
        tell(world, b"{}")
    assert world.lines("2")["1"] == {"ordered": 3, "ordered_source": 3, "external_shipped": 1, "unallocated": 2}
    assert world.folded("2")


def test_it_counts_once_whichever_document_tells_it(world: World, feed: Book) -> None:
    """A shipment of its own and the order's own state name one shipment; the order's state may be told any number of
    times, and a new shipment in it counts too.
    """
    order = canonical_order(
        external_id="2", ship_to=order_document()["ship_to"], payment_state="paid", placed_at="2026-03-02T09:00:00Z",
        lines=[{"external_id": "1", "sku": "A", "quantity": "3", "total": {"minor": 3000, "currency": "USD"}}],
    )  # fmt: skip

    def state(*shipments: ChannelShipment, **changes: Any) -> None:
        changed = order.model_copy(update={"shipments": shipments, **changes})
        feed.parse = lambda raw: ParseResult(facts=(OrderFact(kind="order", order_id="2", order=changed),))
        tell(world, b"{}")

    first, second = channel_shipment("S-1", 1), channel_shipment("S-2", 1)
    state()
    assert world.level("W1_A").reserved == 5
    state(first)
    assert (world.lines("2")["1"]["external_shipped"], world.lines("2")["1"]["allocated"]) == (1, 2)
    feed.parse = lambda raw: ParseResult(facts=(ShipmentFact(order_id="2", shipment=first),))
    tell(world, b"{}")
    feed.parse = lambda raw: ParseResult(facts=(ShipmentFact(order_id="2", shipment=second),))
    tell(world, b"{}")
    works = len(world.work("2"))
    for tag in ("a", "b"):
        state(first, second, tags=(tag,))
    assert (world.lines("2")["1"], len(world.work("2"))) == (
        {"ordered": 3, "ordered_source": 3, "external_shipped": 2, "allocated": 1, "released": 1}, works,
    ), "told again, nothing is planned anew"  # fmt: skip
    assert world.timeline("2").count("order.shipped_by_channel") == 2
    state(first, second, channel_shipment("S-3", 1))
    assert (world.order("2").lifecycle, world.lines("2")["1"]["external_shipped"]) == ("completed", 3)
    assert (world.level("W1_A").reserved, world.drift(), world.folded("2")) == (2, [], True)


def test_what_is_on_backorder_may_be_shipped_by_its_channel(world: World, feed: Book) -> None:
    decide_by(world, sourcing=[{"id": "wait", "name": "W", "then": [{"action": "on_unfillable", "do": "backorder"}]}])
    order = canonical_order(
        external_id="2", ship_to=order_document()["ship_to"], payment_state="paid", placed_at="2026-03-02T09:00:00Z",
        lines=[{"external_id": "1", "sku": "B", "quantity": "3", "total": {"minor": 3000, "currency": "USD"}}],
    )  # fmt: skip
    shipped = ShipmentFact(order_id="2", shipment=channel_shipment("S-1", 3))
    for fact in (OrderFact(kind="order", order_id="2", order=order), shipped):
        feed.parse = lambda raw, fact=fact: ParseResult(facts=(fact,))  # type: ignore[misc]
        tell(world, b"{}")
    assert "order.backordered" in world.timeline("2")
    assert (world.order("2").lifecycle, world.lines("2")["1"]["external_shipped"]) == ("completed", 3)


def test_a_line_that_comes_with_its_shipment_counts_once(world: World, feed: Book) -> None:
    order = canonical_order(external_id="2", ship_to=order_document()["ship_to"])
    money = {"minor": 1000, "currency": "USD"}
    added = canonical_order(lines=[{"external_id": "9", "sku": "B", "quantity": "3", "total": money}]).lines
    shipment = channel_shipment("S-1", 1, line="9")
    for lines, shipments in ((order.lines, ()), ((*order.lines, *added), (shipment,))):
        now = order.model_copy(update={"lines": lines, "shipments": shipments})
        feed.parse = lambda raw, now=now: ParseResult(facts=(OrderFact(kind="order", order_id="2", order=now),))
        tell(world, b"{}")
    feed.parse = lambda raw: ParseResult(facts=(ShipmentFact(order_id="2", shipment=shipment),))
    tell(world, b"{}")
    assert world.lines("2")["9"] == {"ordered": 3, "ordered_source": 3, "external_shipped": 1, "unallocated": 2}
    assert world.folded("2")


def test_what_the_channel_shipped_before_it_cancelled_the_rest_is_shipped(world: World, feed: Book) -> None:
    order = canonical_order(external_id="2", ship_to=order_document()["ship_to"], payment_state="paid")
    for changes in ({}, {"shipments": (channel_shipment("S-1", 1),), "cancelled": True}):
        now = order.model_copy(update=changes)
        feed.parse = lambda raw, now=now: ParseResult(facts=(OrderFact(kind="order", order_id="2", order=now),))
        tell(world, b"{}")
    assert world.lines("2")["1"] == {"ordered": 2, "ordered_source": 2, "external_shipped": 1, "cancelled": 1}
    assert (world.order("2").lifecycle, world.folded("2")) == ("cancelled", True)


@pytest.mark.parametrize("sequence", ["ship, cancel", "cancel, ship", "cancel, ship, ship"])
def test_what_has_left_was_not_cancelled_whichever_is_told_first(small_world: World, sequence: str) -> None:
    book = small_world.double("channel", "fake_channel", "feed")
    order = canonical_order(external_id="1", ship_to=order_document()["ship_to"])
    facts = {
        "create": OrderFact(kind="order", order_id="1", order=order),
        "ship": ShipmentFact(order_id="1", shipment=channel_shipment("S-1", 1)),
        "cancel": CancellationFact(order_id="1"),
    }
    for fact in ("create", *sequence.split(", ")):
        book.parse = lambda raw, fact=fact: ParseResult(facts=(facts[fact],))
        tell(small_world, b"{}")
    assert small_world.lines("1")["1"] == {"ordered": 2, "ordered_source": 2, "external_shipped": 1, "cancelled": 1}
    assert (small_world.order("1").lifecycle, small_world.folded("1")) == ("cancelled", True)


@pytest.mark.parametrize("first", ["orders/updated", "fulfillments/create"])
def test_a_fulfilment_of_shopify_counts_once_whichever_webhook_is_first(small_world: World, first: str) -> None:
    world = small_world
    connection = world.connect("shopify", "channel", "shopify", SETTINGS)
    price = {"price": "10.00", "total_discount": "0.00", "tax_lines": []}
    item = {"id": 11, "sku": "A", "title": "A", "quantity": 3, "requires_shipping": True, **price}
    order = {
        "id": 1001, "name": "#1001", "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z",
        "currency": "USD", "financial_status": "paid", "total_price": "30.00", "subtotal_price": "30.00",
        "total_tax": "0.00", "total_discounts": "0.00", "taxes_included": False, "tax_lines": [], "shipping_lines": [],
        "discount_codes": [], "line_items": [item], "fulfillments": [], "refunds": [], "cancelled_at": None,
    }  # fmt: skip
    fulfilment = {
        "id": 501, "order_id": 1001, "status": "success", "created_at": "2026-03-02T10:00:00Z",
        "updated_at": "2026-03-02T10:00:00Z", "tracking_numbers": ["1Z1"], "line_items": [{**item, "quantity": 2}],
    }  # fmt: skip
    updated = {**order, "updated_at": "2026-03-02T10:00:01Z", "fulfillments": [fulfilment]}
    told = {"orders/updated": updated, "fulfillments/create": fulfilment}
    for topic, document in (("orders/create", order), (first, told.pop(first)), *told.items()):
        delivery = Delivery(connection, Raw(body=json.dumps(document).encode(), kind=topic, external_id="1001"))
        with world.write() as session:
            store_messages(session, deliveries=[delivery], at=world.clock.now())
        world.drain()
    assert world.lines("1001")["11"] == {"ordered": 3, "ordered_source": 3, "external_shipped": 2, "unallocated": 1}
    assert (world.timeline("1001").count("order.shipped_by_channel"), world.folded("1001")) == (1, True)


def channel_shipment(external_id: str, quantity: int, line: str = "1") -> ChannelShipment:
    part = LineQuantity(line_external_id=line, quantity=Decimal(quantity))
    return ChannelShipment(external_id=external_id, state="success", lines=(part,))


def test_a_lost_answer_is_told_again_under_the_same_reference(world: World, feed: Book) -> None:
    feed.after.append(Uncertain("no answer came"))
    world.deliver("1")
    assert notices(world) == [("in_doubt", None)]
    world.later(3600)
    assert (len(feed.sent), len(set(feed.sent)), notices(world)[0][0]) == (2, 1, "sent")


def test_a_channel_that_refuses_is_a_case_and_the_goods_are_gone_all_the_same(world: World, feed: Book) -> None:
    feed.before.append(Rejected("already cancelled"))
    world.deliver("1")
    assert (notices(world), world.cases()) == ([("refused", None)], ["job_parked"])
    assert world.order("1").lifecycle == "completed"


@pytest.mark.peer
def test_a_shopify_order_from_its_pull_to_its_read_back(small_world: World) -> None:
    schema()
    world, shop = small_world, FakeShop()
    world.runtime.adapters._http_for = lambda info, plugin: MockHttp(shop, clock=world.clock)
    world.connect("shopify", "channel", "shopify", SETTINGS, import_from=world.clock.now() - timedelta(days=30))
    world.double("carrier", "fake_carrier", "carrier")
    world.products("MUG-11")
    world.stock(**{"W1_MUG-11": 5})
    order_id = shop.add_order(1001, {11: 2}, updated_at="2026-03-02T08:00:00Z")
    with world.write() as session:
        enqueue(session, [pull_job(world.connections["shopify"].connection_id, "1")])
    world.drain()
    assert (world.count("orders"), world.order("1001").currency) == (1, "USD")
    world.release("1001")
    world.deliver("1001")
    assert (shop.numbers(order_id), notices(world)[0][0]) == (["C-1-0"], "read_back")
    assert (world.order("1001").lifecycle, world.folded("1001")) == ("completed", True)
