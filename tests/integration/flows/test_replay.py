"""Kept messages are read again with a mended plugin: what would change is shown first, and nothing is thrown back."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.canonical.facts import ParseResult
from hub.flows.replay import Difference, preview, replay
from hub.intake.service.selecting import Selection, count_messages, select_messages
from hub.intake.service.store import Delivery, store_messages
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw
from tests.builders import World, canonical_order, event, line, order_document
from tests.doubles import Book, FakeChannel
from tests.integration.intake.test_messages import reading


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


def previewed(world: World, *message_ids: str) -> list[Difference]:
    with world.read() as session:
        return preview(session, world.runtime.services, message_ids)


def replayed(world: World, *message_ids: str) -> None:
    with world.write() as session:
        replay(session, world.runtime.services, message_ids, "person")
    world.drain()


def priced(minor: int, **changes: Any) -> Callable[[Raw], ParseResult]:
    total = {"minor": minor, "currency": "USD"}
    goods = [{"external_id": "1", "sku": "A", "quantity": "2", "total": total}]
    return lambda raw: reading(canonical_order(external_id=raw.external_id, lines=goods, **changes))(raw)


def units(raw: Raw) -> ParseResult:
    """Reads how many are wanted in the body."""
    goods = [{"external_id": "1", "sku": "A", "quantity": raw.body.decode(), "total": {"minor": 5, "currency": "USD"}}]
    return reading(canonical_order(external_id=raw.external_id, lines=goods))(raw)


def line_total(world: World, external_id: str) -> Any:
    return world.order(external_id).document["lines"][0]["total"]["minor"]


def test_a_mended_mapping_is_shown_cent_by_cent_and_applied_once(world: World, book: Book) -> None:
    book.parse = priced(1999, buyer={"name": "Mia Muster"})
    ids = deliver(world, *(Raw(body=b"{}", external_id=str(number)) for number in range(3)))
    book.parse = priced(2000, buyer={"name": "Max Muster"})
    shown = previewed(world, *ids)
    assert [(entry.outcome, entry.reading, entry.fields) for entry in shown] == [
        ("changed", "changed", ("buyer", "lines"))
    ] * 3
    told = [(change.path, change.before, change.after) for change in shown[0].changes]
    assert told == [("order.buyer.name", "***", "***"), ("order.lines[0].total", "19.99 USD", "20.00 USD")]
    assert "Muster" not in str(shown)
    assert line_total(world, "0") == 1999, "a preview writes nothing"
    replayed(world, *ids)
    assert [line_total(world, number) for number in "012"] == [2000] * 3
    events = world.count("order_events")
    assert [entry.reading for entry in previewed(world, *ids)] == ["unchanged"] * 3
    replayed(world, *ids)
    assert world.count("order_events") == events, "applied twice is applied once"


def test_an_order_that_moved_on_is_not_thrown_back(world: World, book: Book) -> None:
    book.parse = units
    first, _ = deliver(world, Raw(body=b"3", external_id="1")) + deliver(world, Raw(body=b"1", external_id="1"))
    (shown,) = previewed(world, first)
    assert (shown.outcome, shown.reading) == ("superseded", "unchanged")
    replayed(world, first)
    assert (world.lines("1")["1"]["ordered_source"], world.message(first).state) == (1, "superseded")


def test_a_message_that_could_not_be_read_in_time_does_not_undo_what_came_after_it(world: World, book: Book) -> None:
    (blocked,) = deliver(world, Raw(body=b"3", external_id="1"))
    book.parse = units
    deliver(world, Raw(body=b"1", external_id="1"))
    assert previewed(world, blocked)[0].outcome == "superseded"
    replayed(world, blocked)
    assert world.lines("1")["1"]["ordered_source"] == 1


def test_a_revision_counts_for_more_than_the_order_of_arrival(world: World, book: Book) -> None:
    (late,) = deliver(world, Raw(body=b"{}", external_id="1"))
    book.parse = priced(1000, revision="8")
    deliver(world, Raw(body=b"{}", external_id="1"))
    book.parse = priced(2000, revision="9")
    assert previewed(world, late)[0].outcome == "changed"
    replayed(world, late)
    assert line_total(world, "1") == 2000


def test_an_address_that_was_changed_again_stays(world: World) -> None:
    goods = line("1", "A", 1)
    (placed,) = world.send(order_document("1", goods))
    addresses = [{**order_document()["ship_to"], "lines": [f"{number} Road"]} for number in (1, 2)]
    told = [event("order.address_changed", order_id="1", ship_to=address) for address in addresses]
    (first,) = world.send(told[0])
    (second,) = world.send(told[1])
    shown = previewed(world, placed.message_id, first.message_id, second.message_id)
    assert [entry.outcome for entry in shown] == ["superseded", "superseded", "facts"]
    replayed(world, placed.message_id, first.message_id)
    assert world.order("1").document["ship_to"]["lines"] == ["2 Road"]


def test_what_a_worse_version_cannot_read_any_more_is_told_before_it_is_applied(world: World, book: Book) -> None:
    book.parse = priced(2000)
    (message_id,) = deliver(world, Raw(body=b"{}", external_id="1"))

    def refuse(raw: Raw) -> ParseResult:
        raise Malformed("no total", code="total", path="/total")

    book.parse = refuse
    (shown,) = previewed(world, message_id)
    assert (shown.outcome, shown.reading, shown.error) == ("newly_blocked", "newly_failing", "/total: no total")
    replayed(world, message_id)
    assert (world.message(message_id).state, line_total(world, "1")) == ("blocked", 2000)
    book.parse = priced(2001)
    assert previewed(world, message_id)[0].reading == "changed", "what was read before it was refused is still known"


def test_a_file_is_compared_part_by_part_with_what_became_of_it(world: World, book: Book) -> None:
    book.parse = reading(canonical_order(external_id="1"), canonical_order(external_id="2"))
    (message_id,) = deliver(world, Raw(body=b"a;b", name="orders.csv"))
    assert previewed(world, message_id)[0].reading == "unchanged"
    book.parse = reading(canonical_order(external_id="2", source_name="file"))
    (shown,) = previewed(world, message_id)
    assert [(change.pattern, change.kind) for change in shown.changes] == [
        ("order", "removed"), ("order.source_name", "added"),
    ]  # fmt: skip


def test_messages_are_chosen_by_version_time_and_error(
    world: World, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.parse = priced(1)
    (old,) = deliver(world, Raw(body=b"{}", external_id="1"))
    world.clock.advance(60)
    noon = world.clock.now()
    monkeypatch.setattr(FakeChannel, "manifest", _version("2"))
    (new,) = deliver(world, Raw(body=b"{}", external_id="2"))
    book.parse = None
    (blocked,) = deliver(world, Raw(body=b"{}", external_id="3"))
    cases = [
        (Selection(plugin="fake_channel"), [old, new, blocked]), (Selection(plugin_version="1"), [old]),
        (Selection(plugin_version="2"), [new, blocked]), (Selection(until=noon), [old]),
        (Selection(since=noon), [new, blocked]), (Selection(error_class="Malformed"), [blocked]),
        (Selection(plugin_version="2", state="applied"), [new]), (Selection(state="blocked"), [blocked]),
    ]  # fmt: skip
    with world.read() as session:
        for selection, expected in cases:
            assert select_messages(session, selection, limit=10) == expected, selection
            assert count_messages(session, selection) == len(expected)
        assert select_messages(session, Selection(plugin="fake_channel"), after=old, limit=1) == [new]


def _version(version: str) -> Any:
    manifest = FakeChannel.manifest
    return type(manifest)(**{**{name: getattr(manifest, name) for name in manifest.__slots__}, "version": version})
