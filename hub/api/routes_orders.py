"""`/v1/orders` where several domains meet: find and show orders, let them go on, cancel, pin and plan them anew."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from hub.api.order_views import OrderOut, detail, summaries
from hub.api.state import HubServices
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections import repository as connections
from hub.connections.service.adapters import load_by_name
from hub.flows.cancel import cancel
from hub.flows.continue_orders import release_and_continue
from hub.flows.reroute import reroute
from hub.fulfilment import repository as fulfilment
from hub.kit.errors import HubError, NotFound, StateConflict
from hub.kit.ids import is_id, new_id
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    check_version,
    decode_cursor,
    encode_cursor,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now
from hub.orders import repository as orders
from hub.orders.schemas import (
    AssignIn,
    CancelIn,
    CancelOut,
    OrderSummary,
    PinIn,
    PriorityIn,
    RefusedOrder,
    ReleasedOut,
    ReleaseIn,
    ReleaseManyIn,
    RerouteIn,
    RerouteOut,
)
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holding import find_order, pin_order
from hub.orders.service.search import After, OrderFilter, list_orders
from hub.orders.service.treatment import assign_order, prioritise_order
from hub.orders.tables import OrderRow

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=IdempotentRoute)
Reader = Depends(require("orders:read"))
Writer = Annotated[Principal, Depends(require("orders:write"))]
Text = Annotated[str | None, Query(min_length=1, max_length=250)]
Lifecycle = Literal["open", "completed", "cancelled", "expired"]
Review = Literal["pending", "cooling", "auto_approved", "queued", "second_review", "approved", "rejected"]
BY_ID, BY_PLACED = "orders", "orders:placed"
_CHANGES = problem_responses(400, 401, 403, 404, 409, 412, 422)


class Asked:
    """The filters of a list."""

    def __init__(
        self,
        number: Text = None,
        external_id: Text = None,
        connection: Text = None,
        lifecycle: Lifecycle | None = None,
        review: Review | None = None,
        payment: Annotated[str | None, Query(pattern="^[a-z_]{1,20}$", description="With another filter.")] = None,
        email: Text = None,
        phone: Text = None,
        sku: Text = None,
        tracking_number: Text = None,
        assignee: Annotated[str | None, Query(max_length=80, description="Whose work it is.")] = None,
        hold: Annotated[str | None, Query(max_length=60, description="Reason code of an open hold.")] = None,
        placed_from: Annotated[AwareDatetime | None, Query(description="Inclusive; lists by placed_at.")] = None,
        placed_to: Annotated[AwareDatetime | None, Query(description="Exclusive.")] = None,
    ) -> None:  # fmt: skip
        if payment is not None and not any((lifecycle, review, connection, email, phone, hold)):
            raise HubError(
                400, "filter_too_wide", "`payment` narrows another filter: add lifecycle, review or connection."
            )
        self.connection = connection
        self.tracking_number = tracking_number
        self.given: dict[str, Any] = {
            "number": number, "external_id": external_id, "lifecycle": lifecycle, "review": review, "payment": payment,
            "email": email, "phone": phone, "sku": sku, "hold": hold, "assignee": assignee, "placed_from": placed_from,
            "placed_to": placed_to,
        }  # fmt: skip

    def filter(self, session: Session) -> OrderFilter:
        """The filter with what other packages know: the connection's id, the orders of a tracking number."""
        found = dict(self.given)
        if self.connection is not None:
            info = load_by_name(session, self.connection)
            found["connection_id"] = info.connection_id
        if self.given["external_id"] is not None:
            rows = connections.listed(session, kind="channel", after=None, limit=1000)
            found["accounts"] = {row.account for row in rows if self.connection in (None, row.name)}
        if self.tracking_number is not None:
            found["ids"] = fulfilment.orders_by_tracking(session, self.tracking_number)
        return OrderFilter(**found)


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422))
def list_all(
    session: ReadSession, asked: Annotated[Asked, Depends()], limit: Limit = 50, cursor: Cursor = None
) -> Page[OrderSummary]:
    """Orders, the newest first. Filters narrow together."""
    wanted = asked.filter(session)
    rows = list_orders(session, wanted=wanted, after=_after(wanted, cursor), limit=limit + 1)
    shown = rows[:limit]
    further = _cursor(wanted, shown[-1]) if len(rows) > limit else None
    return Page(items=summaries(session, shown), next_cursor=further)


