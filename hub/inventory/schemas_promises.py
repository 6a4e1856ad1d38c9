"""What channels may promise, buffers, reorder points and low levels on the wire. `*` stands for all of a kind."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from hub.inventory.rules.levels import MAX_LOCATION, MAX_SKU
from hub.inventory.rules.promise import ALL, Buffer, Promise
from hub.inventory.schemas import Quantity
from hub.inventory.service.low_stock import LowLevel, ReorderPoint
from hub.kit.web_types import In, Out, WireDecimal

STAR = "*"
PlaceOrAll = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LOCATION, pattern=r"^[^\x00]+$")]
SkuOrAll = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SKU, pattern=r"^[^\x00]+$")]


def stored(name: str) -> str:
    """A location or SKU as it is stored: `*` is all of them."""
    return ALL if name == STAR else name


def worded(name: str) -> str:
    """A stored location or SKU as people write it."""
    return name or STAR


class PromisePartOut(Out):
    """One location's part, and the figures that lead there."""

    location: str
    on_hand: WireDecimal
    reserved: WireDecimal
    safety: WireDecimal
    incoming: WireDecimal
    buffer: WireDecimal
    quantity: WireDecimal


class PromiseOut(Out):
    """What a channel may promise of a SKU: the sum of its parts."""

    sku: str
    available_to_promise: WireDecimal
    locations: list[PromisePartOut]

    @classmethod
    def of(cls, promise: Promise) -> Self:
        """The wire form of a promise."""
        parts = [PromisePartOut.model_validate(part) for part in promise.parts]
        return cls(sku=promise.sku, available_to_promise=promise.quantity, locations=parts)


class ToldOut(Out):
    """What a channel was told of a SKU last, and what it showed when it was looked at last (null and `seen_at` set: it
    does not list the SKU). `differs`: it showed another number, and was not told again since.
    """

    sku: str
    available: int
    told_at: datetime
    shown: int | None
    seen_at: datetime | None
    differs: bool


class BufferIn(In):
    """What a channel is not told of at each location."""

    location: PlaceOrAll = STAR
    sku: SkuOrAll = STAR
    units: Quantity = Field(default=0, validate_default=True)
    percent: int = Field(0, ge=0, le=100, description="Of what is free there, rounded up.")

    def to_buffer(self) -> Buffer:
        """The buffer."""
        return Buffer(stored(self.location), stored(self.sku), self.units, self.percent)


class BuffersIn(In):
    """Buffers of one channel: all or none."""

    connection: str = Field(min_length=1, max_length=60)
    buffers: list[BufferIn] = Field(min_length=1, max_length=2000)


class BufferOut(Out):
    """A buffer as it is stored."""

    location: str
    sku: str
    units: WireDecimal
    percent: int

    @classmethod
    def of(cls, buffer: Buffer) -> Self:
        """The wire form of a buffer."""
        return cls(location=worded(buffer.location), sku=worded(buffer.sku), units=buffer.units, percent=buffer.percent)


class BuffersOut(Out):
    """The buffers that were set."""

    buffers: list[BufferOut]


class ReorderPointIn(In):
    """From which quantity on a level is low."""

    location: PlaceOrAll = STAR
    sku: SkuOrAll = STAR
    quantity: Quantity
    clears_above: Quantity | None = Field(None, description="Above which it is no more; null: above the quantity.")

    def to_point(self) -> ReorderPoint:
        """The reorder point."""
        above = self.quantity if self.clears_above is None else self.clears_above
        return ReorderPoint(stored(self.location), stored(self.sku), self.quantity, above)


class ReorderPointsIn(In):
    """Reorder points: all or none."""

    points: list[ReorderPointIn] = Field(min_length=1, max_length=2000)


class ReorderPointOut(Out):
    """A reorder point as it is stored."""

    location: str
    sku: str
    quantity: WireDecimal
    clears_above: WireDecimal

    @classmethod
    def of(cls, point: ReorderPoint) -> Self:
        """The wire form of a reorder point."""
        return cls(
            location=worded(point.location), sku=worded(point.sku), quantity=point.quantity,
            clears_above=point.clears_above,
        )  # fmt: skip


class ReorderPointsOut(Out):
    """The points that were set."""

    points: list[ReorderPointOut]


class LowLevelOut(Out):
    """A level that is low; `free` is on hand less reserved."""

    location: str
    sku: str
    free: WireDecimal
    inbound: WireDecimal
    reorder_point: WireDecimal
    since: datetime

    @classmethod
    def of(cls, low: LowLevel) -> Self:
        """The wire form of a low level."""
        return cls.model_validate(low)
