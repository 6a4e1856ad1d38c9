"""One order's candidate locations: their facts, and the filters that take some of them out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.kit.rules.actions import Action, Exclude, Only, Prefer, Require
from hub.kit.rules.compiled import CompiledRule
from hub.kit.rules.facts import FactValue
from hub.routing.rules.decision import CourierChoice, Elimination
from hub.routing.rules.sites import Ledger, Site, distance_km
from hub.routing.rules.sourcing import Effects, judge_candidates
from hub.routing.rules.values import PlanLocation, PlanOrder
from hub.sdk.hooks import RouteRequest

BUILT_IN = {
    "disabled": "the location is switched off",
    "rejected": "the location refused the order before",
    "pinned": "a person chose another location",
    "area": "the address is outside its area",
    "capability": "it cannot handle the goods",
    "stock": "it has none of the SKUs",
    "calendar": "it has no working day ahead",
    "capacity": "its day is full",
}
"""Built-in filters, in the order in which they are asked."""


@dataclass(slots=True)
class Need:
    """What an order needs to be sent: thousandths by SKU, and the capabilities that a SKU asks for."""

    quantities: dict[str, int]
    requires: dict[str, frozenset[str]]

    @classmethod
    def of(cls, order: PlanOrder) -> "Need":
        """Summed over the lines that ship."""
        quantities: dict[str, int] = {}
        requires: dict[str, frozenset[str]] = {}
        for line in order.lines:
            if line.ships and line.quantity > 0:
                quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
                if line.requires:
                    requires[line.sku] = requires.get(line.sku, frozenset()) | frozenset(line.requires)
        return cls(quantities, requires)


class Candidacy:
    """One location while one order is decided."""

    __slots__ = ("available", "choice", "code", "day", "distance", "eliminations", "key", "missing", "owes",
                 "preference", "ranks", "same_country", "same_region", "site", "stock_age")  # fmt: skip

    def __init__(self, site: Site, order: PlanOrder, need: Need, stock: Mapping[tuple[str, str], int]) -> None:
        location = site.location
        self.site = site
        self.code = site.code
        self.eliminations: list[Elimination] = []
        self.preference = 0
        self.day: tuple[int, date] | None = None
        self.stock_age: int | None = None
        self.ranks: dict[str, float | None] = {}
        self.key: tuple[float, ...] = ()
        self.choice: CourierChoice | None = None
        self.same_country = location.country == order.country != ""
        self.same_region = self.same_country and location.region == order.region != ""
        self.distance = distance_km(order.latitude, order.longitude, location.latitude, location.longitude)
        self.available: dict[str, int] = {}
        self.missing: dict[str, int] = {}
        self.owes: list[str] = []
        code = site.code
        for sku, wanted in need.quantities.items():
            there = stock.get((code, sku), 0)
            if there < 0:
                self.owes.append(sku)
                there = 0
            if need.requires and not need.requires.get(sku, frozenset()) <= location.capabilities:
                there = 0
            self.available[sku] = there
            if there < wanted:
                self.missing[sku] = wanted - there

    @property
    def kept(self) -> bool:
        """Whether nothing has taken it out."""
        return not self.eliminations

    def eliminate(self, by: str, reason: str, facts: Mapping[str, Any] | None = None) -> None:
        """Note a reason why it cannot send."""
        self.eliminations.append(Elimination(by, reason, facts or {}))


def _capacity_left(candidate: Candidacy) -> int | None:
    capacity = candidate.site.location.capacity
    if capacity is None or candidate.day is None:
        return None
    return capacity - candidate.site.used.get(candidate.day[1], 0)


def load_permille(candidate: Candidacy) -> int:
    """Share of the day's capacity in use, in thousandths; 0 without a limit."""
    capacity = candidate.site.location.capacity
    if not capacity or candidate.day is None:
        return 0
    return candidate.site.used.get(candidate.day[1], 0) * 1000 // capacity


LOCATION_VALUES: dict[str, Callable[[Candidacy], FactValue | None]] = {
    "location.code": lambda c: c.code,
    "location.kind": lambda c: c.site.location.kind,
    "location.country": lambda c: c.site.location.country,
    "location.region": lambda c: c.site.location.region,
    "location.postal_code": lambda c: c.site.location.postal_code,
    "location.capabilities": lambda c: sorted(c.site.location.capabilities),
    "location.rank": lambda c: c.site.location.rank,
    "location.distance_km": lambda c: c.distance,
    "location.same_country": lambda c: c.same_country,
    "location.same_region": lambda c: c.same_region,
    "location.ship_in_days": lambda c: c.day[0] if c.day else None,
    "location.capacity_left": _capacity_left,
    "location.load_permille": load_permille,
    "location.fills_all": lambda c: not c.missing,
}


def facts_at(candidate: Candidacy, order: PlanOrder, names: Iterable[str]) -> dict[str, FactValue]:
    """Those facts of the order and of the candidate that are asked for and known."""
    values: dict[str, FactValue] = {}
    for name in names:
        value_of = LOCATION_VALUES.get(name)
        value = order.facts.get(name) if value_of is None else value_of(candidate)
        if value is not None:
            values[name] = value
    return values


