"""All SQL of fulfilment beside `service.assign`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, Table, func, select, text, update
from sqlalchemy.orm import Session

from hub.fulfilment.tables import (
    UNDER_WAY,
    FulfilmentOrderLineRow,
    FulfilmentOrderRow,
    LocationRejectionRow,
    ParcelRow,
    ShipmentNoticeRow,
    ShipmentRow,
    StoredDocumentRow,
    TrackingEventRow,
)
from hub.kit.bulk import among, insert_new
from hub.kit.ids import is_id
from hub.orders.tables import OrderRow

Row = TypeVar("Row")

REJECTIONS: Table = LocationRejectionRow.__table__  # type: ignore[assignment]
TRACKING: Table = TrackingEventRow.__table__  # type: ignore[assignment]


def find_fulfilment_order(session: Session, reference: str, *, lock: bool = False) -> FulfilmentOrderRow | None:
    """By id, or by number if exactly one has it."""
    statement = select(FulfilmentOrderRow)
    if is_id(reference):
        statement = statement.where(FulfilmentOrderRow.fulfilment_order_id == reference)
    else:
        statement = statement.where(FulfilmentOrderRow.number == reference).limit(2)
    rows = list(session.scalars(_locked(statement) if lock else statement))
    return rows[0] if len(rows) == 1 else None


def lines(session: Session, fulfilment_order_ids: Collection[str]) -> dict[str, list[FulfilmentOrderLineRow]]:
    """Lines by fulfilment order."""
    statement = (
        select(FulfilmentOrderLineRow)
        .where(FulfilmentOrderLineRow.fulfilment_order_id.in_(fulfilment_order_ids))
        .order_by(FulfilmentOrderLineRow.fulfilment_order_line_id)
    )
    found: dict[str, list[FulfilmentOrderLineRow]] = {key: [] for key in fulfilment_order_ids}
    for row in session.scalars(statement):
        found[row.fulfilment_order_id].append(row)
    return found


def of_orders(session: Session, order_ids: Collection[str]) -> dict[str, list[FulfilmentOrderRow]]:
    """Fulfilment orders by order."""
    statement = select(FulfilmentOrderRow).where(FulfilmentOrderRow.order_id.in_(order_ids))
    found: dict[str, list[FulfilmentOrderRow]] = {key: [] for key in order_ids}
    for row in session.scalars(statement.order_by(FulfilmentOrderRow.fulfilment_order_id)):
        found[row.order_id].append(row)
    return found


def open_work(session: Session, order_id: str) -> list[FulfilmentOrderRow]:
    """Fulfilment orders of a locked order that are not over, locked."""
    statement = select(FulfilmentOrderRow).where(
        FulfilmentOrderRow.order_id == order_id, FulfilmentOrderRow.state.in_(("released", "in_progress"))
    )
    return list(session.scalars(_locked(statement.order_by(FulfilmentOrderRow.fulfilment_order_id))))


def listed(session: Session, filters: Mapping[str, Any], *, after: str | None, limit: int) -> list[FulfilmentOrderRow]:
    """Fulfilment orders by equality filters, newest first."""
    statement = select(FulfilmentOrderRow).order_by(FulfilmentOrderRow.fulfilment_order_id.desc()).limit(limit)
    for name, value in filters.items():
        statement = statement.where(getattr(FulfilmentOrderRow, name) == value)
    if after is not None:
        statement = statement.where(FulfilmentOrderRow.fulfilment_order_id < after)
    return list(session.scalars(statement))


def find_shipment(session: Session, reference: str, *, lock: bool = False) -> ShipmentRow | None:
    """By id, or by number if exactly one has it."""
    statement = select(ShipmentRow)
    if is_id(reference):
        statement = statement.where(ShipmentRow.shipment_id == reference)
    else:
        statement = statement.where(ShipmentRow.number == reference).limit(2)
    rows = list(session.scalars(_locked(statement) if lock else statement))
    return rows[0] if len(rows) == 1 else None


def shipments(session: Session, shipment_ids: Collection[str]) -> dict[str, ShipmentRow]:
    """Shipments by id, locked in one fixed order."""
    statement = select(ShipmentRow).where(ShipmentRow.shipment_id.in_(shipment_ids)).order_by(ShipmentRow.shipment_id)
    return {row.shipment_id: row for row in session.scalars(_locked(statement))}


def lock_orders_of(session: Session, shipment_ids: Collection[str]) -> None:
    """Lock the orders of shipments, before these: whoever locks both takes the order first, so that none waits
    crosswise.
    """
    orders = select(ShipmentRow.order_id).where(ShipmentRow.shipment_id.in_(shipment_ids))
    session.execute(
        select(OrderRow.order_id).where(OrderRow.order_id.in_(orders)).order_by(OrderRow.order_id).with_for_update()
    )


def _locked(statement: Select[Row]) -> Select[Row]:
    """Locked, and as it is now: what was read before the lock may be old."""
    return statement.with_for_update().execution_options(populate_existing=True)


def shipments_of(session: Session, order_id: str) -> list[ShipmentRow]:
    """Shipments of an order."""
    statement = select(ShipmentRow).where(ShipmentRow.order_id == order_id).order_by(ShipmentRow.shipment_id)
    return list(session.scalars(statement))


def list_shipments(session: Session, filters: Mapping[str, Any], *, after: str | None, limit: int) -> list[ShipmentRow]:
    """Shipments by equality filters, newest first."""
    statement = select(ShipmentRow).order_by(ShipmentRow.shipment_id.desc()).limit(limit)
    for name, value in filters.items():
        statement = statement.where(getattr(ShipmentRow, name) == value)
    if after is not None:
        statement = statement.where(ShipmentRow.shipment_id < after)
    return list(session.scalars(statement))


def parcels(session: Session, shipment_ids: Collection[str]) -> dict[str, list[ParcelRow]]:
    """Parcels by shipment."""
    statement = select(ParcelRow).where(ParcelRow.shipment_id.in_(shipment_ids)).order_by(ParcelRow.position)
    found: dict[str, list[ParcelRow]] = {key: [] for key in shipment_ids}
    for row in session.scalars(statement):
        found[row.shipment_id].append(row)
    return found


def shipments_by_tracking(session: Session, numbers: Collection[str]) -> dict[str, list[str]]:
    """Ids of the shipments whose goods lie in the parcels with these numbers, the one that bought the label first."""
    statement = (
        select(ParcelRow.tracking_number, ShipmentRow.shipment_id)
        .join(ShipmentRow, ShipmentRow.shipment_id == ParcelRow.shipment_id)
        .where(ParcelRow.tracking_number.in_(numbers))
        .order_by(ShipmentRow.goes_with.is_not(None), ShipmentRow.shipment_id)
    )
    found: dict[str, list[str]] = {}
    for number, shipment_id in session.execute(statement):
        found.setdefault(str(number), []).append(shipment_id)
    return found


def origins(session: Session, numbers: Collection[str]) -> dict[str, set[str]]:
    """Locations from which parcels with these tracking numbers come."""
    statement = (
        select(ParcelRow.tracking_number, ShipmentRow.location)
        .join(ShipmentRow, ShipmentRow.shipment_id == ParcelRow.shipment_id)
        .where(ParcelRow.tracking_number.in_(numbers))
    )
    found: dict[str, set[str]] = {}
    for number, location in session.execute(statement):
        found.setdefault(str(number), set()).add(location)
    return found


def orders_by_tracking(session: Session, number: str) -> list[str]:
    """Orders that a tracking number belongs to."""
    statement = (
        select(ShipmentRow.order_id)
        .join(ParcelRow, ParcelRow.shipment_id == ShipmentRow.shipment_id)
        .where(ParcelRow.tracking_number == number)
    )
    return list(session.scalars(statement))


def documents(session: Session, subject_id: str) -> list[StoredDocumentRow]:
    """Printed documents of a shipment or fulfilment order."""
    statement = select(StoredDocumentRow).where(StoredDocumentRow.subject_id == subject_id)
    return list(session.scalars(statement.order_by(StoredDocumentRow.part)))


def unanswered_stops(session: Session, *, before: datetime, limit: int) -> list[FulfilmentOrderRow]:
    """Open work whose location was asked before this to stop it, and has not answered; the oldest first."""
    statement = (
        select(FulfilmentOrderRow)
        .where(FulfilmentOrderRow.state.in_(("released", "in_progress")))
        .where(FulfilmentOrderRow.negotiation == "cancel_requested", FulfilmentOrderRow.updated_at < before)
        .order_by(FulfilmentOrderRow.fulfilment_order_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def adopt_scans(session: Session, *, shipment_id: str, numbers: Collection[str]) -> None:
    """Scans that came before anybody knew the parcels are of this shipment."""
    session.execute(
        update(TRACKING)
        .where(TRACKING.c.tracking_number.in_(numbers), TRACKING.c.shipment_id.is_(None))
        .values(shipment_id=shipment_id)
    )


def insert_tracking(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert scans that are new; the answer is only good for its size (times come back as text)."""
    return insert_new(session, TRACKING, rows, key=("tracking_number", "occurred_at", "raw_code"))


