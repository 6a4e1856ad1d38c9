"""The smallest change of a number that would have sent an order from another place: asked on demand, never live.

Each question is the planner itself, run again over the stored problem with the change in it, so an answer is never an
estimate. A number is raised to its bound; where that flips the decision, halving finds the least amount that does.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from hub.kit.rules.actions import Prefer
from hub.routing.rules.changes import KINDS, Change, changed, prefers
from hub.routing.rules.decision import Decision
from hub.routing.rules.outcome import PREORDER
from hub.routing.rules.planner import plan
from hub.routing.rules.values import UNIT, PlanLocation, PlanningProblem, Quote, RateQuery, Rates

MOST_PLANS = 3000
"""So often an order is planned at most to answer one question."""
MOST_EARLIER = 6 * 60
"""So many minutes back the moment of planning is moved: further back it was another day's work."""
LAST_MINUTE = 24 * 60 - 1
MOST_WEIGHT = 1000
_ORDER = list(KINDS)
_PAIRED = frozenset({"stock", "capacity", "cutoff", "price"})
"""What is changed together: numbers of the location itself, that its own people can do something about."""


@dataclass(frozen=True, slots=True)
class Flip:
    """What would make `location` send the order; each change is needed, and none is larger than needed."""

    location: str
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON with the sentence."""
        return {
            "location": self.location, "changes": [change.to_dict() for change in self.changes],
            "text": self.in_words(),
        }  # fmt: skip

    def in_words(self) -> str:
        """A sentence without its stop."""
        return f"{self.location} would win if {' and '.join(change.in_words() for change in self.changes)}"


@dataclass(frozen=True, slots=True)
class Flips:
    """The smallest flips by location, one for each unit: amounts of different units cannot be compared.

    `without` are locations that no change of one or two numbers would let win; `plans` counts the questions, and
    `complete` is false where they were not enough to look at everything.
    """

    found: tuple[Flip, ...]
    without: tuple[str, ...]
    plans: int
    complete: bool


class _Exhausted(Exception):
    """All questions are asked."""


def find_flips(problem: PlanningProblem, location: str | None = None, *, most: int = MOST_PLANS) -> Flips:
    """What would have changed the decision of the one order of `problem`.

    For a `location` that did not win: what would let it win. For none, or one that won: what would let another win.
    """
    search = _Search(problem, most)
    base = search.base
    if base.outcome == "needs_person" or base.reason == PREORDER or not search.wanted:
        return Flips((), (), search.plans, True)
    others = [candidate.location for candidate in base.candidates if candidate.location not in search.senders]
    targets = [location] if location in others else others
    found: list[Flip] = []
    without: list[str] = []
    complete = True
    for target in targets:
        try:
            flips = search.flips(target)
        except _Exhausted:
            complete = False
            break
        found.extend(flips)
        if not flips:
            without.append(target)
    return Flips(tuple(found), tuple(without), search.plans, complete)


def senders_of(decision: Decision) -> frozenset[str]:
    """The locations that send."""
    return frozenset(fulfilment.location for fulfilment in decision.fulfilments)


class _Search:
    """Questions about one order."""

    def __init__(self, problem: PlanningProblem, most: int) -> None:
        self.quotes: dict[tuple[str, str], Quote] = {}
        self.problem = replace(problem, rates=self._remembered(problem.rates))
        self.most = most
        self.plans = 0
        self.base = self.ask(())
        self.senders = senders_of(self.base)
        self.wanted: dict[str, int] = {}
        for line in problem.orders[0].lines:
            if line.ships:
                self.wanted[line.sku] = self.wanted.get(line.sku, 0) + line.quantity

    def ask(self, changes: Sequence[Change]) -> Decision:
        """The decision with these changes."""
        if self.plans >= self.most:
            raise _Exhausted
        self.plans += 1
        return plan(changed(self.problem, changes)).decisions[0]

    def flips(self, target: str) -> list[Flip]:
        """The smallest change of each unit, else the smallest pair of changes."""
        place = next(place for place in self.problem.locations if place.code == target)
        dials = list(self._dials(place))
        singles = [change for dial in dials if (change := self._least(dial, target)) is not None]
        best: dict[str, Change] = {}
        for change in sorted(singles, key=lambda change: (abs(change.amount), change.amount < 0)):
            best.setdefault(change.kind, change)
        if best:
            return [Flip(target, (best[kind],)) for kind in _ORDER if kind in best]
        paired = [dial for dial in dials if dial.kind in _PAIRED]
        if len(paired) < 2 or not self._wins(target, *paired):
            return []
        pairs = [pair for both in combinations(paired, 2) if (pair := self._least_pair(*both, target)) is not None]
        return [Flip(target, min(pairs, key=_size))] if pairs else []

    def _wins(self, target: str, *changes: Change) -> bool:
        return target in senders_of(self.ask(changes))

    def _least(self, dial: Change, target: str) -> Change | None:
        """The dial turned as far as is needed; None where its whole way is not enough."""
        below = 0
        if dial.kind == "now":  # days come and go: the nearest moment is looked for in steps that double
            reached = next((far for far in _doubling(abs(dial.amount)) if self._wins(target, _turned(dial, far))), None)
            if reached is None:
                return None
            below = max((far for far in _doubling(abs(dial.amount)) if far < reached), default=0)
        elif self._wins(target, dial):
            reached = abs(dial.amount)
        else:
            return None
        return _turned(dial, _halved(below, reached, lambda far: self._wins(target, _turned(dial, far))))

    def _least_pair(self, one: Change, other: Change, target: str) -> tuple[Change, Change] | None:
        if not self._wins(target, one, other):
            return None
        first, second = abs(one.amount), abs(other.amount)
        before = (0, 0)
        while before != (first, second):  # what the first can do without depends on the second, and the other way round
            before = first, second
            fixed = _turned(one, first)
            second = _halved(0, second, lambda far, fixed=fixed: self._wins(target, fixed, _turned(other, far)))  # type: ignore[misc]
            fixed = _turned(other, second)
            first = _halved(0, first, lambda far, fixed=fixed: self._wins(target, _turned(one, far), fixed))  # type: ignore[misc]
        return _turned(one, first), _turned(other, second)

    def _dials(self, place: PlanLocation) -> Iterator[Change]:
        """Every number that may let a location win, each turned as far as it goes."""
        code = place.code
        for sku, wanted in self.wanted.items():
            step = UNIT if wanted % UNIT == 0 else 1
            there = self.problem.stock.get((code, sku), 0)
            most = max([wanted, *(amount for (_, other), amount in self.problem.stock.items() if other == sku)])
            if most >= there:
                yield Change("stock", (most - there) // step + 1, code, sku, step)
        if place.capacity is not None:
            yield Change("capacity", 1 + 1000 * max(place.used.values(), default=0), code)
        if place.calendar.cutoff is not None and place.calendar.cutoff < LAST_MINUTE:
            yield Change("cutoff", LAST_MINUTE - place.calendar.cutoff, code)
        yield Change("now", -MOST_EARLIER)
        for (source, service), quote in sorted(self.quotes.items()):
            if source == code and quote.total_minor > 0:
                yield Change("price", -quote.total_minor, code, service, currency=quote.currency)
        yield from self._weights(code)

    def _weights(self, code: str) -> Iterable[Change]:
        held = {verdict.rule_id: verdict.candidates for verdict in self.base.rules if verdict.matched}
        for rule in self.problem.rules.sourcing:
            for action in rule.actions:
                if not isinstance(action, Prefer) or rule.id not in held:
                    continue
                reaches = held[rule.id] or action.locations or ()
                if code in reaches and prefers(action, code) and action.weight < MOST_WEIGHT:
                    yield Change("weight", MOST_WEIGHT - action.weight, code, rule.id)
                for sender in sorted(self.senders.intersection(reaches)):
                    if prefers(action, sender) and action.weight > -MOST_WEIGHT:
                        yield Change("weight", -MOST_WEIGHT - action.weight, sender, rule.id)

    def _remembered(self, rates: Rates | None) -> Rates | None:
        """Prices are asked once for each share; what is offered from where is noted."""
        if rates is None:
            return None
        known: dict[Any, Sequence[Quote]] = {}

        def remembered(query: RateQuery) -> Sequence[Quote]:
            key = (query.location.code, query.lines, query.parcels, query.ship_at)
            if key not in known:
                known[key] = rates(query)
                for quote in known[key]:
                    place = (query.location.code, quote.reference)
                    if place not in self.quotes or self.quotes[place].total_minor < quote.total_minor:
                        self.quotes[place] = quote
            return known[key]

        return remembered


def _turned(dial: Change, far: int) -> Change:
    return replace(dial, amount=far if dial.amount > 0 else -far)


def _halved(below: int, reached: int, wins: Callable[[int], bool]) -> int:
    """Between an amount that does not win and one that does: an amount that wins, while one less does not."""
    while reached - below > 1:
        middle = (below + reached) // 2
        if wins(middle):
            reached = middle
        else:
            below = middle
    return reached


def _doubling(most: int) -> Iterator[int]:
    far = 1
    while far < most:
        yield far
        far *= 2
    yield most


def _size(pair: Sequence[Change]) -> tuple[Any, ...]:
    return tuple(_ORDER.index(change.kind) for change in pair), sum(abs(change.amount) for change in pair)
