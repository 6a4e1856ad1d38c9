"""One number of a stored problem made other than it was, and how that is said in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from hub.kit.rules.actions import Action, Prefer
from hub.routing.rules.allocation import format_units
from hub.routing.rules.values import UNIT, PlanLocation, PlanningProblem, Quote, RateQuery, Rates

ChangeKind = Literal["stock", "capacity", "cutoff", "now", "price", "weight"]
KINDS: dict[ChangeKind, str] = {
    "stock": "units of a SKU at the location (thousandths where parts of a unit were ordered)",
    "capacity": "orders that the location can take a day",
    "cutoff": "minutes by which the location's cut-off is later",
    "now": "minutes after the moment of planning, negative: before it",
    "price": "minor units of a service's price from the location",
    "weight": "points of a rule that prefers a location",
}
"""What can be changed and in which unit, in the order in which changes of different units are told."""


@dataclass(frozen=True, slots=True)
class Change:
    """One number by so much more (or less, where `amount` is below zero).

    `subject` is the SKU, the service or the rule. `step` is the thousandths that a whole step of stock is.
    """

    kind: ChangeKind
    amount: int
    location: str = ""
    subject: str = ""
    step: int = UNIT
    currency: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON, without empty members; stock in thousandths."""
        body: dict[str, Any] = {"kind": self.kind, "amount": self.amount}
        if self.kind == "stock":
            body["amount"] = self.amount * self.step
        for name in ("location", "subject", "currency"):
            if getattr(self, name):
                body[name] = getattr(self, name)
        return body

    def in_words(self) -> str:
        """The condition, to follow an `if`."""
        size = abs(self.amount)
        word = "more" if self.amount > 0 else "less"
        match self.kind:
            case "stock":
                return f"{self.location} had {format_units(size * self.step)} more of {self.subject}"
            case "capacity":
                return f"{self.location} could take {_counted(size, 'more order')} a day"
            case "cutoff":
                return f"the cut-off of {self.location} were {_counted(size, 'minute')} later"
            case "now":
                return f"it had been planned {_counted(size, 'minute')} earlier"
            case "price":
                money = f"{_counted(size, 'minor unit')} ({self.currency})"
                return f"{self.subject} from {self.location} cost {money} {word}"
            case "weight":
                return f"rule {self.subject} weighed {_counted(size, 'point')} {word}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def changed(problem: PlanningProblem, changes: Sequence[Change]) -> PlanningProblem:
    """The problem with these changes and nothing else."""
    for change in changes:
        problem = _changed(problem, change)
    return problem


def _changed(problem: PlanningProblem, change: Change) -> PlanningProblem:
    match change.kind:
        case "stock":
            key = (change.location, change.subject)
            more = problem.stock.get(key, 0) + change.amount * change.step
            return replace(problem, stock={**problem.stock, key: more})
        case "now":
            return replace(problem, now=problem.now + timedelta(minutes=change.amount))
        case "price":
            return replace(problem, rates=_priced(problem.rates, change))
        case "weight":
            return replace(problem, rules=problem.rules.with_actions(change.subject, _weighed(problem, change)))
        case _:
            return replace(problem, locations=tuple(_place(place, change) for place in problem.locations))


def _place(place: PlanLocation, change: Change) -> PlanLocation:
    if place.code != change.location:
        return place
    if change.kind == "capacity":
        return replace(place, capacity=(place.capacity or 0) + change.amount)
    calendar = place.calendar
    return replace(place, calendar=replace(calendar, cutoff=(calendar.cutoff or 0) + change.amount))


def _weighed(problem: PlanningProblem, change: Change) -> tuple[Action, ...]:
    rule = problem.rules.rule(change.subject)
    actions = rule.actions if rule is not None else ()
    return tuple(
        action.model_copy(update={"weight": action.weight + change.amount})
        if isinstance(action, Prefer) and prefers(action, change.location)
        else action
        for action in actions
    )


def prefers(action: Prefer, code: str) -> bool:
    """Whether the action weighs this location, where its rule holds for it."""
    return action.locations is None or code in action.locations


def _priced(rates: Rates | None, change: Change) -> Rates | None:
    if rates is None:
        return None

    def priced(query: RateQuery) -> list[Quote]:
        return [
            replace(quote, total_minor=quote.total_minor + change.amount)
            if query.location.code == change.location and quote.reference == change.subject
            else quote
            for quote in rates(query)
        ]

    return priced
