"""Figures of orders."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.connections.tables import ConnectionRow
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


def newest_orders(session: Session, connection_ids: Collection[str]) -> dict[str, datetime]:
    """When the order that came last from each connection was placed; one look at the index for each."""
    newest = (
        select(OrderRow.placed_at)
        .where(OrderRow.connection_id == ConnectionRow.connection_id)
        .order_by(OrderRow.order_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = ConnectionRow.connection_id.in_(connection_ids)
    found = session.execute(select(ConnectionRow.connection_id, newest).where(wanted))
    return {connection_id: at for connection_id, at in found if at is not None}
