"""`/v1/fulfilment-orders`: what locations have to send, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.fulfilment import repository
from hub.fulfilment.left import KEPT
from hub.fulfilment.own import own_work
from hub.fulfilment.rules.states import supported_actions
from hub.fulfilment.schemas import (
    CancelWorkIn,
    PackIn,
    PickIn,
    RefuseCancelIn,
    RejectIn,
    ShipIn,
    ShipmentSummary,
    WorkLineOut,
    WorkOut,
    WorkSummary,
)
from hub.fulfilment.service.listing import Turn, get_fulfilment_order, list_work, next_work
from hub.fulfilment.service.negotiate import accept_cancel, cancel_one, refuse_cancel
from hub.fulfilment.service.papers import MOST_ORDERS, packing_slips, pick_list
from hub.fulfilment.service.ship import Choice, NewParcel, open_shipment
from hub.fulfilment.service.work import Picked, accept_work, pack, pick, reject_work
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow
from hub.kit.errors import HubError, NotFound
from hub.kit.ids import is_id
from hub.kit.web import Cursor, IfMatch, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses, set_etag
from hub.kit.web_files import attachment, file_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.kit.web_types import IdText

router = APIRouter(
    prefix="/v1/fulfilment-orders", tags=["fulfilment orders"], route_class=IdempotentRoute,
    dependencies=[Depends(own_work)],
)  # fmt: skip
Asker = Annotated[Principal, Depends(require("fulfilment:read", by_location=True))]
Reader = Depends(require("fulfilment:read", by_location=True))
Writer = Annotated[Principal, Depends(require("fulfilment:write", by_location=True))]
Planner = Annotated[Principal, Depends(require("fulfilment:write"))]
"""Who takes work back from a location: never the key of that location."""
Reference = Annotated[str, Path(min_length=1, max_length=120, description="Id or number.")]
LocationCode = Annotated[str, Query(min_length=1, max_length=40)]
WorkState = Literal["planned", "allocated", "released", "in_progress", "closed", "incomplete", "cancelled"]
PDF = file_responses("application/pdf")
LISTING = "fulfilment_orders"
NEXT = "fulfilment_orders:next"
_CHANGES = problem_responses(400, 401, 403, 404, 409, 412, 422)


@router.get("", responses=problem_responses(400, 401, 403, 422))
def list_fulfilment_orders(
    session: ReadSession,
    principal: Asker,
    location: LocationCode | None = None,
    state: Annotated[list[WorkState] | None, Query(description="Any of these; of one location: its open work.")] = None,
    order_id: IdText | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[WorkSummary]:
    """Fulfilment orders, the newest first."""
    rows = list_work(
        session, location=principal.place(location), states=state, order_id=order_id,
        after=id_after(LISTING, cursor), limit=limit + 1,
    )  # fmt: skip
    return page_of(
        rows,
        limit=limit,
        item=WorkSummary.model_validate,
        cursor=lambda row: id_cursor(LISTING, row.fulfilment_order_id),
    )


@router.get("/next", responses=problem_responses(400, 401, 403, 422))
def list_next_work(
    session: ReadSession, principal: Asker, location: LocationCode, limit: Limit = 50, cursor: Cursor = None
) -> Page[WorkSummary]:
    """Open work of a location as it should be done: by its order's priority, then by when it must leave, then the
    oldest.
    """
    principal.place(location)
    after = None if cursor is None else _turn_after(cursor)
    found = next_work(session, location=location, after=after, limit=limit + 1)
    return page_of(
        found,
        limit=limit,
        item=lambda one: WorkSummary.model_validate(one[0]),
        cursor=lambda one: encode_cursor(NEXT, *one[1]),
    )


def _turn_after(cursor: str) -> Turn:
    priority, moment, work_id = decode_cursor(NEXT, cursor, int, datetime, str)
    if priority is None or moment is None or work_id is None or not is_id(work_id):
        raise HubError(400, "bad_cursor", "The cursor is not one of this list: send `next_cursor` unchanged, or none.")
    return priority, moment, work_id


@router.get("/pick-list", responses={**PDF, **problem_responses(400, 401, 403, 404, 422)})
def get_pick_list(
    session: ReadSession,
    principal: Asker,
    now: Now,
    location: LocationCode,
    fulfilment_order: Annotated[list[str] | None, Query(max_length=MOST_ORDERS, description="Ids or numbers.")] = None,
) -> Response:
    """The pick list of a location as PDF: these fulfilment orders, or the hundred that it should send next."""
    principal.place(location)
    content = pick_list(session, location=location, references=fulfilment_order, at=now)
    return pdf(content, f"pick-list-{location}")


@router.get("/{reference}", dependencies=[Reader], responses=problem_responses(401, 403, 404))
def get_one(reference: Reference, session: ReadSession, response: Response) -> WorkOut:
    """One with its lines and what may be done with it now."""
    return shown(session, get_fulfilment_order(session, reference), response)


@router.get("/{reference}/packing-slip", dependencies=[Reader], responses={**PDF, **problem_responses(401, 403, 404)})
def get_packing_slip(
    reference: Reference, session: ReadSession, parcel: Annotated[int, Query(ge=1, le=100)] = 1
) -> Response:
    """The slip that goes into a parcel, as PDF."""
    number, slips = packing_slips(session, reference=reference)
    if parcel > len(slips):
        raise NotFound("parcel", f"{number}/{parcel}")
    return pdf(slips[parcel - 1], f"packing-slip-{number}-{parcel}")


@router.post("/{reference}/accept", dependencies=[Idempotent], responses=_CHANGES)
def accept(
    reference: Reference, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> WorkOut:
    """The location takes the work."""
    row = accept_work(session, reference=reference, actor=principal.actor, at=now, version=version)
    return shown(session, row, response)


@router.post("/{reference}/reject", dependencies=[Idempotent], responses=_CHANGES)
def reject(
    reference: Reference, body: RejectIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch,
    response: Response,
) -> WorkOut:  # fmt: skip
    """The location refuses: it is not asked again for this order, and the order is planned without it."""
    row = reject_work(session, reference=reference, actor=principal.actor, reason=body.reason, at=now, version=version)
    return shown(session, row, response)


@router.post("/{reference}/cancel", dependencies=[Idempotent], responses=_CHANGES)
def cancel(
    reference: Reference, body: CancelWorkIn, session: WriteSession, principal: Planner, now: Now, version: IfMatch,
    response: Response,
) -> WorkOut:  # fmt: skip
    """Take it back, and have its order planned anew. A location outside that has it is asked: `cancel_requested`.

    Asking again changes nothing. To send the goods from elsewhere, pin the order to that place first.
    """
    row = cancel_one(session, reference=reference, actor=principal.actor, reason=body.reason, at=now, version=version)
    return shown(session, row, response)


@router.post("/{reference}/accept-cancel", dependencies=[Idempotent], responses=_CHANGES)
def answer_cancelled(
    reference: Reference, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> WorkOut:
    """The location has stopped as it was asked: its work ends, and the stock is free again."""
    row = accept_cancel(session, reference=reference, actor=principal.actor, at=now, version=version)
    return shown(session, row, response)


@router.post("/{reference}/refuse-cancel", dependencies=[Idempotent], responses=_CHANGES)
def answer_too_late(
    reference: Reference, body: RefuseCancelIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch,
    response: Response,
) -> WorkOut:  # fmt: skip
    """It is too late to stop: the location ships, and a person is told."""
    row = refuse_cancel(
        session, reference=reference, actor=principal.actor, reason=body.reason, at=now, version=version
    )
    return shown(session, row, response)


@router.post("/{reference}/pick", dependencies=[IdempotencyRequired], responses=_CHANGES)
def report_pick(
    reference: Reference, body: PickIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch,
    response: Response,
) -> WorkOut:  # fmt: skip
    """Note what was picked and what is short; shortages go back to be planned elsewhere."""
    picked = _picked(session, reference, body)
    row = pick(session, reference=reference, picked=picked, actor=principal.actor, at=now, version=version)
    return shown(session, row, response)


@router.post("/{reference}/pack", dependencies=[IdempotencyRequired], responses=_CHANGES)
def report_pack(
    reference: Reference, body: PackIn, session: WriteSession, principal: Writer, now: Now, response: Response
) -> WorkOut:
    """Note what was packed."""
    quantities = None if body.lines is None else dict(body.lines)
    row = pack(session, reference=reference, quantities=quantities, actor=principal.actor, at=now)
    return shown(session, row, response)


@router.post(
    "/{reference}/shipments", status_code=201, dependencies=[KEPT, IdempotencyRequired],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def ship(
    reference: Reference, body: ShipIn, request: Request, session: WriteSession, principal: Writer, now: Now,
    response: Response,
) -> ShipmentSummary:  # fmt: skip
    """Open a shipment of what is packed. The worker buys its label: `GET /v1/shipments/{id}` shows when it is there."""
    boxes = None
    if body.parcels is not None:
        boxes = [
            NewParcel(dict(box.contents), box.grams, box.length_mm, box.width_mm, box.height_mm) for box in body.parcels
        ]
    wish = body.choice
    choice = Choice(wish.carrier, wish.service, tuple(wish.tracking_numbers)) if wish is not None else None
    hub_id: str = request.app.state.hub_id
    shipment = open_shipment(
        session, reference=reference, parcels=boxes, choice=choice, hub_id=hub_id, label_format=body.label_format,
        actor=principal.actor, at=now,
    )  # fmt: skip
    response.headers["location"] = f"/v1/shipments/{shipment.shipment_id}"
    set_etag(response, shipment.version)
    return ShipmentSummary.model_validate(shipment)


def shown(session: Session, row: FulfilmentOrderRow, response: Response) -> WorkOut:
    """A fulfilment order with its lines and actions; its version becomes the answer's ETag."""
    set_etag(response, row.version)
    lines = repository.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]
    return work_out(row, lines)


def work_out(row: FulfilmentOrderRow, lines: Sequence[FulfilmentOrderLineRow]) -> WorkOut:
    """A fulfilment order on the wire."""
    return WorkOut(
        **WorkSummary.model_validate(row).model_dump(),
        lines=[WorkLineOut.model_validate(line) for line in lines],
        supported_actions=list(supported_actions(row.state, row.negotiation)),
    )


def pdf(content: bytes, name: str) -> Response:
    """A PDF as an answer, to be saved under the name."""
    return attachment(content, f"{name}.pdf", "application/pdf")


def _picked(session: Session, reference: str, body: PickIn) -> list[Picked]:
    if body.lines is not None:
        return [Picked(line.fulfilment_order_line_id, line.picked, line.short) for line in body.lines]
    row = get_fulfilment_order(session, reference)
    lines = repository.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]
    return [Picked(line.fulfilment_order_line_id, line.quantity - line.picked - line.short) for line in lines]
