"""In whatever sequence, however often and however many at once the messages of an order come: the end is the same."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

from sqlalchemy import select

from hub.canonical.facts import ParseResult
from hub.intake.service.store import Delivery, store_messages
from hub.orders.tables import COUNTERS, OrderHoldRow, OrderLineRow, OrderRow
from hub.sdk.values import Raw
from tests.builders import World
from tests.chaos.sweep.conftest import SEED
from tests.chaos.sweep.figures import figure
from tests.chaos.sweep.walking import USD, told, told_order
from tests.integration.intake.test_concurrency import at_once

FACTS = ("create", "pay", "edit", "cancel", "refund", "ship")
END = (
    "cancelled", "refunded",
    (("ordered", 3), ("ordered_source", 3), ("cancelled", 2), ("external_shipped", 1)), (),
)  # fmt: skip
"""Where all of them lead: the channel sent one piece, the other two are cancelled, and the money went back."""
SUM = {"minor": 3000, "currency": USD}


def documents(name: str) -> dict[str, bytes]:
    """Six things that happened to one order of three pieces, one of which the channel has sent itself."""

    def state(quantity: int, revision: str) -> bytes:
        total = {"minor": 1000 * quantity, "currency": USD}
        lines = [{"external_id": "1", "sku": "A", "quantity": str(quantity), "total": total}]
        return told_order(
            name, payment_state="unpaid", lines=lines, totals={"grand": total}, revision=revision
        )  # fmt: skip

    payment = {"external_id": f"T-{name}", "kind": "sale", "state": "success", "amount": SUM}
    sent = {"external_id": f"S-{name}", "state": "success", "lines": [{"line_external_id": "1", "quantity": "1"}]}
    return {
        "create": state(2, "1"),
        "edit": state(3, "2"),
        "pay": told(name, kind="payment", transaction=payment),
        "cancel": told(name, kind="cancellation"),
        "refund": told(name, kind="refund", refund={"external_id": f"R-{name}", "amount": SUM}),
        "ship": told(name, kind="shipment", shipment=sent),
    }


def store(world: World, messages: Iterable[tuple[str, bytes]], **raw: Any) -> None:
    """The channel says these of its orders."""
    feed = world.connections["feed"]
    deliveries = [Delivery(feed, Raw(body=body, kind="x", **{"external_id": name, **raw})) for name, body in messages]
    with world.write() as session:
        store_messages(session, deliveries=deliveries, at=world.clock.now())


def ends(world: World) -> Mapping[str, tuple[Any, ...]]:
    """Where each order stands."""
    columns = [getattr(OrderLineRow, name) for name in COUNTERS]
    with world.read() as session:
        heads = session.execute(select(OrderRow.order_id, OrderRow.external_id, OrderRow.lifecycle, OrderRow.payment))
        lines = {row[0]: row[1:] for row in session.execute(select(OrderLineRow.order_id, *columns))}
        holds: dict[str, list[str]] = defaultdict(list)
        for order_id, reason in session.execute(
            select(OrderHoldRow.order_id, OrderHoldRow.reason_code).where(OrderHoldRow.released_at.is_(None))
        ):
            holds[order_id].append(reason)
        return {
            row.external_id: (
                row.lifecycle, row.payment,
                tuple((name, int(value)) for name, value in zip(COUNTERS, lines[row.order_id], strict=True) if value),
                tuple(sorted(holds[row.order_id])),
            )
            for row in heads
        }  # fmt: skip


def furnish(world: World) -> None:
    """A channel whose documents say their facts outright, and stock for all."""
    world.double("channel", "fake_channel", "feed").parse = lambda raw: ParseResult.model_validate_json(raw.body)
    world.stock(W1_A=100_000)


def test_all_720_sequences_end_in_the_same_state(world: World) -> None:
    furnish(world)
    every = [*permutations(FACTS)]
    chosen = every if world.database.is_sqlite else random.Random(SEED).sample(every, 24)
    sequences = {f"s{number}": sequence for number, sequence in enumerate(chosen)}
    messages = {name: documents(name) for name in sequences}
    for place in range(len(FACTS)):
        store(world, ((name, messages[name][sequence[place]]) for name, sequence in sequences.items()))
        world.drain()
    found: dict[tuple[Any, ...], list[tuple[str, ...]]] = defaultdict(list)
    for name, end in ends(world).items():
        found[end].append(sequences[name])
    figure(f"orders of arrival {len(sequences)}, end states {len(found)}, conflicts {len(world.cases())}")
    assert {end: len(those) for end, those in found.items()} == {END: len(sequences)}, found
    assert (world.level("W1_A").reserved, world.drift(), world.cases()) == (0, [], [])
    assert {job.state for job in world.jobs()} == {"done"}
    assert all(world.folded(name) for name in [*sequences][::97])


def test_each_message_one_to_five_times_at_once_is_the_same_as_once(world: World) -> None:
    """Threads that take in and threads that work; each copy may be its own delivery, as where a source repeats itself."""
    furnish(world)
    chance = random.Random(SEED)
    names = [f"s{number}" for number in range(10)]
    copies = [
        (name, body, {"event_id": f"{name}-{fact}-{turn}"} if turn % 2 else {})
        for name in names
        for fact, body in documents(name).items()
        for turn in range(chance.randint(1, 5))
    ]
    chance.shuffle(copies)

    def tell(share: list[tuple[str, bytes, dict[str, str]]]) -> None:
        for name, body, raw in share:
            store(world, [(name, body)], **raw)
        world.drain("intake")

    at_once(*(lambda share=copies[start::4]: tell(share) for start in range(4)))
    while world.open_jobs():
        world.later(61)
    figure(f"deliveries {len(copies)} of {len(names) * len(FACTS)} messages by 4 threads, different from once "
          f"{sum(end != END for end in ends(world).values())}")  # fmt: skip
    assert set(ends(world).values()) == {END}
    assert (world.count("orders"), world.level("W1_A").reserved, world.drift()) == (len(names), 0, [])
    assert all(world.folded(name) for name in names)
