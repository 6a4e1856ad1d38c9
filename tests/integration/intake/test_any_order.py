"""What is said of an order before it is there waits for it: in whatever sequence it comes, the end is the same."""

from itertools import permutations
from typing import Any

from tests.builders import World, event, line, order_document

FACTS = ("create", "pay", "edit", "cancel", "refund")


def documents(external_id: str) -> dict[str, dict[str, Any]]:
    """Five things that happened to one order, each of which knows its place in the source's own sequence."""
    created = order_document(external_id, line("1", "A", 2), payment={"state": "unpaid"}, revision=1)
    return {
        "create": created,
        "edit": {**created, "lines": [line("1", "A", 3)], "grand_total": "30.00", "revision": 2},
        "pay": event("order.paid", order_id=external_id, id=f"T-{external_id}", amount="30.00", currency="USD"),
        "cancel": event("order.cancelled", order_id=external_id),
        "refund": event("order.refunded", order_id=external_id, id=f"R-{external_id}", amount="30.00", currency="USD"),
    }


def test_all_sequences_end_in_the_same_state(small_world: World) -> None:
    world = small_world
    world.stock(W1_A=1000)
    sequences = {f"{number}": sequence for number, sequence in enumerate(permutations(FACTS))}
    assert len(sequences) == 120
    told = {external_id: documents(external_id) for external_id in sequences}
    for place in range(len(FACTS)):
        world.store(*(told[external_id][sequence[place]] for external_id, sequence in sequences.items()))
        world.drain()
    ends = {end(world, external_id): sequence for external_id, sequence in sequences.items()}
    assert list(ends) == [("cancelled", "refunded", 3, 3, ())], ends
    assert (world.level("W1_A").reserved, world.drift()) == (0, [])
    assert {job.state for job in world.jobs()} == {"done"}
    assert all(world.folded(external_id) for external_id in ("0", "57", "119"))


def end(world: World, external_id: str) -> tuple[Any, ...]:
    """Where an order stands. `ordered` counts all that was ever wanted, of which nothing is left."""
    order, counters = world.order(external_id), world.lines(external_id)["1"]
    others = set(counters) - {"ordered", "ordered_source", "cancelled"}
    assert (counters["ordered"], others) == (counters["cancelled"], set())
    return (
        order.lifecycle, order.payment, counters["ordered"], counters["ordered_source"],
        tuple(world.holds(external_id)),
    )  # fmt: skip


def test_what_waits_is_parked_and_named_by_its_order(world: World) -> None:
    (early,) = world.send(event("order.cancelled", order_id="1"))
    message = world.message(early.message_id)
    assert (message.state, message.order_ref) == ("parked", "1")
    world.send(order_document("1"))
    message = world.message(early.message_id)
    assert (message.state, message.order_id) == ("applied", world.order("1").order_id)


def test_an_address_that_comes_early_is_where_the_order_goes(world: World) -> None:
    document = order_document("1")
    moved = {**document["ship_to"], "lines": ["9 Other Road"]}
    world.send(event("order.address_changed", order_id="1", ship_to=moved))
    world.send(document)
    assert world.order("1").document["ship_to"]["lines"] == ["9 Other Road"]


def test_facts_of_another_account_wait_on(world: World) -> None:
    world.shop("other")
    (early,) = world.send(event("order.cancelled", order_id="1"), to="other")
    world.send(order_document("1"))
    assert (world.message(early.message_id).state, world.order("1").lifecycle) == ("parked", "open")
