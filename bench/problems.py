"""Planning problems made of past orders, for the planner alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bench.past import Past, PastOrder, grams_of, rate_card, stock_of
from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.order_facts import order_facts
from hub.kit.rules.rule_set import read_rule_set
from hub.routing.rules.calendar import Calendar
from hub.routing.rules.values import (
    UNIT,
    PlanLine,
    PlanLocation,
    PlanningProblem,
    PlanOrder,
    Quote,
    RateQuery,
    Rates,
    Stock,
)
from hub.routing.service.inputs import rate_request
from plugins.carriers.rate_card.rating import rate
from plugins.carriers.rate_card.settings import RateCardSettings

RULES = 50
NEAREST, CHEAPEST = ("preference", "distance", "load"), ("cost", "distance")
WAVE = {"action": "strategy", "use": "wave", "split_minor": 500, "late_minor": 2_000, "seconds": 2}


def fifty_rules(*rankers: str) -> CompiledRuleSet:
    """Fifty rules as a merchant writes them: most ask something of the order, some of each location, some of the
    parcel; few match. `rankers` order the locations.
    """
    regions = ("SP", "RJ", "MG", "RS", "PR", "BA", "SC", "PE", "CE", "DF", "GO", "ES")
    sourcing: list[dict[str, Any]] = [
        {"when": [f"order.ship_to.region == '{region}'"], "then": [{"action": "prefer", "locations": [region]}]}
        for region in regions[:WAREHOUSE_RULES]
    ]
    sourcing += [
        {"when": [f"order.total_minor > {(number + 9) * 20_000}", "order.lines > 3"],
         "then": [{"action": "split", "max_splits": 1}]}
        for number in range(10)
    ]  # fmt: skip
    sourcing += [
        {"when": [f"'TAG-{number}' in order.tags"], "then": [{"action": "require", "capabilities": ["cold"]}]}
        for number in range(10)
    ]
    sourcing += [
        {"when": [f"location.distance_km > {3_500 + number * 100}", "order.lines > 1"], "then": [{"action": "exclude"}]}
        for number in range(4)
    ]
    sourcing.append({"then": [{"action": "rank", "by": [{"ranker": name} for name in rankers]}]})
    courier: list[dict[str, Any]] = [
        {"when": [f"parcel.grams > {40_000 + number}"],
         "then": [{"action": "exclude_services", "services": ["olist/EXP"]}]}
        for number in range(RULES - len(sourcing))
    ]  # fmt: skip
    return compiled(sourcing, courier)


WAREHOUSE_RULES = 9


def compiled(sourcing: Sequence[dict[str, Any]], courier: Sequence[dict[str, Any]] = ()) -> CompiledRuleSet:
    """A rule set of these rules, named by their numbers."""
    return compile_rule_set(read_rule_set(document(sourcing, courier)))


def document(sourcing: Sequence[dict[str, Any]], courier: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The same as people write it."""
    named = {"sourcing": sourcing, "courier": courier}
    return {
        section: [{"id": f"{section}-{number}", "name": f"Rule {number}", **rule} for number, rule in enumerate(found)]
        for section, found in named.items()
    }


def rates_of(past: Past) -> Rates:
    """Prices of the model's rate card, by the plugin's own code."""
    settings = RateCardSettings.model_validate(rate_card(past))
    origins = {city.state: Address(country=past.country, region_code=city.state) for city in past.warehouses}

    def rates(query: RateQuery) -> list[Quote]:
        return [
            Quote(past.name, found.service, found.total.minor, found.total.currency, found.deliver_by)
            for found in rate(settings, rate_request(query, origins[query.location.code]))
        ]

    return rates


def locations_of(past: Past, capacity: int | None = None) -> list[PlanLocation]:
    """The warehouses, working on weekdays until two."""
    return [
        PlanLocation(
            code=city.state, country=past.country, region=city.state, latitude=city.latitude, longitude=city.longitude,
            calendar=Calendar(past.timezone, cutoff=14 * 60), capacity=capacity,
        )
        for city in past.warehouses
    ]  # fmt: skip


def plan_order(past: Past, order: PastOrder) -> PlanOrder:
    """One order as the planner takes it; where the buyer's city is not known, from the middle of his state."""
    at = (order.city.latitude, order.city.longitude) if order.city else past.states[order.state]
    lines = tuple(
        PlanLine(f"{order.number}-{number}", sku, units * UNIT, grams_of(sku))
        for number, (sku, units, _) in enumerate(order.items)
    )
    facts = order_facts(
        Order(external_id=order.number, number=order.number), connection=past.name, channel="webhook",
        payment_state="paid", weight_grams=sum(line.grams * line.quantity for line in lines) // UNIT,
    )  # fmt: skip
    facts |= {
        "order.ship_to.country": past.country, "order.ship_to.region": order.state,
        "order.total_minor": order.total_minor, "order.lines": len(lines),
        "order.currency": past.currency, "order.skus": [line.sku for line in lines],
    }  # fmt: skip
    return PlanOrder(
        order_id=order.number, number=order.number, placed_at=order.placed_at, lines=lines, facts=facts,
        country=past.country, region=order.state, postal_code=order.postal_code, latitude=at[0], longitude=at[1],
        deliver_by=order.promised, total_minor=order.total_minor,
    )  # fmt: skip


def problem_of(
    past: Past, orders: Sequence[PastOrder], *, rules: CompiledRuleSet, rates: Rates, now: datetime,
    capacity: int | None = None, stock: Stock | None = None,
) -> PlanningProblem:  # fmt: skip
    """A batch of past orders; without `stock`, what the model gives them."""
    units = stock_of(past, orders) if stock is None else stock
    return PlanningProblem(
        orders=[plan_order(past, order) for order in orders], locations=locations_of(past, capacity),
        stock={key: count * UNIT for key, count in units.items()}, rules=rules, now=now, rates=rates,
        rates_version=f"{past.name}:1",
    )  # fmt: skip


def three_lines(orders: Sequence[PastOrder]) -> list[PastOrder]:
    """The same orders with three lines each: what they lack is taken from the orders after them."""
    found = []
    for number, order in enumerate(orders):
        items = {item[0]: item for item in order.items[:3]}
        for other in (*orders[number + 1 :], *orders):
            if len(items) == 3:
                break
            items.setdefault(other.items[0][0], other.items[0])
        found.append(replace(order, items=tuple(items.values())))
    return found
