"""Levels that fall to their reorder point are told once, and again only after they recovered."""

from decimal import Decimal

import pytest

from hub.flows.watch_stock import STOCK_WATCH
from hub.inventory.rules.levels import StockEntry
from hub.inventory.service.change import stocktake
from hub.inventory.service.low_stock import (
    ReorderPoint,
    list_low,
    list_points,
    low_counts,
    remove_point,
    set_points,
)
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.ids import new_id
from tests.builders import World


def points(world: World, *found: tuple[str, str, int, int]) -> None:
    with world.write() as session:
        wanted = [ReorderPoint(location, sku, Decimal(at), Decimal(above)) for location, sku, at, above in found]
        set_points(session, points=wanted, at=world.clock.now(), actor="test")


def look(world: World, **counted: int) -> list[str]:
    """Which levels are low after a count."""
    world.clock.advance(300)
    with world.write() as session:
        entries = [StockEntry(*key.split("_"), quantity=Decimal(found)) for key, found in counted.items()]
        stocktake(session, entries=entries, at=world.clock.now(), actor="test")
        enqueue(session, [NewJob(kind=STOCK_WATCH, idem_key=new_id(), lane=STOCK_WATCH)])
    world.drain()
    with world.read() as session:
        return [f"{low.location}_{low.sku}" for low in list_low(session)]


def told(world: World) -> int:
    return len(world.jobs(kind="case.low_stock"))


def test_a_level_around_its_point_is_told_once(world: World) -> None:
    points(world, ("", "", 2, 4))
    assert look(world, W1_A=3, W1_B=9) == []
    assert look(world, W1_A=2) == ["W1_A"]
    assert (look(world, W1_A=4), look(world, W1_A=1), told(world)) == (["W1_A"], ["W1_A"], 1)
    assert world.cases() == ["low_stock"]
    assert (look(world, W1_A=5), world.cases()) == ([], [])
    assert (look(world, W1_A=0), told(world), world.cases()) == (["W1_A"], 2, ["low_stock"])


def test_the_point_nearest_to_the_level_counts_and_may_be_taken_away(world: World) -> None:
    points(world, ("", "", 2, 2), ("W2", "", 5, 5), ("", "B", 0, 0), ("W1", "B", 7, 7))
    assert look(world, W1_A=3, W2_A=4, W1_B=7, W2_B=1) == ["W1_B", "W2_A"]
    with world.read() as session:
        assert low_counts(session) == {"W1": 1, "W2": 1}
        assert [one.key for one in list_points(session, after=("", "B"))] == [("W1", "B"), ("W2", "")]
        assert [low.sku for low in list_low(session, location="W2")] == ["A"]
    with world.write() as session:
        for place in (("W1", "B"), ("W2", "")):
            remove_point(session, location=place[0], sku=place[1], at=world.clock.now(), actor="test")
        with pytest.raises(NotFound):
            remove_point(session, location="W2", sku="", at=world.clock.now(), actor="test")
    assert look(world) == []


def test_points_that_cannot_be_are_all_named(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        points(world, ("Q", "X", -1, 0), ("", "A", 3, 2), ("", "A", 3, 3))
    found = [(fault["index"], fault["field"]) for fault in refused.value.extra["errors"]]
    assert found == [(0, "location"), (0, "sku"), (0, "quantity"), (1, "clears_above"), (2, "sku")]
