"""Which zone a parcel falls into: places compiled once, looked up thousands of times while orders are planned."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from hub.canonical.party import Address
from plugins.carriers.rate_card.parts import ANY, DOMESTIC, INTERNATIONAL, Place, Zone

POSTCODE_NOISE = str.maketrans("", "", " -")
REMEMBERED = 4_096
"""So many results are kept of what is asked again for each warehouse, service and order of a batch."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An address reduced to what zones look at."""

    country: str
    regions: frozenset[str]
    postcode: str


def spot_of(address: Address) -> Spot | None:
    """The spot of an address, or None where the country is not known: nothing can be priced then."""
    if address.country is None:
        return None
    return _spot(address.country, address.region_code, address.region, address.postal_code)


@lru_cache(maxsize=REMEMBERED)
def _spot(country: str, region_code: str | None, region: str | None, postal_code: str | None) -> Spot:
    prefix = f"{country}-"
    named = [text.strip().upper() for text in (region_code, region) if text]
    regions = frozenset(text.removeprefix(prefix) for text in named)
    return Spot(country, regions, (postal_code or "").translate(POSTCODE_NOISE).upper())


@dataclass(frozen=True, slots=True)
class PostcodeSet:
    """Postcode prefixes and ranges, grouped by length: `(length, lows, highs)`, each sorted and merged."""

    groups: tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...]

    def __contains__(self, postcode: str) -> bool:
        for length, lows, highs in self.groups:
            head = postcode[:length]
            index = bisect_right(lows, head) - 1
            if len(head) == length and index >= 0 and head <= highs[index]:
                return True
        return False


def compile_postcodes(written: Iterable[str]) -> PostcodeSet | None:
    """A set of prefixes and ranges; None where nothing is written, which stands for all."""
    by_length: dict[int, list[tuple[str, str]]] = {}
    for text in written:
        low, _, high = text.partition("-")
        by_length.setdefault(len(low), []).append((low, high or low))
    groups = []
    for length, ranges in sorted(by_length.items()):
        merged: list[tuple[str, str]] = []
        for low, high in sorted(ranges):
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        groups.append((length, tuple(low for low, _ in merged), tuple(high for _, high in merged)))
    return PostcodeSet(tuple(groups)) if groups else None


@dataclass(frozen=True, slots=True)
class CompiledPlace:
    """One place of a zone; None for regions or postcodes stands for all of them."""

    country: str
    regions: frozenset[str] | None
    postcodes: PostcodeSet | None

    def holds(self, spot: Spot, home: str) -> bool:
        """Whether the spot lies in the place; `home` is the sender's country."""
        if self.country == DOMESTIC:
            fits = spot.country == home
        elif self.country == INTERNATIONAL:
            fits = spot.country != home
        else:
            fits = self.country in (ANY, spot.country)
        if not fits or (self.regions is not None and not self.regions & spot.regions):
            return False
        return self.postcodes is None or spot.postcode in self.postcodes


def compile_places(places: Iterable[Place]) -> tuple[CompiledPlace, ...]:
    """Compile places in their order."""
    return tuple(
        CompiledPlace(place.country, frozenset(place.regions) or None, compile_postcodes(place.postcodes))
        for place in places
    )


def anywhere(places: Sequence[CompiledPlace], spot: Spot, home: str) -> bool:
    """Whether the spot lies in any of the places."""
    for place in places:  # noqa: SIM110  asked for each zone of each price: a generator would cost more than the answer
        if place.holds(spot, home):
            return True
    return False


@dataclass(frozen=True, slots=True)
class CompiledZone:
    """One entry of the list of zones."""

    name: str
    destinations: tuple[CompiledPlace, ...]
    origins: tuple[CompiledPlace, ...]

    def joins(self, origin: Spot, country: str) -> bool:
        """Whether the way from the origin to any address of the country may belong to the zone."""
        if self.origins and not anywhere(self.origins, origin, origin.country):
            return False
        return any(place.country in (country, ANY, DOMESTIC, INTERNATIONAL) for place in self.destinations)


@dataclass(frozen=True, slots=True)
class ZoneIndex:
    """The zones of a card or of a service; the first one that fits wins."""

    zones: tuple[CompiledZone, ...]
    _by_way: dict[tuple[Spot, str], tuple[CompiledZone, ...]] = field(default_factory=dict, compare=False)
    """Zones that a way from a spot to a country may fall into: few senders ask for many addresses."""

    def find(self, origin: Spot, destination: Spot) -> str | None:
        """Name of the first zone that holds the way, or None where the carrier does not go."""
        way = origin, destination.country
        candidates = self._by_way.get(way)
        if candidates is None:
            if len(self._by_way) >= REMEMBERED:
                self._by_way.clear()
            candidates = self._by_way[way] = tuple(zone for zone in self.zones if zone.joins(origin, way[1]))
        for zone in candidates:
            if anywhere(zone.destinations, destination, origin.country):
                return zone.name
        return None


def compile_zones(zones: Iterable[Zone]) -> ZoneIndex:
    """Compile zones in their order."""
    return ZoneIndex(
        tuple(
            CompiledZone(zone.name, compile_places(zone.destinations), compile_places(zone.origins)) for zone in zones
        )
    )
