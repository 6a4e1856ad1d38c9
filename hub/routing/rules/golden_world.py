"""The planning problem of a golden order: put together as that of a stored decision is, so the same code decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.canonical.order import Order, OrderLine
from hub.canonical.party import Address
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.facts import CATALOGUE, FactValue
from hub.kit.rules.order_facts import order_facts
from hub.routing.rules.area import area_of
from hub.routing.rules.calendar import DAILY, calendar_of
from hub.routing.rules.golden import Golden, GoldenLocation, GoldenRate
from hub.routing.rules.inputs import as_stored, problem_again
from hub.routing.rules.values import (
    UNIT,
    PlanLocation,
    PlanningProblem,
    Quote,
    RateQuery,
    Rates,
    RouteFilter,
    RouteRank,
    RouteStrategy,
)

TAGS = "order.tags"
STATED = "stated"
"""The version of prices that a golden order states itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked beside the rules: prices of rate cards, and plugins. What they answered then is not asked again."""

    rates: Rates | None = None
    filters: Sequence[tuple[str, RouteFilter]] = ()
    ranks: Sequence[tuple[str, RouteRank]] = ()
    strategies: Mapping[str, RouteStrategy] = field(default_factory=dict)


def golden_facts(golden: Golden) -> dict[str, FactValue]:
    """The facts of the order: those that follow from lines and address, and those that are stated."""
    order, world = golden.order, golden.world
    to, number = order.ship_to, order.number or golden.name
    lines = tuple(
        OrderLine(
            external_id=line.line or str(place), sku=line.sku, quantity=line.quantity, grams=line.grams,
            requires_shipping=line.ships,
        )
        for place, line in enumerate(order.lines, 1)
    )  # fmt: skip
    canonical = Order(
        external_id=number, number=number, placed_at=order.placed_at or world.now, lines=lines,
        ship_to=Address(
            country=to.country or None, region_code=to.region or None, city=to.city or None,
            postal_code=to.postal_code or None,
        ),
    )  # fmt: skip
    found = order_facts(
        canonical, connection="", channel="", payment_state="unknown",
        requires=[name for line in order.lines for name in line.requires],
    )  # fmt: skip
    return _overlaid(found, order.facts)


def review_facts(golden: Golden) -> dict[str, FactValue]:
    """What review reads: the catalogue has not been asked yet, so capabilities are not known to it."""
    return _overlaid(golden_facts(golden) | {"order.requires": []}, golden.review.facts)


def location_of(place: GoldenLocation) -> PlanLocation:
    """A location of a golden order's world as the planner takes it; `used` comes with the problem."""
    return PlanLocation(
        code=place.code, country=place.country, region=place.region, postal_code=place.postal_code,
        latitude=place.latitude, longitude=place.longitude, kind=place.kind,
        capabilities=frozenset(place.capabilities), rank=place.rank, enabled=place.enabled,
        calendar=DAILY if place.calendar is None else calendar_of(place.calendar), capacity=place.orders_per_day,
        area=None if place.area is None else area_of(place.area),
    )  # fmt: skip


def golden_problem(
    golden: Golden, rules: CompiledRuleSet, asked: Asked, *, now: datetime, tags: Sequence[str]
) -> PlanningProblem:
    """The problem; `now` counts where the world has no moment of its own, `tags` are what review put on the order."""
    world = golden.world
    places = [location_of(place) for place in world.locations or ()]
    rates = asked.rates if world.rates is None else _Stated(world.rates)
    found = problem_again(as_stored(_inputs(golden, now, tags, priced=rates is not None)), places, rules, rates)
    answered = {name for name, _ in found.ranks}
    return replace(
        found,
        filters=asked.filters if world.answers is None else found.filters,
        ranks=(*found.ranks, *(pair for pair in asked.ranks if pair[0] not in answered)),
        strategies=asked.strategies if world.strategy is None else {},
    )


def _overlaid(found: Mapping[str, FactValue], stated: Mapping[str, FactValue | None]) -> dict[str, FactValue]:
    facts = {name: value for name, value in {**found, **stated}.items() if value is not None}
    if "order.missing" not in stated:
        facts["order.missing"] = [
            fact.name for fact in CATALOGUE.review if fact.optional and fact.name.startswith("order.")
            and fact.name not in facts
        ]  # fmt: skip
    return facts


def _inputs(golden: Golden, now: datetime, tags: Sequence[str], *, priced: bool) -> dict[str, Any]:
    """The inputs as a decision about it would store them (`hub.routing.rules.inputs.inputs_of`)."""
    world = golden.world
    inputs: dict[str, Any] = {
        "now": world.now or now, "order": _order(golden, now, tags),
        "locations": {place.code: _seen(golden, place) for place in world.locations or ()},
        "may_transfer": world.may_transfer,
    }  # fmt: skip
    if priced:
        cards = sorted((world.rate_cards or {}).items())
        inputs["rates"] = ",".join(f"{name}:{version}" for name, version in cards) or STATED
    if world.answers is not None:
        inputs["exclusions"], inputs["ranks"] = world.answers.exclusions, world.answers.ranks
    if world.strategy is not None:
        inputs["strategy"] = world.strategy
    return inputs


def _seen(golden: Golden, place: GoldenLocation) -> dict[str, Any]:
    stock, ages = golden.world.stock.get(place.code, {}), golden.world.stock_age.get(place.code, {})
    return {
        "stock": {sku: _thousandths(amount) for sku, amount in stock.items()}, "age": ages,
        "used": {day.isoformat(): count for day, count in place.used.items()},
    }  # fmt: skip


def _order(golden: Golden, now: datetime, tags: Sequence[str]) -> dict[str, Any]:
    order, facts, to = golden.order, golden_facts(golden), golden.order.ship_to
    stated = facts[TAGS]
    if tags and isinstance(stated, list):
        facts[TAGS] = sorted({*stated, *tags})
    lines = [(line.line or str(place), line) for place, line in enumerate(order.lines, 1)]
    return {
        "order_id": golden.name, "number": order.number or golden.name,
        "placed_at": order.placed_at or golden.world.now or now, "facts": facts,
        "lines": [
            [name, line.sku, _thousandths(line.quantity), line.grams, line.ships, line.requires, line.group]
            for name, line in lines
        ],
        "to": [to.country, to.region, to.postal_code, to.latitude, to.longitude],
        "pinned_location": order.pinned_location,
        "excluded_locations": dict.fromkeys(order.rejected_by, "it refused this order before"),
        "deliver_by": order.deliver_by, "total_minor": facts.get("order.total_minor"),
        "due": {name: line.due_at for name, line in lines if line.due_at is not None},
    }  # fmt: skip


def _thousandths(quantity: Decimal) -> int:
    return int(quantity * UNIT)


class _Stated:
    """Prices as a golden order states them."""

    def __init__(self, rates: Sequence[GoldenRate]) -> None:
        self._rates = rates

    def __call__(self, query: RateQuery) -> list[Quote]:
        return [
            self._quote(rate, query.ship_at)
            for rate in self._rates
            if not rate.locations or query.location.code in rate.locations
        ]

    @staticmethod
    def _quote(rate: GoldenRate, ship_at: datetime) -> Quote:
        connection, _, service = rate.service.partition("/")
        arrives = None if rate.days is None else ship_at + timedelta(days=rate.days)
        return Quote(connection, service, rate.total_minor, rate.currency, arrives)
