"""Channels are told exactly what they may promise, and again only where that is another number."""

from datetime import timedelta
from decimal import Decimal

import pytest

from hub.connections.service.adapters import load
from hub.connections.service.manage import change_connection
from hub.flows import push_stock
from hub.flows.compare_stock import AGAIN_AFTER, compare_stock_job
from hub.flows.push_stock import forget_told, push_stock_job
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.promise import Buffer
from hub.inventory.rules.transfers import TransferLine
from hub.inventory.service.change import stocktake
from hub.inventory.service.promise import available_to_promise, remove_buffer, set_buffers
from hub.inventory.service.told import list_told
from hub.inventory.service.transfers import create_transfer, receive_transfer, ship_transfer
from hub.jobs.service.publish import enqueue
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.ids import new_id
from hub.sdk.errors import Rejected, Transient
from tests.builders import World
from tests.doubles import Book


@pytest.fixture
def told(world: World) -> Book:
    return world.double("channel", "fake_channel", "shown", policy={"stock_cron": "* * * * *"})


def push(world: World, book: Book) -> dict[str, int]:
    """What the channel is told in one run of its schedule."""
    world.clock.advance(10)
    book.stock.clear()
    with world.write() as session:
        enqueue(session, [push_stock_job(world.connections["shown"].connection_id, new_id())])
    world.drain()
    return {item.sku: item.available for item in book.stock}


def buffers(world: World, *found: Buffer) -> None:
    with world.write() as session:
        set_buffers(session, connection=world.connections["shown"], buffers=found, at=world.clock.now(), actor="test")


def policy(world: World, **members: object) -> None:
    info = world.connections["shown"]
    with world.write() as session:
        world.connections["shown"] = change_connection(
            session, adapters=world.runtime.adapters, secrets=world.runtime.secrets, name="shown",
            expected_version=info.version, values={"policy": {"stock_cron": "* * * * *", **members}},
            at=world.clock.now(),
        )  # fmt: skip


def test_only_numbers_that_changed_are_told(world: World, told: Book) -> None:
    world.stock(W1_A=5, W2_A=2, W1_B=1)
    assert push(world, told) == {"A": 7, "B": 1}
    assert push(world, told) == {}
    world.stock(W2_B=3)
    assert push(world, told) == {"B": 4}
    with world.read() as session:
        info = load(session, [world.connections["shown"].connection_id])[world.connections["shown"].connection_id]
        promises = available_to_promise(session, connection=info, skus=["A", "B"], at=world.clock.now())
    assert {sku: promise.quantity for sku, promise in promises.items()} == {"A": 7, "B": 4}


def test_buffers_and_policy_change_numbers_without_any_stock_moving(world: World, told: Book) -> None:
    world.stock(W1_A=10, W2_A=4, W1_B=3)
    push(world, told)
    buffers(world, Buffer("", "", Decimal(1)), Buffer("W1", "A", percent=50))
    assert push(world, told) == {"A": 8, "B": 2}
    policy(world, stock_locations=["W2"])
    assert push(world, told) == {"A": 3, "B": 0}
    policy(world)
    with world.write() as session:
        remove_buffer(
            session, connection=world.connections["shown"], location="", sku="", at=world.clock.now(), actor="test"
        )
    assert push(world, told) == {"A": 9, "B": 3}
    with world.write() as session, pytest.raises(NotFound):
        remove_buffer(
            session, connection=world.connections["shown"], location="", sku="", at=world.clock.now(), actor="test"
        )


def test_all_that_is_wrong_with_buffers_is_told_at_once(world: World, told: Book) -> None:
    with pytest.raises(InvalidInput) as refused:
        buffers(world, Buffer("Q", "X", Decimal(-1), 101), Buffer("", ""), Buffer("", ""))
    found = [(fault["index"], fault["field"]) for fault in refused.value.extra["errors"]]
    assert found == [(0, "location"), (0, "sku"), (0, "units"), (0, "percent"), (2, "sku")]


