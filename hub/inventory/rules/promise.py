"""What a channel may promise: what is free at the locations that serve it, less what is kept back from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from hub.inventory.rules.levels import ZERO, Key, Level

ALL = ""
"""The location or SKU of a rule that stands for all of them."""
THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a channel is not told of at each location: `units`, and `percent` of what is free there."""

    location: str
    sku: str
    units: Decimal = ZERO
    percent: int = 0

    @property
    def key(self) -> Key:
        """(location, SKU), each `ALL` where it is for all."""
        return self.location, self.sku

    def of(self, free: Decimal) -> Decimal:
        """What is kept back of what is free; parts are rounded up, to the thousandth."""
        share = (free * self.percent / 100).quantize(THOUSANDTH, rounding=ROUND_CEILING)
        return self.units + share


@dataclass(frozen=True, slots=True)
class PromisePart:
    """One location's part of what may be promised, with the figures that lead there."""

    location: str
    on_hand: Decimal
    reserved: Decimal
    safety: Decimal
    incoming: Decimal
    buffer: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Promise:
    """What a channel may promise of a SKU; the parts add up to it."""

    sku: str
    parts: tuple[PromisePart, ...]

    @property
    def quantity(self) -> Decimal:
        """Available to promise."""
        return sum((part.quantity for part in self.parts), ZERO)


def nearest(rules: Mapping[Key, Buffer], key: Key) -> Buffer:
    """The buffer of a level: its own, else that of its SKU, else of its location, else of all; none is no buffer."""
    location, sku = key
    for place in (key, (ALL, sku), (location, ALL), (ALL, ALL)):
        if place in rules:
            return rules[place]
    return Buffer(location, sku)


def promise(
    sku: str, levels: Iterable[Level], incoming: Mapping[Key, Decimal], buffers: Mapping[Key, Buffer]
) -> Promise:
    """Available to promise of a SKU: the sum over `levels` of on hand - reserved - safety + incoming - buffer, where
    that is above zero. One location's shortage takes nothing from another's stock. The oversell allowance is not in it.
    """
    parts = []
    for level in levels:
        coming = incoming.get(level.key, ZERO)
        free = max(ZERO, level.on_hand - level.reserved - level.safety + coming)
        kept = min(free, nearest(buffers, level.key).of(free))
        parts.append(
            PromisePart(level.location, level.on_hand, level.reserved, level.safety, coming, kept, free - kept)
        )
    return Promise(sku, tuple(parts))
