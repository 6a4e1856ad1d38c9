"""Carriers that can be asked are asked for their parcels under way, page by page, until these have arrived."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from hub.flows.housekeeping import ensure_schedules
from hub.flows.refresh_tracking import ASKED_FOR
from hub.fulfilment.tables import ParcelRow
from hub.jobs.service.schedules import enqueue_due, list_schedules
from hub.sdk.errors import Transient
from tests.builders import World, order_document
from tests.doubles import Book

HALF_AN_HOUR = 1800


@pytest.fixture
def post(world: World) -> Book:
    """A carrier that can be asked, and stock."""
    world.stock(W1_A=100)
    return world.double("carrier", "tracing_carrier", "post")


def on_their_way(world: World, *orders: str) -> list[str]:
    """Shipments that the carrier has."""
    world.send(*(order_document(name) for name in orders))
    return [shipment for name in orders for shipment in world.deliver(name)]


def number_of(world: World, shipment: str) -> str:
    with world.read() as session:
        return str(session.scalars(select(ParcelRow.tracking_number).where(ParcelRow.shipment_id == shipment)).one())


def show(world: World, book: Book, shipment: str, *statuses: str) -> None:
    """What the carrier says of a shipment's parcel from now on: one scan a minute."""
    number, now = number_of(world, shipment), world.clock.now()
    scans: list[dict[str, Any]] = [
        {
            "tracking_number": number,
            "status": status,
            "occurred_at": now.replace(minute=at).isoformat(),
            "raw_code": status,
        }
        for at, status in enumerate(statuses)
    ]
    book.shown[number] = json.dumps(scans).encode()


def half_an_hour_later(world: World) -> None:
    world.clock.advance(HALF_AN_HOUR)
    with world.write() as session:
        ensure_schedules(session, world.runtime.services, at=world.clock.now())
        enqueue_due(session, at=world.clock.now())
    world.drain()


def test_parcels_are_asked_for_until_they_have_arrived(world: World, post: Book) -> None:
    half_an_hour_later(world)
    (shipment,) = on_their_way(world, "1")
    show(world, post, shipment, "in_transit")
    half_an_hour_later(world)
    assert world.shipment(shipment).state == "in_transit"
    show(world, post, shipment, "in_transit", "delivered")
    half_an_hour_later(world)
    assert (world.shipment(shipment).state, len(post.asked)) == ("delivered", 2)
    half_an_hour_later(world)
    assert len(post.asked) == 2


def test_more_than_a_page_is_asked_for_in_one_run_and_what_says_nothing_new_is_kept_once(
    world: World, post: Book
) -> None:
    half_an_hour_later(world)
    shipments = on_their_way(world, "1", "2", "3", "4", "5")
    for shipment in shipments:
        show(world, post, shipment, "in_transit")
    numbers = [number_of(world, shipment) for shipment in sorted(shipments)]
    before = world.count("inbound_messages")
    half_an_hour_later(world)
    assert post.asked == [",".join(numbers[:2]), ",".join(numbers[2:4]), numbers[4]]
    half_an_hour_later(world)
    assert (len(post.asked), world.count("inbound_messages") - before) == (6, 5)
    assert {world.shipment(shipment).state for shipment in shipments} == {"in_transit"}


def test_a_carrier_that_is_away_is_asked_again_and_an_old_parcel_is_not(world: World, post: Book) -> None:
    half_an_hour_later(world)
    (shipment,) = on_their_way(world, "1")
    show(world, post, shipment, "in_transit")
    post.on_ask.append(Transient("away"))
    half_an_hour_later(world)
    half_an_hour_later(world)
    assert (world.shipment(shipment).state, len(post.asked)) == ("in_transit", 2)
    world.clock.advance(ASKED_FOR.total_seconds())
    half_an_hour_later(world)
    assert len(post.asked) == 2


def test_only_carriers_that_can_be_asked_and_whose_policy_says_so_have_a_schedule(small_world: World) -> None:
    world = small_world
    book = world.double("carrier", "tracing_carrier", "never", policy={"track_cron": None})
    world.double("carrier", "fake_carrier", "blind")
    asked = world.double("carrier", "tracing_carrier", "asked")
    half_an_hour_later(world)
    with world.read() as session:
        found = [one.schedule_id for one in list_schedules(session, after=None, limit=50)]
    assert [name for name in found if name.startswith("track:")] == [
        f"track:{world.connections['asked'].connection_id}"
    ]
    assert (book.asked, asked.asked) == ([], [])
