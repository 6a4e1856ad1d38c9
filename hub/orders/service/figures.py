"""Figures of orders."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.orders.tables import OrderRow

NEWEST = 5_000
"""The rate is of the newest orders: cheap however many there are, and it shows a change the same day."""


def auto_approval(session: Session) -> tuple[int, int]:
    """(auto-approved, reviewed) among the newest orders; those that are still to be reviewed do not count."""
    newest = select(OrderRow.review).order_by(OrderRow.order_id.desc()).limit(NEWEST).subquery()
    grouped = select(newest.c.review, func.count()).group_by(newest.c.review)
    counts: dict[str, int] = dict(session.execute(grouped).all())
    reviewed = sum(count for state, count in counts.items() if state not in ("pending", "cooling"))
    return counts.get("auto_approved", 0), reviewed
