"""Workers at once on the same orders: each order is made once, and nothing that came early is forgotten."""

from sqlalchemy import select

from hub.intake.tables import InboundMessageRow
from tests.at_once import at_once
from tests.builders import World, event, order_document


def test_the_same_deliveries_to_two_processes_make_one_message_each(world: World) -> None:
    documents = [order_document(str(number), revision=1) for number in range(30)]
    at_once(*(lambda turn=turn: [world.store(*documents[:: turn or -1]) for _ in range(3)] for turn in (1, 0)))
    assert world.count("inbound_messages") == 30
    at_once(*(lambda: world.drain("intake") for _ in range(4)))
    assert world.count("orders") == 30


def test_different_deliveries_of_one_order_make_one_order(world: World) -> None:
    """In lanes of their own, as where the source names deliveries otherwise than orders."""
    documents = [order_document(str(number)) for number in range(12)]
    for turn in range(6):
        world.store(*documents, external_id=None, event_id=None, name=f"turn-{turn}")
    at_once(*(lambda: world.drain("intake") for _ in range(4)))
    world.drain()
    assert (world.count("orders"), world.count("order_lines")) == (12, 12)
    assert {job.state for job in world.jobs(kind="intake.process")} == {"done"}
    with world.read() as session:
        states = list(session.scalars(select(InboundMessageRow.state)))
    assert (states.count("applied"), states.count("duplicate")) == (12, 60)


def test_no_early_fact_is_left_behind_by_the_order_that_comes_at_the_same_moment(world: World) -> None:
    numbers = [str(number) for number in range(25)]
    for number in numbers:
        world.store(event("order.cancelled", order_id=number), external_id=f"cancellation-{number}")
        world.store(order_document(number))
    world.runtime.runner = type(world.runtime.runner)(
        world.database, world.runtime.work, world.clock, batch=3, lease_seconds=60
    )
    at_once(*(lambda: world.drain("intake") for _ in range(4)))
    world.drain()
    with world.read() as session:
        assert set(session.scalars(select(InboundMessageRow.state))) == {"applied"}
    assert {world.order(number).lifecycle for number in numbers} == {"cancelled"}
