"""`/v1/inventory`: transfers between locations, count sheets and soft reservations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query

from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.inventory.api import CsvBody, LocationQuery, Reader, SkipFaulty, Writer, table_text
from hub.inventory.rules.counts import CountState
from hub.inventory.rules.soft import SoftState
from hub.inventory.rules.transfers import StockTransfer, TransferState
from hub.inventory.schemas import RowFaultOut
from hub.inventory.schemas_moving import (
    CountedListIn,
    CountImportOut,
    CountLineOut,
    CountOut,
    ExtendIn,
    NewCountIn,
    NewTransferIn,
    ReasonIn,
    ReceiveTransferIn,
    ShipTransferIn,
    SoftReservationIn,
    SoftReservationOut,
    TransferOut,
)
from hub.inventory.service import counting, soft, transfers
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.kit.web_types import IdText

READS, ONE = problem_responses(400, 401, 403, 422), problem_responses(401, 403, 404, 422)
MOVES = problem_responses(400, 401, 403, 404, 409, 422)
IMPORTS = problem_responses(400, 401, 403, 404, 409, 413, 422)
Key = Annotated[str, Header(alias="Idempotency-Key", include_in_schema=False)]
SoftReader = Depends(require("stock:read"))
SoftWriter = Annotated[Principal, Depends(require("stock:write"))]

router = APIRouter(prefix="/v1/inventory", tags=["inventory"], route_class=IdempotentRoute)


@router.get("/transfers", responses=READS)
def list_transfers(
    session: ReadSession, principal: Reader, state: TransferState | None = None, location: LocationQuery = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Page[TransferOut]:  # fmt: skip
    """Transfers, the newest first; `location` is their source or target."""
    found = transfers.list_transfers(
        session, state=state, location=principal.place(location), before=id_after("transfers", cursor), limit=limit + 1
    )
    return page_of(
        found, limit=limit, item=TransferOut.model_validate, cursor=lambda one: id_cursor("transfers", one.transfer_id)
    )


@router.post("/transfers", status_code=201, dependencies=[IdempotencyRequired], responses=MOVES)
def create_transfer(body: NewTransferIn, session: WriteSession, now: Now, principal: Writer, key: Key) -> TransferOut:
    """Draft a transfer; its stock is reserved at the source, all of it or nothing."""
    principal.place(body.source)
    made = transfers.create_transfer(
        session, source=body.source, target=body.target, lines=body.to_lines(), reason=body.reason,
        actor=principal.actor, at=now, key=f"{principal.id}:{key}"[:200], expected_at=body.expected_at,
    )  # fmt: skip
    return TransferOut.model_validate(made)


@router.get("/transfers/{transfer_id}", responses=ONE)
def get_transfer(transfer_id: IdText, session: ReadSession, principal: Reader) -> TransferOut:
    """One transfer."""
    return TransferOut.model_validate(_own(principal, transfers.get_transfer(session, transfer_id=transfer_id)))


@router.post("/transfers/{transfer_id}/ship", dependencies=[IdempotencyRequired], responses=MOVES)
def ship_transfer(
    transfer_id: IdText, body: ShipTransferIn, session: WriteSession, now: Now, principal: Writer
) -> TransferOut:
    """It has left its source."""
    principal.place(transfers.get_transfer(session, transfer_id=transfer_id).source)
    done = transfers.ship_transfer(
        session, transfer_id=transfer_id, at=now, actor=principal.actor, expected_at=body.expected_at
    )
    return TransferOut.model_validate(done)


@router.post("/transfers/{transfer_id}/receive", dependencies=[IdempotencyRequired], responses=MOVES)
def receive_transfer(
    transfer_id: IdText, body: ReceiveTransferIn, session: WriteSession, now: Now, principal: Writer
) -> TransferOut:
    """What came in at its target and what was lost, in parts or all of it."""
    principal.place(transfers.get_transfer(session, transfer_id=transfer_id).target)
    done = transfers.receive_transfer(
        session, transfer_id=transfer_id, arrivals=body.to_arrivals(), at=now, actor=principal.actor
    )
    return TransferOut.model_validate(done)


@router.post("/transfers/{transfer_id}/cancel", dependencies=[IdempotencyRequired], responses=MOVES)
def cancel_transfer(
    transfer_id: IdText, body: ReasonIn, session: WriteSession, now: Now, principal: Writer
) -> TransferOut:
    """Give a draft's stock free, or note that what is under way came back to the source."""
    principal.place(transfers.get_transfer(session, transfer_id=transfer_id).source)
    done = transfers.cancel_transfer(
        session, transfer_id=transfer_id, at=now, actor=principal.actor, reason=body.reason
    )
    return TransferOut.model_validate(done)