@router.post("/release", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def release_many(
    body: ReleaseManyIn, session: WriteSession, services: HubServices, principal: Writer, now: Now
) -> ReleasedOut:
    """Release holds of up to 500 orders; those that nothing holds any more go on."""
    ids = list(dict.fromkeys(body.order_ids))
    known = set(lock(session, OrderChanges(), ids))
    free = release_and_continue(
        session, services, order_ids=sorted(known), reason_codes=body.reason_codes, actor=principal.actor, at=now,
        note=body.note,
    )  # fmt: skip
    refused = []
    for order_id in ids:
        if order_id not in known:
            error = NotFound("order", order_id)
            refused.append(RefusedOrder(order_id=order_id, code=error.code, detail=error.detail))
    return ReleasedOut(done=[key for key in ids if key in known], refused=refused, free=sorted(free))


@router.get("/{order}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 409))
def get_one(order: str, session: ReadSession, response: Response) -> OrderOut:
    """One order by id or number, with its lines and counters, holds, work, shipments and papers."""
    row = find_order(session, order)
    set_etag(response, row.version)
    return detail(session, row)


@router.post("/{order}/release", dependencies=[Idempotent], responses=_CHANGES)
def release(
    order: str, body: ReleaseIn, session: WriteSession, services: HubServices, principal: Writer, now: Now,
    version: IfMatch, response: Response,
) -> OrderOut:  # fmt: skip
    """Release holds. An order that nothing holds any more is approved and goes on: plan, papers, labels."""
    row = _locked(session, order, version)
    open_holds = {hold.reason_code for hold in orders.open_holds(session, [row.order_id]).get(row.order_id, [])}
    missing = sorted(set(body.reason_codes or ()) - open_holds)
    if missing:
        listed = ", ".join(sorted(open_holds)) or "none"
        raise StateConflict("no_such_hold", f"The order has no open hold {', '.join(missing)}; there are: {listed}.")
    release_and_continue(
        session, services, order_ids=[row.order_id], reason_codes=body.reason_codes, actor=principal.actor, at=now,
        note=body.note,
    )  # fmt: skip
    return _again(session, row, response)


@router.post("/{order}/cancel", dependencies=[Idempotent], responses=_CHANGES)
def cancel_one(
    order: str, body: CancelIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch
) -> CancelOut:
    """Cancel: at once what nobody has begun; work that has begun is stopped if it has not left."""
    row = _locked(session, order, version)
    if row.lifecycle in ("completed", "expired"):
        raise StateConflict(
            "order_not_open", f"Order {row.number} is {row.lifecycle}: it cannot be cancelled any more."
        )
    changes = OrderChanges()
    stored = lock(session, changes, [row.order_id])[row.order_id]
    whole = cancel(session, changes, stored=stored, actor=principal.actor, cause=new_id(), reason=body.reason, at=now)
    changes.flush(session, at=now)
    return CancelOut(order_id=row.order_id, outcome="cancelled" if whole else "requested")


@router.post("/{order}/pin", dependencies=[Idempotent], responses=_CHANGES)
def pin(
    order: str, body: PinIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> OrderOut:
    """Bind the order to one location (null: let routing choose again), and plan anew what nobody has begun."""
    row = _locked(session, order, version)
    changes = OrderChanges()
    stored = lock(session, changes, [row.order_id])[row.order_id]
    if pin_order(session, changes, stored=stored, location=body.location, actor=principal.actor):
        changes.flush(session, at=now)
        reroute(session, changes, stored=stored, actor=principal.actor, reason="pinned", at=now)
    return _again(session, row, response)


@router.post("/{order}/assign", dependencies=[Idempotent], responses=_CHANGES)
def assign(
    order: str, body: AssignIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch, response: Response
) -> OrderOut:
    """Give the order to a team or a person; rules leave it alone until null gives it back to them."""
    row = _locked(session, order, version)
    changes = OrderChanges()
    stored = lock(session, changes, [row.order_id])[row.order_id]
    assign_order(changes, stored, assignee=body.assignee, actor=principal.actor)
    changes.flush(session, at=now)
    return _again(session, row, response)


@router.post("/{order}/priority", dependencies=[Idempotent], responses=_CHANGES)
def prioritise(
    order: str, body: PriorityIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch,
    response: Response,
) -> OrderOut:  # fmt: skip
    """Serve the order before or after others; rules leave it alone until null gives it back to them."""
    row = _locked(session, order, version)
    changes = OrderChanges()
    stored = lock(session, changes, [row.order_id])[row.order_id]
    prioritise_order(changes, stored, priority=body.priority, actor=principal.actor)
    changes.flush(session, at=now)
    return _again(session, row, response)


@router.post("/{order}/reroute", dependencies=[Idempotent], responses=_CHANGES)
def plan_anew(
    order: str, body: RerouteIn, session: WriteSession, principal: Writer, now: Now, version: IfMatch
) -> RerouteOut:
    """Take back what nobody has begun and plan it again; the worker does it in a moment."""
    row = _locked(session, order, version)
    changes = OrderChanges()
    stored = lock(session, changes, [row.order_id])[row.order_id]
    begun = reroute(session, changes, stored=stored, actor=principal.actor, reason=body.reason, at=now)
    return RerouteOut(order_id=row.order_id, begun=begun)


def _locked(session: Session, reference: str, version: int | None) -> OrderRow:
    row = find_order(session, reference, locked=True)
    check_version(version, row.version)
    return row


def _again(session: Session, row: OrderRow, response: Response) -> OrderOut:
    session.refresh(row)
    set_etag(response, row.version)
    return detail(session, row)


def _after(wanted: OrderFilter, cursor: str | None) -> After | None:
    if cursor is None:
        return None
    placed_at: datetime | None = None
    if wanted.by_placed:
        order_id, placed_at = decode_cursor(BY_PLACED, cursor, str, datetime)
    else:
        (order_id,) = decode_cursor(BY_ID, cursor, str)
    if order_id is None or not is_id(order_id) or (wanted.by_placed and placed_at is None):
        raise HubError(400, "bad_cursor", "The cursor is not one of this list: send `next_cursor` unchanged, or none.")
    return After(order_id, placed_at)


def _cursor(wanted: OrderFilter, row: OrderRow) -> str:
    if wanted.by_placed:
        return encode_cursor(BY_PLACED, row.order_id, row.placed_at)
    return encode_cursor(BY_ID, row.order_id)
