"""What would have sent a stored order elsewhere, with everything as it was when it was planned."""

from hub.routing import repository
from hub.routing.rules.explain import explain_flips
from hub.routing.service.why import flips_of
from tests.builders import World, line, order_document


def why(world: World, external_id: str, location: str | None = None) -> list[str]:
    order_id = world.order(external_id).order_id
    with world.read() as session:
        decision = repository.latest_decision(session, order_id)
        assert decision is not None
        return explain_flips(
            *flips_of(session, decision=decision, location=location, adapters=world.runtime.adapters)
        )  # fmt: skip


def test_what_was_missing_then_is_named_whatever_came_since(world: World) -> None:
    world.carrier()
    world.stock(W1_A=5, W2_A=1)
    world.send(order_document("1", line("1", "A", 3)))
    world.stock(W2_A=50)
    assert [row.location for row in world.open_work("1")] == ["W1"]
    assert why(world, "1", "W2") == ["no change of one or two numbers would let W2 win"], "W1 ranks before it"
    with world.write() as session:
        session.connection().exec_driver_sql("DELETE FROM planning_inputs WHERE kind = 'location' AND key = 'W2'")
    assert why(world, "1") == ["what would change it cannot be computed: its location is not kept"]


def test_an_order_that_waits_is_told_what_it_waits_for(world: World) -> None:
    world.stock(W1_A=1)
    world.send(order_document("1", line("1", "A", 3)))
    assert why(world, "1") == [
        "W1 would win if W1 had 2 more of A", "W2 would win if W2 had 2 more of A",
    ]  # fmt: skip
