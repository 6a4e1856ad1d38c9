"""In whatever sequence, however often and however many at once the messages of an order come: the end is the same."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

from sqlalchemy import func, select

from hub.intake.service.store import Delivery, store_messages
from hub.orders.tables import COUNTERS, OrderEventRow, OrderHoldRow, OrderLineRow, OrderRow
from hub.sdk.values import Raw
from tests.builders import World
from tests.chaos.sweep.conftest import SEED
from tests.chaos.sweep.walking import USD, Hub, told, told_order
from tests.integration.intake.test_concurrency import at_once

FACTS = ("create", "pay", "edit", "cancel", "refund", "ship")
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


def test_explore(small_hub: Hub) -> None:
    world = small_hub.world
    sequences = {f"s{number}": sequence for number, sequence in enumerate(permutations(FACTS))}
    messages = {name: documents(name) for name in sequences}
    for place in range(len(FACTS)):
        store(world, ((name, messages[name][sequence[place]]) for name, sequence in sequences.items()))
        world.drain()
    found = defaultdict(list)
    for name, end in ends(world).items():
        found[end].append(sequences[name])
    for end, those in found.items():
        print(len(those), end, those[:3])
    print(Counter(job.state for job in world.jobs()), Counter(world.cases()), world.drift())
