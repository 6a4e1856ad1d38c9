"""Cancel an order wherever it is: what nobody has begun at once, the rest by stopping it before it ships."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.cases.service.resolve import resolve_by_key
from hub.fulfilment.service.withdraw import withdraw
from hub.inventory.service.gathering import let_go
from hub.inventory.service.soft import release_for
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.service.amend import cancel_order
from hub.orders.service.changes import OrderChanges
from hub.orders.service.holds import CANCEL_REQUESTED, NewHold, place_holds, release_holds
from hub.routing.repository import unpark


def cancel(
    session: Session,
    changes: OrderChanges,
    *,
    stored: Row[Any],
    actor: str,
    cause: str,
    reason: str | None,
    at: datetime,
) -> bool:
    """Cancel a locked order; True when it is cancelled whole.

    Work that has begun keeps the order open under the hold `cancel_requested`, under which no label is bought and
    nothing is
    handed over; `fulfilment.stop` takes back labels that are not on their way.
    """
    if stored.lifecycle == "cancelled":
        return True
    if stored.lifecycle == "completed":
        changes.record(stored.order_id, "order.cancel_requested", actor=actor, cause=cause, data={"reason": reason})
        publish(session, [_event(stored, "order.cancel_requested", cause, reason)])
        return False
    begun = withdraw(session, changes, order_ids=[stored.order_id], at=at, actor=actor, reason="order cancelled")
    changes.flush(session, at=at)  # the counters below start from what the withdrawal left
    whole = cancel_order(session, changes, stored=stored, actor=actor, cause=cause, reason=reason)
    if begun:
        hold = NewHold(
            stored.order_id, CANCEL_REQUESTED, "The order was cancelled after its work had begun.", placed_by=actor,
            release="event",
        )  # fmt: skip
        place_holds(session, changes, holds=[hold], at=at)
    if whole:
        _settle(session, changes, stored.order_id, actor=actor, at=at)
    publish(session, [_event(stored, "order.cancelled" if whole else "order.cancel_requested", cause, reason)])
    return whole


def _settle(session: Session, changes: OrderChanges, order_id: str, *, actor: str, at: datetime) -> None:
    """Nobody needs to look at what held the order, and it waits for no stock."""
    release_holds(session, changes, order_ids=[order_id], reason_codes=None, actor=actor, at=at, note="cancelled")
    unpark(session, [order_id])
    let_go(session, order_id=order_id, at=at, actor=actor, reason="order cancelled")
    release_for(session, order_ids=[order_id], at=at, actor=actor)
    keys = [f"{matter}:{order_id}" for matter in ("review", "routing", "changed")]
    resolve_by_key(session, dedupe_keys=keys, actor=actor, resolution="the order was cancelled", at=at)


def _event(stored: Row[Any], kind: str, cause: str, reason: str | None) -> Event:
    return Event(
        kind=kind, subject_id=stored.order_id, cause=cause, lane=f"order:{stored.order_id}",
        data={"number": stored.number, "reason": reason}, priority=-1,
    )  # fmt: skip
