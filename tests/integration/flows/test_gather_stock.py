"""An order waits until what it needs was brought to one place: kept at each step, and found elsewhere if it is not."""

from collections.abc import Sequence
from decimal import Decimal

from hub.flows.plan_orders import plan_and_assign
from hub.inventory.rules.transfers import Arrival, StockTransfer
from hub.inventory.service.gathering import told_transfers
from hub.inventory.service.transfers import cancel_transfer, list_transfers, receive_transfer, ship_transfer
from tests.builders import World, event, line, order_document
from tests.rules_in_force import decide_by

MOVE = {"id": "move", "name": "Bring it together", "then": [{"action": "transfer", "cost_minor": 100, "days": 1}]}


def waiting(world: World) -> StockTransfer:
    """An order of 2 A and 1 B, of which A is at W1 and B at W2; the transfer that was made for it."""
    world.carrier()
    world.stock(W1_A=2, W2_B=1)
    decide_by(world, sourcing=[MOVE])
    world.send(order_document("1", line("1", "A", 2), line("2", "B", 1)))
    (made,) = transfers(world)
    return made


def transfers(world: World) -> list[StockTransfer]:
    with world.read() as session:
        return list_transfers(session)


def moved(world: World, transfer_id: str, arrivals: Sequence[Arrival] | None = None) -> None:
    with world.write() as session:
        ship_transfer(session, transfer_id=transfer_id, at=world.clock.now(), actor="person")
    with world.write() as session:
        receive_transfer(session, transfer_id=transfer_id, arrivals=arrivals, at=world.clock.now(), actor="person")
    world.drain()


def reserved(world: World) -> dict[str, Decimal]:
    levels = {key: world.level(key).reserved for key in ("W1_A", "W2_B")}
    assert world.drift() == []
    return levels


def test_the_stock_is_kept_where_it_is_and_the_order_goes_when_it_has_come(world: World) -> None:
    made = waiting(world)
    assert (made.source, made.target, made.state, made.reason) == ("W2", "W1", "draft", "for order N-1")
    assert (world.work("1"), reserved(world)) == ([], {"W1_A": 2, "W2_B": 1})
    with world.write() as session:  # whoever asks for its plan meanwhile makes no second transfer
        plan_and_assign(session, world.runtime.services, order_ids=[made.for_order or ""])
    world.send(order_document("2", line("1", "B", 1)))
    moved(world, made.transfer_id)
    (work,) = world.work("1")
    assert (work.location, len(transfers(world)), world.work("2")) == ("W1", 1, [])
    assert (world.level("W1_B").reserved, reserved(world)) == (1, {"W1_A": 2, "W2_B": 0})
    with world.read() as session:
        assert told_transfers(session, work.order_id) == ["transfer of 1 x B from W2 to W1: received"]
    world.deliver("1")
    assert (world.order("1").lifecycle, world.drift(), world.folded("1")) == ("completed", [], True)


def test_what_is_lost_on_the_way_is_found_elsewhere(small_world: World) -> None:
    made = waiting(small_world)
    small_world.stock(W2_B=1)
    moved(small_world, made.transfer_id, [Arrival("B", Decimal(0), Decimal(1))])
    again = [one for one in transfers(small_world) if one.state == "draft"]
    assert [(one.source, one.for_order) for one in again] == [("W2", made.for_order)]
    assert reserved(small_world) == {"W1_A": 2, "W2_B": 1}


def test_a_transfer_that_nobody_sends_is_planned_around(small_world: World) -> None:
    made = waiting(small_world)
    small_world.stock(W1_B=1)
    with small_world.write() as session:
        cancel_transfer(
            session, transfer_id=made.transfer_id, at=small_world.clock.now(), actor="person", reason="broken"
        )
    small_world.drain()
    (work,) = small_world.work("1")
    assert (work.location, reserved(small_world)) == ("W1", {"W1_A": 2, "W2_B": 0})


def test_a_cancelled_order_gives_everything_free(small_world: World) -> None:
    made = waiting(small_world)
    small_world.send(event("order.cancelled", order_id="1", reason="buyer"))
    assert (small_world.order("1").lifecycle, reserved(small_world)) == ("cancelled", {"W1_A": 0, "W2_B": 0})
    assert [(one.transfer_id, one.state) for one in transfers(small_world)] == [(made.transfer_id, "cancelled")]
    assert (small_world.work("1"), small_world.open_jobs()) == ([], [])
