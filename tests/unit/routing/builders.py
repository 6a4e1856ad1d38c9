"""Small orders, locations and rule sets."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.canonical.order import Order
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.facts import FactValue
from hub.kit.rules.order_facts import order_facts
from hub.kit.rules.rule_set import read_rule_set
from hub.kit.rules.validation import KnownReferences, validate_rule_set
from hub.routing.rules.calendar import Calendar
from hub.routing.rules.decision import Decision
from hub.routing.rules.planner import plan
from hub.routing.rules.values import PlanLine, PlanLocation, PlanningProblem, PlanOrder, Quote, RateQuery

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
"""A Wednesday morning."""
BERLIN, PARIS, NEW_YORK = (52.52, 13.40), (48.86, 2.35), (40.71, -74.01)


def rules(**sections: Sequence[Mapping[str, Any]]) -> CompiledRuleSet:
    """A compiled rule set; rules without a name are called as their id."""
    document = {section: [{"name": rule["id"], **rule} for rule in found] for section, found in sections.items()}
    faults = validate_rule_set(document, KnownReferences(plugin_rankers=frozenset({"plugin:green"})))
    assert not faults, faults
    return compile_rule_set(read_rule_set(document))


def facts(**changes: FactValue) -> dict[str, FactValue]:
    """All order facts; `ship_to__country="FR"` sets `order.ship_to.country`."""
    known = order_facts(
        Order(external_id="1"), connection="shop", channel="webhook", payment_state="paid", weight_grams=0
    )
    known |= {"order.currency": "EUR", "order.total_minor": 5000, "order.placed_hour": 9, "order.placed_weekday": 3}
    return known | {"order." + name.replace("__", "."): value for name, value in changes.items()}


def line(sku: str, units: float = 1, **changes: Any) -> PlanLine:
    return PlanLine(**({"line_id": f"line-{sku}", "sku": sku, "quantity": int(units * 1000), "grams": 500} | changes))


def order(identity: str = "order-1", *lines: PlanLine, **changes: Any) -> PlanOrder:
    known: dict[str, Any] = {
        "order_id": identity,
        "number": f"#{identity}",
        "placed_at": NOW - timedelta(hours=1),
        "lines": lines or (line("MUG"),),
        "facts": facts(),
        "country": "DE",
        "region": "BE",
        "postal_code": "10115",
        "latitude": BERLIN[0],
        "longitude": BERLIN[1],
        "total_minor": 5000,
    }
    return PlanOrder(**(known | changes))


def location(code: str, **changes: Any) -> PlanLocation:
    at = changes.pop("at", BERLIN)
    known: dict[str, Any] = {
        "code": code,
        "country": "DE",
        "region": "BE",
        "latitude": at[0],
        "longitude": at[1],
        "calendar": Calendar("Europe/Berlin", cutoff=16 * 60),
        "version": "1",
    }
    return PlanLocation(**(known | changes))


def units(**stock: Mapping[str, float]) -> dict[tuple[str, str], int]:
    """`units(BER={"MUG": 3})`: three mugs at BER."""
    return {(code, sku): int(amount * 1000) for code, skus in stock.items() for sku, amount in skus.items()}


def problem(
    orders: Sequence[PlanOrder], locations: Sequence[PlanLocation], stock: Mapping[tuple[str, str], int], **changes: Any
) -> PlanningProblem:
    known: dict[str, Any] = {
        "orders": orders,
        "locations": locations,
        "stock": stock,
        "rules": rules(),
        "now": NOW,
    }
    return PlanningProblem(**(known | changes))


def decide(
    wanted: PlanOrder, locations: Sequence[PlanLocation], stock: Mapping[tuple[str, str], int], **changes: Any
) -> Decision:
    """The decision for one order."""
    return plan(problem([wanted], locations, stock, **changes)).decisions[0]


def shares(decision: Decision) -> dict[str, dict[str, float]]:
    """Units by location and SKU."""
    found: dict[str, dict[str, float]] = {}
    for fulfilment in decision.fulfilments:
        skus = found.setdefault(fulfilment.location, {})
        for _, sku, quantity in fulfilment.lines:
            skus[sku] = skus.get(sku, 0) + quantity / 1000
    return found


def verdict(decision: Decision, code: str) -> Any:
    return next(candidate for candidate in decision.candidates if candidate.location == code)


def quotes(query: RateQuery) -> list[Quote]:
    """Three services: cheap and slow, standard, express."""
    base = 400 + query.parcels[0] // 10
    return [
        Quote("eco", "post", base - 100, "EUR", query.ship_at + timedelta(days=6)),
        Quote("swift", "standard", base, "EUR", query.ship_at + timedelta(days=2)),
        Quote("swift", "express", base + 900, "EUR", query.ship_at + timedelta(days=1)),
    ]
