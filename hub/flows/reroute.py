"""Plan orders anew because somebody asked, or pinned them to a location."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.fulfilment.service.withdraw import withdraw
from hub.inventory.service.gathering import let_go
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.kit.errors import StateConflict
from hub.orders.service.changes import OrderChanges


def reroute(
    session: Session, changes: OrderChanges, *, stored: Row[Any], actor: str, reason: str | None, at: datetime
) -> bool:
    """Take back what nobody has begun of a locked order and ask for a new plan; True when other work goes on.

    The plan is made by the worker; an order that is held or not approved is planned when it is let go.
    """
    if stored.lifecycle != "open":
        raise StateConflict("order_not_open", f"Order {stored.number} is {stored.lifecycle}: there is nothing to plan.")
    why = reason or "planned anew by request"
    begun = withdraw(session, changes, order_ids=[stored.order_id], at=at, actor=actor, reason=why)
    let_go(session, order_id=stored.order_id, at=at, actor=actor, reason=why)
    changes.record(stored.order_id, "order.replan_requested", actor=actor, data={"reason": reason})
    changes.flush(session, at=at)
    publish(
        session,
        [
            Event(
                kind="order.replan_requested", subject_id=stored.order_id, cause=f"asked:{stored.version}",
                lane=f"order:{stored.order_id}",
            )
        ],
    )  # fmt: skip
    return bool(begun)
