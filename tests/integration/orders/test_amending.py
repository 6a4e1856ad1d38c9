"""What a newer state of an order does to it, wherever it is."""

import pytest

from hub.flows.replay import replay
from hub.fulfilment import repository
from hub.sdk.errors import Uncertain
from tests.builders import World, event, line, order_document


@pytest.fixture
def stocked(world: World) -> World:
    """Stock of both goods in both warehouses, and a carrier."""
    world.stock(W1_A=10, W1_B=10, W2_A=10, W2_B=10)
    world.carrier()
    return world


def edited(document: dict, *lines: dict, **changes: object) -> dict:
    """The order as its channel states it now."""
    total = sum(float(entry["total"]) for entry in lines)
    return {**document, "lines": list(lines), "grand_total": f"{total:.2f}", **changes}


def state(world: World, external_id: str) -> tuple[str, str, list[str]]:
    order = world.order(external_id)
    return order.lifecycle, order.review, world.holds(external_id)


def test_more_is_planned_beside_a_new_line(stocked: World) -> None:
    document = order_document("1", line("1", "A", 2))
    stocked.send(document)
    stocked.send(edited(document, line("1", "A", 3), line("2", "B", 1)))
    assert [row.state for row in stocked.work("1")] == ["cancelled", "released"]
    assert stocked.lines("1") == {
        "1": {"ordered": 3, "ordered_source": 3, "allocated": 3, "released": 3},
        "2": {"ordered": 1, "ordered_source": 1, "allocated": 1, "released": 1},
    }
    assert (stocked.level("W1_A").reserved, stocked.drift(), stocked.folded("1")) == (3, [], True)


def test_less_and_a_removed_line_are_cancelled_and_their_stock_is_free(stocked: World) -> None:
    document = order_document("1", line("1", "A", 3), line("2", "B", 2))
    stocked.send(document)
    stocked.send(edited(document, line("1", "A", 1)))
    assert stocked.lines("1") == {
        "1": {"ordered": 3, "ordered_source": 1, "cancelled": 2, "allocated": 1, "released": 1},
        "2": {"ordered": 2, "cancelled": 2},
    }
    assert (stocked.level("W1_A").reserved, stocked.level("W1_B").reserved, stocked.drift()) == (1, 0, [])
    assert stocked.folded("1")


def test_another_sku_on_a_line_is_what_is_sent(stocked: World) -> None:
    document = order_document("1", line("1", "A", 1))
    stocked.send(document)
    stocked.send(edited(document, line("1", "B", 1, "12.00")))
    assert (stocked.level("W1_A").reserved, stocked.level("W1_B").reserved) == (0, 1)
    assert stocked.invoiced("1") == []
    stocked.deliver("1")
    assert stocked.invoiced("1") == [1200]


def test_a_line_that_needs_no_sending_any_more_is_not_sent(stocked: World) -> None:
    document = order_document("1", line("1", "A", 1), line("2", "B", 1))
    stocked.send(document)
    stocked.send(edited(document, line("1", "A", 1, requires_shipping=False), line("2", "B", 1)))
    assert stocked.lines("1")["1"] == {"ordered": 1, "ordered_source": 1, "not_stocked": 1}
    assert (stocked.level("W1_A").reserved, stocked.folded("1")) == (0, True)


def test_another_address_is_planned_anew_before_work_has_begun(stocked: World) -> None:
    document = order_document("1")
    stocked.send(document)
    moved = {**document["ship_to"], "lines": ["9 Other Road"]}
    stocked.send(event("order.address_changed", order_id="1", ship_to=moved))
    assert stocked.order("1").document["ship_to"]["lines"] == ["9 Other Road"]
    assert [row.state for row in stocked.work("1")] == ["cancelled", "released"]
    assert state(stocked, "1") == ("open", "auto_approved", [])


def test_a_change_after_work_has_begun_is_for_a_person_and_nothing_leaves_meanwhile(stocked: World) -> None:
    document = order_document("1", line("1", "A", 2))
    stocked.send(document)
    (work,) = stocked.work("1")
    stocked.pack(work.fulfilment_order_id)
    stocked.send(edited(document, line("1", "A", 1)))
    assert state(stocked, "1")[2] == ["changed_after_start"]
    assert "changed_after_start" in stocked.cases()
    assert stocked.lines("1")["1"]["packed"] == 2
    with pytest.raises(Exception, match="held"):
        stocked.ship(work.fulfilment_order_id)
    stocked.release("1")
    shipment = stocked.ship(work.fulfilment_order_id)
    stocked.hand_over(shipment)
    assert (stocked.shipment(shipment).state, stocked.folded("1")) == ("handed_over", True)


