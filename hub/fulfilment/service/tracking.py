"""What carriers tell of parcels: append-only scans; a parcel's status only rises, unless a scan is corrected."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.canonical.shipping import TrackingEvent
from hub.fulfilment import repository
from hub.fulfilment.events import DELIVERED
from hub.fulfilment.rules.states import advance, slowest
from hub.fulfilment.tables import ParcelRow, ShipmentRow, TrackingEventRow
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges, lock


def record_tracking(session: Session, *, events: Sequence[TrackingEvent], actor: str, at: datetime) -> int:
    """Store scans and move parcels, shipments and line counters; returns how many scans were new.

    Scans of unknown numbers are kept too: the parcel may be known a moment later.
    """
    found = repository.shipments_by_tracking(session, {event.tracking_number for event in events})
    rows = [
        {
            "shipment_id": found[event.tracking_number][0] if event.tracking_number in found else None,
            "tracking_number": event.tracking_number, "status": event.status, "raw_code": event.raw_code,
            "description": event.description, "place": event.location, "occurred_at": event.occurred_at,
            "received_at": at, "correction": event.correction,
        }
        for event in events
    ]  # fmt: skip
    new = len(repository.insert_tracking(session, rows))
    ids = {shipment_id for shipment_ids in found.values() for shipment_id in shipment_ids}
    repository.lock_orders_of(session, ids)
    for shipment in repository.shipments(session, ids).values():
        follow(session, shipment, actor=actor, at=at)
    return new


def follow(session: Session, shipment: ShipmentRow, *, actor: str, at: datetime) -> None:
    """Bring a locked shipment to where its scans say it is.

    All scans of its numbers are read again in the order in which they happened, so that late, repeated and corrected
    ones end in the same place whenever they come.
    """
    if shipment.handed_over_at is None:
        return
    parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
    numbers = [parcel.tracking_number for parcel in parcels if parcel.tracking_number]
    repository.adopt_scans(session, shipment_id=shipment.shipment_id, numbers=numbers)
    scans = repository.scans(session, numbers)
    deltas: dict[str, Deltas] = {}
    for parcel in parcels:
        before, parcel.status = parcel.status, _status(scans.get(parcel.tracking_number or "", []))
        arrived = (parcel.status == "delivered") - (before == "delivered")
        if arrived:
            _count_delivered(session, shipment, parcel, arrived, deltas)
    before = shipment.state
    shipment.state = slowest(tuple(parcel.status for parcel in parcels))
    if shipment.state == before and not deltas:
        return
    shipment.version, shipment.updated_at = shipment.version + 1, at
    delivered = [scan.occurred_at for found in scans.values() for scan in found if scan.status == "delivered"]
    shipment.delivered_at = max(delivered) if shipment.state == "delivered" else None
    session.flush()
    changes = OrderChanges()
    lock(session, changes, [shipment.order_id])
    changes.record(
        shipment.order_id, f"tracking.{shipment.state}", actor=actor, data={"shipment": shipment.number}, lines=deltas
    )
    changes.flush(session, at=at)
    if shipment.state == "delivered":
        publish(
            session,
            [Event(kind=DELIVERED, subject_id=shipment.shipment_id, cause="1", lane=f"order:{shipment.order_id}")],
        )


def _status(scans: Sequence[TrackingEventRow]) -> str:
    status = "handed_over"
    for scan in scans:
        status = advance(status, scan.status, correction=scan.correction)
    return status


def _count_delivered(
    session: Session, shipment: ShipmentRow, parcel: ParcelRow, sign: int, deltas: dict[str, Deltas]
) -> None:
    lines = repository.lines(session, [shipment.fulfilment_order_id])[shipment.fulfilment_order_id]
    order_lines = {line.fulfilment_order_line_id: line.order_line_id for line in lines}
    for line_id, quantity in parcel.contents.items():
        change = deltas.setdefault(order_lines[line_id], {"delivered": Decimal(0)})
        change["delivered"] += sign * Decimal(quantity)