def under_way(
    session: Session, carrier: str, *, since: datetime, after: str | None, limit: int
) -> list[tuple[str, list[str]]]:
    """Shipments of a carrier that were handed over since then and have not arrived, by id, each with the tracking
    numbers of its parcels.
    """
    statement = (
        select(ShipmentRow.shipment_id)
        .where(ShipmentRow.carrier_connection == carrier, text(UNDER_WAY), ShipmentRow.handed_over_at >= since)
        .order_by(ShipmentRow.shipment_id)
        .limit(limit)
    )
    ids = list(session.scalars(statement if after is None else statement.where(ShipmentRow.shipment_id > after)))
    found = parcels(session, ids)
    return [(key, [parcel.tracking_number for parcel in found[key] if parcel.tracking_number]) for key in ids]


def tracking(session: Session, shipment_id: str) -> list[TrackingEventRow]:
    """Scans of a shipment's parcels, or of the one that it lies in, in the order in which they happened."""
    theirs = select(ShipmentRow.goes_with).where(ShipmentRow.shipment_id == shipment_id)
    statement = select(TrackingEventRow).where(
        (TrackingEventRow.shipment_id == shipment_id) | TrackingEventRow.shipment_id.in_(theirs)
    )
    return list(session.scalars(statement.order_by(TrackingEventRow.occurred_at, TrackingEventRow.tracking_event_id)))


