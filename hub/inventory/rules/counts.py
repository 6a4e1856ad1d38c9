"""Count sheets as values, and what a count makes of a level that went on moving."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from hub.inventory.rules.changes import Plan
from hub.inventory.rules.levels import MAX_LOCATION, MAX_QUANTITY, MAX_SKU, PLACES, ZERO, EntryFault, Key, Level, plain
from hub.sdk.readers.stated import StatedRow

CountState = Literal["open", "approved", "cancelled"]
COLUMNS = ("location", "sku", "counted", "counted_at")
"""Columns of a table of counts: `sku` and `counted` are required."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one SKU; `at` is when, None for now."""

    sku: str
    quantity: Decimal
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CountLine:
    """One SKU of a sheet; `expected` is what the ledger said at the moment of the count. All None: not counted yet."""

    sku: str
    counted: Decimal | None
    expected: Decimal | None
    counted_at: datetime | None
    counted_by: str | None

    @property
    def difference(self) -> Decimal | None:
        """By how much the ledger is wrong, whatever moved since the count."""
        return None if self.counted is None or self.expected is None else self.counted - self.expected


@dataclass(frozen=True, slots=True)
class StockCount:
    """A sheet as it is stored."""

    count_id: str
    location: str
    state: CountState
    reference: str
    reason: str | None
    created_by: str
    created_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    lines: int
    counted: int


@dataclass(frozen=True, slots=True)
class CountRow:
    """One row of a table of counts."""

    row: int
    location: str | None
    counted: Counted


def plan_differences(levels: Mapping[Key, Level], location: str, lines: Sequence[CountLine], reference: str) -> Plan:
    """Correct each level by its line's difference: what was received and sent since the count stays counted.

    A level that would fall below zero is a fault: more went out since than was counted, so the count was wrong.
    """
    plan = Plan(dict(levels))
    for index, line in enumerate(lines):
        key, difference = (location, line.sku), line.difference or ZERO
        on_hand = plan.levels[key].on_hand
        if difference < 0 and on_hand + difference < 0:
            plan.fault(
                index, "counted",
                f"{line.sku!r}: {plain(line.counted or ZERO)} were counted where {plain(line.expected or ZERO)} were "
                f"expected, and {plain(on_hand)} are left by now: count it again.",
            )  # fmt: skip
            continue
        plan.move(key, "counted", difference, reference)
    return plan


def read_count(cells: StatedRow) -> CountRow:
    """One row of a table; faults are noted in the cells' list."""
    cells.refuse_unknown(COLUMNS)
    if not cells.stated("counted"):
        cells.fault("counted", "A quantity is required: 0 where nothing was found.")
    quantity = cells.decimal("counted", least=ZERO, most=MAX_QUANTITY, places=PLACES)
    return CountRow(
        row=cells.row,
        location=cells.text("location", most=MAX_LOCATION) if cells.stated("location") else None,
        counted=Counted(cells.text("sku", most=MAX_SKU), quantity or ZERO, _instant(cells)),
    )


def time_faults(counted: Iterable[Counted], *, since: datetime, until: datetime) -> list[EntryFault]:
    """Counts of another time than that of their sheet."""
    return [
        EntryFault(index, "counted_at", f"Must be between {since:%Y-%m-%d %H:%M:%S} (the sheet's) and now, in UTC.")
        for index, one in enumerate(counted)
        if one.at is not None and not since <= one.at <= until
    ]


def _instant(cells: StatedRow) -> datetime | None:
    value = cells.raw("counted_at")
    if value is None:
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        cells.fault("counted_at", "Must be a time such as 2026-03-01T08:00:00Z.")
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
