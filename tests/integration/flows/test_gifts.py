"""Gifts: lines that rules add to orders, from the review to the books, and who is told of them."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from hub.billing.tables import ErpDocumentRow
from tests.builders import World, line, order_document
from tests.rules_in_force import decide_by

MUG = "gift:welcome:B"


def give(world: World, *, when: tuple[str, ...] = (), valid_from: str | None = None, **gift: Any) -> None:
    rule = {
        "id": "welcome",
        "name": "Welcome",
        "when": list(when),
        "then": [{"action": "add_gift", "sku": "B", **gift}],
    }
    decide_by(world, gift=[rule if valid_from is None else {**rule, "valid_from": valid_from}])


def booked(world: World, number: str) -> dict[str, list[tuple[str, int, int]]]:
    """(line, quantity, net) of an order's standing documents by kind."""
    order_id = world.order(number).order_id
    statement = select(ErpDocumentRow).where(ErpDocumentRow.order_id == order_id, ErpDocumentRow.state != "cancelled")
    with world.read() as session:
        return {
            row.kind: [
                (one["line_ref"], int(Decimal(one["quantity"])), one["net"]["minor"]) for one in row.body["lines"]
            ]
            for row in session.scalars(statement)
            if "lines" in row.body
        }


def test_a_gift_goes_with_its_order_and_costs_nothing(world: World) -> None:
    world.carrier()
    world.ledger()
    world.stock(W1_A=5, W1_B=5)
    give(world, quantity=2)
    world.send(order_document("1", line("1", "A", 1)))
    assert world.lines("1")[MUG] == {"ordered": 2, "allocated": 2, "released": 2}
    world.deliver("1")
    assert world.order("1").lifecycle == "completed"
    sold = [("1", 1, 1000), (MUG, 2, 0)]
    assert booked(world, "1") == {"sales_order": sold, "delivery": sold, "invoice": sold}
    assert world.invoiced("1") == [1000]
    assert (world.level("W1_B").on_hand, world.drift(), world.folded("1")) == (3, [], True)


def test_a_gift_that_is_not_there_does_not_hold_its_order_up(world: World) -> None:
    world.ledger()
    world.stock(W1_A=5)
    give(world)
    world.send(order_document("1", line("1", "A", 1)))
    assert world.lines("1")[MUG] == {"ordered": 1, "cancelled": 1}
    assert len(world.open_work("1")) == 1
    assert booked(world, "1") == {"sales_order": [("1", 1, 1000)]}
    assert "order.gift_let_go" in world.timeline("1")
    world.stock(W1_B=5)
    world.send(order_document("1", line("1", "A", 2), revision="2"))
    assert world.lines("1")[MUG] == {"ordered": 1, "cancelled": 1}
    assert world.folded("1")


def test_a_gift_goes_in_no_parcel_of_its_own(world: World) -> None:
    world.stock(W1_A=5, W2_B=5)
    give(world)
    world.send(order_document("1", line("1", "A", 1)))
    (work,) = world.open_work("1")
    assert (work.location, world.lines("1")[MUG]) == ("W1", {"ordered": 1, "cancelled": 1})


def test_a_gift_waits_with_what_was_bought(world: World) -> None:
    give(world)
    world.send(order_document("1", line("1", "A", 1)))
    assert world.lines("1")[MUG] == {"ordered": 1, "unallocated": 1}
    world.stock(W1_A=1, W1_B=1)
    world.drain()
    assert world.lines("1")[MUG] == {"ordered": 1, "allocated": 1, "released": 1}
