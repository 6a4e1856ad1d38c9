"""Stored labels: read as they were bought, and noted when they are printed again."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from hub.fulfilment import repository
from hub.fulfilment.service.listing import get_shipment
from hub.fulfilment.tables import ShipmentRow, StoredDocumentRow
from hub.kit.errors import HubError, NotFound, StateConflict
from hub.kit.ids import digest
from hub.orders.service.changes import OrderChanges, lock

MEDIA = {"pdf": "application/pdf", "zpl": "application/zpl"}


@dataclass(frozen=True, slots=True)
class Printed:
    """A stored document with its bytes."""

    name: str
    media_type: str
    content: bytes


def read_label(session: Session, *, reference: str, part: int, voided: bool = False) -> tuple[ShipmentRow, Printed]:
    """A label of a shipment as it was bought; parts count from 1.

    Raises `NotFound` where there is none, `StateConflict` where it was given back (unless `voided`), and 500 where the
    file is gone or is not the one that was stored.
    """
    shipment = get_shipment(session, reference)
    subject_id = shipment.goes_with or shipment.shipment_id
    rows = [row for row in repository.documents(session, subject_id) if row.kind == "label"]
    row = next((row for row in rows if row.part == part), None)
    if row is None:
        raise NotFound("label", f"{shipment.number}/{part}")
    if row.voided and not voided:
        detail = f"The label of {shipment.number} was given back: it must not go on a parcel."
        raise StateConflict("label_voided", detail)
    return shipment, printed(row)


def reprint_label(session: Session, *, reference: str, part: int, actor: str, at: datetime) -> Printed:
    """The stored label once more; the timeline tells who printed it again, because two parcels may carry it now."""
    shipment, label = read_label(session, reference=reference, part=part)
    changes = OrderChanges()
    lock(session, changes, [shipment.order_id])
    data = {"shipment": shipment.number, "part": part}
    changes.record(shipment.order_id, "shipment.label_reprinted", actor=actor, data=data)
    changes.flush(session, at=at)
    return label


def printed(row: StoredDocumentRow) -> Printed:
    """The bytes of a stored document, checked against what was stored."""
    path = Path(row.path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _lost(row, "cannot be read") from error
    if digest(content) != row.digest:
        raise _lost(row, "was changed after it was stored")
    return Printed(path.name, MEDIA.get(row.format, "application/octet-stream"), content)


def _lost(row: StoredDocumentRow, why: str) -> HubError:
    return HubError(
        500, "document_lost", f"The file of {row.kind} {row.part} {why}: restore the data folder from its backup, or "
        "void the shipment and ship anew.",
    )  # fmt: skip