def enlist(ledger: Ledger, order: PlanOrder, need: Need, effects: Effects) -> list[Candidacy]:
    """All locations as candidates of an order, the built-in filters applied."""
    candidates = [Candidacy(site, order, need, ledger.stock) for site in ledger.sites]
    when_full = effects.capacity.when_full
    for candidate in candidates:
        site = candidate.site
        candidate.day = site.first_day if when_full != "next_day" else site.day_with_room()
        _check_order(candidate, order)
        _check_goods(candidate, need)
        _check_days(candidate, site.location, when_full)
    return candidates


def _check_order(candidate: Candidacy, order: PlanOrder) -> None:
    if not candidate.site.location.enabled:
        candidate.eliminate("disabled", BUILT_IN["disabled"])
    if candidate.code in order.excluded_locations:
        candidate.eliminate("rejected", order.excluded_locations[candidate.code] or BUILT_IN["rejected"])
    if order.pinned_location is not None and candidate.code != order.pinned_location:
        candidate.eliminate("pinned", BUILT_IN["pinned"], {"pinned": order.pinned_location})
    area = candidate.site.location.area
    if area is not None and (refusal := area.refusal(order.country, order.region, order.postal_code)):
        to = {"country": order.country, "region": order.region, "postal_code": order.postal_code}
        candidate.eliminate("area", refusal, to)


def _check_goods(candidate: Candidacy, need: Need) -> None:
    if any(candidate.available.values()):
        return
    lacking = frozenset().union(*need.requires.values()) - candidate.site.location.capabilities
    if lacking and len(need.requires) == len(need.quantities):
        candidate.eliminate("capability", BUILT_IN["capability"], {"lacks": sorted(lacking)})
    else:
        candidate.eliminate("stock", BUILT_IN["stock"], {"missing": dict(candidate.missing)})


def _check_days(candidate: Candidacy, location: PlanLocation, when_full: str) -> None:
    site = candidate.site
    if not site.days:
        candidate.eliminate("calendar", BUILT_IN["calendar"])
    elif when_full != "ignore" and location.capacity is not None:
        day = candidate.day
        if day is None or site.used.get(day[1], 0) >= location.capacity:
            first = site.days[0][1]
            candidate.eliminate("capacity", BUILT_IN["capacity"], {
                "capacity": location.capacity, "used": site.used.get(first, 0), "day": first.isoformat(),
            })  # fmt: skip


def apply_rules(candidates: list[Candidacy], effects: Effects, order: PlanOrder, facts_read: tuple[str, ...]) -> None:
    """Apply the sourcing rules that touch candidates; raises `RuleError`."""
    there = frozenset(candidate.code for candidate in candidates if candidate.site.location.enabled)
    for rule, action in effects.touching:
        known = _as_known(action, there)
        if known is None:
            continue
        for candidate in candidates:
            _touch(candidate, rule, known, named_only=True)
    if not effects.per_candidate:
        return
    values = {c.code: facts_at(c, order, facts_read) for c in candidates if c.kept}
    for rule, held in judge_candidates(effects, values):
        hit = frozenset(held)
        for candidate in candidates:
            if candidate.code in hit:
                for action in rule.actions:
                    _touch(candidate, rule, action, named_only=False)


def _as_known(action: Action, there: frozenset[str]) -> Action | None:
    """The action as its policy for unknown locations wants it where none of those that it names is there."""
    if not isinstance(action, Only) or action.unknown == "hold" or there.intersection(action.locations):
        return action
    return action.model_copy(update={"locations": action.fallback}) if action.unknown == "fallback" else None


def unknown_places(effects: Effects, candidates: Iterable[Candidacy], order: PlanOrder) -> list[str]:
    """Locations without which nothing can send the order: those of a rule that holds it until one of them is there,
    and the one that a person chose.
    """
    there = frozenset(candidate.code for candidate in candidates if candidate.site.location.enabled)
    named = [
        action.locations for _, action in effects.touching if isinstance(action, Only) and action.unknown == "hold"
    ]
    if order.pinned_location is not None:
        named.append((order.pinned_location,))
    return sorted({code for codes in named if not there.intersection(codes) for code in codes})


def _touch(candidate: Candidacy, rule: CompiledRule, action: object, *, named_only: bool) -> None:
    if isinstance(action, Prefer):
        if _names(action.locations, candidate.code, named_only):
            candidate.preference += action.weight
    elif isinstance(action, Exclude):
        if _names(action.locations, candidate.code, named_only):
            candidate.eliminate(f"rule:{rule.id}", action.reason or rule.name)
    elif isinstance(action, Only):
        if candidate.code not in action.locations:
            candidate.eliminate(f"rule:{rule.id}", rule.name, {"only": list(action.locations)})
    elif isinstance(action, Require):
        lacking = sorted(set(action.capabilities) - candidate.site.location.capabilities)
        if lacking:
            candidate.eliminate(f"rule:{rule.id}", rule.name, {"lacks": lacking})


def _names(locations: tuple[str, ...] | None, code: str, named_only: bool) -> bool:
    if locations is None:
        return not named_only
    return code in locations


def route_request(candidates: list[Candidacy], order: PlanOrder) -> RouteRequest:
    """What hooks are asked with: the candidates that are still there."""
    kept = [candidate for candidate in candidates if candidate.kept]
    return RouteRequest(
        order_facts=dict(order.facts),
        locations=tuple(candidate.code for candidate in kept),
        location_facts={candidate.code: facts_at(candidate, order, LOCATION_VALUES) for candidate in kept},
    )
