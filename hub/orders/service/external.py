"""What a channel shipped by itself."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import ChannelShipment, LineQuantity
from hub.orders.repository import events_of
from hub.orders.rules.counters import WAITING, Deltas, LineState, take
from hub.orders.service.changes import OrderChanges, line_state, lines_of


def is_news(session: Session, *, order_id: str, shipment: ChannelShipment) -> bool:
    """Whether a channel's shipment says more than any document before, of whichever kind, told of it."""
    if shipment.state != "success" or _came_with_order(session, order_id, shipment.external_id):
        return False
    told = _told(session, order_id, shipment.external_id)
    if told is None:
        return True
    return any(quantity > told.get(line, Decimal(0)) for line, quantity in _quantities(shipment).items())


def record_channel_shipment(
    session: Session, changes: OrderChanges, *, stored: Row[Any], shipment: ChannelShipment, actor: str, cause: str
) -> bool:
    """Lines that the channel shipped from elsewhere need no work of ours, as far as nobody has begun it.

    A shipment that is told again adds only what was not counted of it before; whether there was anything.
    """
    if shipment.state != "success" or _came_with_order(session, stored.order_id, shipment.external_id):
        return False
    before = _counted(session, stored.order_id, shipment.external_id)
    rows = {row.external_id: line_state(row) for row in lines_of(session, [stored.order_id])[stored.order_id]}
    deltas: dict[str, Deltas] = {}
    quantities = _quantities(shipment)
    for external_id, quantity in quantities.items():
        line = rows.get(external_id)
        if line is None:
            continue
        fresh = quantity - before.get(line.order_line_id, Decimal(0))
        moved = _from_open(line, max(fresh, Decimal(0)), cancelled=stored.lifecycle == "cancelled")
        if moved:
            deltas[line.order_line_id] = {**moved, "external_shipped": -sum(moved.values(), Decimal(0))}
    if not deltas and not is_news(session, order_id=stored.order_id, shipment=shipment):
        return False
    changes.record(
        stored.order_id, "order.shipped_by_channel", actor=actor, cause=cause, lines=deltas,
        data={
            "shipment": shipment.external_id, "tracking_numbers": list(shipment.tracking_numbers),
            "lines": {line: str(quantity) for line, quantity in quantities.items()},
        },
    )  # fmt: skip
    return True


def _from_open(line: LineState, quantity: Decimal, *, cancelled: bool) -> Deltas:
    """Where shipped units are taken from. What has left was not cancelled, whichever of the two is told first."""
    return take(line, quantity, (*WAITING, "cancelled") if cancelled else WAITING)


def count_told_shipments(
    session: Session, changes: OrderChanges, *, stored: Row[Any], actor: str, cause: str, at: datetime
) -> bool:
    """Count what the channel shipped while its units were bound to work that has ended since; whether there was any."""
    events = events_of(session, stored.order_id, kind="order.shipped_by_channel")
    counted = False
    for external_id in dict.fromkeys(str(row.data["shipment"]) for row in events):
        told = _told(session, stored.order_id, external_id) or {}
        parts = tuple(LineQuantity(line_external_id=line, quantity=quantity) for line, quantity in told.items())
        shipment = ChannelShipment(external_id=external_id, state="success", lines=parts)
        if record_channel_shipment(session, changes, stored=stored, shipment=shipment, actor=actor, cause=cause):
            changes.flush(session, at=at)
            counted = True
    return counted


def _quantities(shipment: ChannelShipment) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for part in shipment.lines:
        total[part.line_external_id] = total.get(part.line_external_id, Decimal(0)) + part.quantity
    return total


def _told(session: Session, order_id: str, shipment: str) -> dict[str, Decimal] | None:
    """The most that was told of each line of a shipment; None where nothing was."""
    told: dict[str, Decimal] | None = None
    for row in events_of(session, order_id, kind="order.shipped_by_channel"):
        if row.data.get("shipment") == shipment:
            told = told or {}
            for line, quantity in row.data["lines"].items():
                told[line] = max(told.get(line, Decimal(0)), Decimal(quantity))
    return told


def _came_with_order(session: Session, order_id: str, shipment: str) -> bool:
    return any(shipment in row.data.get("shipments", ()) for row in events_of(session, order_id, kind="order.accepted"))


def _counted(session: Session, order_id: str, shipment: str) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for row in events_of(session, order_id, kind="order.shipped_by_channel"):
        if row.data.get("shipment") == shipment:
            for line, deltas in row.lines.items():
                moved = Decimal(deltas.get("external_shipped", 0)).scaleb(-3)
                total[line] = total.get(line, Decimal(0)) + moved
    return total
