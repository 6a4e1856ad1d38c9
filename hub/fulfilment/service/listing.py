"""Read fulfilment orders and shipments for people and warehouses: each filter has its index, and pages go by key."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import Session

from hub.fulfilment import repository
from hub.fulfilment.tables import FulfilmentOrderRow, ParcelRow, ShipmentRow
from hub.kit.errors import NotFound
from hub.kit.types import Id, UtcDateTime
from hub.orders.tables import OrderRow

OPEN_WORK = ("released", "in_progress")
NO_HURRY = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for a day by which nothing must leave."""
Turn = tuple[int, datetime, str]
"""Priority of the order, when it must leave, id."""


def get_fulfilment_order(session: Session, reference: str) -> FulfilmentOrderRow:
    """By id or number; `NotFound` else."""
    row = repository.find_fulfilment_order(session, reference)
    if row is None:
        raise NotFound("fulfilment_order", reference)
    return row


def get_shipment(session: Session, reference: str) -> ShipmentRow:
    """By id or number; `NotFound` else."""
    row = repository.find_shipment(session, reference)
    if row is None:
        raise NotFound("shipment", reference)
    return row


def list_work(
    session: Session, *, location: str | None, states: Collection[str] | None, order_id: str | None, after: str | None,
    limit: int,
) -> list[FulfilmentOrderRow]:  # fmt: skip
    """Fulfilment orders, newest first. Of one location without states: its open work."""
    statement = select(FulfilmentOrderRow).order_by(FulfilmentOrderRow.fulfilment_order_id.desc()).limit(limit)
    if order_id is not None:
        statement = statement.where(FulfilmentOrderRow.order_id == order_id)
    if location is not None:
        statement = statement.where(FulfilmentOrderRow.location == location)
        states = states or OPEN_WORK
    if states:
        statement = statement.where(FulfilmentOrderRow.state.in_(states))
    if after is not None:
        statement = statement.where(FulfilmentOrderRow.fulfilment_order_id < after)
    return list(session.scalars(statement))


def next_work(
    session: Session, *, location: str, after: Turn | None, limit: int, accepted: bool = False
) -> list[tuple[FulfilmentOrderRow, Turn]]:
    """Open work of a location with its turn, as it should be done: by the priority of its order, then by when it must
    leave, then the oldest. `accepted` leaves out what the location has not taken yet.
    """
    ship_by = func.coalesce(FulfilmentOrderRow.ship_by, literal(NO_HURRY, UtcDateTime()))
    turn = (OrderRow.priority, ship_by, FulfilmentOrderRow.fulfilment_order_id)
    statement = (
        select(FulfilmentOrderRow, OrderRow.priority)
        .join(OrderRow, OrderRow.order_id == FulfilmentOrderRow.order_id)
        .where(FulfilmentOrderRow.location == location, FulfilmentOrderRow.state.in_(OPEN_WORK))
        .order_by(*turn)
        .limit(limit)
    )
    if accepted:
        statement = statement.where(FulfilmentOrderRow.negotiation == "accepted")
    if after is not None:
        priority, moment, work_id = after
        last = (literal(priority), literal(moment, UtcDateTime()), literal(work_id, Id()))
        statement = statement.where(tuple_(*turn) > tuple_(*last))
    return [
        (row, (priority, row.ship_by or NO_HURRY, row.fulfilment_order_id))
        for row, priority in session.execute(statement)
    ]


def list_shipments(
    session: Session, *, state: str | None, location: str | None, order_id: str | None, fulfilment_order_id: str | None,
    tracking_number: str | None, after: str | None, limit: int,
) -> list[ShipmentRow]:  # fmt: skip
    """Shipments, newest first."""
    statement = select(ShipmentRow).order_by(ShipmentRow.shipment_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(ShipmentRow.state == state)
    if location is not None:
        statement = statement.where(ShipmentRow.location == location)
    if order_id is not None:
        statement = statement.where(ShipmentRow.order_id == order_id)
    if fulfilment_order_id is not None:
        statement = statement.where(ShipmentRow.fulfilment_order_id == fulfilment_order_id)
    if tracking_number is not None:
        numbered = select(ParcelRow.shipment_id).where(ParcelRow.tracking_number == tracking_number)
        statement = statement.where(ShipmentRow.shipment_id.in_(numbered))
    if after is not None:
        statement = statement.where(ShipmentRow.shipment_id < after)
    return list(session.scalars(statement))


def parcel_states(session: Session, order_ids: Collection[str]) -> dict[str, list[str]]:
    """Statuses of the parcels that were handed over, by order."""
    statement = (
        select(ShipmentRow.order_id, ParcelRow.status)
        .join(ParcelRow, ParcelRow.shipment_id == ShipmentRow.shipment_id)
        .where(ShipmentRow.order_id.in_(order_ids), ShipmentRow.handed_over_at.is_not(None))
    )
    found: dict[str, list[str]] = {}
    for order_id, status in session.execute(statement):
        found.setdefault(order_id, []).append(status)
    return found
