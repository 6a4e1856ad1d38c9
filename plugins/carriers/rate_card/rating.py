"""Pricing: pure, exact and fast enough for planning.

A parcel is billed by the greater of its weight and its volumetric weight (length x width x height in cubic millimetres
over the divisor, rounded up to grams). Parcels are priced one by one and summed. Percentages are rounded once for a
shipment, half up, to the currency's minor unit. Everything is integers: no price passes through a binary fraction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from hub.canonical.money import Money
from hub.canonical.shipping import Parcel, Rate, RateRequest, Surcharge
from plugins.carriers.rate_card.card import PERCENT_SCALE, CompiledService, CompiledSurcharge
from plugins.carriers.rate_card.parts import (
    AmountSurcharge,
    OversizeSurcharge,
    OverweightSurcharge,
    PercentSurcharge,
    RemoteAreaSurcharge,
    ResidentialSurcharge,
    Service,
)
from plugins.carriers.rate_card.settings import RateCardSettings
from plugins.carriers.rate_card.zones import Spot, anywhere, spot_of

SIDES = 3


@dataclass(frozen=True, slots=True)
class Box:
    """A parcel as pricing sees it: its weight, and its sides from the longest down where all three were measured."""

    grams: int
    sides: tuple[int, ...]

    @property
    def volume(self) -> int | None:
        """Cubic millimetres, or None where a side is not known."""
        return self.sides[0] * self.sides[1] * self.sides[2] if len(self.sides) == SIDES else None

    def longer_than(self, limits: Sequence[int]) -> bool:
        """Whether any known side is above the limit of its rank; sides that nobody measured are not held against it."""
        if not self.sides or not limits:
            return False
        return any(side > limit for side, limit in zip(self.sides, limits, strict=False))

    def girthier_than(self, limit: int | None) -> bool:
        """Whether the longest side plus twice the other two is above the limit."""
        if limit is None or len(self.sides) < SIDES:
            return False
        return self.sides[0] + 2 * (self.sides[1] + self.sides[2]) > limit


@dataclass(frozen=True, slots=True)
class Way:
    """What is the same for all services of one request."""

    request: RateRequest
    origin: Spot
    destination: Spot
    boxes: tuple[Box, ...]
    residential: bool
    zone: str | None


def box_of(parcel: Parcel) -> Box:
    """A parcel as pricing sees it."""
    sides = [side for side in (parcel.length_mm, parcel.width_mm, parcel.height_mm) if side is not None]
    return Box(parcel.grams, tuple(sorted(sides, reverse=True)))


def billed_grams(box: Box, divisor: int | None) -> int:
    """The greater of weight and volumetric weight, in whole grams."""
    if divisor is None or box.volume is None:
        return box.grams
    return max(box.grams, -(-box.volume // divisor))


def rate(settings: RateCardSettings, request: RateRequest) -> list[Rate]:
    """Prices of all services that can carry the parcels, in the order of the settings; an empty list where none can.

    Prices are in the card's own currency whatever the request asks for: nothing is converted.
    """
    way = _way(settings, request)
    if way is None:
        return []
    rates = (_rate_service(service, way, settings.currency) for service in settings.card.services)
    return [one for one in rates if one is not None]


def rate_one(settings: RateCardSettings, request: RateRequest, code: str) -> Rate | None:
    """The price of one service, or None where it cannot carry the parcels."""
    way = _way(settings, request)
    service = next((one for one in settings.card.services if one.settings.code == code), None)
    if way is None or service is None:
        return None
    return _rate_service(service, way, settings.currency)


def _way(settings: RateCardSettings, request: RateRequest) -> Way | None:
    origin, destination = spot_of(request.ship_from), spot_of(request.ship_to)
    if origin is None or destination is None or not request.parcels:
        return None
    return Way(
        request=request,
        origin=origin,
        destination=destination,
        boxes=tuple([box_of(parcel) for parcel in request.parcels]),
        residential=not request.ship_to.company,
        zone=settings.card.zones.find(origin, destination),
    )


def _carries(service: Service, box: Box) -> bool:
    if service.max_grams is not None and box.grams > service.max_grams:
        return False
    return not box.longer_than(service.max_sides_mm) and not box.girthier_than(service.max_length_plus_girth_mm)


def _rate_service(service: CompiledService, way: Way, currency: str) -> Rate | None:
    zone = way.zone if service.zones is None else service.zones.find(way.origin, way.destination)
    table = service.tables.get(zone) if zone is not None else None
    if table is None or not all(_carries(service.settings, box) for box in way.boxes):
        return None
    freight = billed = 0
    for box in way.boxes:
        grams = billed_grams(box, service.divisor)
        price = table.price(grams)
        if price is None:
            return None
        freight += price
        billed += grams
    surcharges = _surcharges(service, way, table.zone, freight)
    deliver_by = None
    if table.transit_days is not None:
        deliver_by = service.calendar.promise(way.request.ship_at, table.transit_days[1])
    return Rate(
        service=service.settings.code,
        total=_money(freight + sum([amount for _, amount in surcharges]), currency),
        surcharges=tuple([Surcharge(code=code, amount=_money(amount, currency)) for code, amount in surcharges]),
        billed_grams=billed,
        zone=table.zone,
        deliver_by=deliver_by,
    )


@lru_cache(maxsize=4_096)
def _money(minor: int, currency: str) -> Money:
    """A card has few prices: each is made once."""
    return Money(minor=minor, currency=currency)


def _surcharges(service: CompiledService, way: Way, zone: str, freight: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    subtotal = freight
    for item in service.surcharges:
        if item.zones is not None and zone not in item.zones:
            continue
        if isinstance(item.rule, PercentSurcharge):
            amount = share_of(subtotal if item.rule.of == "subtotal" else freight, item.share)
        else:
            amount = item.amount * _times(item, way)
        if amount:
            found.append((item.rule.code, amount))
            subtotal += amount
    return found


def share_of(minor: int, millionths: int) -> int:
    """A share of an amount in minor units, rounded half up."""
    return (2 * minor * millionths + PERCENT_SCALE) // (2 * PERCENT_SCALE)


def _times(item: CompiledSurcharge, way: Way) -> int:
    rule = item.rule
    if isinstance(rule, OverweightSurcharge):
        hit = sum(box.grams > rule.over_grams for box in way.boxes)
    elif isinstance(rule, OversizeSurcharge):
        hit = sum(
            box.longer_than(rule.over_sides_mm) or box.girthier_than(rule.over_length_plus_girth_mm)
            for box in way.boxes
        )
    elif isinstance(rule, ResidentialSurcharge):
        hit = len(way.boxes) * way.residential
    elif isinstance(rule, RemoteAreaSurcharge):
        hit = len(way.boxes) * anywhere(item.places, way.destination, way.origin.country)
    else:
        hit = len(way.boxes)
    return min(hit, 1) if isinstance(rule, AmountSurcharge) and rule.per == "shipment" else hit
