"""`/v1/inventory`: what channels may promise, what is kept back from them, and which levels are low."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import load_by_name
from hub.inventory.api import LocationQuery, Reader, SkuQuery
from hub.inventory.schemas_promises import (
    BufferOut,
    BuffersIn,
    BuffersOut,
    LowLevelOut,
    PlaceOrAll,
    PromiseOut,
    ReorderPointOut,
    ReorderPointsIn,
    ReorderPointsOut,
    SkuOrAll,
    ToldOut,
    stored,
)
from hub.inventory.service import low_stock, promise, told
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now

READS = problem_responses(400, 401, 403, 404, 422)
WRITES = problem_responses(400, 401, 403, 404, 409, 422)
Everywhere = Depends(require("stock:read"))
Writer = Annotated[Principal, Depends(require("stock:write"))]
Connection = Annotated[str, Query(min_length=1, max_length=60, description="Name of the channel.")]

router = APIRouter(prefix="/v1/inventory", tags=["inventory"], route_class=IdempotentRoute)


@router.get("/atp", dependencies=[Everywhere], responses=READS)
def list_promises(
    session: ReadSession, now: Now, connection: Connection, sku: SkuQuery = None, limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PromiseOut]:  # fmt: skip
    """What a channel may promise of each SKU, in the order of the SKUs; it is told just these numbers, whole units."""
    after = decode_cursor("atp", cursor, str)[0] if cursor else None
    found = promise.list_promises(
        session, connection=load_by_name(session, connection), at=now, sku=sku, after=after, limit=limit + 1
    )
    return page_of(found, limit=limit, item=PromiseOut.of, cursor=lambda one: encode_cursor("atp", one.sku))


@router.get("/told", dependencies=[Everywhere], responses=READS)
def list_told(
    session: ReadSession, connection: Connection, differing: Annotated[bool, Query()] = False, limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ToldOut]:  # fmt: skip
    """What a channel was told last of each SKU, and what it shows itself where it can say so; `differing` lists only
    where that is another number.
    """
    after = decode_cursor("told", cursor, str)[0] if cursor else None
    found = told.list_told(
        session, connection_id=load_by_name(session, connection).connection_id, after=after, limit=limit + 1,
        differing=differing,
    )  # fmt: skip
    return page_of(found, limit=limit, item=ToldOut.model_validate, cursor=lambda one: encode_cursor("told", one.sku))


@router.get("/buffers", dependencies=[Everywhere], responses=READS)
def list_buffers(
    session: ReadSession, connection: Connection, limit: Limit = 50, cursor: Cursor = None
) -> Page[BufferOut]:
    """What is kept back from a channel; `*` stands for all locations or SKUs."""
    after = decode_cursor("buffers", cursor, str, str) if cursor else None
    channel = load_by_name(session, connection)
    found = promise.list_buffers(
        session, connection_id=channel.connection_id, after=(after[0], after[1]) if after else None, limit=limit + 1
    )
    return page_of(found, limit=limit, item=BufferOut.of, cursor=lambda one: encode_cursor("buffers", *one.key))


@router.post("/buffers", dependencies=[Idempotent], responses=WRITES)
def set_buffers(body: BuffersIn, session: WriteSession, now: Now, principal: Writer) -> BuffersOut:
    """Set buffers of a channel: the one nearest to a level counts (its own, its SKU's, its location's, that of all)."""
    done = promise.set_buffers(
        session, connection=load_by_name(session, body.connection), buffers=[one.to_buffer() for one in body.buffers],
        at=now, actor=principal.actor,
    )  # fmt: skip
    return BuffersOut(buffers=[BufferOut.of(one) for one in done])


@router.delete("/buffers", status_code=204, responses=READS)
def remove_buffer(
    session: WriteSession, now: Now, principal: Writer, connection: Connection,
    location: Annotated[PlaceOrAll, Query()] = "*", sku: Annotated[SkuOrAll, Query()] = "*",
) -> None:  # fmt: skip
    """Take a buffer away."""
    promise.remove_buffer(
        session, connection=load_by_name(session, connection), location=stored(location), sku=stored(sku), at=now,
        actor=principal.actor,
    )  # fmt: skip


@router.get("/reorder-points", dependencies=[Everywhere], responses=READS)
def list_points(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[ReorderPointOut]:
    """Reorder points; `*` stands for all locations or SKUs."""
    after = decode_cursor("reorder_points", cursor, str, str) if cursor else None
    found = low_stock.list_points(session, after=(after[0], after[1]) if after else None, limit=limit + 1)
    return page_of(
        found, limit=limit, item=ReorderPointOut.of, cursor=lambda one: encode_cursor("reorder_points", *one.key)
    )


@router.post("/reorder-points", dependencies=[Idempotent], responses=WRITES)
def set_points(body: ReorderPointsIn, session: WriteSession, now: Now, principal: Writer) -> ReorderPointsOut:
    """Set reorder points: the one nearest to a level counts."""
    done = low_stock.set_points(session, points=[one.to_point() for one in body.points], at=now, actor=principal.actor)
    return ReorderPointsOut(points=[ReorderPointOut.of(one) for one in done])


@router.delete("/reorder-points", status_code=204, responses=READS)
def remove_point(
    session: WriteSession, now: Now, principal: Writer, location: Annotated[PlaceOrAll, Query()] = "*",
    sku: Annotated[SkuOrAll, Query()] = "*",
) -> None:  # fmt: skip
    """Take a reorder point away."""
    low_stock.remove_point(session, location=stored(location), sku=stored(sku), at=now, actor=principal.actor)


@router.get("/low-stock", responses=READS)
def list_low(
    session: ReadSession, principal: Reader, location: LocationQuery = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[LowLevelOut]:
    """Levels at or below their reorder point that have not recovered since."""
    after = decode_cursor("low_stock", cursor, str, str) if cursor else None
    found = low_stock.list_low(
        session, location=principal.place(location), after=(after[0], after[1]) if after else None, limit=limit + 1
    )
    return page_of(
        found, limit=limit, item=LowLevelOut.of, cursor=lambda one: encode_cursor("low_stock", one.location, one.sku)
    )
