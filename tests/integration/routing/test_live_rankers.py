"""Rankers that need figures of the day get them: how long stock has been lying, how full a day is."""

from hub.routing.service.inputs import save_input
from tests.builders import World, line, order_document
from tests.integration.routing.test_backtest import rules, run
from tests.rules_in_force import decide_by


def rank_by(world: World, *rankers: str) -> None:
    action = {"action": "rank", "by": [{"ranker": name} for name in rankers]}
    decide_by(world, sourcing=[{"id": "rank", "name": "Rank", "then": [action]}])


def place(world: World, number: str) -> str:
    world.send(order_document(number, line("1", "A", 1)))
    (work,) = world.open_work(number)
    return work.location


def test_the_stock_that_has_been_lying_longest_leaves_first(world: World) -> None:
    world.stock(W2_A=1)
    world.later(3 * 86_400)
    world.stock(W1_A=5, W2_A=5)
    assert place(world, "1") == "W1", "without the ranker the rank decides"
    rank_by(world, "stock_age")
    world.later(86_400)
    assert (place(world, "2"), place(world, "3")) == ("W2", "W1"), "the old unit is gone, the rest is of the same day"
    assert run(world, rules()).reproduced == 3


def test_the_emptier_day_goes_first(world: World) -> None:
    world.stock(W1_A=9, W2_A=9)
    rank_by(world, "load")
    with world.write() as session:
        for code, orders in (("W1", 10), ("W2", 20)):
            save_input(
                session, kind="capacity", key=code, body={"orders_per_day": orders}, author="a", at=world.clock.now()
            )
    assert [place(world, str(number)) for number in range(4)] == ["W1", "W2", "W2", "W1"]