def test_what_is_expected_soon_enough_counts_where_the_policy_says_so(world: World, told: Book) -> None:
    policy(world, incoming_days=2, stock_locations=["W2"])
    world.stock(W1_A=5, W2_A=1)
    assert push(world, told) == {"A": 1}
    with world.write() as session:
        at = world.clock.now()
        transfer = create_transfer(
            session, source="W1", target="W2", lines=[TransferLine("A", Decimal(4))], reason="r", actor="t", at=at,
            key="k", expected_at=at + timedelta(days=3),
        )  # fmt: skip
        ship_transfer(session, transfer_id=transfer.transfer_id, at=at, actor="t")
    assert push(world, told) == {}
    world.clock.advance(86_400)
    assert push(world, told) == {"A": 5}
    with world.write() as session:
        receive_transfer(session, transfer_id=transfer.transfer_id, arrivals=None, at=world.clock.now(), actor="t")
    assert push(world, told) == {}
    assert world.level("W2_A").on_hand == 5


def test_what_the_channel_refuses_or_loses_is_not_taken_for_told(world: World, told: Book) -> None:
    world.stock(W1_A=5, W1_B=2)
    told.refuse_stock["A"] = Rejected("unknown item", code="unknown")
    assert push(world, told) == {"B": 2}
    told.refuse_stock.clear()
    world.stock(W2_B=1)
    told.refuse_stock["B"] = Transient("busy", code="busy")
    assert push(world, told) == {}
    told.refuse_stock.clear()
    world.later(3600)
    assert {item.sku: item.available for item in told.stock} == {"B": 3}


def test_more_than_a_page_goes_on_and_after_a_restore_all_is_told_anew(
    world: World, told: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_stock, "AT_MOST", 1)
    monkeypatch.setattr(push_stock, "PAGES", 1)
    world.products("C", "D")
    world.stock(W1_A=1, W1_B=2, W1_C=3, W1_D=4)
    everything = {"A": 1, "B": 2, "C": 3, "D": 4}
    assert push(world, told) == everything
    world.stock(W2_D=1)
    assert push(world, told) == {"D": 5}
    with world.write() as session:
        forget_told(session)
    assert push(world, told) == {**everything, "D": 5}


def compare(world: World) -> None:
    """One look at what the channel shows, and what follows from it within so many seconds."""
    info = world.connections["shown"]
    with world.write() as session:
        enqueue(session, [compare_stock_job(info.connection_id, new_id(), {})])
    for _ in range(3):
        world.drain()
        world.clock.advance(AGAIN_AFTER.total_seconds())
    world.drain()


def differing(world: World) -> list[tuple[str, int | None]]:
    with world.read() as session:
        found = list_told(
            session, connection_id=world.connections["shown"].connection_id, after=None, limit=9, differing=True
        )
    return [(one.sku, one.shown) for one in found]


def test_what_a_channel_shows_otherwise_than_it_was_told_heals_by_itself(world: World, told: Book) -> None:
    world.stock(W1_A=7, W1_B=4)
    push(world, told)
    told.levels["A"] = 9
    told.stock.clear()
    world.clock.advance(60)
    compare(world)
    assert {item.sku: item.available for item in told.stock} == {"A": 7}
    assert told.levels == {"A": 7, "B": 4}
    assert (differing(world), world.cases()) == ([], [])


def test_what_it_goes_on_to_show_otherwise_is_told_to_a_person(world: World, told: Book) -> None:
    world.stock(W1_A=7)
    push(world, told)
    del told.levels["A"]
    told.refuse_stock["A"] = Rejected("it is not listed", code="unknown_sku")
    world.clock.advance(60)
    compare(world)
    assert differing(world) == [("A", None)]
    assert world.cases() == ["stock_differs"]
    told.refuse_stock.clear()
    told.levels["A"] = 7
    compare(world)
    assert (differing(world), world.cases()) == ([], [])


def test_a_sale_that_is_not_heard_of_yet_is_not_written_over(world: World, told: Book) -> None:
    world.stock(W1_A=7)
    push(world, told)
    told.levels["A"] = 6
    world.clock.advance(60)
    with world.write() as session:
        enqueue(session, [compare_stock_job(world.connections["shown"].connection_id, new_id(), {})])
    world.drain()
    with world.write() as session:
        sold = [StockEntry("W1", "A", Decimal(6))]
        stocktake(session, entries=sold, at=world.clock.now(), actor="test")
    push(world, told)
    told.stock.clear()
    world.clock.advance(AGAIN_AFTER.total_seconds())
    world.drain()
    assert (told.stock, told.levels) == ([], {"A": 6})


def test_a_channel_that_is_only_observed_is_told_nothing(world: World) -> None:
    book = world.double("channel", "fake_channel", "shown", mode="observe")
    world.stock(W1_A=5)
    assert push(world, book) == {}
