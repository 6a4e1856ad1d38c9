"""Give promised stock free again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.repository import Reservation
from hub.inventory.rules.closing import LineQuantity
from hub.inventory.rules.levels import MAX_REFERENCE, ZERO
from hub.inventory.service.closing import Closing, asked, close, movement


def release(
    session: Session, *, fulfilment_order_line_ids: Collection[str], at: datetime, actor: str, reason: str
) -> frozenset[str]:
    """Release all that lines still hold (cancelled, re-routed); returns the lines that held something.

    `reason` is a short code; the ledger keeps it. Publishes `inventory.stock_increased`. Doing it twice is harmless.
    """
    if not fulfilment_order_line_ids:
        return frozenset()
    held = _held(repository.lock_reservations(session, fulfilment_order_line_ids=fulfilment_order_line_ids))
    closings = [_released(item, item.quantity, "released", at=at, actor=actor, reason=reason) for item in held]
    close(session, closings, at=at)
    return frozenset(item.fulfilment_order_line_id for item in held)


def release_part(
    session: Session, *, quantities: Sequence[LineQuantity], at: datetime, actor: str, reason: str
) -> frozenset[str]:
    """Release a part of what lines hold (a short pick, a lowered order), at most what they hold.

    Returns the lines that hold nothing of what was named. Raises as `closing.asked`.
    """
    if not quantities:
        return frozenset()
    lines = {quantity.fulfilment_order_line_id for quantity in quantities}
    held = _held(repository.lock_reservations(session, fulfilment_order_line_ids=lines))
    pairs, unknown = asked(held, quantities)
    close(
        session,
        [
            _released(item, min(quantity, item.quantity), "released", at=at, actor=actor, reason=reason)
            for item, quantity in pairs
        ],
        at=at,
    )
    return unknown


def expire(session: Session, *, at: datetime, limit: int = 500) -> int:
    """End reservations whose time is over; called by the clockwork until it returns 0. Returns how many ended."""
    overdue = repository.overdue_reservations(session, at=at, limit=limit)
    if not overdue:
        return 0
    held = _held(repository.lock_reservations(session, reservation_ids=overdue))
    closings = [_released(item, item.quantity, "expired", at=at, actor="clock", reason="expired") for item in held]
    close(session, closings, at=at)
    return len(closings)


def _held(reservations: Sequence[Reservation]) -> list[Reservation]:
    return [reservation for reservation in reservations if reservation.state == "held"]


def _released(
    reservation: Reservation, quantity: Decimal, state: str, *, at: datetime, actor: str, reason: str
) -> Closing:
    whole = quantity == reservation.quantity
    reference = f"{reservation.fulfilment_order_line_id} {reason}"[:MAX_REFERENCE]
    line = movement(
        reservation, kind=state, on_hand=ZERO, reserved=-quantity, at=at, actor=actor, reference=reference
    )  # fmt: skip
    return Closing(
        reservation=reservation,
        state=state if whole else "held",
        quantity=quantity if whole else reservation.quantity - quantity,
        movements=(line,),
    )
