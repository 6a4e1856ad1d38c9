"""Transfers, count sheets and soft reservations on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from hub.inventory.rules.counts import Counted, CountState
from hub.inventory.rules.soft import SoftLine, SoftState
from hub.inventory.rules.transfers import Arrival, TransferLine, TransferState
from hub.inventory.schemas import LocationCode, Positive, Quantity, RowFaultOut, Sku
from hub.kit.web_types import In, Out, WireDecimal

MOST_LINES = 2000
Reason = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00]+$")]


class TransferLineIn(In):
    """What shall go of one SKU."""

    sku: Sku
    quantity: Positive


class NewTransferIn(In):
    """A transfer to be drafted; its stock is reserved at the source at once."""

    source: LocationCode
    target: LocationCode
    reason: Reason
    expected_at: AwareDatetime | None = Field(None, description="When the target may count on it.")
    lines: list[TransferLineIn] = Field(min_length=1, max_length=MOST_LINES)

    def to_lines(self) -> list[TransferLine]:
        """The lines."""
        return [TransferLine(line.sku, line.quantity) for line in self.lines]


class ShipTransferIn(In):
    """It has left its source."""

    expected_at: AwareDatetime | None = Field(None, description="When the target may count on it; null: as drafted.")


class ArrivalIn(In):
    """What came in of one SKU, and what surely will not."""

    sku: Sku
    received: Quantity
    lost: Quantity = Field(default=0, validate_default=True)


class ReceiveTransferIn(In):
    """What came in; without lines all that is still under way."""

    lines: list[ArrivalIn] | None = Field(None, min_length=1, max_length=MOST_LINES)

    def to_arrivals(self) -> list[Arrival] | None:
        """The arrivals."""
        return None if self.lines is None else [Arrival(line.sku, line.received, line.lost) for line in self.lines]


class ReasonIn(In):
    """Why."""

    reason: Reason


class SentLineOut(Out):
    """One SKU of a transfer; `open` is still under way."""

    sku: str
    quantity: WireDecimal
    received: WireDecimal
    lost: WireDecimal
    open: WireDecimal


class TransferOut(Out):
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
    for_order: str | None = Field(description="The order for which what comes in is kept.")
    lines: list[SentLineOut]


class SoftLineIn(In):
    """What shall be kept of one SKU; without a location the hub picks one."""

    sku: Sku
    quantity: Positive
    location: LocationCode | None = None


class SoftReservationIn(In):
    """Stock to be kept for what is no order yet: all lines or none."""

    reference: Reference = Field(description="What it is for: the number of a draft, a cart.")
    expires_at: AwareDatetime = Field(description="At most 30 days from now.")
    lines: list[SoftLineIn] = Field(min_length=1, max_length=200)

    def to_lines(self) -> list[SoftLine]:
        """The lines."""
        return [SoftLine(line.sku, line.quantity, line.location) for line in self.lines]


class ExtendIn(In):
    """Until when it is kept."""

    expires_at: AwareDatetime


class OrderIn(In):
    """The order that it becomes, by number or id."""

    order: str = Field(min_length=1, max_length=100)


class KeptLineOut(Out):
    """One SKU at one location."""

    location: str
    sku: str
    quantity: WireDecimal


class SoftReservationOut(Out):
    """A soft reservation as it is stored."""

    soft_reservation_id: str
    reference: str
    state: SoftState
    order_id: str | None
    expires_at: datetime
    created_by: str
    created_at: datetime
    closed_at: datetime | None
    lines: list[KeptLineOut]


class NewCountIn(In):
    """A sheet to count one location on; without SKUs all that it ever had."""

    location: LocationCode
    reference: Reference
    skus: list[Sku] | None = Field(None, max_length=MOST_LINES)


class CountedIn(In):
    """What was counted of one SKU; `counted_at` null is now."""

    sku: Sku
    counted: Quantity
    counted_at: AwareDatetime | None = None


class CountedListIn(In):
    """Counts: all or none."""

    lines: list[CountedIn] = Field(min_length=1, max_length=MOST_LINES)

    def to_counted(self) -> list[Counted]:
        """The counts."""
        return [Counted(line.sku, line.counted, line.counted_at) for line in self.lines]


class CountOut(Out):
    """A sheet; `counted` of its `lines` have a count."""

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


class CountLineOut(Out):
    """One SKU of a sheet; `expected` is what the ledger said at the moment of the count."""

    sku: str
    counted: WireDecimal | None
    expected: WireDecimal | None
    difference: WireDecimal | None
    counted_at: datetime | None
    counted_by: str | None


class CountImportOut(Out):
    """What an import of counts did."""

    count: CountOut
    faults: list[RowFaultOut]
