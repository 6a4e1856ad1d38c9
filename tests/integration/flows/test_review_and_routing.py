"""From an accepted order to work for a warehouse, or to a person who knows why not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.catalog.rules.products import NewProduct
from hub.connections.service.manage import change_connection
from hub.flows.housekeeping import Housekeeping
from hub.fulfilment import repository as fulfilment_repository
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holding import pin_order
from hub.routing.repository import latest_decision
from tests.builders import World, event, line, order_document
from tests.rules_in_force import decide_by


def standing(world: World, external_id: str = "1") -> tuple[str, list[str], list[str]]:
    """Review state, open holds, and where its work is."""
    return (
        world.order(external_id).review,
        world.holds(external_id),
        [row.location for row in world.open_work(external_id)],
    )


def test_a_clean_order_goes_on_by_itself(world: World) -> None:
    world.stock(W1_A=1)
    world.send(order_document("1"))
    assert standing(world) == ("auto_approved", [], ["W1"])
    assert world.cases() == []


def test_an_unknown_sku_holds_until_the_product_is_there(world: World) -> None:
    world.send(order_document("1", line("1", "NEW", 2)))
    assert standing(world) == ("queued", ["sku_unknown"], [])
    assert world.cases() == ["order_held"]
    world.products("NEW", grams=750)
    world.drain()
    assert world.order("1").review == "auto_approved"
    world.stock(W1_NEW=5)
    world.drain()
    assert (standing(world), world.cases()) == (("auto_approved", [], ["W1"]), [])
    with world.read() as session:
        (work,) = world.work("1")
        (goods,) = fulfilment_repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
        assert (goods.sku, goods.grams) == ("NEW", 750)


def test_a_payment_that_is_awaited_lets_the_order_go(world: World) -> None:
    world.stock(W1_A=1)
    world.ledger()
    world.send(order_document("1", payment={"state": "unpaid"}))
    assert standing(world) == ("auto_approved", ["payment_not_settled"], [])
    world.send(pay("1", "pending"))
    assert (world.order("1").payment, world.holds("1")) == ("unpaid", ["payment_not_settled"])
    world.send(pay("1", "success"))
    assert (world.order("1").payment, standing(world)) == ("paid", ("auto_approved", [], ["W1"]))
    assert world.documents("1") == [("payment", "posted", 1000), ("sales_order", "posted", 1000)]
    world.send(pay("1", "pending"))
    assert world.order("1").payment == "paid", "it was pending once: old news"


def pay(external_id: str, state: str, amount: str = "10.00") -> dict[str, Any]:
    return event("order.paid", order_id=external_id, id=f"T-{external_id}", state=state, amount=amount, currency="USD")


def test_money_of_an_order_that_waited_for_a_person_reaches_the_books_once_it_is_released(world: World) -> None:
    world.ledger()
    world.stock(W1_A=1)
    world.send(order_document("1", grand_total="99.00", payment={"state": "unpaid"}))
    world.send(pay("1", "success", "99.00"))
    assert world.documents("1") == []
    world.release("1")
    assert world.documents("1") == [("payment", "posted", 9900), ("sales_order", "posted", 9900)]


def test_totals_that_do_not_add_up_are_for_a_person_who_may_wave_them_through(world: World) -> None:
    world.stock(W1_A=1)
    document = order_document("1", grand_total="99.00")
    world.send(document)
    assert standing(world) == ("queued", ["totals_mismatch"], [])
    world.release("1")
    assert (standing(world), world.cases()) == (("approved", [], ["W1"]), [])
    world.send({**document, "tags": ["vip"], "payment": {"state": "authorized", "method": "card"}})
    assert standing(world) == ("approved", [], ["W1"]), "the same finding is not held against it again"


def test_a_repair_by_the_channel_needs_no_person(world: World) -> None:
    world.stock(W1_A=1)
    document = order_document("1", grand_total="99.00")
    world.send(document)
    world.send({**document, "grand_total": "10.00"})
    assert (standing(world), world.cases()) == (("auto_approved", [], ["W1"]), [])


def test_an_order_that_looks_like_another_is_for_a_person_whatever_else_happens(world: World) -> None:
    world.stock(W1_A=5)
    document = order_document("1")
    world.send(document)
    world.send({**document, "id": "2", "number": "N-2", "payment": {"state": "unpaid"}})
    assert standing(world, "2")[1] == ["duplicate_looking", "payment_not_settled"]
    world.send(pay("2", "success"))
    assert standing(world, "2")[1:] == (["duplicate_looking"], []), "a payment says nothing about that"
    world.release("2")
    assert standing(world, "2")[1:] == ([], ["W1"])


def test_a_hold_that_lifts_itself(world: World) -> None:
    world.shop("slow", policy={"review": {"release_after_minutes": {"totals_mismatch": 30}}})
    world.stock(W1_A=1)
    world.send(order_document("1", grand_total="99.00"), to="slow")
    assert standing(world) == ("auto_approved", ["totals_mismatch"], [])
    for minutes, holds in ((29, ["totals_mismatch"]), (2, [])):
        world.clock.advance(minutes * 60)
        with world.write() as session:
            Housekeeping(world.runtime.services)(session, [])
        world.drain()
        assert world.holds("1") == holds
    assert standing(world)[2] == ["W1"]


def test_the_rules_of_review_tag_and_hold(world: World) -> None:
    decide_by(world, review=[
        {"id": "big", "name": "Big", "when": ["order.total_minor > 5000"], "then": [
            {"action": "hold", "reason_code": "big", "message": "look"}]},
    ])  # fmt: skip
    world.stock(W1_A=9)
    world.send(order_document("1", line("1", "A", 6)), order_document("2"))
    assert (standing(world, "1")[1], standing(world, "2")[1]) == (["big"], [])


def test_what_cannot_be_filled_waits_for_stock_the_oldest_first(world: World) -> None:
    for number in range(3):
        world.send(order_document(str(number)))
        world.clock.advance(1)
    assert world.count("parked_plans") == 3
    assert [standing(world, str(number))[2] for number in range(3)] == [[], [], []]
    world.stock(W1_A=2)
    world.drain()
    assert [standing(world, str(number))[2] for number in range(3)] == [["W1"], ["W1"], []]
    assert (world.count("parked_plans"), world.drift()) == (1, [])


def test_stock_that_a_cancellation_sets_free_goes_to_who_waits(world: World) -> None:
    world.stock(W1_A=1)
    world.send(order_document("1"))
    world.send(order_document("2"))
    assert standing(world, "2")[2] == []
    world.send(event("order.cancelled", order_id="1"))
    assert (standing(world, "2")[2], world.drift()) == (["W1"], [])


def test_an_order_is_sent_from_several_places_where_none_has_all(world: World) -> None:
    world.carrier()
    world.stock(W1_A=1, W2_B=1)
    world.send(order_document("1", line("1", "A"), line("2", "B")))
    assert sorted(standing(world)[2]) == ["W1", "W2"]
    world.deliver("1")
    assert (world.order("1").lifecycle, world.folded("1")) == ("completed", True)
    assert sum(world.invoiced("1")) == 2000


def test_the_decision_says_why_each_place_won_or_lost(world: World) -> None:
    world.stock(W2_A=1)
    world.send(order_document("1"))
    with world.read() as session:
        decision = latest_decision(session, world.order("1").order_id)
        assert decision is not None
        assert (decision.outcome, sorted(entry["location"] for entry in decision.body["candidates"])) == (
            "planned", ["W1", "W2"],
        )  # fmt: skip
    assert world.work("1")[0].decision_id == decision.decision_id


def test_a_bundle_weighs_what_it_weighs_however_often_a_component_is_in_it(small_world: World) -> None:
    parts = {"A": Decimal(3), "B": Decimal(1)}
    small_world.product(NewProduct(sku="SET", name="A set", grams=1000, stocked=False, components=parts))
    small_world.stock(W1_A=6, W1_B=2)
    small_world.send(order_document("1", line("1", "SET", 2)))
    with small_world.read() as session:
        decision = latest_decision(session, small_world.order("1").order_id)
        assert decision is not None
        assert [share["grams"] for share in decision.body["fulfilments"]] == [2000]


def test_a_pinned_order_is_sent_from_there_or_waits(world: World) -> None:
    world.stock(W1_A=5)
    world.send(order_document("1", line("1", "NEW")))
    pin(world, "W2")
    world.products("NEW")
    world.drain()
    world.stock(W1_NEW=5)
    world.drain()
    assert standing(world)[2] == []
    world.stock(W2_NEW=5)
    world.drain()
    assert standing(world)[2] == ["W2"]


def pin(world: World, location: str | None) -> None:
    with world.write() as session:
        changes = OrderChanges()
        order_id = world.order("1").order_id
        stored = lock(session, changes, [order_id])[order_id]
        assert pin_order(session, changes, stored=stored, location=location, actor="person")
        changes.flush(session, at=world.clock.now())


def test_digital_goods_are_sent_by_nobody(world: World) -> None:
    world.ledger()
    world.send(order_document("1", line("1", "E-BOOK", kind="digital", requires_shipping=False)))
    assert (world.lines("1")["1"]["not_stocked"], world.open_work("1")) == (1, [])
    assert (world.order("1").lifecycle, world.invoiced("1")) == ("completed", [1000])


def test_an_order_of_tomorrow_is_history_to_nobody(world: World) -> None:
    """Placed before the import date: kept, and nothing follows from it; placed after: everything does."""
    world.shop("young", import_from=world.clock.now())
    world.stock(W1_A=5)
    early = (world.clock.now() - timedelta(days=1)).isoformat()
    world.send(order_document("1", placed_at=early), order_document("2"), to="young")
    assert (world.open_work("1"), [row.location for row in world.open_work("2")]) == ([], ["W1"])


@pytest.mark.parametrize("mode", ["observe", "live"])
def test_a_shop_that_was_switched_to_observe_ships_nothing_more(world: World, mode: str) -> None:
    world.send(order_document("1"))
    with world.write() as session:
        change_connection(
            session, adapters=world.runtime.adapters, secrets=world.runtime.secrets, name="shop", expected_version=1,
            values={"mode": mode}, at=world.clock.now(),
        )  # fmt: skip
    world.stock(W1_A=5)
    world.drain()
    assert standing(world)[2] == (["W1"] if mode == "live" else [])
