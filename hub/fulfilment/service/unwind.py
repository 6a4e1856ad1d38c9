"""Take back work that has begun and not left: picked and packed goods go back to the shelf."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.fulfilment import repository
from hub.fulfilment.service.ship import void
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow
from hub.inventory.service.release import release
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges

NOT_LEFT = ("draft", "rated", "label_ready")
"""States of a shipment whose label, if it has one, can still be given back."""
MAY_LEAVE = ("label_requested", "in_doubt", "label_ready")
"""States of a shipment that may go out any moment, or of which nobody knows."""


def void_labels(
    session: Session, *, order_id: str, works: Sequence[FulfilmentOrderRow], actor: str, at: datetime
) -> None:
    """Give back what was bought for work that is to end, before its counters are touched."""
    ids = {work.fulfilment_order_id for work in works}
    for shipment in repository.shipments_of(session, order_id):
        if shipment.fulfilment_order_id in ids and shipment.state in NOT_LEFT:
            void(session, reference=shipment.shipment_id, actor=actor, at=at)


def unwind(
    session: Session,
    changes: OrderChanges,
    *,
    order_id: str,
    works: Sequence[FulfilmentOrderRow],
    actor: str,
    reason: str,
    at: datetime,
) -> bool:
    """Cancel what is left of locked, open work, whatever was picked; the order is locked by the caller.

    What went out stays shipped. False where work is left alone because a label of it is not voided.
    """
    bound = {row.fulfilment_order_id for row in repository.shipments_of(session, order_id) if row.state in MAY_LEAVE}
    for work in works:
        if work.fulfilment_order_id in bound:
            continue
        lines = repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
        release(
            session, fulfilment_order_line_ids=[line.fulfilment_order_line_id for line in lines], at=at, actor=actor,
            reason=reason,
        )  # fmt: skip
        work.state = "incomplete" if any(line.shipped for line in lines) else "cancelled"
        work.reason, work.version, work.updated_at = reason, work.version + 1, at
        deltas = _back_to_the_shelf(lines)
        session.flush()
        changes.record(
            order_id, "fulfilment.withdrawn", actor=actor, lines=deltas,
            data={"fulfilment_order": work.number, "location": work.location, "reason": reason},
        )  # fmt: skip
    return not any(work.fulfilment_order_id in bound for work in works)


def _back_to_the_shelf(lines: Sequence[FulfilmentOrderLineRow]) -> dict[str, Deltas]:
    deltas: dict[str, Deltas] = {}
    for line in lines:
        back = line.quantity - line.short - line.shipped
        change = deltas.setdefault(line.order_line_id, {})
        for name, amount in (
            ("packed", line.shipped - line.packed), ("picked", line.shipped - line.picked), ("released", -back),
            ("allocated", -back), ("unallocated", back),
        ):  # fmt: skip
            change[name] = change.get(name, Decimal(0)) + amount
        line.packed = line.picked = line.shipped
    return deltas