@router.get("/counts", responses=READS)
def list_counts(
    session: ReadSession, principal: Reader, state: CountState | None = None, location: LocationQuery = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Page[CountOut]:  # fmt: skip
    """Count sheets, the newest first."""
    found = counting.list_counts(
        session, state=state, location=principal.place(location), before=id_after("counts", cursor), limit=limit + 1
    )
    return page_of(
        found, limit=limit, item=CountOut.model_validate, cursor=lambda one: id_cursor("counts", one.count_id)
    )


@router.post("/counts", status_code=201, dependencies=[Idempotent], responses=MOVES)
def open_count(body: NewCountIn, session: WriteSession, now: Now, principal: Writer) -> CountOut:
    """Open a sheet."""
    principal.place(body.location)
    made = counting.open_count(
        session, location=body.location, skus=body.skus, reference=body.reference, at=now, actor=principal.actor
    )
    return CountOut.model_validate(made)


@router.get("/counts/{count_id}", responses=ONE)
def get_count(count_id: IdText, session: ReadSession, principal: Reader) -> CountOut:
    """One sheet."""
    count = counting.get_count(session, count_id=count_id)
    principal.place(count.location)
    return CountOut.model_validate(count)


@router.get("/counts/{count_id}/lines", responses=MOVES)
def list_count_lines(
    count_id: IdText, session: ReadSession, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[CountLineOut]:
    """Its lines in the order of their SKUs."""
    principal.place(counting.get_count(session, count_id=count_id).location)
    after = decode_cursor("count_lines", cursor, str)[0] if cursor else None
    found = counting.list_lines(session, count_id=count_id, after=after, limit=limit + 1)
    return page_of(
        found, limit=limit, item=CountLineOut.model_validate, cursor=lambda one: encode_cursor("count_lines", one.sku)
    )


@router.post("/counts/{count_id}/lines", dependencies=[Idempotent], responses=MOVES)
def enter_counts(count_id: IdText, body: CountedListIn, session: WriteSession, now: Now, principal: Writer) -> CountOut:
    """Enter counts; one that is entered again is overwritten."""
    principal.place(counting.get_count(session, count_id=count_id).location)
    done = counting.enter_counts(session, count_id=count_id, counted=body.to_counted(), at=now, actor=principal.actor)
    return CountOut.model_validate(done)


@router.post("/counts/{count_id}/import", dependencies=[Idempotent], responses=IMPORTS)
def import_counts(
    count_id: IdText, body: CsvBody, session: WriteSession, now: Now, principal: Writer, skip_faulty: SkipFaulty = False
) -> CountImportOut:
    """Enter counts from CSV (`sku,counted[,location,counted_at]`); all faults are told at once, by row and column."""
    principal.place(counting.get_count(session, count_id=count_id).location)
    count, faults = counting.import_counts(
        session, count_id=count_id, rows=table_text(body), at=now, actor=principal.actor, skip_faulty=skip_faulty
    )
    told = [RowFaultOut(row=fault.row, column=fault.column, detail=fault.message) for fault in faults]
    return CountImportOut(count=CountOut.model_validate(count), faults=told)


@router.post("/counts/{count_id}/approve", dependencies=[IdempotencyRequired], responses=MOVES)
def approve_count(count_id: IdText, body: ReasonIn, session: WriteSession, now: Now, principal: Writer) -> CountOut:
    """Correct the ledger by what was counted."""
    principal.place(counting.get_count(session, count_id=count_id).location)
    done = counting.approve_count(session, count_id=count_id, reason=body.reason, at=now, actor=principal.actor)
    return CountOut.model_validate(done)


@router.post("/counts/{count_id}/cancel", dependencies=[Idempotent], responses=MOVES)
def cancel_count(count_id: IdText, session: WriteSession, now: Now, principal: Writer) -> CountOut:
    """Throw a sheet away."""
    principal.place(counting.get_count(session, count_id=count_id).location)
    return CountOut.model_validate(counting.cancel_count(session, count_id=count_id, at=now, actor=principal.actor))


@router.get("/reservations", dependencies=[SoftReader], responses=READS)
def list_reservations(
    session: ReadSession, state: SoftState | None = None,
    reference: Annotated[str | None, Query(max_length=80)] = None, limit: Limit = 50, cursor: Cursor = None,
) -> Page[SoftReservationOut]:  # fmt: skip
    """Soft reservations, the newest first."""
    found = soft.list_soft(
        session, state=state, reference=reference, before=id_after("reservations", cursor), limit=limit + 1
    )
    return page_of(
        found, limit=limit, item=SoftReservationOut.model_validate,
        cursor=lambda one: id_cursor("reservations", one.soft_reservation_id),
    )  # fmt: skip


@router.post("/reservations", status_code=201, dependencies=[IdempotencyRequired], responses=MOVES)
def reserve_softly(
    body: SoftReservationIn, session: WriteSession, now: Now, principal: SoftWriter
) -> SoftReservationOut:
    """Keep stock for what is no order yet, until a time; all lines or none."""
    made = soft.reserve_softly(
        session, reference=body.reference, lines=body.to_lines(), expires_at=body.expires_at, at=now,
        actor=principal.actor,
    )  # fmt: skip
    return SoftReservationOut.model_validate(made)


@router.get("/reservations/{reservation_id}", dependencies=[SoftReader], responses=ONE)
def get_reservation(reservation_id: IdText, session: ReadSession) -> SoftReservationOut:
    """One soft reservation."""
    return SoftReservationOut.model_validate(soft.get_soft(session, soft_id=reservation_id))


@router.post("/reservations/{reservation_id}/extend", dependencies=[Idempotent], responses=MOVES)
def extend_reservation(
    reservation_id: IdText, body: ExtendIn, session: WriteSession, now: Now, principal: SoftWriter
) -> SoftReservationOut:
    """Keep it until another time."""
    done = soft.extend_softly(
        session, soft_id=reservation_id, expires_at=body.expires_at, at=now, actor=principal.actor
    )
    return SoftReservationOut.model_validate(done)


@router.post("/reservations/{reservation_id}/release", dependencies=[Idempotent], responses=MOVES)
def release_reservation(
    reservation_id: IdText, session: WriteSession, now: Now, principal: SoftWriter
) -> SoftReservationOut:
    """Give it free before its time."""
    done = soft.release_softly(session, soft_id=reservation_id, at=now, actor=principal.actor)
    return SoftReservationOut.model_validate(done)


def _own(principal: Principal, transfer: StockTransfer) -> StockTransfer:
    """403 where the key of one location would see a transfer between others."""
    if principal.location != transfer.target:
        principal.place(transfer.source)
    return transfer
