"""A rate card compiled for pricing, once for each settings instance: minor units, sorted steps, zone indexes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hub.canonical.money import to_minor
from plugins.carriers.rate_card.deadlines import Calendar
from plugins.carriers.rate_card.parts import AmountSurcharge, PercentSurcharge, Service, SurchargeRule, Table
from plugins.carriers.rate_card.zones import CompiledPlace, ZoneIndex, compile_places, compile_zones

PERCENT_SCALE = 1_000_000
"""Percents have four decimals: 12.5 % is 125,000 parts of a million."""


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """Prices of one service into one zone; `bounds[i]` grams cost `prices[i]` minor units."""

    zone: str
    over_grams: int
    bounds: tuple[int, ...]
    prices: tuple[int, ...]
    portion_grams: int
    portion_price: int
    transit_days: tuple[int, int] | None

    def price(self, grams: int) -> int | None:
        """Minor units for one parcel of this billed weight; None where the table does not hold it."""
        if grams <= self.over_grams:
            return None
        index = bisect_left(self.bounds, grams)
        if index < len(self.bounds):
            return self.prices[index]
        if not self.portion_grams:
            return None
        portions = -(-(grams - self.bounds[-1]) // self.portion_grams)
        return self.prices[-1] + portions * self.portion_price


@dataclass(frozen=True, slots=True)
class CompiledService:
    """One service ready for pricing. `zones` is None where the card's zones hold."""

    settings: Service
    tables: Mapping[str, CompiledTable]
    zones: ZoneIndex | None
    calendar: Calendar
    divisor: int | None
    surcharges: tuple["CompiledSurcharge", ...]


@dataclass(frozen=True, slots=True)
class CompiledSurcharge:
    """One surcharge in minor units, or as parts of a million of the price (`share`)."""

    rule: SurchargeRule
    zones: frozenset[str] | None
    amount: int
    share: int
    places: tuple[CompiledPlace, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that pricing needs."""

    currency: str
    zones: ZoneIndex
    services: tuple[CompiledService, ...]


def compile_table(table: Table, currency: str) -> CompiledTable:
    """One table in minor units; raises `MoneyError` where a price has more decimals than the currency."""
    more = table.additional
    return CompiledTable(
        zone=table.zone,
        over_grams=table.steps[0].over_grams or 0,
        bounds=tuple(step.up_to_grams for step in table.steps),
        prices=tuple(to_minor(step.price, currency) for step in table.steps),
        portion_grams=more.grams if more else 0,
        portion_price=to_minor(more.price, currency) if more else 0,
        transit_days=table.transit_days,
    )


def compile_surcharge(rule: SurchargeRule, currency: str) -> CompiledSurcharge:
    """One surcharge in minor units or parts of a million."""
    return CompiledSurcharge(
        rule=rule,
        zones=frozenset(rule.zones) or None,
        amount=to_minor(rule.amount, currency) if isinstance(rule, AmountSurcharge) else 0,
        share=int(rule.percent * Decimal(PERCENT_SCALE // 100)) if isinstance(rule, PercentSurcharge) else 0,
        places=compile_places(getattr(rule, "places", ())),
    )


def compile_service(
    service: Service, currency: str, calendar: Calendar, divisor: int | None, surcharges: Iterable[CompiledSurcharge]
) -> CompiledService:
    """One service with the surcharges that concern it."""
    return CompiledService(
        settings=service,
        tables={table.zone: compile_table(table, currency) for table in service.tables},
        zones=compile_zones(service.zones) if service.zones else None,
        calendar=calendar,
        divisor=service.volumetric_divisor or divisor,
        surcharges=tuple(item for item in surcharges if not item.rule.services or service.code in item.rule.services),
    )
