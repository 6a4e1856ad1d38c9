"""What channels are told about shipments, and how reading it back proves that they know."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.canonical.order import ChannelShipment
from hub.fulfilment import repository
from hub.fulfilment.tables import ShipmentNoticeRow, ShipmentRow
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.kit.ids import stable_reference

NOTIFY = "shipment.notify"


def queue_notice(session: Session, *, shipment: ShipmentRow, connection_id: str, hub_id: str, at: datetime) -> None:
    """A channel must hear of this shipment; once for each shipment."""
    if repository.notice(session, shipment.shipment_id) is not None:
        return
    session.add(
        ShipmentNoticeRow(
            shipment_id=shipment.shipment_id, order_id=shipment.order_id, connection_id=connection_id,
            reference=stable_reference(hub_id, connection_id, "notice", shipment.shipment_id), state="pending",
            updated_at=at,
        )
    )  # fmt: skip
    session.flush()
    enqueue(
        session,
        [
            NewJob(
                kind=NOTIFY, idem_key=f"{NOTIFY}:{shipment.shipment_id}",
                lane=f"out:{shipment.order_id}:{connection_id}", subject_id=shipment.shipment_id,
                connection_id=connection_id,
            )
        ],
    )  # fmt: skip


def read_back(session: Session, *, order_id: str, shipment: ChannelShipment, at: datetime) -> bool:
    """Whether a shipment that a channel reports is one of ours; if so, its notice is proven."""
    numbers = set(shipment.tracking_numbers)
    for notice in repository.notices_of(session, order_id):
        ours = {
            parcel.tracking_number
            for parcel in repository.parcels(session, [notice.shipment_id])[notice.shipment_id]
            if parcel.tracking_number
        }
        if (notice.remote_id is not None and notice.remote_id == shipment.external_id) or (numbers and numbers & ours):
            notice.state, notice.updated_at = "read_back", at
            return True
    return False
