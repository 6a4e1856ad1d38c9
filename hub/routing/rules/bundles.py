"""A bundle is planned as its components; here is what each of them weighs."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil


def grams_of_parts(grams: int, parts: Sequence[tuple[str, Decimal]]) -> dict[str, int]:
    """The weight of one unit of each component, of which `parts` says how many one bundle of `grams` has.

    Together they weigh what the bundle weighs: what does not divide is carried by the component that is in it least
    often, rounded up, since a parcel that is announced too light costs more than one that is a gram too heavy.
    """
    share = int(grams // sum(each for _, each in parts))
    rest = grams - share * sum(each for _, each in parts)
    rarest, times = min(parts, key=lambda part: (part[1], part[0]))
    return {sku: share + (ceil(rest / times) if sku == rarest else 0) for sku, _ in parts}
