"""Several workers plan at once: stock is promised once, whoever asks first."""

import threading
from collections import Counter

from hub.flows.plan_orders import plan_and_assign
from hub.routing.repository import loads
from hub.routing.service.inputs import save_input
from tests.builders import World, line, order_document


def plan_at_once(world: World, *groups: list[str]) -> None:
    """Each group of orders is planned by a thread of its own, all at the same moment."""
    begun = threading.Barrier(len(groups))
    errors: list[BaseException] = []

    def run(group: list[str]) -> None:
        try:
            begun.wait(timeout=20)
            with world.write() as session:
                plan_and_assign(session, world.runtime.services, order_ids=group)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(group,)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []


def test_the_last_unit_goes_to_one_of_two(world: World) -> None:
    world.store(order_document("1"), order_document("2"))
    world.drain("intake")
    ids = [world.order(number).order_id for number in ("1", "2")]
    world.stock(W1_A=1)
    plan_at_once(world, ids[:1], ids[1:])
    world.drain()
    level = world.level("W1_A")
    assert (level.on_hand, level.reserved, world.drift()) == (1, 1, [])
    assert sorted(len(world.open_work(number)) for number in ("1", "2")) == [0, 1]
    assert world.count("parked_plans") == 1


def test_a_crowd_gets_exactly_what_is_there(world: World) -> None:
    """Each order wants one of both goods, or nothing: no order sits on half of what it needs."""
    numbers = [str(number) for number in range(24)]
    world.store(*(order_document(number, line("1", "A"), line("2", "B")) for number in numbers))
    world.drain("intake")
    ids = [world.order(number).order_id for number in numbers]
    world.stock(W1_A=10, W1_B=7)
    plan_at_once(world, ids[::4], ids[1::4], ids[2::4], ids[3::4])
    world.drain()
    assert (world.level("W1_A").reserved, world.level("W1_B").reserved, world.drift()) == (7, 7, [])
    held = Counter(len(world.open_work(number)) for number in numbers)
    assert held == {1: 7, 0: 17}
    assert all(world.folded(number) for number in numbers[:4])


def test_a_day_that_is_full_sends_the_rest_elsewhere(world: World) -> None:
    world.stock(W1_A=50, W2_A=50)
    with world.write() as session:
        save_input(
            session, kind="capacity", key="W1", body={"orders_per_day": 2}, author="a", at=world.clock.now()
        )  # fmt: skip
    for number in range(3):
        world.send(order_document(str(number)))
    places = [row.location for number in range(3) for row in world.open_work(str(number))]
    assert places == ["W1", "W1", "W2"]
    with world.read() as session:
        counted = loads(session, since=world.clock.now().date())
    assert sum(counted.values()) == 3
    assert max(count for (code, _), count in counted.items() if code == "W1") <= 2