def scans(session: Session, numbers: Collection[str]) -> dict[str, list[TrackingEventRow]]:
    """Scans by tracking number, in the order in which they happened."""
    statement = select(TrackingEventRow).where(TrackingEventRow.tracking_number.in_(numbers))
    found: dict[str, list[TrackingEventRow]] = {}
    for row in session.scalars(statement.order_by(TrackingEventRow.occurred_at, TrackingEventRow.tracking_event_id)):
        found.setdefault(row.tracking_number, []).append(row)
    return found


def unknown_numbers(session: Session, *, since: datetime, before: datetime, limit: int) -> list[str]:
    """Tracking numbers of scans that came in between and belong to no parcel, the first first."""
    statement = (
        select(TrackingEventRow.tracking_number)
        .where(TrackingEventRow.shipment_id.is_(None), TrackingEventRow.received_at.between(since, before))
        .group_by(TrackingEventRow.tracking_number)
        .order_by(func.min(TrackingEventRow.tracking_event_id))
        .limit(limit)
    )
    return list(session.scalars(statement))


def rejections(session: Session, order_ids: Collection[str]) -> dict[str, set[str]]:
    """Locations that refused an order."""
    found: dict[str, set[str]] = {}
    statement = select(REJECTIONS.c.order_id, REJECTIONS.c.location)
    for order_id, location in session.execute(statement.where(among(session, REJECTIONS.c.order_id, order_ids))):
        found.setdefault(order_id, set()).add(location)
    return found


def notice(session: Session, shipment_id: str, *, lock: bool = False) -> ShipmentNoticeRow | None:
    """What a channel was told of a shipment."""
    return session.get(ShipmentNoticeRow, shipment_id, with_for_update=lock)


def notices_of(session: Session, order_id: str) -> list[ShipmentNoticeRow]:
    """Notices of an order's shipments."""
    return list(session.scalars(select(ShipmentNoticeRow).where(ShipmentNoticeRow.order_id == order_id)))


def shipment_counts(session: Session) -> dict[str, int]:
    """Shipments by state."""
    return dict(session.execute(select(ShipmentRow.state, func.count()).group_by(ShipmentRow.state)).all())
