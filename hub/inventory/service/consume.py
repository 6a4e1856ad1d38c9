"""Take what left the building out of stock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.repository import Reservation
from hub.inventory.rules.closing import LineQuantity
from hub.inventory.rules.levels import ZERO
from hub.inventory.service.closing import Closing, asked, close, movement
from hub.kit.errors import StateConflict


@dataclass(frozen=True, slots=True)
class ConsumeResult:
    """`unreserved` are lines that never had a reservation (not stocked): no stock moved for them."""

    consumed: frozenset[str]
    unreserved: frozenset[str]


def consume(
    session: Session, *, consumed: Sequence[LineQuantity], at: datetime, actor: str,
    rest: Literal["hold", "release"] = "hold",
) -> ConsumeResult:  # fmt: skip
    """Lower `on_hand` and `reserved` by what went out; the rest of a reservation stays held, or is released.

    What left is the truth: a quantity beyond the reservation, or of one that was released or expired meanwhile, still
    lowers `on_hand` (and may publish `inventory.stock_short`). Raises `StateConflict` (`already_consumed`) for a
    reservation that went out before, and as `closing.asked`.
    """
    if not consumed:
        return ConsumeResult(frozenset(), frozenset())
    lines = {quantity.fulfilment_order_line_id for quantity in consumed}
    reservations = repository.lock_reservations(session, fulfilment_order_line_ids=lines)
    pairs, unreserved = asked(reservations, consumed)
    closings = [_consumed(item, quantity, rest, at=at, actor=actor) for item, quantity in pairs]
    close(session, closings, at=at)
    return ConsumeResult(consumed=frozenset(item.fulfilment_order_line_id for item, _ in pairs), unreserved=unreserved)


def _consumed(
    reservation: Reservation, quantity: Decimal, rest: Literal["hold", "release"], *, at: datetime, actor: str
) -> Closing:
    if reservation.state == "consumed":
        raise StateConflict(
            "already_consumed",
            f"Stock of fulfilment order line {reservation.fulfilment_order_line_id} went out already.",
        )
    held = reservation.quantity if reservation.state == "held" else ZERO
    out = movement(
        reservation, kind="consumed", on_hand=-quantity, reserved=-min(quantity, held), at=at, actor=actor
    )  # fmt: skip
    left = max(ZERO, held - quantity)
    if left and rest == "hold":
        return Closing(reservation, "held", left, (out,))
    if left:
        freed = movement(reservation, kind="released", on_hand=ZERO, reserved=-left, at=at, actor=actor)
        return Closing(reservation, "consumed", quantity, (out, freed))
    return Closing(reservation, "consumed", quantity, (out,))
