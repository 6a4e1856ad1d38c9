"""Take work back from locations: at once where nobody was told of it, else by asking the one that has it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from hub.fulfilment.events import CANCEL_REQUESTED
from hub.fulfilment.rules.states import may_withdraw, must_ask
from hub.fulfilment.service.assign import FULFILMENT_LINES, FULFILMENT_ORDERS
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.inventory.service.release import release
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges

OVER = ("closed", "incomplete", "cancelled")
AnyWork = Row[Any] | FulfilmentOrderRow


def withdraw(
    session: Session, changes: OrderChanges, *, order_ids: Collection[str], at: datetime, actor: str, reason: str
) -> set[str]:
    """Take back all work that nobody has begun; returns the orders that have other work left.

    The orders are locked by the caller. Reservations go back to stock, quantities back to unallocated. A location
    outside that has its work already is asked to stop it: until it answers, the work stands as it is.
    """
    statement = (
        select(FULFILMENT_ORDERS)
        .where(FULFILMENT_ORDERS.c.order_id.in_(order_ids), FULFILMENT_ORDERS.c.state.not_in(OVER))
        .order_by(FULFILMENT_ORDERS.c.fulfilment_order_id)
        .with_for_update()
    )
    rows = list(session.execute(statement))
    free = [row for row in rows if may_withdraw(row.state, row.negotiation, outside=row.outside)]
    if free:
        cancel_work(session, changes, rows=free, at=at, actor=actor, reason=reason)
    told = [row for row in rows if must_ask(row.negotiation, outside=row.outside)]
    if told:
        ask_to_stop(session, changes, rows=told, at=at, actor=actor, reason=reason)
    return {row.order_id for row in rows if row not in free}


def ask_to_stop(
    session: Session, changes: OrderChanges, *, rows: Sequence[AnyWork], at: datetime, actor: str, reason: str
) -> None:
    """Ask outside locations to stop work that they have; each is asked once for each fulfilment order."""
    _write(session, rows, at, negotiation="cancel_requested", reason=reason)
    for row in rows:
        changes.record(
            row.order_id, "fulfilment.cancel_requested", actor=actor,
            data={"fulfilment_order": row.number, "location": row.location, "reason": reason},
        )  # fmt: skip
    publish(
        session,
        [
            Event(
                kind=CANCEL_REQUESTED, subject_id=row.fulfilment_order_id, cause="cancel",
                lane=f"out:{row.order_id}:{row.location}", priority=-1,
            )
            for row in rows
        ],
    )  # fmt: skip


def cancel_work(
    session: Session, changes: OrderChanges, *, rows: Sequence[AnyWork], at: datetime, actor: str, reason: str
) -> None:
    """Cancel fulfilment orders whose lines are not picked: stock and counters go back."""
    ids = [row.fulfilment_order_id for row in rows]
    lines = list(session.execute(select(FULFILMENT_LINES).where(FULFILMENT_LINES.c.fulfilment_order_id.in_(ids))))
    release(
        session, fulfilment_order_line_ids=[line.fulfilment_order_line_id for line in lines], at=at, actor=actor,
        reason=reason,
    )  # fmt: skip
    _write(session, rows, at, state="cancelled", reason=reason)
    for row in rows:
        deltas: dict[str, Deltas] = {}
        for line in lines:
            if line.fulfilment_order_id == row.fulfilment_order_id:
                change = deltas.setdefault(
                    line.order_line_id, dict.fromkeys(("allocated", "released", "unallocated"), Decimal(0))
                )
                open_quantity = line.quantity - line.short
                change["allocated"] -= open_quantity
                change["released"] -= open_quantity
                change["unallocated"] += open_quantity
        changes.record(
            row.order_id, "fulfilment.withdrawn", actor=actor,
            data={"fulfilment_order": row.number, "location": row.location, "reason": reason}, lines=deltas,
        )  # fmt: skip


def _write(session: Session, rows: Sequence[AnyWork], at: datetime, **values: str) -> None:
    session.execute(
        update(FulfilmentOrderRow)
        .where(FulfilmentOrderRow.fulfilment_order_id.in_([row.fulfilment_order_id for row in rows]))
        .values(**values, updated_at=at, version=FulfilmentOrderRow.version + 1)
        .execution_options(synchronize_session=False)
    )
