"""What people do to orders directly: hold them, pin them to a location."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.inventory.service.locations import get_location
from hub.kit.errors import HubError, NotFound, StateConflict
from hub.orders import repository
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holds import NewHold, place_holds
from hub.orders.tables import OrderRow


@dataclass(frozen=True, slots=True)
class Held:
    """Orders that are held now, and the refusals of the others by id."""

    done: tuple[str, ...]
    refused: dict[str, HubError]


def find_order(session: Session, reference: str, *, locked: bool = False) -> OrderRow:
    """An order by its id, or by its number; 409 where several accounts use the number, 404 where none does."""
    row = repository.find(session, reference)
    if row is not None:
        if locked:
            session.refresh(row, with_for_update=True)
        return row
    if repository.number_is_taken(session, reference):
        raise StateConflict(
            "number_not_unique", f"Several orders have the number {reference!r}: find yours at GET /v1/orders?number=, "
            "then use its id.",
        )  # fmt: skip
    raise NotFound("order", reference)


def hold_orders(
    session: Session, *, order_ids: Collection[str], reason_code: str, message: str, actor: str, at: datetime
) -> Held:
    """Hold open orders: nothing is planned, no label bought and nothing handed over until the hold is released."""
    changes = OrderChanges()
    rows = lock(session, changes, order_ids)
    refused: dict[str, HubError] = {
        order_id: NotFound("order", order_id) for order_id in order_ids if order_id not in rows
    }
    for order_id, row in rows.items():
        if row.lifecycle != "open":
            detail = f"Order {row.number} is {row.lifecycle}: only open orders can be held."
            refused[order_id] = StateConflict("order_not_open", detail)
    done = [order_id for order_id in rows if order_id not in refused]
    holds = [NewHold(order_id, reason_code, message, placed_by=actor) for order_id in done]
    place_holds(session, changes, holds=holds, at=at)
    changes.flush(session, at=at)
    return Held(tuple(done), refused)


def pin_order(session: Session, changes: OrderChanges, *, stored: Row[Any], location: str | None, actor: str) -> bool:
    """Bind a locked order to one location, or let routing choose again (None); whether that is a change."""
    if location is not None and not get_location(session, code=location).enabled:
        raise StateConflict("location_disabled", f"Location {location!r} is disabled: enable it or name another one.")
    if stored.pinned_location == location:
        return False
    changes.set(stored.order_id, {"pinned_location": location})
    kind = "order.pinned" if location is not None else "order.unpinned"
    changes.record(stored.order_id, kind, actor=actor, data={"location": location, "before": stored.pinned_location})
    return True
