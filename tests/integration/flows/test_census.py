"""A day is proven complete against the channel's own list; what is missing is fetched, what stays missing is told."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.canonical.facts import OrderFact, ParseResult
from hub.canonical.money import Money
from hub.canonical.order import Order
from hub.cases.tables import CaseRow
from hub.flows.census import AGAIN_AFTER, TURNS, census_job
from hub.flows.housekeeping import ensure_schedules
from hub.flows.proof import Proof, proof_of
from hub.intake.service.census import list_runs
from hub.intake.service.store import Delivery, store_messages
from hub.intake.tables import CensusRunRow
from hub.jobs.service.publish import enqueue
from hub.jobs.service.schedules import enqueue_due
from hub.sdk.errors import Malformed, Transient
from hub.sdk.testing.kit import START, MockHttp
from hub.sdk.values import Raw
from tests.builders import World
from tests.doubles import Book
from tests.plugins.channels.shopify.fake import FakeShop
from tests.plugins.channels.shopify.schema import schema
from tests.plugins.channels.shopify.shops import SETTINGS

DAY = START.date()
A_DAY = 86_400
AGAIN = AGAIN_AFTER.total_seconds() + 1


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def read(raw: Raw) -> ParseResult:
    """An order as the double shows it."""
    if raw.body == b"?":
        raise Malformed("nobody can read this", code="unreadable", path="/")
    order = Order.model_validate_json(raw.body)
    return ParseResult(facts=(OrderFact(kind="order", external_id=order.external_id, order=order),))


def shown(external_id: str, minor: int = 1000) -> bytes:
    total = {"minor": minor, "currency": "USD"}
    values: dict[str, Any] = {
        "external_id": external_id, "number": external_id, "placed_at": START.isoformat(), "currency": "USD",
        "lines": [{"external_id": "1", "sku": "A", "quantity": "1", "total": total}], "totals": {"grand": total},
        "payment_state": "paid",
    }  # fmt: skip
    return json.dumps(values).encode()


def mall(world: World, *names: str, **more: Any) -> Book:
    """A channel with these orders of today, none of which has told the hub."""
    book = world.double("channel", "fake_channel", "mall", **more)
    book.parse = read
    for name in names:
        place(book, name)
    return book


def place(book: Book, name: str, minor: int = 1000) -> None:
    book.placed[name], book.shown[name] = (START, usd(minor)), shown(name, minor)


def told(world: World, book: Book, *names: str) -> None:
    """The channel tells the hub of these."""
    mall = world.connections["mall"]
    raws = [Raw(body=book.shown[name], kind="order.upserted", external_id=name) for name in names]
    with world.write() as session:
        store_messages(session, deliveries=[Delivery(mall, raw) for raw in raws], at=world.clock.now())
    world.drain()


def ask(world: World, day: date = DAY, cause: str = "test", of: str = "mall") -> CensusRunRow:
    """One census; the newest run."""
    with world.write() as session:
        enqueue(session, [census_job(world.connections[of].connection_id, day, cause=cause)])
    world.drain()
    return runs(world, of=of)[0]


def runs(world: World, of: str = "mall", **more: Any) -> list[CensusRunRow]:
    given = {"day": None, "after": None, "limit": 100} | more
    with world.read() as session:
        return list_runs(session, connection_id=world.connections[of].connection_id, **given)


def cases(world: World, kind: str, state: str = "open") -> list[CaseRow]:
    with world.read() as session:
        return list(session.scalars(select(CaseRow).where(CaseRow.kind == kind, CaseRow.state == state)))


def proof(world: World, name: str = "mall") -> Proof:
    with world.read() as session:
        return proof_of(session, world.runtime.services, world.connections[name])


def tick(world: World, days: float = 0) -> None:
    """Time goes by, schedules run, and so does what follows."""
    world.clock.advance(days * A_DAY)
    with world.write() as session:
        enqueue_due(session, at=world.clock.now())
    world.drain()


def test_what_is_missing_is_fetched_and_the_next_run_proves_it(world: World) -> None:
    book = mall(world, "1", "2", "3", "4", "5")
    told(world, book, "1", "2")
    world.clock.advance(A_DAY)
    run = ask(world)
    assert (run.complete, run.counted, run.listed, run.held, run.missing, run.fetched) == (False, 5, 5, 2, 3, 3)
    assert (run.examples, run.theirs, run.ours) == ({"missing": ["3", "4", "5"]}, {"USD": 5000}, {"USD": 2000})
    assert world.order("5").number == "5", "it came through the ordinary intake"
    assert proof(world).proven_until is None
    world.later(AGAIN)
    run = runs(world)[0]
    assert (run.turn, run.complete, run.missing, run.held, run.late, run.fetched) == (2, True, 0, 5, 3, 0)
    assert proof(world).proven_until == (START + timedelta(days=1)).replace(hour=0)
    assert cases(world, "census") == []
    assert world.later(AGAIN) == 0, "nothing more is asked"


def test_an_order_with_another_total_is_read_again(world: World) -> None:
    book = mall(world, "1")
    told(world, book, "1")
    place(book, "1", 1200)
    run = ask(world)
    assert (run.differing, run.fetched, run.complete, run.examples) == (1, 1, True, {"differing": ["1"]})
    assert world.order("1").grand_minor == 1200
    world.later(AGAIN)
    assert runs(world)[0].differing == 0


def test_what_stays_missing_is_a_case_until_it_is_there(world: World) -> None:
    book = mall(world, "1", "2")
    told(world, book, "1")
    body = book.shown.pop("2")
    ask(world)
    assert cases(world, "census") == []
    for _ in range(TURNS - 1):
        world.later(AGAIN)
    (case,) = cases(world, "census")
    assert (case.title, case.occurrences) == (f"mall and the hub do not hold the same of {DAY}: 1 missing", 1)
    assert f"--day {DAY}" in case.what_to_do
    assert [run.turn for run in runs(world)] == [3, 2, 1]
    book.shown["2"] = body
    ask(world, cause="next night")
    world.later(AGAIN)
    assert (runs(world)[0].complete, cases(world, "census")) == (True, [])
    assert len(cases(world, "census", "resolved")) == 1


def test_a_blocked_message_is_waited_for_and_not_fetched_again(world: World) -> None:
    book = mall(world, "1")
    book.shown["1"] = b"?"
    told(world, book, "1")
    run = ask(world)
    assert (run.waiting, run.missing, run.fetched, run.complete) == (1, 0, 0, False)


def test_an_order_that_the_source_does_not_know_is_extra_unless_it_only_dates_it_otherwise(world: World) -> None:
    book = mall(world, "1", "2", "3")
    told(world, book, "1", "2", "3")
    del book.placed["2"], book.placed["3"], book.shown["3"]
    run = ask(world)
    assert (run.extra, run.complete, run.examples) == (1, True, {"extra": ["3"]})
    for _ in range(TURNS - 1):
        world.later(AGAIN)
    assert [case.detail["extra"] for case in cases(world, "census")] == [1]


def test_a_list_with_a_hole_proves_nothing(world: World) -> None:
    book = mall(world, "1", "2", "3")
    told(world, book, "1", "2", "3")
    book.dropped.add("2")
    run = ask(world)
    assert (run.unlisted, run.extra, run.complete) == (1, 0, False)
    book.dropped.clear()
    world.later(AGAIN)
    assert runs(world)[0].complete


def test_a_list_that_breaks_off_is_asked_for_again_as_a_whole(world: World) -> None:
    book = mall(world, "1", "2", "3")
    told(world, book, "1", "2", "3")
    book.on_ask = [Transient("gone")]
    with world.write() as session:
        enqueue(session, [census_job(world.connections["mall"].connection_id, DAY, cause="x")])
    world.drain()
    assert runs(world) == []
    world.later(60)
    assert [run.complete for run in runs(world)] == [True]


def test_every_night_the_days_that_are_not_proven_are_asked_for(world: World) -> None:
    book = mall(world)
    with world.write() as session:
        ensure_schedules(session, world.runtime.services, at=world.clock.now())
    tick(world, days=1)
    assert [run.day for run in runs(world)] == [DAY]
    book.on_ask = [Malformed("the list is garbage", code="x", path="/")]
    tick(world, days=1)
    assert [run.day for run in runs(world)] == [DAY]
    tick(world, days=1)
    assert [run.day for run in runs(world)] == [DAY + timedelta(days=2), DAY + timedelta(days=1), DAY]


def test_an_old_proof_of_a_live_channel_is_a_case_until_it_is_young_again(world: World) -> None:
    mall(world, policy={"census_cron": None, "proof_limit_hours": 30})
    world.double("channel", "fake_channel", "observed", mode="observe")
    with world.write() as session:
        ensure_schedules(session, world.runtime.services, at=world.clock.now())
    tick(world, days=1.2)
    assert cases(world, "proof_old") == []
    tick(world, days=0.1)
    (case,) = cases(world, "proof_old")
    assert case.title == "mall is proven complete for no day yet; its limit is 30 hours"
    found = proof(world)
    assert (found.too_old, found.age_seconds, found.limit_hours) == (True, int(1.3 * A_DAY), 30)
    ask(world)
    tick(world, days=0.05)
    assert (cases(world, "proof_old"), proof(world).too_old) == ([], False)


@pytest.mark.parametrize(("plugin", "words"), [("webhook", "it only pushes"), ("spreadsheet", "it offers no list")])
def test_a_channel_without_a_list_says_so_and_is_no_alarm(small_world: World, plugin: str, words: str) -> None:
    small_world.connect("silent", "channel", plugin, {} if plugin == "webhook" else {"folder": str(small_world.folder)})
    small_world.clock.advance(30 * A_DAY)
    found = proof(small_world, "silent")
    assert found.reason is not None
    assert f"this channel cannot be proven complete: {words}" in found.reason
    assert (found.provable, found.too_old, found.age_seconds) == (False, False, None)


def test_runs_are_listed_page_by_page_the_latest_day_first(small_world: World) -> None:
    mall(small_world)
    for number in range(3):
        ask(small_world, DAY + timedelta(days=number % 2), cause=f"{number}")
    every = runs(small_world)
    assert [run.day for run in every] == [DAY + timedelta(days=1), DAY, DAY]
    assert every[1].run_id > every[2].run_id
    paged = [runs(small_world, limit=1), runs(small_world, limit=9, after=(every[0].day, every[0].run_id))]
    assert [run.run_id for page in paged for run in page] == [run.run_id for run in every]
    assert [run.run_id for run in runs(small_world, day=DAY)] == [run.run_id for run in every[1:]]


@pytest.mark.peer
def test_orders_whose_webhooks_shopify_lost_are_found_and_fetched(small_world: World) -> None:
    schema()
    world, shop = small_world, FakeShop()
    world.runtime.adapters._http_for = lambda info, plugin: MockHttp(shop, clock=world.clock)
    world.connect("shopify", "channel", "shopify", SETTINGS)
    for number in (1001, 1002):
        shop.add_order(number, {11: 2}, updated_at="2026-03-02T08:00:00Z", processedAt="2026-03-02T08:00:00Z")
    run = ask(world, of="shopify")
    assert (run.counted, run.missing, run.theirs, shop.requests[:2]) == (2, 2, {"USD": 5600}, ["Census", "ReadOrders"])
    world.later(AGAIN)
    run = runs(world, of="shopify")[0]
    assert (run.complete, run.held, run.differing, run.theirs == run.ours) == (True, 2, 0, True)
    assert world.count("orders") == 2
