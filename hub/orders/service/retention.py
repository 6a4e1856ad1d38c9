"""What the timelines of settled orders are relieved of: who was told what in detail. That it happened, when, by whom
and what it counted stays, so that a timeline still adds up to its order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, Text, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from hub.jobs.service.retention import Seen, Swept, walk
from hub.kit.bulk import among
from hub.orders.repository import ORDERS
from hub.orders.tables import OrderEventRow, OrderHoldRow, OrderLineRow, OrderRow

LOOKED_AT = 200
"""Orders that one step looks at; each has a few dozen events."""
DECIDING = ("order.accepted", "order.shipped_by_channel", "return.requested", "return.counted")
"""Events that are read again to tell whether something was counted already: told once more, it would count twice."""
EVENTS: Table = OrderEventRow.__table__  # type: ignore[assignment]


def sweep_events(session: Session, *, after: str, before: datetime, dry: bool) -> Swept:
    """Details of the timelines of settled orders that nothing happened to since `before`."""
    statement = select(OrderRow.order_id, OrderRow.accepted_at, OrderRow.updated_at).order_by(OrderRow.order_id)
    if after:
        statement = statement.where(OrderRow.order_id > after)
    found = session.execute(statement.limit(LOOKED_AT)).all()
    settled = settled_orders(session, [row.order_id for row in found if row.updated_at < before])
    rows = [Seen(row.order_id, row.accepted_at >= before, row.order_id in settled) for row in found]

    def empty(order_ids: Sequence[str]) -> int:
        if not order_ids:
            return 0
        told = (
            among(session, EVENTS.c.order_id, order_ids),
            EVENTS.c.kind.not_in(DECIDING),
            cast(EVENTS.c.data, Text) != "{}",
        )
        if dry:
            return session.scalar(select(func.count()).select_from(EVENTS).where(*told)) or 0
        return int(session.execute(update(EVENTS).where(*told).values(data={})).rowcount)  # type: ignore[attr-defined]

    return walk(rows, after=after, limit=LOOKED_AT, empty=empty)


def settled_orders(session: Session, order_ids: Collection[str]) -> set[str]:
    """Those of the orders that are over, or that have nothing left to send and no hold."""
    if not order_ids:
        return set()
    return set(
        session.scalars(select(OrderRow.order_id).where(among(session, ORDERS.c.order_id, order_ids), ~_unsettled()))
    )


def unsettled_orders(session: Session, *, after: str, limit: int) -> list[str]:
    """Orders that are not settled, in the order of their ids after one of them."""
    statement = select(OrderRow.order_id).where(_unsettled()).order_by(OrderRow.order_id).limit(limit)
    return list(session.scalars(statement.where(OrderRow.order_id > after) if after else statement))


def _unsettled() -> ColumnElement[bool]:
    gone = OrderLineRow.cancelled + OrderLineRow.external_shipped + OrderLineRow.not_stocked + OrderLineRow.shipped
    waits = select(OrderLineRow.order_line_id).where(
        OrderLineRow.order_id == OrderRow.order_id, OrderLineRow.ordered > gone
    )
    held = select(OrderHoldRow.hold_id).where(
        OrderHoldRow.order_id == OrderRow.order_id, OrderHoldRow.released_at.is_(None)
    )
    return and_(OrderRow.lifecycle == "open", or_(waits.exists(), held.exists()))