def test_other_goods_after_work_has_begun_are_for_a_person_too(stocked: World) -> None:
    document = order_document("1", line("1", "A", 1))
    stocked.send(document)
    (work,) = stocked.work("1")
    stocked.pack(work.fulfilment_order_id)
    stocked.send(edited(document, line("1", "B", 1)))
    assert stocked.holds("1") == ["changed_after_start"]


def test_what_is_added_to_a_completed_order_opens_it_again_for_a_person(stocked: World) -> None:
    document = order_document("1", line("1", "A", 1))
    stocked.send(document)
    stocked.deliver("1")
    assert state(stocked, "1")[0] == "completed"
    stocked.send(edited(document, line("1", "A", 1), line("2", "B", 1)))
    assert state(stocked, "1")[::2] == ("open", ["changed_after_start"])
    stocked.release("1")
    stocked.deliver("1")
    assert (state(stocked, "1")[0], stocked.lines("1")["2"]["shipped"], stocked.folded("1")) == ("completed", 1, True)


def test_tags_and_notes_take_no_work_back(stocked: World) -> None:
    document = order_document("1")
    stocked.send(document)
    stocked.send({**document, "tags": ["vip"]})
    assert [row.state for row in stocked.work("1")] == ["released"]


class TestCancelling:
    def test_before_anything_was_planned(self, world: World) -> None:
        world.send(order_document("1", line("1", "NOPE")))
        world.send(event("order.cancelled", order_id="1", reason="changed my mind"))
        assert state(world, "1")[::2] == ("cancelled", [])
        assert world.lines("1")["1"] == {"ordered": 1, "ordered_source": 1, "cancelled": 1}
        assert world.cases() == []
        assert world.folded("1")

    def test_after_the_stock_was_reserved(self, stocked: World) -> None:
        stocked.send(order_document("1", line("1", "A", 2)))
        stocked.send(event("order.cancelled", order_id="1"))
        assert (state(stocked, "1")[0], stocked.work("1")[0].state) == ("cancelled", "cancelled")
        assert (stocked.level("W1_A").reserved, stocked.level("W1_A").on_hand, stocked.drift()) == (0, 10, [])

    def test_twice_is_once(self, stocked: World) -> None:
        stocked.send(order_document("1"))
        stocked.send(event("order.cancelled", order_id="1"), event("order.cancelled", order_id="1"))
        assert stocked.lines("1")["1"] == {"ordered": 1, "ordered_source": 1, "cancelled": 1}
        assert stocked.timeline("1").count("order.cancelled") == 1

    def test_as_a_state_of_the_order_itself(self, stocked: World) -> None:
        document = order_document("1", line("1", "A", 2))
        stocked.send(document)
        stocked.send({**document, "cancelled": True})
        assert stocked.lines("1")["1"] == {"ordered": 2, "ordered_source": 2, "cancelled": 2}
        stocked.send(edited(document, line("1", "A", 3), line("2", "B", 1), cancelled=True))
        assert stocked.lines("1") == {
            "1": {"ordered": 3, "ordered_source": 3, "cancelled": 3},
            "2": {"ordered": 1, "ordered_source": 1, "cancelled": 1},
        }
        assert (state(stocked, "1")[0], stocked.level("W1_A").reserved, stocked.folded("1")) == ("cancelled", 0, True)

    def test_of_some_units_only(self, stocked: World) -> None:
        stocked.send(order_document("1", line("1", "A", 3)))
        part = event("order.cancelled", order_id="1", lines=[{"line_id": "1", "quantity": "1"}])
        (stored,) = stocked.send(part)
        assert stocked.lines("1")["1"] == {
            "ordered": 3, "ordered_source": 2, "cancelled": 1, "allocated": 2, "released": 2,
        }  # fmt: skip
        replayed(stocked, stored.message_id)
        assert stocked.lines("1")["1"]["cancelled"] == 1, "a replay cancels no further unit"

    def test_after_picking_puts_the_goods_back_and_ships_nothing(self, stocked: World) -> None:
        stocked.send(order_document("1", line("1", "A", 2)))
        (work,) = stocked.work("1")
        stocked.pack(work.fulfilment_order_id)
        stocked.send(event("order.cancelled", order_id="1"))
        assert state(stocked, "1")[::2] == ("cancelled", [])
        assert (stocked.work("1")[0].state, stocked.level("W1_A").reserved, stocked.drift()) == ("cancelled", 0, [])
        assert (stocked.lines("1")["1"], stocked.folded("1")) == (
            {"ordered": 2, "ordered_source": 2, "cancelled": 2}, True,
        )  # fmt: skip

    def test_after_the_label_gives_the_label_back(self, world: World) -> None:
        book = world.double("carrier", "fake_carrier")
        world.stock(W1_A=10)
        world.send(order_document("1"))
        (work,) = world.work("1")
        world.pack(work.fulfilment_order_id)
        shipment = world.ship(work.fulfilment_order_id)
        world.send(event("order.cancelled", order_id="1"))
        assert (world.shipment(shipment).state, book.voided) == ("voided", ["C-1"])
        assert (state(world, "1")[::2], world.level("W1_A").reserved) == (("cancelled", []), 0)
        assert (world.cases(), world.folded("1")) == ([], True)

    def test_while_the_label_is_being_bought(self, world: World) -> None:
        """The hold keeps everything here until the carrier has answered; then the label is given back."""
        book = world.double("carrier", "fake_carrier")
        world.stock(W1_A=10)
        world.send(order_document("1"))
        (work,) = world.work("1")
        world.pack(work.fulfilment_order_id)

        def meanwhile() -> None:
            book.on_call = None
            world.store(event("order.cancelled", order_id="1"))
            world.drain("intake", "flow")
            assert state(world, "1")[::2] == ("open", ["cancel_requested"])

        book.on_call = meanwhile
        shipment = world.ship(work.fulfilment_order_id)
        assert (world.shipment(shipment).state, book.voided) == ("voided", ["C-1"])
        assert (state(world, "1")[0], world.level("W1_A").reserved, world.open_jobs()) == ("cancelled", 0, [])

    def test_while_nobody_knows_whether_there_is_a_label(self, world: World) -> None:
        book = world.double("carrier", "fake_carrier")
        world.stock(W1_A=10)
        world.send(order_document("1"))
        (work,) = world.work("1")
        world.pack(work.fulfilment_order_id)
        book.before.append(lost())
        shipment = world.ship(work.fulfilment_order_id)
        world.send(event("order.cancelled", order_id="1"))
        assert (world.shipment(shipment).state, state(world, "1")[0]) == ("in_doubt", "open")
        world.later(3600)
        assert (book.sent, state(world, "1")[0]) == ([], "cancelled"), "asked for, not found, and not bought any more"

    def test_after_a_part_has_left_stops_the_rest(self, stocked: World) -> None:
        stocked.send(order_document("1", line("1", "A", 3)))
        (work,) = stocked.work("1")
        stocked.pack(work.fulfilment_order_id)
        with stocked.read() as session:
            (line_id,) = [
                row.fulfilment_order_line_id
                for row in repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
            ]
        stocked.hand_over(stocked.ship(work.fulfilment_order_id, {line_id: 1}))
        stocked.send(event("order.cancelled", order_id="1"))
        assert state(stocked, "1")[::2] == ("completed", [])
        assert stocked.lines("1")["1"] == {
            "ordered": 3, "ordered_source": 3, "cancelled": 2, "allocated": 1, "released": 1, "picked": 1,
            "packed": 1, "shipped": 1,
        }  # fmt: skip
        assert (stocked.level("W1_A").on_hand, stocked.level("W1_A").reserved, stocked.drift()) == (9, 0, [])
        assert (stocked.cases(), stocked.folded("1")) == (["cancelled_too_late"], True)

    def test_after_all_has_left_is_for_a_person(self, stocked: World) -> None:
        stocked.send(order_document("1"))
        stocked.deliver("1")
        stocked.send(event("order.cancelled", order_id="1"))
        assert (state(stocked, "1")[0], stocked.cases()) == ("completed", ["cancelled_too_late"])


def lost() -> Exception:
    return Uncertain("sent, no answer came")


def replayed(world: World, message_id: str) -> None:
    with world.write() as session:
        replay(session, world.runtime.services, [message_id], "person")
    world.drain()
