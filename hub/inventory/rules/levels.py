"""Stock levels as values, and the arithmetic on them. Quantities are Decimals with at most three places."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)
MAX_QUANTITY = Decimal(1_000_000_000)
PLACES = 3
MAX_LOCATION = 40
MAX_SKU = 100
MAX_REFERENCE = 80

Key = tuple[str, str]
"""(location, SKU): also the one order in which levels are locked."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is at one location of one SKU. `inbound` is announced, not yet there."""

    location: str
    sku: str
    on_hand: Decimal = ZERO
    reserved: Decimal = ZERO
    safety: Decimal = ZERO
    inbound: Decimal = ZERO
    oversell_allowance: Decimal = ZERO
    updated_at: datetime | None = None

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku

    @property
    def available(self) -> Decimal:
        """What may still be granted; below zero where more is promised than is there."""
        return self.on_hand - self.reserved - self.safety + self.oversell_allowance

    @property
    def short(self) -> Decimal:
        """How much of what is promised cannot be served; zero where all can. Safety stock may serve it."""
        return max(ZERO, self.reserved - self.on_hand - self.oversell_allowance)


@dataclass(frozen=True, slots=True)
class StockEntry:
    """A quantity of one SKU at one location: a difference, a receipt or a count, as the use case says."""

    location: str
    sku: str
    quantity: Decimal
    reference: str | None = None

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku


@dataclass(frozen=True, slots=True)
class Transfer:
    """A quantity that goes from one location to another."""

    sku: str
    from_location: str
    to_location: str
    quantity: Decimal
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class StockLimits:
    """What is kept back and what may be promised beyond; None leaves a figure as it is."""

    location: str
    sku: str
    safety: Decimal | None = None
    oversell_allowance: Decimal | None = None
    inbound: Decimal | None = None

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger."""

    location: str
    sku: str
    kind: str
    on_hand_delta: Decimal
    reserved_delta: Decimal
    reference: str | None
    actor: str
    at: datetime
    movement_id: int = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """A level that is not what its ledger says, or whose `reserved` is not the sum of what is held."""

    location: str
    sku: str
    on_hand: Decimal
    ledger_on_hand: Decimal
    reserved: Decimal
    ledger_reserved: Decimal
    held: Decimal


@dataclass(frozen=True, slots=True)
class EntryFault:
    """What is wrong with one entry of a batch; `index` is its place in the batch."""

    index: int
    field: str
    message: str

    def as_problem(self, batch: str) -> dict[str, str | int]:
        """The fault as a member of `errors` of a problem document; `batch` is what the entries are called."""
        pointer = f"#/{batch}/{self.index}/{self.field}"
        return {"detail": self.message, "pointer": pointer, "index": self.index, "field": self.field}


def plain(quantity: Decimal) -> str:
    """A quantity as people write it: 12, not 12.000 or 1.2E+1."""
    return f"{quantity.normalize():f}"


def quantity_fault(quantity: Decimal, *, least: Decimal) -> str | None:
    """Why a quantity cannot be stored, None where it can."""
    if not quantity.is_finite() or not least <= quantity <= MAX_QUANTITY:
        return f"Must be between {least} and {MAX_QUANTITY}."
    if quantity != quantity.quantize(Decimal(1).scaleb(-PLACES)):
        return f"Must have at most {PLACES} decimal places."
    return None


def repeated(keys: Iterable[Key]) -> list[EntryFault]:
    """A fault for each entry whose (location, SKU) was already stated in the batch."""
    seen: set[Key] = set()
    faults = []
    for index, key in enumerate(keys):
        if key in seen:
            faults.append(EntryFault(index, "sku", f"{key[1]!r} at {key[0]!r} is in the batch twice."))
        seen.add(key)
    return faults
