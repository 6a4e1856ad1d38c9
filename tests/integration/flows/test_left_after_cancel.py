"""Goods that leave although their location had said that it stopped: refused as a booking, kept as a fact."""

from functools import partial

import pytest

from hub.fulfilment.service import negotiate, ship
from hub.fulfilment.service.left_anyway import LeftAnyway, note_left_anyway
from tests.builders import World
from tests.doubles import Book
from tests.integration.flows.test_stopping_outside_work import BY_HAND, answer, cancelled, labels, ordered, stands

__all__ = ["labels"]


def test_goods_that_leave_after_all_had_agreed_are_for_a_person(world: World, labels: Book) -> None:
    row = ordered(world)
    cancelled(world)
    answer(world, row, negotiate.accept_cancel)
    report = partial(
        ship.open_shipment, reference=row.fulfilment_order_id, parcels=None, choice=BY_HAND, hub_id="hub",
        label_format="pdf", actor="key:partner", at=world.clock.now(),
    )  # fmt: skip
    for _ in range(2):
        with pytest.raises(LeftAnyway) as refused, world.write() as session:
            report(session)
        with world.write() as session:
            note_left_anyway(
                session, fulfilment_order_id=refused.value.fulfilment_order_id, numbers=refused.value.numbers,
                actor="key:partner", at=world.clock.now(),
            )  # fmt: skip
    assert stands(world) == ("cancelled", [], ["left_after_cancel"])
    assert world.timeline("1")[-1] == "fulfilment.left_after_cancel"
    assert world.level("OUT_C").reserved == 0


def test_a_given_back_label_that_is_handed_over_is_told_of_too(world: World, labels: Book) -> None:
    row = ordered(world)
    world.pack(row.fulfilment_order_id)
    shipment = world.ship(row.fulfilment_order_id)
    cancelled(world)
    answer(world, row, negotiate.accept_cancel)
    assert world.shipment(shipment).state == "voided"
    with pytest.raises(LeftAnyway) as refused:
        world.hand_over(shipment)
    assert refused.value.numbers
