"""Promise stock to fulfilment orders: the one place where `reserved` rises."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.repository import ReservedLine
from hub.inventory.rules.changes import SMALLEST
from hub.inventory.rules.grants import Demand, decide
from hub.inventory.rules.levels import ZERO, Key, Movement, plain, quantity_fault
from hub.kit.errors import InvalidInput, StateConflict
from hub.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class ReserveResult:
    """Fulfilment order lines that got all they asked for; `refused` says what was missing for the others.

    The shortage of a refused line is zero where only other lines of its fulfilment order were short.
    """

    granted: frozenset[str]
    refused: Mapping[str, Decimal]


def reserve(
    session: Session, *, demands: Sequence[Demand], at: datetime, actor: str, expires_at: datetime | None = None
) -> ReserveResult:
    """Grant what fits, in the order of the demands, each fulfilment order (order and location) whole or not at all.

    Grants never exceed `on_hand - safety + oversell_allowance`, whoever else grants at the same time: all levels are
    locked first, in one fixed order. Call it once in a transaction, and last. A constant number of statements for any
    number of demands. A line that already holds just this is granted and not doubled; one that was released or expired
    is held anew. Raises `InvalidInput` (`demand_quantity`) and `StateConflict` (`reservation_differs`) where a line
    holds something else already.
    """
    demands = _merged(demands)
    if not demands:
        return ReserveResult(frozenset(), {})
    levels = repository.lock_levels(session, keys=(demand.key for demand in demands))
    stored = repository.reserved_for(
        session, fulfilment_order_line_ids={demand.fulfilment_order_line_id for demand in demands}
    )
    already = {demand for demand in demands if _is_held(demand, stored)}
    grants = decide(
        [demand for demand in demands if demand not in already],
        {key: level.available for key, level in levels.items()},
    )
    _write(session, grants.granted, stored, at=at, actor=actor, expires_at=expires_at)
    lines = {demand.fulfilment_order_line_id for demand in (*already, *grants.granted)}
    return ReserveResult(granted=frozenset(lines - grants.refused.keys()), refused=grants.refused)


def _merged(demands: Sequence[Demand]) -> list[Demand]:
    """One demand for each line and SKU: a line of a bundle may name a component twice."""
    merged: dict[tuple[str, str, str], Demand] = {}
    for demand in demands:
        if quantity_fault(demand.quantity, least=SMALLEST):
            raise InvalidInput("demand_quantity", f"Cannot reserve {demand.quantity} of {demand.sku!r}.")
        key = (demand.fulfilment_order_line_id, *demand.key)
        there = merged.get(key)
        merged[key] = demand if there is None else replace(demand, quantity=there.quantity + demand.quantity)
    return list(merged.values())


def _is_held(demand: Demand, stored: Mapping[Key, ReservedLine]) -> bool:
    there = stored.get((demand.fulfilment_order_line_id, demand.sku))
    if there is None or there.state in {"released", "expired"}:
        return False
    if there.state == "held" and (there.location, there.quantity) == (demand.location, demand.quantity):
        return True
    raise StateConflict(
        "reservation_differs",
        f"Fulfilment order line {demand.fulfilment_order_line_id} has {plain(there.quantity)} {there.state} at "
        f"{there.location!r}: release that first, or reserve for a new line.",
    )


def _write(
    session: Session, granted: Sequence[Demand], stored: Mapping[Key, ReservedLine], *, at: datetime, actor: str,
    expires_at: datetime | None,
) -> None:  # fmt: skip
    if not granted:
        return
    quantities: dict[Key, Decimal] = defaultdict(lambda: ZERO)
    new: list[dict[str, Any]] = []
    anew: list[dict[str, Any]] = []
    for demand in granted:
        quantities[demand.key] += demand.quantity
        there = stored.get((demand.fulfilment_order_line_id, demand.sku))
        row = {
            "reservation_id": there.reservation_id if there else new_id(), "order_id": demand.order_id,
            "fulfilment_order_line_id": demand.fulfilment_order_line_id, "location": demand.location,
            "sku": demand.sku, "quantity": demand.quantity, "state": "held", "expires_at": expires_at,
            "created_at": at, "closed_at": None,
        }  # fmt: skip
        (anew if there else new).append(row)
    if repository.grant(session, quantities=quantities, at=at) != len(quantities):
        raise StateConflict("stock_moved", "Stock changed while it was being reserved: try again.")
    repository.add_reservations(session, rows=new)
    repository.save_reservations(session, rows=anew)
    repository.add_movements(
        session,
        movements=[
            Movement(
                location=demand.location, sku=demand.sku, kind="reserved", on_hand_delta=ZERO,
                reserved_delta=demand.quantity, reference=demand.fulfilment_order_line_id, actor=actor, at=at,
            )
            for demand in granted
        ],
    )  # fmt: skip
