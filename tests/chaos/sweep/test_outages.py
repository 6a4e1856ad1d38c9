"""A platform that is away, a list with holes, a poison: what comes of it by itself, and what the proof says."""

import json
from datetime import timedelta
from typing import Any

import pytest

from hub.canonical.facts import ParseResult
from hub.canonical.money import Money
from hub.flows.census import AGAIN_AFTER, census_job
from hub.flows.proof import proof_of
from hub.flows.pull_channel import pull_job
from hub.intake.service.census import list_runs
from hub.jobs.service.publish import enqueue
from hub.sdk.errors import Transient
from hub.sdk.testing.kit import START
from hub.sdk.values import Raw, RawPage
from tests.builders import World
from tests.chaos.sweep.figures import figure
from tests.chaos.sweep.test_arrival import store
from tests.chaos.sweep.walking import USD, told_order
from tests.doubles import Book, FakeChannel

ORDERS, A_PAGE = 200, 10
HOURS = 6


def opened(world: World) -> Book:
    """A channel with orders of today that the hub has to fetch."""
    book = world.double("channel", "fake_channel", "feed")
    book.parse = lambda raw: ParseResult.model_validate_json(raw.body)
    world.stock(W1_A=100_000)
    for number in range(ORDERS):
        name = f"o{number:03}"
        book.placed[name], book.shown[name] = (START, Money(minor=2000, currency=USD)), told_order(name)
    return book


def pages(book: Book) -> list[RawPage]:
    """All orders, page by page."""
    names = sorted(book.shown)
    parts = [names[start : start + A_PAGE] for start in range(0, len(names), A_PAGE)]
    return [
        RawPage(
            tuple(Raw(body=book.shown[name], kind="order.upserted", external_id=name) for name in part),
            next_page=str(number) if number < len(parts) else None,
        )
        for number, part in enumerate(parts, start=1)
    ]


def ask(world: World, *, census: bool, cause: str) -> None:
    """A pull, or a census of the day."""
    connection = world.connections["feed"].connection_id
    job = census_job(connection, START.date(), cause=cause) if census else pull_job(connection, cause)
    with world.write() as session:
        enqueue(session, [job])
    world.drain()


def test_a_list_with_holes_is_healed_within_one_census(small_world: World) -> None:
    """One page is lost, one breaks off in its middle and two are in the wrong order: at least 5 % of them each."""
    world, book = small_world, opened(small_world)
    told = pages(book)
    lost, cut = told[3], told[7]
    told[3], told[7] = (RawPage((), next_page=lost.next_page), RawPage(cut.documents[:4], next_page=cut.next_page))
    told[11], told[12] = (
        RawPage(told[12].documents, next_page=told[11].next_page), RawPage(told[11].documents, next_page="13"),
    )  # fmt: skip
    book.pages = told
    ask(world, census=False, cause="pull")
    before = world.count("orders")
    assert before == ORDERS - len(lost.documents) - 6
    world.clock.advance(86_400)
    ask(world, census=True, cause="night")
    healed = world.count("orders")
    world.later(AGAIN_AFTER.total_seconds() + 1)
    with world.read() as session:
        runs = list_runs(session, connection_id=world.connections["feed"].connection_id, day=None, after=None, limit=9)
        proof = proof_of(session, world.runtime.services, world.connections["feed"])
    figure(f"orders {ORDERS}, after holes {before}, after one census {healed}, missing {ORDERS - healed}")
    assert (healed, [(run.missing, run.complete) for run in runs]) == (ORDERS, [(0, True), (ORDERS - before, False)])
    assert proof.proven_until == (START + timedelta(days=1)).replace(hour=0)


def test_a_platform_that_is_away_for_six_hours_is_caught_up_with(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers nothing; orders come in there meanwhile. Nobody touches anything, and the proof says so."""
    world, book = small_world, opened(small_world)
    told, back = pages(book), START + timedelta(hours=HOURS)
    asked = 0

    def answer(*_: Any) -> RawPage:
        nonlocal asked
        asked += 1
        if world.clock.now() < back:
            raise Transient("no route to the shop")
        return told.pop(0) if told else RawPage(())

    monkeypatch.setattr(FakeChannel, "list_changes", answer)
    ask(world, census=False, cause="pull")
    while world.count("orders") < ORDERS and world.clock.now() < back + timedelta(hours=7):
        world.later(600)
    late = world.clock.now() - back
    world.clock.advance(86_400)
    ask(world, census=True, cause="night")
    with world.read() as session:
        (run,) = list_runs(
            session, connection_id=world.connections["feed"].connection_id, day=None, after=None, limit=9
        )
    figure(f"away {HOURS} h, asked {asked} times, complete {late} after, missing {run.missing}, cases {world.cases()}")
    assert (run.complete, run.held, run.missing, world.cases(), world.open_jobs()) == (True, ORDERS, 0, [], [])


def test_one_poison_of_five_hundred_orders_stops_itself_alone(small_world: World) -> None:
    """One document makes the plugin itself break, in the midst of a batch."""
    world, book = small_world, opened(small_world)
    read = book.parse

    def choke(raw: Raw) -> ParseResult:
        if json.loads(raw.body)["facts"][0]["order_id"] == "p237":
            raise KeyError("poison")
        assert read is not None
        return read(raw)

    book.parse = choke
    names = [f"p{number}" for number in range(500)]
    store(world, [(name, told_order(name)) for name in names])
    ran = world.drain("intake")
    states = [world.count("orders"), len(world.jobs(state="parked"))]
    figure(f"poison 1 of {len(names)}: {states[0]} done in the same run of {ran} jobs")
    assert states[0] == 499
