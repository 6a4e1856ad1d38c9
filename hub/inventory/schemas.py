"""Locations and stock on the wire. Quantities come as decimal strings or numbers and go out as decimal strings."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from hub.canonical.party import Address
from hub.inventory.rules.levels import (
    MAX_LOCATION,
    MAX_QUANTITY,
    MAX_REFERENCE,
    MAX_SKU,
    PLACES,
    Level,
    Movement,
    StockEntry,
    StockLimits,
    Transfer,
    plain,
)
from hub.inventory.rules.locations import Handling, Location, LocationKind
from hub.inventory.service.importing import StockImport

_PLAIN = r"^[^\x00]+$"
_BATCH = 2000
LocationCode = Annotated[
    str, StringConstraints(max_length=MAX_LOCATION, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", strip_whitespace=True)
]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SKU, pattern=_PLAIN, strip_whitespace=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REFERENCE, pattern=_PLAIN)]
Difference = Annotated[Decimal, Field(ge=-MAX_QUANTITY, le=MAX_QUANTITY, decimal_places=PLACES, allow_inf_nan=False)]
Quantity = Annotated[Decimal, Field(ge=0, le=MAX_QUANTITY, decimal_places=PLACES, allow_inf_nan=False)]
Positive = Annotated[Decimal, Field(gt=0, le=MAX_QUANTITY, decimal_places=PLACES, allow_inf_nan=False)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]


def _with_tuple_of_lines(value: Any) -> Any:
    """JSON has no tuples, and the canonical address is strict."""
    if isinstance(value, dict) and isinstance(value.get("lines"), list):
        return {**value, "lines": tuple(value["lines"])}
    return value


AddressIn = Annotated[Address, BeforeValidator(_with_tuple_of_lines)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LocationContentIn(_In):
    """A location as it shall be; what is left out gets its default."""

    name: str = Field(min_length=1, max_length=200, pattern=_PLAIN)
    kind: LocationKind = "warehouse"
    handling: Handling = Field("own", description="Who does the work there; `outside` is told as `notify` says.")
    address: AddressIn = Field(default_factory=Address)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    capabilities: list[Word] = Field([], max_length=50)
    channel_refs: dict[Word, Word] = Field({}, max_length=200, description="Account -> what it calls this place.")
    notify: dict[Word, Any] = Field({}, max_length=20)
    rank: int = Field(0, ge=-10_000, le=10_000, description="Plain preference, low first.")
    enabled: bool = True

    def to_location(self, code: str) -> Location:
        """The location with this content."""
        values = self.model_dump(mode="json", exclude={"code", "address", "capabilities"})
        address = self.address.model_dump(mode="json", exclude_defaults=True)
        return Location(code=code, address=address, capabilities=tuple(self.capabilities), **values)


class LocationIn(LocationContentIn):
    """A new location."""

    code: LocationCode


class LocationOut(BaseModel):
    """A location as it is stored."""

    code: str
    name: str
    kind: LocationKind
    handling: Handling
    address: dict[str, Any]
    latitude: float | None
    longitude: float | None
    capabilities: list[str]
    channel_refs: dict[str, str]
    notify: dict[str, Any]
    rank: int
    enabled: bool
    version: int

    @classmethod
    def of(cls, location: Location) -> Self:
        """The wire form of a location."""
        return cls(
            code=location.code, name=location.name, kind=location.kind, handling=location.handling,
            address=dict(location.address), latitude=location.latitude, longitude=location.longitude,
            capabilities=list(location.capabilities), channel_refs=dict(location.channel_refs),
            notify=dict(location.notify), rank=location.rank, enabled=location.enabled, version=location.version,
        )  # fmt: skip


class LevelOut(BaseModel):
    """What is at one location of one SKU; `available` is below zero where more was promised than is there."""

    location: str
    sku: str
    on_hand: str
    reserved: str
    safety: str
    inbound: str
    oversell_allowance: str
    available: str
    updated_at: datetime | None

    @classmethod
    def of(cls, level: Level) -> Self:
        """The wire form of a level."""
        return cls(
            location=level.location, sku=level.sku, on_hand=plain(level.on_hand), reserved=plain(level.reserved),
            safety=plain(level.safety), inbound=plain(level.inbound),
            oversell_allowance=plain(level.oversell_allowance), available=plain(level.available),
            updated_at=level.updated_at,
        )  # fmt: skip


class LevelsOut(BaseModel):
    """The levels that were changed, as they are now."""

    levels: list[LevelOut]

    @classmethod
    def of(cls, levels: Iterable[Level]) -> Self:
        """The wire form of levels."""
        return cls(levels=[LevelOut.of(level) for level in levels])


class MovementOut(BaseModel):
    """One line of the ledger of a level."""

    movement_id: int
    kind: str
    on_hand_delta: str
    reserved_delta: str
    reference: str | None
    actor: str
    at: datetime

    @classmethod
    def of(cls, movement: Movement) -> Self:
        """The wire form of a ledger line."""
        return cls(
            movement_id=movement.movement_id, kind=movement.kind, on_hand_delta=plain(movement.on_hand_delta),
            reserved_delta=plain(movement.reserved_delta), reference=movement.reference, actor=movement.actor,
            at=movement.at,
        )  # fmt: skip


class _PlaceIn(_In):
    location: LocationCode
    sku: Sku


class AdjustmentIn(_PlaceIn):
    """A signed difference: found, broken, lost."""

    quantity: Difference
    reference: Reference | None = None


class ReceiptIn(_PlaceIn):
    """What came in."""

    quantity: Positive
    reference: Reference | None = None


class CountIn(_PlaceIn):
    """What was counted."""

    quantity: Quantity
    reference: Reference | None = None


class LimitsIn(_PlaceIn):
    """What is kept back and what may be promised beyond; null leaves a figure as it is."""

    safety: Quantity | None = None
    oversell_allowance: Quantity | None = None
    inbound: Quantity | None = None

    def to_limits(self) -> StockLimits:
        """The limits."""
        return StockLimits(self.location, self.sku, self.safety, self.oversell_allowance, self.inbound)


class TransferIn(_In):
    """A quantity that goes from one location to another at once."""

    sku: Sku
    from_location: LocationCode
    to_location: LocationCode
    quantity: Positive
    reference: Reference | None = None

    def to_transfer(self) -> Transfer:
        """The transfer."""
        return Transfer(self.sku, self.from_location, self.to_location, self.quantity, self.reference)


class AdjustmentsIn(_In):
    """Differences: all or none."""

    entries: list[AdjustmentIn] = Field(min_length=1, max_length=_BATCH)


class ReceiptsIn(_In):
    """Receipts: all or none."""

    entries: list[ReceiptIn] = Field(min_length=1, max_length=_BATCH)


class StocktakeIn(_In):
    """Counts, each level once: all or none."""

    entries: list[CountIn] = Field(min_length=1, max_length=_BATCH)


class LimitsListIn(_In):
    """Limits, each level once: all or none."""

    entries: list[LimitsIn] = Field(min_length=1, max_length=_BATCH)


class TransfersIn(_In):
    """Transfers: all or none."""

    transfers: list[TransferIn] = Field(min_length=1, max_length=_BATCH)


class RowFaultOut(BaseModel):
    """A row that was left out; the header is row 1."""

    row: int
    column: str | None
    detail: str


class StockImportOut(BaseModel):
    """What an import did."""

    levels: int
    faults: list[RowFaultOut]

    @classmethod
    def of(cls, done: StockImport) -> Self:
        """The wire form of an import."""
        faults = [RowFaultOut(row=fault.row, column=fault.column, detail=fault.message) for fault in done.faults]
        return cls(levels=len(done.levels), faults=faults)


def entries_of(entries: Iterable[AdjustmentIn | ReceiptIn | CountIn]) -> list[StockEntry]:
    """The entries of a batch."""
    return [StockEntry(entry.location, entry.sku, entry.quantity, entry.reference) for entry in entries]
