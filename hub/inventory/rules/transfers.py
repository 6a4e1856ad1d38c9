"""Transfers between locations as values, and what is wrong with what people ask of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from hub.inventory.rules.changes import SMALLEST
from hub.inventory.rules.levels import ZERO, EntryFault, plain, quantity_fault

TransferState = Literal["draft", "in_transit", "received", "cancelled"]


@dataclass(frozen=True, slots=True)
class TransferLine:
    """A quantity of one SKU that shall go."""

    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class SentLine:
    """One SKU of a transfer: what was sent of it, what came in and what was lost on the way."""

    line_id: str
    sku: str
    quantity: Decimal
    received: Decimal = ZERO
    lost: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """What has neither come in nor is known to be lost."""
        return self.quantity - self.received - self.lost


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came in of one SKU, and what surely will not."""

    sku: str
    received: Decimal
    lost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class StockTransfer:
    """A transfer as it is stored."""

    transfer_id: str
    source: str
    target: str
    state: TransferState
    reason: str
    expected_at: datetime | None
    created_by: str
    created_at: datetime
    shipped_at: datetime | None
    closed_at: datetime | None
    lines: tuple[SentLine, ...]
    for_order: str | None = None
    """The order for which what comes in is kept."""


def line_faults(source: str, target: str, lines: Sequence[TransferLine]) -> list[EntryFault]:
    """Why a transfer cannot be made, as far as it says itself."""
    faults = []
    if source == target:
        faults.append(EntryFault(0, "target", "Must be another location than the one it comes from."))
    seen: set[str] = set()
    for index, line in enumerate(lines):
        message = quantity_fault(line.quantity, least=SMALLEST)
        if message:
            faults.append(EntryFault(index, "quantity", message))
        if line.sku in seen:
            faults.append(EntryFault(index, "sku", f"{line.sku!r} is in the transfer twice: add the quantities up."))
        seen.add(line.sku)
    return faults


def arrival_faults(lines: Mapping[str, SentLine], arrivals: Sequence[Arrival]) -> list[EntryFault]:
    """Why arrivals cannot be of this transfer; `lines` are by SKU."""
    faults = []
    seen: set[str] = set()
    for index, arrival in enumerate(arrivals):
        line = lines.get(arrival.sku)
        if line is None:
            faults.append(EntryFault(index, "sku", f"{arrival.sku!r} is not in the transfer: note it as a receipt."))
            continue
        if arrival.sku in seen:
            faults.append(EntryFault(index, "sku", f"{arrival.sku!r} is stated twice: add the quantities up."))
        seen.add(arrival.sku)
        stated = [("received", arrival.received), ("lost", arrival.lost)]
        wrong = [EntryFault(index, name, message) for name, value in stated if (message := _fault(value))]
        faults.extend(wrong)
        if not wrong and not ZERO < arrival.received + arrival.lost <= line.open:
            faults.append(
                EntryFault(
                    index, "received",
                    f"{plain(line.open)} of {arrival.sku!r} are still under way, {plain(arrival.received)} received "
                    f"and {plain(arrival.lost)} lost are stated: what came beyond that is an adjustment.",
                )
            )  # fmt: skip
    return faults


def _fault(quantity: Decimal) -> str | None:
    return quantity_fault(quantity, least=ZERO)
