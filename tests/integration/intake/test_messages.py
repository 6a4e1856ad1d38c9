"""What arrives is kept byte for byte, once, and each document has its own fate."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hub.canonical.facts import Fault, OrderFact, ParseResult
from hub.canonical.order import Order
from hub.flows.pull_channel import OVERLAP, pull_job
from hub.flows.replay import preview, replay
from hub.intake.service.selecting import Selection, select_messages
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.service.publish import enqueue
from hub.sdk.values import Raw, RawPage
from tests.builders import World, canonical_order, event, line, order_document
from tests.doubles import Book


def states(world: World, *message_ids: str) -> list[str]:
    return [world.message(message_id).state for message_id in message_ids]


def as_order(order: Order) -> OrderFact:
    return OrderFact(kind="order", external_id=order.external_id, order_id=order.external_id, order=order)


def reading(*orders: Order, faults: tuple[Fault, ...] = ()) -> Callable[[Raw], ParseResult]:
    return lambda raw: ParseResult(facts=tuple(as_order(order) for order in orders), faults=faults)


@pytest.fixture
def book(world: World) -> Book:
    """A channel whose documents are read as the test says."""
    return world.double("channel", "fake_channel", "feed")


def deliver(world: World, *raws: Raw) -> list[str]:
    with world.write() as session:
        deliveries = [Delivery(world.connections["feed"], raw) for raw in raws]
        stored = store_messages(session, deliveries=deliveries, at=world.clock.now())
    world.drain()
    return [entry.message_id for entry in stored]


def test_a_delivery_that_comes_again_is_the_same_message(world: World) -> None:
    document = order_document("1")
    first, again = world.store(document, document, event_id="evt-1")
    (later,) = world.send(document, event_id="evt-1")
    assert (first.duplicate, again.duplicate, later.duplicate) == (False, True, True)
    assert {first.message_id, again.message_id, later.message_id} == {first.message_id}
    assert (world.count("orders"), world.count("inbound_messages")) == (1, 1)


def test_without_an_event_id_the_revision_tells_deliveries_apart(world: World) -> None:
    first, again, newer = world.store(
        order_document("1", revision=1), order_document("1", revision=1), order_document("1", revision=2)
    )
    assert (again.message_id, again.duplicate) == (first.message_id, True)
    assert (newer.duplicate, newer.message_id != first.message_id) == (False, True)


def test_two_shops_may_use_the_same_ids(world: World) -> None:
    world.shop("other")
    world.send(order_document("1"), event_id="evt-1")
    (stored,) = world.send(order_document("1"), to="other", event_id="evt-1")
    assert (stored.duplicate, world.count("orders")) == (False, 2)


def test_a_shop_that_is_connected_anew_finds_its_orders_again(world: World) -> None:
    world.send(order_document("1"))
    world.shop("again", account="shop")
    world.send(order_document("1", line("1", "A", 2)), to="again")
    assert (world.count("orders"), world.lines("1")["1"]["ordered"]) == (1, 2)


def test_stock_of_five_four_five_is_three_messages(world: World) -> None:
    stored = world.send(*(event("stock.changed", sku="A", location="L", available=str(n)) for n in (5, 4, 5)))
    assert [entry.duplicate for entry in stored] == [False, False, False]
    assert states(world, *(entry.message_id for entry in stored)) == ["applied"] * 3


def test_the_same_state_told_again_makes_nothing(world: World) -> None:
    document = order_document("1")
    first, again = world.send(document, document)
    assert states(world, first.message_id, again.message_id) == ["applied", "duplicate"]
    assert world.timeline("1").count("order.accepted") == 1
    assert "order.changed" not in world.timeline("1")


def test_an_older_state_that_comes_late_changes_nothing(world: World) -> None:
    document = order_document("1", line("1", "A", 3), revision=2)
    world.send(document)
    (late,) = world.send({**document, "lines": [line("1", "A", 1)], "grand_total": "10.00", "revision": 1})
    assert states(world, late.message_id) == ["superseded"]
    assert world.lines("1")["1"]["ordered"] == 3


def test_a_state_between_two_equal_ones_that_comes_last_changes_nothing(world: World) -> None:
    first = order_document("1", line("1", "A", 3), revision=1)
    between = {**first, "lines": [line("1", "A", 1)], "grand_total": "10.00", "revision": 2}
    world.send(first)
    world.send({**first, "revision": 3})
    (late,) = world.send(between)
    assert states(world, late.message_id) == ["superseded"]
    assert world.lines("1")["1"]["ordered"] == 3


def test_what_cannot_be_read_is_kept_with_a_case_and_applied_once_the_plugin_is_mended(
    world: World, book: Book
) -> None:
    body = b'{"strange": "\xc3\xa9"}'
    (message_id,) = deliver(world, Raw(body=body, external_id="1"))
    message = world.message(message_id)
    assert (message.state, message.error_class, message.error_code) == ("blocked", "Malformed", "untaught")
    assert message.error == "/: nobody has taught this double to read"
    assert (message.body, world.cases()) == (body, ["message_blocked"])
    with world.read() as session:
        ids = select_messages(session, Selection(plugin="fake_channel", state="blocked"), limit=10)
        assert [entry.outcome for entry in preview(session, world.runtime.services, ids)] == ["still_blocked"]
    book.parse = reading(canonical_order(external_id="1"))
    with world.read() as session:
        (difference,) = preview(session, world.runtime.services, ids)
        assert (difference.outcome, world.count("orders")) == ("new_order", 0)
    with world.write() as session:
        assert replay(session, world.runtime.services, ids, "person") == 1
    world.drain()
    assert (states(world, message_id), world.lines("1")["1"]["ordered"]) == (["applied"], 2)
    assert "message_blocked" not in world.cases()


def test_a_plugin_with_a_bug_harms_its_own_message_only(world: World, book: Book) -> None:
    def trip(raw: Raw) -> ParseResult:
        if raw.external_id == "2":
            raise ZeroDivisionError
        return reading(canonical_order(external_id=raw.external_id))(raw)

    book.parse = trip
    ids = deliver(world, *(Raw(body=b"{}", external_id=str(number)) for number in range(4)))
    assert states(world, *ids) == ["applied", "applied", "blocked", "applied"]
    assert world.message(ids[2]).error_code == "plugin_bug"


def test_an_order_that_no_table_can_hold_is_blocked_and_its_neighbours_are_not(world: World, book: Book) -> None:
    def read(raw: Raw) -> ParseResult:
        if raw.external_id == "1":
            lines = [{"external_id": "same", "sku": "A", "quantity": "1"}] * 2
            return reading(canonical_order(external_id="1", lines=lines))(raw)
        return reading(canonical_order(external_id=raw.external_id))(raw)

    book.parse = read
    ids = deliver(world, *(Raw(body=b"{}", external_id=str(number)) for number in range(5)))
    assert states(world, *ids) == ["applied", "blocked", "applied", "applied", "applied"]


def test_a_file_is_split_and_each_part_has_its_own_fate(world: World, book: Book) -> None:
    fault = Fault(error="Malformed", code="quantity", message="row 4: no quantity", path="4/C")
    book.parse = reading(
        canonical_order(external_id="1"), canonical_order(external_id="2", lines=[]), faults=(fault,)
    )  # fmt: skip
    (message_id,) = deliver(world, Raw(body=b"a;b;c", name="orders.csv"))
    parent = world.message(message_id)
    assert (parent.state, [entry["path"] for entry in parent.faults or []]) == ("parsed", ["4/C"])
    assert world.count("orders") == 2
    assert "message_faulty" in world.cases()
    with world.write() as session:
        replay(session, world.runtime.services, [message_id], "person")
    world.drain()
    assert world.count("orders") == 2, "its parts are told again, and are known"


def test_a_list_in_one_delivery_is_split_the_same_way(world: World) -> None:
    documents = [order_document("1"), {"id": "2"}, order_document("3")]
    with world.write() as session:
        raw = Raw(body=json.dumps(documents).encode(), kind="order.upserted")
        (stored,) = store_messages(
            session, deliveries=[Delivery(world.connections["shop"], raw)], at=world.clock.now()
        )  # fmt: skip
    world.drain()
    assert (world.message(stored.message_id).state, world.count("orders")) == ("parsed", 2)
    assert [entry["path"] for entry in world.message(stored.message_id).faults or []] == ["/1/lines"]


def test_a_page_and_its_cursor_are_stored_together(world: World, book: Book) -> None:
    from_source = datetime(2026, 3, 2, 8, 59, tzinfo=UTC)
    book.parse = lambda raw: reading(canonical_order(external_id=raw.external_id))(raw)
    book.pages = [
        RawPage((Raw(body=b"1", external_id="1"), Raw(body=b"2", external_id="2")), next_page="p2"),
        RawPage((Raw(body=b"3", external_id="3"),), source_time=from_source),
    ]
    pull(world, "a")
    assert (world.count("orders"), [window.page for window in book.windows]) == (3, [None, "p2"])
    assert book.windows[0].until == book.windows[1].until, "one closed window, whatever happens meanwhile"
    world.clock.advance(600)
    book.windows.clear()
    pull(world, "b")
    assert book.windows[0].since < from_source < book.windows[0].until


def pull(world: World, cause: str) -> None:
    with world.write() as session:
        enqueue(session, [pull_job(world.connections["feed"].connection_id, cause)])
    world.drain()


def test_an_observed_shop_is_read_and_nothing_goes_out(world: World) -> None:
    world.shop("watched", mode="observe")
    world.shop("young", import_from=datetime(2026, 4, 1, tzinfo=UTC))
    world.ledger()
    world.stock(W1_A=9)
    world.send(order_document("1"), order_document("2", line("1", "UNKNOWN")), to="watched")
    world.send(order_document("3"), to="young")
    assert world.count("orders") == 3
    assert (world.order("1").side_effects, world.order("3").side_effects) == (False, False)
    assert {job.kind for job in world.jobs()} == {"intake.process", "routing.replan", "review.resume"}
    for table in ("erp_documents", "reservations", "fulfilment_orders", "effects", "cases"):
        assert world.count(table) == 0, table


def test_the_cursor_goes_by_the_sources_clock_when_the_first_page_was_given(world: World, book: Book) -> None:
    """What the source changes while its pages are read may be missing in those after the first."""
    first = datetime(2026, 3, 2, 8, 40, tzinfo=UTC)
    book.pages = [
        RawPage((), next_page="p2", source_time=first),
        RawPage((), source_time=datetime(2026, 3, 2, 8, 59, tzinfo=UTC)),
    ]
    pull(world, "a")
    book.windows.clear()
    world.clock.advance(600)
    pull(world, "b")
    assert book.windows[0].since == first - OVERLAP
