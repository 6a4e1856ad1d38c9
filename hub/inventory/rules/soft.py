"""Soft reservations as values: stock kept for what is no order yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from hub.inventory.rules.changes import SMALLEST
from hub.inventory.rules.levels import ZERO, EntryFault, Key, quantity_fault

SoftState = Literal["held", "converted", "released", "expired"]
LONGEST = timedelta(days=30)
"""How long stock may be kept for what is no order."""


@dataclass(frozen=True, slots=True)
class SoftLine:
    """A quantity of one SKU; without a location the hub picks one."""

    sku: str
    quantity: Decimal
    location: str | None = None


@dataclass(frozen=True, slots=True)
class KeptLine:
    """One SKU at one location of a soft reservation."""

    line_id: str
    location: str
    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class SoftReservation:
    """A soft reservation as it is stored. `order_id` is the order that it becomes."""

    soft_reservation_id: str
    reference: str
    state: SoftState
    order_id: str | None
    expires_at: datetime
    created_by: str
    created_at: datetime
    closed_at: datetime | None
    lines: tuple[KeptLine, ...]


def soft_faults(lines: Sequence[SoftLine]) -> list[EntryFault]:
    """Why lines cannot be kept, as far as they say themselves."""
    faults = []
    seen: set[tuple[str, str | None]] = set()
    for index, line in enumerate(lines):
        if message := quantity_fault(line.quantity, least=SMALLEST):
            faults.append(EntryFault(index, "quantity", message))
        if (line.sku, line.location) in seen:
            faults.append(EntryFault(index, "sku", f"{line.sku!r} is stated twice: add the quantities up."))
        seen.add((line.sku, line.location))
    return faults


def pick(
    lines: Sequence[SoftLine], locations: Sequence[str], free: Mapping[Key, Decimal]
) -> tuple[dict[Key, Decimal], dict[int, Decimal]]:
    """Where each line is kept: at its location, else at the first of `locations` that has all of it, else in parts in
    their order. Returns quantities by (location, SKU), and what is missing by the index of the line.
    """
    left = dict(free)
    taken: dict[Key, Decimal] = {}
    missing: dict[int, Decimal] = {}
    for index, line in enumerate(lines):
        places = [line.location] if line.location else locations
        whole = [place for place in places if left.get((place, line.sku), ZERO) >= line.quantity]
        wanted = line.quantity
        for place in whole[:1] or places:
            part = max(ZERO, min(wanted, left.get((place, line.sku), ZERO)))
            if part:
                key = (place, line.sku)
                taken[key] = taken.get(key, ZERO) + part
                left[key] -= part
                wanted -= part
        if wanted:
            missing[index] = wanted
    return taken, missing
