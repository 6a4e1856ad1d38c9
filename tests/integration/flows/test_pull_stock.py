"""Stock that another system keeps: taken over row by row, and what cannot be placed is named."""

import pytest
from sqlalchemy import select

from hub.cases.tables import CaseRow
from hub.flows.pull_stock import pull_stock_job
from hub.inventory.service.query import list_movements
from hub.jobs.service.publish import enqueue
from hub.kit.ids import new_id
from hub.sdk.errors import Transient
from hub.sdk.values import Raw, RawPage
from tests.builders import World
from tests.doubles import Book


@pytest.fixture
def books(world: World) -> Book:
    world.locations("OUT", channel_refs={"fake_erp": "Lager 7"})
    return world.double("erp", "fake_erp")


def page(*rows: str, following: str | None = None) -> RawPage:
    documents = tuple(Raw(body=row.encode(), external_id=f"row-{number}") for number, row in enumerate(rows, start=1))
    return RawPage(documents, next_page=following)


def pull(world: World) -> None:
    with world.write() as session:
        enqueue(session, [pull_stock_job(world.connections["fake_erp"].connection_id, new_id())])
    world.drain()
    world.clock.advance(60)


def open_case(world: World) -> CaseRow | None:
    with world.read() as session:
        return session.scalars(select(CaseRow).where(CaseRow.state == "open")).one_or_none()


def test_good_rows_are_taken_over_and_bad_ones_are_named(world: World, books: Book) -> None:
    books.pages = [page("Lager 7,A,5", "W1,X,1", "Q,A,1", "W1,B,many", following="2"), page("W1,B,7")]
    pull(world)
    assert books.asked == ["stock:None", "stock:2"]
    assert (world.level("OUT_A").on_hand, world.level("W1_B").on_hand) == (5, 7)
    case = open_case(world)
    assert case is not None
    assert (case.kind, case.detail["count"]) == ("stock_unread", 3)
    assert sorted(fault.split(":")[0] for fault in case.detail["faults"]) == ["row-2", "row-3", "row-4"]
    books.pages = [page("Lager 7,A,5")]
    pull(world)
    assert open_case(world) is None
    assert world.drift() == []


def test_what_did_not_change_leaves_no_trace_and_an_outage_is_made_up_for(world: World, books: Book) -> None:
    books.pages = [page("W1,A,5"), page("W1,A,5"), page("W1,A,4")]
    for _ in range(3):
        pull(world)
    with world.read() as session:
        moved = [line.on_hand_delta for line in list_movements(session, location="W1", sku="A")]
    assert moved == [-1, 5]
    books.pages = [page("W1,A,9")]
    books.before = [Transient("away", code="away")]
    pull(world)
    assert world.level("W1_A").on_hand == 9
