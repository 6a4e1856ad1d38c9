"""One order's whole path, walked by workers and people who may be stopped anywhere and simply begin again."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from hub.canonical.facts import ParseResult
from hub.flows.runtime import build_runtime
from hub.fulfilment import repository as fulfilment
from hub.fulfilment.tables import ShipmentRow
from hub.intake.service.store import Delivery, store_messages
from hub.intake.tables import InboundMessageRow
from hub.jobs.tables import EffectRow
from hub.kit.ids import digest
from hub.sdk.testing.kit import START
from hub.sdk.values import Raw
from tests.builders import World, build_world, canonical_order, order_document, plugins
from tests.doubles import Book

LEASE = 60.0
DAYS = (300.0, 7200.0, 86_400.0)
"""When a ledger is asked again for a withdrawn document that it may get late."""
USD = "USD"
Documents = tuple[bytes, ...]
"""What the channel says of one order, in its order."""


@dataclass(slots=True)
class Hub:
    """A hub with one warehouse whose channel, carrier and ledger keep their own books; `second` is another process."""

    world: World
    second: World
    channel: Book
    carrier: Book
    ledger: Book

    def close(self) -> None:
        """Let go of the database."""
        self.world.runtime.close()
        self.second.runtime.close()


def build_hub(url: str, folder: Path) -> Hub:
    """Stock for thousands of orders."""
    world = build_world(url, folder, lease_seconds=LEASE)
    world.products("A")
    world.locations("W1")
    world.stock(W1_A=100_000)
    channel = world.double("channel", "fake_channel", "feed")
    channel.parse = lambda raw: ParseResult.model_validate_json(raw.body)
    carrier, ledger = world.double("carrier", "fake_carrier"), world.double("erp", "fake_erp")
    settings = world.runtime.settings.model_copy(update={"database_lock_seconds": 0.1})
    runtime = build_runtime(settings, clock=world.clock, host=plugins())
    return Hub(world, World(runtime, world.clock, folder, world.connections), channel, carrier, ledger)


def told(name: str, **fact: Any) -> bytes:
    """A document of the channel that says one thing."""
    return json.dumps({"facts": [{"order_id": name, **fact}]}).encode()


def told_order(name: str, **changes: Any) -> bytes:
    """The order, paid; each goes to a street of its own."""
    address = order_document()["ship_to"] | {"name": name, "lines": [f"{name} Street"]}
    order = canonical_order(
        external_id=name, number=name, ship_to=address, placed_at=START.isoformat(),
        **{"payment_state": "paid", "totals": {"grand": {"minor": 2000, "currency": USD}}, **changes},
    )  # fmt: skip
    return told(name, kind="order", order=order.model_dump(mode="json"), revision=order.revision)


def told_cancelled(name: str) -> tuple[bytes, bytes]:
    """It is cancelled, and the money goes back."""
    amount = {"minor": 2000, "currency": USD}
    refund = {"external_id": f"R-{name}", "amount": amount}
    return told(name, kind="cancellation"), told(name, kind="refund", refund=refund)


def deliver_message(world: World, name: str, body: bytes) -> None:
    """The channel says it, perhaps again; then whoever is awake works."""
    with world.write() as session:
        raw = Raw(body=body, kind="order.upserted", external_id=name, event_id=digest(body))
        store_messages(session, deliveries=[Delivery(world.connections["feed"], raw)], at=world.clock.now())
    world.drain()


def walk(world: World, name: str, documents: Documents, *, ships: bool) -> None:
    """From the message to the parcel that leaves, or (`ships` is False) to the label that is given back.

    Whoever walks again repeats what was said to the hub and goes on with what is not done.
    """
    deliver_message(world, name, documents[0])
    for row in world.open_work(name):
        with world.read() as session:
            (line,) = fulfilment.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]
        if line.packed < line.quantity:
            world.pack(row.fulfilment_order_id)
        if not shipments(world, name):
            world.ship(row.fulfilment_order_id)
        for shipment in shipments(world, name):
            if ships and shipment.state == "label_ready":
                world.hand_over(shipment.shipment_id)
    for document in documents[1:]:
        deliver_message(world, name, document)


def finish(world: World, name: str, documents: Documents, *, ships: bool) -> None:
    """Whoever is left when leases have run out: works, waits for what comes again by itself, and walks to the end."""
    for seconds in (*[LEASE + 1] * 6, *DAYS):
        world.later(seconds)
        walk(world, name, documents, ships=ships)
        if not world.open_jobs():
            break


def shipments(world: World, name: str) -> list[ShipmentRow]:
    """All of an order."""
    with world.read() as session:
        return fulfilment.shipments_of(session, world.order(name).order_id)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the books of the others were filled before an order came."""

    bought: int
    voided: int
    posted: int
    taken_back: int
    told: int
    on_hand: Decimal
    reserved: Decimal


def mark(hub: Hub) -> Mark:
    """Now."""
    level = hub.world.level("W1_A")
    return Mark(
        len(hub.carrier.sent), len(hub.carrier.voided), len(hub.ledger.sent), len(hub.ledger.voided),
        len(hub.channel.sent), level.on_hand, level.reserved,
    )  # fmt: skip


def audit(hub: Hub, name: str, since: Mark) -> dict[str, Any]:
    """Where everybody stands after an order: the books of the others count, whatever the hub believes."""
    world, level = hub.world, hub.world.level("W1_A")
    order = world.order(name)
    with world.read() as session:
        effects = select(EffectRow.state).where(EffectRow.state.not_in(("confirmed", "settled", "voided")))
        unsettled = list(session.scalars(effects))
        said = select(func.count()).select_from(InboundMessageRow).where(InboundMessageRow.external_id == name)
        messages = session.scalar(said)
    held = [hub.ledger.held.get(key) for key in hub.ledger.sent[since.posted :]]
    return {
        "messages": messages,
        "labels bought": len(hub.carrier.sent) - since.bought,
        "labels given back": len(set(hub.carrier.voided[since.voided :])),
        "documents posted": len(hub.ledger.sent) - since.posted,
        "documents held": Counter((entry["kind"], entry["total"]["minor"]) for entry in held if entry),
        "documents known": world.documents(name),
        "notices": len(set(hub.channel.sent[since.told :])),
        "stock": (level.on_hand - since.on_hand, level.reserved - since.reserved, world.drift()),
        "order": (order.lifecycle, order.payment, world.lines(name), world.holds(name), world.folded(name)),
        "shipments": [shipment.state for shipment in shipments(world, name)],
        "left": (world.open_jobs(), world.cases(), unsettled),
    }
