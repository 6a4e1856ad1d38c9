"""Caps of gifts: who gets one while there are some, and what counts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hub.catalog.service.aliases import add_aliases
from hub.sdk.testing.kit import START
from tests.at_once import at_once
from tests.builders import World, event, line, order_document
from tests.rules_in_force import decide_by


def rule(name: str = "welcome", when: Sequence[str] = (), sku: str = "B", **gift: Any) -> dict[str, Any]:
    dates = {member: gift.pop(member).isoformat() for member in ("valid_from", "valid_to") if member in gift}
    action = {"action": "add_gift", "sku": sku, **gift}
    return {"id": name, "name": name, "when": list(when), "then": [action], **dates}


def given(world: World, *numbers: str) -> list[int]:
    """Units of gifts that each order has."""
    found = []
    for number in numbers:
        lines = [counters for name, counters in world.lines(number).items() if name.startswith("gift:")]
        found.append(sum(one.get("ordered", 0) - one.get("cancelled", 0) for one in lines))
    return found


def buyer(email: str | None, phone: str | None = None) -> dict[str, Any]:
    """Who orders; the address leads to nobody."""
    address = {**order_document()["ship_to"], "phone": phone}
    return {"buyer": {"name": "Ada", "email": email}, "ship_to": address}


def test_the_last_one_gets_what_is_left(world: World) -> None:
    decide_by(world, gift=[rule(quantity=2, max_total=5)])
    for number in "1234":
        world.send(order_document(number))
    assert given(world, *"1234") == [2, 2, 1, 0]


def test_a_customer_is_known_by_mail_or_else_by_phone(world: World) -> None:
    decide_by(world, gift=[rule(max_per_customer=1)])
    world.send(order_document("1", **buyer("ada@example.com", "+12125550100")))
    world.send(
        order_document("2", **buyer("ADA@example.com")), order_document("3", **buyer("bob@example.com")),
        order_document("4", **buyer(None, "+12125550100")), order_document("5", **buyer(None, "+1 212 555 0100")),
    )  # fmt: skip
    assert given(world, *"12345") == [1, 0, 1, 1, 0]
    world.send(order_document("6", **buyer(None, "+12125550100")))
    assert given(world, "6") == [0]


def test_an_order_gets_so_much_of_a_product_whichever_rules_give_it(world: World) -> None:
    decide_by(world, gift=[rule("one", quantity=2), rule("two", quantity=2, max_per_order=3)])
    world.send(order_document("1"))
    counters = world.lines("1")
    assert (counters["gift:one:B"]["ordered"], counters["gift:two:B"]["ordered"]) == (2, 1)


def test_what_was_given_before_a_rule_is_valid_from_does_not_count(world: World) -> None:
    decide_by(world, gift=[rule(max_total=1)])
    world.send(order_document("1"), order_document("2"))
    world.clock.advance(3600)
    decide_by(world, gift=[rule(max_total=1, valid_from=START + timedelta(minutes=30))])
    world.send(order_document("3"), order_document("4"))
    assert given(world, *"1234") == [1, 0, 1, 0]


def test_what_is_cancelled_can_be_given_to_another(world: World) -> None:
    decide_by(world, gift=[rule(max_total=1)])
    world.send(order_document("1"), order_document("2"))
    world.send(event("order.cancelled", order_id="1"))
    world.send(order_document("3"))
    assert given(world, *"123") == [0, 0, 1]


def test_it_comes_and_goes_with_its_rule(world: World) -> None:
    world.stock(W1_A=9, W1_B=9)
    decide_by(world, gift=[rule(when=["order.units > 1"])])
    for revision, units in enumerate((2, 1, 3)):
        world.send(order_document("1", line("1", "A", units), revision=str(revision)))
        assert given(world, "1") == [int(units > 1)]
    assert world.lines("1")["gift:welcome:B"] == {"ordered": 2, "cancelled": 1, "allocated": 1, "released": 1}
    told = [kind for kind in world.timeline("1") if "gift" in kind]
    assert told == ["order.gift_added", "order.gift_taken_back", "order.gift_added"]
    assert (world.folded("1"), world.drift()) == (True, [])


def test_a_rule_that_is_over_gone_or_in_error_takes_nothing_back(world: World) -> None:
    decide_by(world, gift=[rule(valid_to=START + timedelta(hours=1))])
    world.send(order_document("1", line("1", "A", 1)))
    world.clock.advance(7200)
    world.send(order_document("1", line("1", "A", 2), revision="2"), order_document("2"))
    assert given(world, "1", "2") == [1, 0]
    decide_by(world, gift=[rule(when=["order.weight_grams > 1000000"])])
    world.send(order_document("1", line("1", "A", 3), revision="3"))
    assert (given(world, "1"), world.holds("1")) == ([1], ["rule_error"])
    decide_by(world)
    world.send(order_document("1", line("1", "A", 4), revision="4"))
    assert given(world, "1") == [1]


def test_an_order_that_is_refused_or_only_observed_takes_none(world: World) -> None:
    world.shop("seen", mode="observe")
    world.shop("strict", policy={"review": {"levels": {"sku_unknown": "reject"}}})
    decide_by(world, gift=[rule(max_total=1)])
    world.send(order_document("1"), to="seen")
    world.send(order_document("2", line("1", "NOBODY KNOWS")), to="strict")
    assert world.order("2").review == "rejected"
    world.send(order_document("3", test=True), order_document("4"))
    assert given(world, *"1234") == [0, 0, 0, 1]


def test_an_order_that_waits_for_a_person_has_its_gift_already(world: World) -> None:
    world.stock(W1_A=1, W1_B=1)
    hold = {"action": "hold", "reason_code": "look", "message": "Look at it."}
    decide_by(world, review=[{"id": "look", "name": "Look", "then": [hold]}], gift=[rule(max_total=1)])
    world.send(order_document("1"))
    world.send(order_document("2"))
    assert (given(world, "1", "2"), world.open_work("1")) == ([1, 0], [])
    world.release("1")
    assert world.lines("1")["gift:welcome:B"]["allocated"] == 1


def test_a_gift_is_the_hubs_own_product_whatever_a_shop_calls_so(world: World) -> None:
    world.stock(W1_A=9, W1_B=1)
    with world.write() as session:
        add_aliases(session, account="shop", aliases={"B": "A"}, at=world.clock.now())
    decide_by(world, gift=[rule()])
    world.send(order_document("1"))
    assert world.level("W1_B").reserved == 1


def test_several_workers_give_no_more_than_there_is(world: World) -> None:
    decide_by(world, gift=[rule(max_total=5)])
    numbers = [str(number) for number in range(12)]
    for number in numbers:
        world.store(order_document(number))
    runner = type(world.runtime.runner)(world.database, world.runtime.work, world.clock, batch=3, lease_seconds=60)
    at_once(*(lambda: runner.drain("intake") for _ in range(4)))
    world.drain()
    assert sorted(given(world, *numbers)) == [0] * 7 + [1] * 5
    assert {job.attempts for job in world.jobs(kind="intake.process")} == {1}
