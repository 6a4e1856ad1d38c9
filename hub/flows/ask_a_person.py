"""An order was changed by its channel after work on it had begun: nobody but a person can say what is right."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.service.changes import OrderChanges
from hub.orders.service.holds import NewHold, place_holds


def ask_a_person(
    session: Session,
    changes: OrderChanges,
    *,
    order_id: str,
    actor: str,
    cause: str,
    evidence: Mapping[str, Any],
    at: datetime,
) -> None:
    """Hold an order whose work had begun when its channel changed it, and open a case."""
    hold = NewHold(
        order_id,
        "changed_after_start",
        "The channel changed the order after work on it had begun: compare, then release or cancel.",
        placed_by=actor,
        evidence=evidence,
    )
    place_holds(session, changes, holds=[hold], at=at)
    event = Event(
        kind="order.changed_after_start",
        subject_id=order_id,
        cause=cause,
        lane=f"order:{order_id}",
        data=dict(evidence),
    )
    publish(session, [event])
