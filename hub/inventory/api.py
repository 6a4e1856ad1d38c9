"""`/v1/locations` and `/v1/stock`: where things are, how many, and why."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.inventory.rules.levels import MAX_LOCATION, MAX_SKU
from hub.inventory.schemas import (
    AdjustmentsIn,
    LevelOut,
    LevelsOut,
    LimitsListIn,
    LocationContentIn,
    LocationIn,
    LocationOut,
    MovementOut,
    ReceiptsIn,
    StockImportOut,
    StocktakeIn,
    TransfersIn,
    entries_of,
)
from hub.inventory.service import change, query
from hub.inventory.service import locations as location_service
from hub.inventory.service.importing import import_stock
from hub.kit.errors import InvalidInput
from hub.kit.web import (
    Cursor,
    Limit,
    Page,
    RequiredIfMatch,
    decode_cursor,
    encode_cursor,
    page_of,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.sdk.errors import Malformed
from hub.sdk.readers.stated_files import stated_text


def present(request: Request) -> datetime:
    """The instant of the request, by the process's clock."""
    now: datetime = request.app.state.runtime.clock.now()
    return now


Now = Annotated[datetime, Depends(present)]
Reader = Annotated[Principal, Depends(require("stock:read", by_location=True))]
Writer = Annotated[Principal, Depends(require("stock:write", by_location=True))]
Planner = Annotated[Principal, Depends(require("stock:write"))]
"""Who says which locations there are: never the key of one location."""
LocationQuery = Annotated[str | None, Query(max_length=MAX_LOCATION)]
SkuQuery = Annotated[str | None, Query(max_length=MAX_SKU)]
SkipFaulty = Annotated[bool, Query(description="Store the good rows where there are faulty ones.")]
CsvBody = Annotated[
    bytes,
    Body(media_type="text/csv", description="CSV in UTF-8 with a header row; a workbook (XLSX, ODS) is read too."),
]
MOVES = problem_responses(400, 401, 403, 409, 422)

locations_router = APIRouter(prefix="/v1/locations", tags=["locations"], route_class=IdempotentRoute)
stock_router = APIRouter(prefix="/v1/stock", tags=["stock"], route_class=IdempotentRoute)


@locations_router.get("", responses=problem_responses(400, 401, 403))
def list_locations(
    session: ReadSession, principal: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[LocationOut]:
    """Locations in the order of their codes; to the key of one location, that one."""
    if principal.location is not None:
        own = location_service.get_location(session, code=principal.location)
        return Page[LocationOut](items=[LocationOut.of(own)], next_cursor=None)
    after = decode_cursor("locations", cursor, str)[0] if cursor else None
    found = location_service.list_locations(session, after=after, limit=limit + 1)
    return page_of(found, limit=limit, item=LocationOut.of, cursor=lambda item: encode_cursor("locations", item.code))


@locations_router.post(
    "", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422)
)
def create_location(
    body: LocationIn, session: WriteSession, response: Response, now: Now, principal: Planner
) -> LocationOut:
    """Add a location."""
    location = location_service.create_location(
        session, location=body.to_location(body.code), at=now, actor=principal.actor
    )
    set_etag(response, location.version)
    return LocationOut.of(location)


@locations_router.get("/{code}", responses=problem_responses(401, 403, 404))
def get_location(code: str, session: ReadSession, principal: Reader, response: Response) -> LocationOut:
    """One location by its code."""
    principal.place(code)
    location = location_service.get_location(session, code=code)
    set_etag(response, location.version)
    return LocationOut.of(location)


@locations_router.put("/{code}", responses=problem_responses(400, 401, 403, 404, 412, 422, 428))
def put_location(
    code: str, body: LocationContentIn, session: WriteSession, response: Response, now: Now, principal: Planner,
    version: RequiredIfMatch,
) -> LocationOut:  # fmt: skip
    """Overwrite a location that is still at the version of If-Match."""
    location = location_service.update_location(
        session, location=body.to_location(code), version=version, at=now, actor=principal.actor
    )
    set_etag(response, location.version)
    return LocationOut.of(location)


