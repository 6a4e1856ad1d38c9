"""Orders themselves: their timeline, and holding them. What concerns other domains is in `hub.api.routes_orders`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    check_version,
    encode_cursor,
    page_of,
    problem_responses,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, number_after
from hub.orders import repository
from hub.orders.schemas import BulkOut, EventOut, HoldIn, HoldManyIn, HoldOut, RefusedOrder
from hub.orders.service.holding import Held, find_order, hold_orders

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=IdempotentRoute)
Writer = Annotated[Principal, Depends(require("orders:write"))]
TIMELINE = "orders:timeline"


@router.get(
    "/{order}/timeline", dependencies=[Depends(require("orders:read"))], responses=problem_responses(400, 401, 403, 404)
)
def timeline(order: str, session: ReadSession, limit: Limit = 100, cursor: Cursor = None) -> Page[EventOut]:
    """Everything that happened to the order, the oldest first, with who did it and why."""
    row = find_order(session, order)
    after = number_after(TIMELINE, cursor) or 0
    rows = repository.timeline(session, row.order_id, after=after, limit=limit + 1)
    return page_of(
        rows, limit=limit, item=EventOut.model_validate, cursor=lambda event: encode_cursor(TIMELINE, event.sequence)
    )


@router.post("/hold", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def hold_many(body: HoldManyIn, session: WriteSession, principal: Writer, now: Now) -> BulkOut:
    """Hold up to 500 orders; those that cannot be held are listed and stop no other."""
    ids = list(dict.fromkeys(body.order_ids))
    held = hold_orders(
        session, order_ids=ids, reason_code=body.reason_code, message=body.message, actor=principal.actor, at=now
    )
    return _bulk(held)


@router.post("/{order}/hold", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 412, 422))
def hold(
    order: str, body: HoldIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch
) -> list[HoldOut]:
    """Hold an order: nothing is planned, no label bought, nothing handed over until it is released. Its open holds."""
    row = find_order(session, order, locked=True)
    check_version(version, row.version)
    held = hold_orders(
        session, order_ids=[row.order_id], reason_code=body.reason_code, message=body.message, actor=principal.actor,
        at=now,
    )  # fmt: skip
    for refusal in held.refused.values():
        raise refusal
    return [HoldOut.model_validate(found) for found in repository.open_holds(session, [row.order_id])[row.order_id]]


def _bulk(held: Held) -> BulkOut:
    refused = [RefusedOrder(order_id=key, code=error.code, detail=error.detail) for key, error in held.refused.items()]
    return BulkOut(done=list(held.done), refused=refused)
