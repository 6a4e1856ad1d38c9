"""What was kept for a draft is the order's that it became."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.flows.stock_short import replan_requested
from hub.inventory.rules.soft import SoftReservation
from hub.inventory.service.soft import assign_softly
from hub.jobs.service.publish import publish
from hub.orders.service.holding import find_order


def keep_for_order(session: Session, *, soft_id: str, order: str, at: datetime, actor: str) -> SoftReservation:
    """Say which order (number or id) a soft reservation becomes. One that waits for the stock is planned again; one
    that is planned later takes the stock over then. Raises `NotFound`, and as `assign_softly`.
    """
    order_id = str(find_order(session, order).order_id)
    kept = assign_softly(session, soft_id=soft_id, order_id=order_id, at=at, actor=actor)
    publish(session, [replan_requested(order_id, cause=f"kept:{soft_id}")])
    return kept