@stock_router.get("", responses=problem_responses(400, 401, 403))
def list_stock(
    session: ReadSession,
    principal: Reader,
    location: LocationQuery = None,
    sku: SkuQuery = None,
    low: Annotated[
        bool, Query(description="Only levels of which nothing is available; a page may be short or empty.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LevelOut]:
    """Levels in the order of location and SKU."""
    after = decode_cursor("stock", cursor, str, str) if cursor else None
    levels, following = query.list_levels(
        session, location=principal.place(location), sku=sku, low=low,
        after=(after[0], after[1]) if after else None, limit=limit,
    )  # fmt: skip
    return Page[LevelOut](
        items=[LevelOut.of(level) for level in levels],
        next_cursor=encode_cursor("stock", *following) if following else None,
    )


@stock_router.get("/movements", responses=problem_responses(400, 401, 403, 422))
def list_movements(
    session: ReadSession,
    principal: Reader,
    location: Annotated[str, Query(max_length=MAX_LOCATION)],
    sku: Annotated[str, Query(max_length=MAX_SKU)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MovementOut]:
    """The ledger of one level, newest first: why its figures are what they are."""
    principal.place(location)
    before = decode_cursor("movements", cursor, int)[0] if cursor else None
    found = query.list_movements(session, location=location, sku=sku, before=before, limit=limit + 1)
    return page_of(
        found, limit=limit, item=MovementOut.of, cursor=lambda item: encode_cursor("movements", item.movement_id)
    )


@stock_router.post("/adjustments", dependencies=[IdempotencyRequired], responses=MOVES)
def adjust(body: AdjustmentsIn, session: WriteSession, now: Now, principal: Writer) -> LevelsOut:
    """Add signed differences: found, broken, lost."""
    _only_own(principal, [entry.location for entry in body.entries])
    return LevelsOut.of(change.adjust(session, entries=entries_of(body.entries), at=now, actor=principal.actor))


@stock_router.post("/receipts", dependencies=[IdempotencyRequired], responses=MOVES)
def receive(body: ReceiptsIn, session: WriteSession, now: Now, principal: Writer) -> LevelsOut:
    """Add what came in."""
    _only_own(principal, [entry.location for entry in body.entries])
    return LevelsOut.of(change.receive(session, entries=entries_of(body.entries), at=now, actor=principal.actor))


@stock_router.post("/stocktakes", dependencies=[IdempotencyRequired], responses=MOVES)
def stocktake(body: StocktakeIn, session: WriteSession, now: Now, principal: Writer) -> LevelsOut:
    """Set levels to what was counted, also where that is less than was promised."""
    _only_own(principal, [entry.location for entry in body.entries])
    return LevelsOut.of(change.stocktake(session, entries=entries_of(body.entries), at=now, actor=principal.actor))


@stock_router.post("/transfers", dependencies=[IdempotencyRequired], responses=MOVES)
def transfer(body: TransfersIn, session: WriteSession, now: Now, principal: Writer) -> LevelsOut:
    """Move stock between locations; what is reserved stays."""
    _only_own(principal, [code for item in body.transfers for code in (item.from_location, item.to_location)])
    transfers = [item.to_transfer() for item in body.transfers]
    return LevelsOut.of(change.transfer(session, transfers=transfers, at=now, actor=principal.actor))


@stock_router.post("/limits", dependencies=[Idempotent], responses=MOVES)
def set_limits(body: LimitsListIn, session: WriteSession, now: Now, principal: Writer) -> LevelsOut:
    """Set safety stock, oversell allowance and announced stock."""
    _only_own(principal, [entry.location for entry in body.entries])
    entries = [item.to_limits() for item in body.entries]
    return LevelsOut.of(change.set_limits(session, entries=entries, at=now, actor=principal.actor))


@stock_router.post(
    "/import", dependencies=[IdempotencyRequired], responses=problem_responses(400, 401, 403, 409, 413, 422)
)
def import_csv(
    body: CsvBody, session: WriteSession, now: Now, principal: Writer, skip_faulty: SkipFaulty = False
) -> StockImportOut:
    """Set levels from CSV (`location,sku,on_hand,safety,...`); all faults are told at once, by row and column."""
    done = import_stock(
        session, rows=table_text(body), at=now, actor=principal.actor, skip_faulty=skip_faulty, only=principal.location
    )
    return StockImportOut.of(done)


def table_text(body: bytes) -> str:
    """The text of a CSV document or of a workbook's first sheet; `InvalidInput` where it is neither."""
    try:
        return stated_text(body)
    except Malformed as error:
        raise InvalidInput(error.code or "unreadable", f"{error.message[:1].upper()}{error.message[1:]}.") from error


def _only_own(principal: Principal, locations: list[str]) -> None:
    """403 where the key of one location would change the stock of another."""
    for code in locations:
        principal.place(code)


router = APIRouter()
router.include_router(locations_router)
router.include_router(stock_router)
