"""What ending reservations has in common: the new rows, the levels and the ledger, in one go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.repository import Reservation
from hub.inventory.rules.closing import LineQuantity, by_line_and_sku
from hub.inventory.rules.levels import ZERO, Key, Level, Movement, quantity_fault
from hub.inventory.service.announce import announce
from hub.kit.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Closing:
    """What becomes of one reservation: its state and quantity afterwards, and the movements that lead there."""

    reservation: Reservation
    state: str
    quantity: Decimal
    movements: tuple[Movement, ...]


def movement(
    reservation: Reservation, *, kind: str, on_hand: Decimal, reserved: Decimal, at: datetime, actor: str,
    reference: str | None = None,
) -> Movement:  # fmt: skip
    """A ledger line of a reservation; it refers to the fulfilment order line where nothing else is stated."""
    return Movement(
        location=reservation.level.location, sku=reservation.level.sku, kind=kind, on_hand_delta=on_hand,
        reserved_delta=reserved, reference=reference or reservation.fulfilment_order_line_id, actor=actor, at=at,
    )  # fmt: skip


def close(session: Session, closings: Sequence[Closing], *, at: datetime) -> None:
    """Write closings of locked reservations: reservations, levels, ledger, events; four statements and the jobs."""
    if not closings:
        return
    before = {closing.reservation.level.key: closing.reservation.level for closing in closings}
    moved: dict[Key, list[Movement]] = defaultdict(list)
    for closing in closings:
        moved[closing.reservation.level.key].extend(closing.movements)
    after = {key: _moved(before[key], movements) for key, movements in moved.items()}
    repository.save_reservations(
        session,
        rows=[
            {
                "reservation_id": closing.reservation.reservation_id, "state": closing.state,
                "quantity": closing.quantity, "closed_at": None if closing.state == "held" else at,
            }
            for closing in closings
        ],
    )  # fmt: skip
    repository.save_levels(session, levels=after.values(), at=at)
    repository.add_movements(session, movements=[line for closing in closings for line in closing.movements])
    announce(session, before=before, after=after)


def asked(
    reservations: Sequence[Reservation], quantities: Sequence[LineQuantity]
) -> tuple[list[tuple[Reservation, Decimal]], frozenset[str]]:
    """Each reservation with the quantity that was asked of it, and the lines that have no reservation.

    Raises `InvalidInput`: `quantity` where one cannot be, `sku_required` where a line holds several SKUs.
    """
    for quantity in quantities:
        fault = quantity_fault(quantity.quantity, least=Decimal("0.001"))
        if fault:
            raise InvalidInput("quantity", f"Fulfilment order line {quantity.fulfilment_order_line_id}: {fault}")
    held: dict[str, list[str]] = defaultdict(list)
    for reservation in reservations:
        held[reservation.fulfilment_order_line_id].append(reservation.level.sku)
    sums, unclear, unknown = by_line_and_sku(quantities, held)
    if unclear:
        raise InvalidInput(
            "sku_required",
            f"Fulfilment order line {unclear[0].fulfilment_order_line_id} holds {', '.join(unclear[0].skus)}: "
            "say of which SKU.",
        )
    pairs = [
        (reservation, sums[reservation.fulfilment_order_line_id, reservation.level.sku])
        for reservation in reservations
        if (reservation.fulfilment_order_line_id, reservation.level.sku) in sums
    ]
    return pairs, frozenset(unknown)


def _moved(level: Level, movements: Iterable[Movement]) -> Level:
    on_hand, reserved = ZERO, ZERO
    for line in movements:
        on_hand += line.on_hand_delta
        reserved += line.reserved_delta
    return replace(level, on_hand=level.on_hand + on_hand, reserved=level.reserved + reserved)
