"""`/v1/shipments`: labels, hand-over and tracking."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy.orm import Session

from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.canonical.shipping import TrackingEvent
from hub.fulfilment import repository
from hub.fulfilment.left import KEPT
from hub.fulfilment.own import own_shipment, refuse_other_parcels
from hub.fulfilment.schemas import (
    DocumentOut,
    ParcelOut,
    ScanOut,
    ShipmentOut,
    ShipmentSummary,
    TrackingIn,
    TrackingOut,
)
from hub.fulfilment.service.labels import read_label, reprint_label
from hub.fulfilment.service.listing import get_shipment, list_shipments
from hub.fulfilment.service.ship import hand_over, void
from hub.fulfilment.service.tracking import record_tracking
from hub.fulfilment.tables import ShipmentRow
from hub.kit.errors import NotFound
from hub.kit.web import Cursor, IfMatch, Limit, Page, check_version, page_of, problem_responses, set_etag
from hub.kit.web_files import attachment, file_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.kit.web_types import IdText

router = APIRouter(
    prefix="/v1/shipments", tags=["shipments"], route_class=IdempotentRoute, dependencies=[Depends(own_shipment)]
)
Asker = Annotated[Principal, Depends(require("shipments:read", by_location=True))]
Reader = Depends(require("shipments:read", by_location=True))
Writer = Annotated[Principal, Depends(require("shipments:write", by_location=True))]
Reference = Annotated[str, Path(min_length=1, max_length=120, description="Id or number.")]
Part = Annotated[int, Query(ge=1, le=1000, description="Which label, where there are several parcels.")]
ShipmentState = Literal[
    "draft", "rated", "label_requested", "in_doubt", "label_ready", "handed_over", "in_transit", "out_for_delivery",
    "ready_for_pickup", "delivered", "delivery_failed", "returning", "returned_to_sender", "lost", "damaged", "voided",
]  # fmt: skip
LABEL = file_responses("application/pdf", "application/zpl")
LISTING = "shipments"


@router.get("", responses=problem_responses(400, 401, 403, 422))
def list_all(
    session: ReadSession,
    principal: Asker,
    state: ShipmentState | None = None,
    location: Annotated[str | None, Query(min_length=1, max_length=40)] = None,
    order_id: IdText | None = None,
    fulfilment_order_id: IdText | None = None,
    tracking_number: Annotated[str | None, Query(max_length=80)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ShipmentSummary]:
    """Shipments, the newest first."""
    rows = list_shipments(
        session, state=state, location=principal.place(location), order_id=order_id,
        fulfilment_order_id=fulfilment_order_id, tracking_number=tracking_number, after=id_after(LISTING, cursor),
        limit=limit + 1,
    )  # fmt: skip
    return page_of(
        rows, limit=limit, item=ShipmentSummary.model_validate, cursor=lambda row: id_cursor(LISTING, row.shipment_id)
    )


@router.post("/tracking", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def report_tracking(body: TrackingIn, session: WriteSession, principal: Writer, now: Now) -> TrackingOut:
    """Record what a person or a warehouse says of parcels; a scan that is known already changes nothing."""
    refuse_other_parcels(session, principal, {scan.tracking_number for scan in body.events})
    events = [TrackingEvent(**scan.model_dump()) for scan in body.events]
    return TrackingOut(recorded=record_tracking(session, events=events, actor=principal.actor, at=now))


@router.get("/{reference}", dependencies=[Reader], responses=problem_responses(401, 403, 404))
def get_one(reference: Reference, session: ReadSession, response: Response) -> ShipmentOut:
    """One with parcels, documents, scans and the rates that were compared."""
    return shown(session, get_shipment(session, reference), response)


@router.get("/{reference}/label", dependencies=[Reader], responses={**LABEL, **problem_responses(401, 403, 404, 409)})
def get_label(reference: Reference, session: ReadSession, part: Part = 1) -> Response:
    """A label as it was bought. To print one again after it was used, ask for a reprint: that is noted."""
    _, label = read_label(session, reference=reference, part=part)
    return attachment(label.content, label.name, label.media_type)


@router.post(
    "/{reference}/reprint", dependencies=[Idempotent],
    responses={**LABEL, **problem_responses(400, 401, 403, 404, 409, 422)},
)  # fmt: skip
def reprint(reference: Reference, session: WriteSession, principal: Writer, now: Now, part: Part = 1) -> Response:
    """The stored label once more, noted in the timeline; nothing is bought."""
    label = reprint_label(session, reference=reference, part=part, actor=principal.actor, at=now)
    return attachment(label.content, label.name, label.media_type)


@router.post(
    "/{reference}/void",
    dependencies=[IdempotencyRequired],
    responses=problem_responses(400, 401, 403, 404, 409, 412, 422),
)
def give_back(
    reference: Reference, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> ShipmentOut:
    """Give a label back that is not on its way; the goods stay packed and may be shipped anew."""
    _expect_version(session, reference, version)
    return shown(session, void(session, reference=reference, actor=principal.actor, at=now), response)


@router.post(
    "/{reference}/hand-over", dependencies=[KEPT, IdempotencyRequired],
    responses=problem_responses(400, 401, 403, 404, 409, 412, 422),
)  # fmt: skip
def handed_over(
    reference: Reference, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> ShipmentOut:
    """The carrier has the parcels: stock leaves, the invoice is made, the channel is told."""
    _expect_version(session, reference, version)
    return shown(session, hand_over(session, reference=reference, actor=principal.actor, at=now), response)


def shown(session: Session, row: ShipmentRow, response: Response) -> ShipmentOut:
    """A shipment on the wire; its version becomes the answer's ETag."""
    set_etag(response, row.version)
    return ShipmentOut(
        **ShipmentSummary.model_validate(row).model_dump(),
        parcels=[
            ParcelOut.model_validate(parcel)
            for parcel in repository.parcels(session, [row.shipment_id])[row.shipment_id]
        ],
        documents=documents_of(session, row),
        tracking=[ScanOut.model_validate(scan) for scan in repository.tracking(session, row.shipment_id)],
        rates=row.rates,
    )


def documents_of(session: Session, row: ShipmentRow) -> list[DocumentOut]:
    """The printed documents of a shipment, each with the address of its bytes."""
    found = []
    for document in repository.documents(session, row.goes_with or row.shipment_id):
        out = DocumentOut.model_validate(document)
        if document.kind == "label" and not document.voided:
            out.url = f"/v1/shipments/{row.shipment_id}/label?part={document.part}"
        found.append(out)
    return found


def _expect_version(session: Session, reference: str, version: int | None) -> None:
    row = repository.find_shipment(session, reference, lock=True)
    if row is None:
        raise NotFound("shipment", reference)
    check_version(version, row.version)
