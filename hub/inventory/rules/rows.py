"""Stock levels from the rows of a table, as people hand them in."""

from dataclasses import dataclass
from decimal import Decimal

from hub.inventory.rules.levels import (
    MAX_LOCATION,
    MAX_QUANTITY,
    MAX_SKU,
    PLACES,
    ZERO,
    Key,
    StockEntry,
    StockLimits,
)
from hub.sdk.readers.stated import StatedRow

COLUMNS = ("location", "sku", "on_hand", "safety", "oversell_allowance", "inbound")
"""Columns of a table of stock: `location`, `sku` and at least one quantity are required."""


@dataclass(frozen=True, slots=True)
class StockRow:
    """What one row states of one level; None leaves a figure as it is. `on_hand` is a count."""

    row: int
    location: str
    sku: str
    on_hand: Decimal | None
    safety: Decimal | None
    oversell_allowance: Decimal | None
    inbound: Decimal | None

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku

    @property
    def count(self) -> StockEntry | None:
        """The count that the row states."""
        return None if self.on_hand is None else StockEntry(self.location, self.sku, self.on_hand, "import")

    @property
    def limits(self) -> StockLimits | None:
        """The limits that the row states."""
        stated = (self.safety, self.oversell_allowance, self.inbound)
        return None if stated == (None, None, None) else StockLimits(self.location, self.sku, *stated)


def read_stock(cells: StatedRow) -> StockRow:
    """One row; faults are noted in the cells' list."""
    cells.refuse_unknown(COLUMNS)
    if not any(cells.stated(name) for name in COLUMNS[2:]):
        cells.fault("on_hand", "A quantity is required.")
    return StockRow(
        row=cells.row,
        location=cells.text("location", most=MAX_LOCATION),
        sku=cells.text("sku", most=MAX_SKU),
        on_hand=cells.decimal("on_hand", least=ZERO, most=MAX_QUANTITY, places=PLACES),
        safety=cells.decimal("safety", least=ZERO, most=MAX_QUANTITY, places=PLACES),
        oversell_allowance=cells.decimal("oversell_allowance", least=ZERO, most=MAX_QUANTITY, places=PLACES),
        inbound=cells.decimal("inbound", least=ZERO, most=MAX_QUANTITY, places=PLACES),
    )
