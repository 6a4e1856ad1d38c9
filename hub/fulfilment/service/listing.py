"""Read fulfilment orders and shipments for people and warehouses: each filter has its index, and pages go by key."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.fulfilment import repository
from hub.fulfilment.tables import FulfilmentOrderRow, ParcelRow, ShipmentRow
from hub.kit.errors import NotFound

OPEN_WORK = ("released", "in_progress")


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
