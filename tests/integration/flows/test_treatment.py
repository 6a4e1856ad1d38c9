"""Priority and assignee: rules say them at each review, a person says them for good, and priority decides who is served."""

from typing import Any

from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.treatment import assign_order, prioritise_order
from tests.builders import World, line, order_document
from tests.rules_in_force import decide_by

VIP = "'vip' in order.tags"


def treated(world: World, number: str) -> tuple[int, str | None]:
    row = world.order(number)
    return row.priority, row.assignee


def rules(world: World, *, priority: int = 10, to: str = "key accounts") -> None:
    decide_by(
        world,
        review=[{"id": "vip", "name": "VIP", "when": ["order.units >= 2"],
                 "then": [{"action": "tag", "tags": ["vip"]}]}],
        priority=[{"id": "first", "name": "First", "when": [VIP], "then": [{"action": "priority", "priority": priority}]},
                  {"id": "rest", "name": "Rest", "then": [{"action": "priority", "priority": 200}]}],
        assign=[{"id": "theirs", "name": "Theirs", "when": [VIP], "then": [{"action": "assign", "to": to}]}],
    )  # fmt: skip


def order(number: str, units: int, **more: Any) -> dict[str, Any]:
    return order_document(number, line("1", "A", units), **more)


def by_hand(world: World, number: str, **said: Any) -> None:
    with world.write() as session:
        changes = OrderChanges()
        (stored,) = lock(session, changes, [world.order(number).order_id]).values()
        if "assignee" in said:
            assign_order(changes, stored, assignee=said["assignee"], actor="ann")
        if "priority" in said:
            prioritise_order(changes, stored, priority=said["priority"], actor="ann")
        changes.flush(session, at=world.clock.now())


def test_rules_say_it_by_what_review_found_and_again_when_the_order_changes(world: World) -> None:
    rules(world)
    world.send(order("1", 2), order("2", 1))
    assert (treated(world, "1"), treated(world, "2")) == ((10, "key accounts"), (200, None))
    assert [kind for kind in world.timeline("1") if kind in ("order.prioritised", "order.assigned")] == [
        "order.prioritised", "order.assigned",
    ]  # fmt: skip
    rules(world, priority=20, to="others")
    world.send(order("1", 1, revision="2"), order("2", 3, revision="2"))
    assert (treated(world, "1"), treated(world, "2")) == ((200, None), (20, "others"))


def test_the_tier_of_the_customer_may_say_it(world: World) -> None:
    gold = {"id": "gold", "name": "Gold", "when": ["'gold' in order.buyer.groups"], "then": [
        {"action": "priority", "priority": 5},
    ]}  # fmt: skip
    decide_by(world, priority=[gold])
    world.send(order_document("1", buyer={"id": "c-1", "groups": ["b2b", "gold"]}), order_document("2"))
    assert (treated(world, "1")[0], treated(world, "2")[0]) == (5, 100)


def test_what_a_person_said_is_kept_until_given_back(world: World) -> None:
    rules(world)
    world.send(order("1", 2))
    by_hand(world, "1", assignee="bob", priority=0)
    assert treated(world, "1") == (0, "bob")
    by_hand(world, "1", assignee=None, priority=None)
    assert treated(world, "1") == (100, None)


def test_the_urgent_is_served_before_the_older(world: World) -> None:
    rules(world)
    world.send(order("old", 1), order("urgent", 2))
    assert (world.open_work("old"), world.open_work("urgent")) == ([], [])
    world.stock(W1_A=2)
    world.drain()
    assert len(world.open_work("urgent")) == 1
    assert world.open_work("old") == []
