"""The working copy of locations, stock and capacity while a batch is planned."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt

from hub.routing.rules.area import Zone
from hub.routing.rules.calendar import shipping_days
from hub.routing.rules.values import LineShare, PlanLocation, Stock

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


class Site:
    """One location during a batch: its next working days and the orders already given to each."""

    __slots__ = ("code", "days", "digest", "location", "used")

    def __init__(self, location: PlanLocation, now: datetime) -> None:
        self.location = location
        self.code = location.code
        self.days = shipping_days(location.calendar, now)
        self.used: dict[date, int] = dict(location.used)
        self.digest = _digest(location)

    @property
    def first_day(self) -> tuple[int, date] | None:
        """The next day on which it ships, whether full or not."""
        return self.days[0] if self.days else None

    def day_with_room(self) -> tuple[int, date] | None:
        """The next day on which it ships and can take another order; None if all days ahead are full."""
        capacity = self.location.capacity
        if capacity is None:
            return self.first_day
        used = self.used
        for pair in self.days:
            if used.get(pair[1], 0) < capacity:
                return pair
        return None

    def used_ahead(self) -> dict[str, int]:
        """What counts of its load for a decision, by ISO day; empty without a limit."""
        if self.location.capacity is None:
            return {}
        return {day.isoformat(): self.used[day] for _, day in self.days if day in self.used}


def _digest(location: PlanLocation) -> str:
    calendar, area = location.calendar, location.area
    content: tuple[object, ...] = (
        location.code, location.country, location.region, location.postal_code, location.latitude, location.longitude,
        location.kind, sorted(location.capabilities), calendar.timezone, calendar.working_days,
        sorted(day.isoformat() for day in calendar.holidays), calendar.cutoff, location.capacity, location.rank,
        location.enabled,
    )  # fmt: skip
    if area is not None:  # a location without one has the digest that it had before there were any
        content += ([_zone(zone) for zone in area.serves], [_zone(zone) for zone in area.excludes])
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def _zone(zone: Zone) -> tuple[object, ...]:
    return zone.country, sorted(zone.regions), zone.first, zone.last


class Ledger:
    """Stock and capacity that are left, and what the batch has taken of them."""

    __slots__ = ("allocated", "loads", "sites", "stock")

    def __init__(self, locations: Sequence[PlanLocation], stock: Stock, now: datetime) -> None:
        self.sites = [Site(location, now) for location in sorted(locations, key=lambda location: location.code)]
        self.stock: dict[tuple[str, str], int] = dict(stock)
        self.allocated: dict[tuple[str, str], int] = {}
        self.loads: dict[tuple[str, date], int] = {}

    def take(
        self, site: Site, day: date, lines: Iterable[LineShare], moves: Iterable[tuple[str, str, int]] = ()
    ) -> None:
        """Take what a fulfilment needs, what is moved to it from where it is; never more than there is, which the
        allocation has made sure of.
        """
        needed: dict[tuple[str, str], int] = {}
        for _, sku, quantity in lines:
            needed[(site.code, sku)] = needed.get((site.code, sku), 0) + quantity
        for source, sku, quantity in moves:
            needed[(site.code, sku)] -= quantity
            needed[(source, sku)] = needed.get((source, sku), 0) + quantity
        for key, quantity in needed.items():
            if quantity == 0:
                continue
            left = self.stock.get(key, 0) - quantity
            if left < 0:
                raise AssertionError(f"the planner took more of {key[1]} at {key[0]} than there is")
            self.stock[key] = left
            self.allocated[key] = self.allocated.get(key, 0) + quantity
        site.used[day] = site.used.get(day, 0) + 1
        self.loads[(site.code, day)] = self.loads.get((site.code, day), 0) + 1


@lru_cache(maxsize=4096)
def distance_km(
    latitude: float | None, longitude: float | None, other_latitude: float | None, other_longitude: float | None
) -> int | None:
    """Great-circle distance in whole kilometres (haversine formula); None where a coordinate is not known."""
    if latitude is None or longitude is None or other_latitude is None or other_longitude is None:
        return None
    lat1, lat2 = radians(latitude), radians(other_latitude)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other_longitude - longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return round(2 * EARTH_KM * asin(min(1.0, sqrt(chord))))
