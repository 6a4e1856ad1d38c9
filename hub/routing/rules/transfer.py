"""Moving stock to one location that then sends everything, weighed against sending from several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.kit.rules.actions import Transfer
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing.rules.candidates import Candidacy
from hub.routing.rules.decision import CourierChoice, Fulfilment

Move = tuple[str, str, int]
"""(from location, SKU, thousandths)."""
ServiceFrom = Callable[[Candidacy, date], CourierChoice | None]
"""The service for the whole order from a location on a day."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Everything is brought to one location and sent from there on `ship_day`. `total_minor` is the service's price and
    what the moves cost.
    """

    target: Candidacy
    moves: tuple[Move, ...]
    ship_day: date
    choice: CourierChoice
    total_minor: int
    currency: str

    def record(self, instead_minor: int | None, *, taken: bool) -> dict[str, Any]:
        """How it is told in the decision; `instead_minor` is what sending from several costs, None where nobody may."""
        body: dict[str, Any] = {
            "to": self.target.code, "moves": [list(move) for move in self.moves], "total_minor": self.total_minor,
            "currency": self.currency, "ship_day": self.ship_day.isoformat(), "taken": taken,
        }  # fmt: skip
        if instead_minor is not None:
            body["instead_minor"] = instead_minor
        return body


def moves_stock(rules: CompiledRuleSet) -> bool:
    """Whether these rules may ask for a transfer: then it is made where the plan is carried out."""
    return any(isinstance(action, Transfer) for rule in rules.sourcing for action in rule.actions)


def cheapest(ranked: Sequence[Candidacy], policy: Transfer, service: ServiceFrom) -> Gathering | None:
    """The cheapest way to gather an order at one of its candidates, the better ranked of equals; None without one.

    Nothing is brought to a location that owes goods, or their safety stock, of the same SKUs: what arrives fills that.
    """
    found: list[Gathering] = []
    for target in ranked:
        moves = _moves(target, ranked, policy.max_sources) if target.missing and not target.owes else None
        day = _after(target, policy.days)
        choice = service(target, day) if moves and day is not None else None
        if moves and day is not None and choice is not None and choice.quote is not None:
            sources = len({source for source, _, _ in moves})
            total = choice.quote.total_minor + policy.cost_minor * sources
            found.append(Gathering(target, moves, day, choice, total, choice.quote.currency))
    return min(found, key=lambda one: one.total_minor, default=None)


def beats(gathering: Gathering, parts: Sequence[Fulfilment]) -> bool:
    """Whether it costs less than sending these parts, and is not late where they are not."""
    instead = price_of(parts, gathering.currency)
    late = any(part.service is not None and part.service.late for part in parts)
    return instead is not None and gathering.total_minor < instead and (late or not gathering.choice.late)


def price_of(parts: Sequence[Fulfilment], currency: str) -> int | None:
    """What the services of all parts cost; None where one has no price in this currency."""
    quotes = [part.service.quote for part in parts if part.service is not None and part.service.quote is not None]
    if len(quotes) < len(parts) or any(quote.currency != currency for quote in quotes):
        return None
    return sum(quote.total_minor for quote in quotes)


def _moves(target: Candidacy, ranked: Sequence[Candidacy], most: int) -> tuple[Move, ...] | None:
    """What is missing at a location, from as few others as give it, the better ranked first; None if they do not."""
    left = dict(target.missing)
    moves: list[Move] = []
    others = [candidate for candidate in ranked if candidate is not target]
    for _ in range(most):
        source = max(others, key=lambda one: sum(min(left[sku], one.available[sku]) for sku in left), default=None)
        if source is None or not left:
            break
        others.remove(source)
        given = {sku: min(missing, source.available[sku]) for sku, missing in left.items()}
        moves.extend((source.code, sku, quantity) for sku, quantity in given.items() if quantity > 0)
        left = {sku: missing - given[sku] for sku, missing in left.items() if missing > given[sku]}
    return None if left else tuple(moves)


def _after(target: Candidacy, days: int) -> date | None:
    if target.day is None:
        return None
    ready, capacity, used = target.day[0] + days, target.site.location.capacity, target.site.used
    free = (day for offset, day in target.site.days if offset >= ready)
    return next((day for day in free if capacity is None or used.get(day, 0) < capacity), None)
