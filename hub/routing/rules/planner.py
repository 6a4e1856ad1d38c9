"""Plan a batch of orders: one pure function for live routing, preview, simulation and backtest.

Orders are served in a fair order (priority, placed, id) from a working copy of the stock, so that a batch never gives
the same unit twice. The order in which inputs arrive does not matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations
from math import ceil

from hub.kit.rules.actions import Strategy
from hub.kit.rules.facts import FactValue
from hub.kit.rules.language import RuleError
from hub.routing.rules.allocation import Allocation, Unfillable, allocate
from hub.routing.rules.calendar import leaves_at
from hub.routing.rules.candidates import (
    Candidacy,
    Need,
    apply_rules,
    enlist,
    facts_at,
    route_request,
    unknown_places,
)
from hub.routing.rules.courier import CourierPolicy, choose_service, courier_policy
from hub.routing.rules.decision import CourierChoice, Decision, Fulfilment, PlanResult
from hub.routing.rules.inputs import HookAnswers, hash_of, inputs_of
from hub.routing.rules.merge import merge_policy
from hub.routing.rules.outcome import NOTHING, Draft, finish
from hub.routing.rules.preorders import not_yet, turn
from hub.routing.rules.ranking import STRATEGY, put_first, rank, ranking_of
from hub.routing.rules.sites import Ledger
from hub.routing.rules.sourcing import Effects, effects_of
from hub.routing.rules.transfer import beats, cheapest, price_of
from hub.routing.rules.values import UNIT, Advice, LineShare, PlanningProblem, PlanOrder, RateQuery, Rates

HOUR = timedelta(hours=1)


def plan(problem: PlanningProblem) -> PlanResult:
    """A decision for each order, in the order in which they were served; reads nothing but `problem`."""
    problem = replace(problem, now=problem.now.replace(second=0, microsecond=0))
    ledger = Ledger(problem.locations, problem.stock, problem.now)
    decisions = tuple([_Planning(problem, ledger, order).decide() for order in served(problem.orders)])
    return PlanResult(decisions, ledger.allocated, ledger.loads)


@dataclass(frozen=True, slots=True)
class Ways:
    """How one order could be sent if it were the only one: what `strategy` may choose from."""

    order: PlanOrder
    strategy: Strategy
    options: tuple[tuple[Fulfilment, ...], ...]


def ways(problem: PlanningProblem) -> Iterator[Ways]:
    """The ways of each order, in the order in which they are served.

    Each place that has everything is one; where there is none, each two that have it together.
    """
    problem = replace(problem, now=problem.now.replace(second=0, microsecond=0), advice={})
    ledger = Ledger(problem.locations, problem.stock, problem.now)
    for order in served(problem.orders):
        yield _Planning(problem, ledger, order).ways()


def served(orders: Sequence[PlanOrder]) -> list[PlanOrder]:
    """Orders as they are served: by priority, then who waits longest, then by id."""
    return sorted(orders, key=turn)


class _Planning:
    """The work on one order."""

    __slots__ = (
        "answers", "candidates", "choices", "effects", "later", "ledger", "need", "order", "policies", "problem",
        "weights",
    )  # fmt: skip

    def __init__(self, problem: PlanningProblem, ledger: Ledger, order: PlanOrder) -> None:
        self.problem = problem
        self.ledger = ledger
        self.order = order
        self.need = Need.of(order)
        self.later = not_yet(order.lines, problem.now)
        self.effects = Effects()
        self.candidates: list[Candidacy] = []
        self.answers: HookAnswers = ([], {})
        self.choices: dict[tuple[str, tuple[LineShare, ...], int, date], CourierChoice] = {}
        self.policies: dict[str, CourierPolicy] = {}
        self.weights: dict[tuple[LineShare, ...], int] = {}

    def decide(self) -> Decision:
        draft = Draft(self.order, self.problem.rules.content_hash)
        error: RuleError | None = None
        if self.need.quantities:
            try:
                self.effects = effects_of(self.problem.rules.sourcing, self.order.facts, self.problem.now)
                self._leave_out_what_is_expected()
                self.candidates = enlist(self.ledger, self.order, self.need, self.effects)
                self._ask_rules_and_hooks()
            except RuleError as caught:
                error = caught
                self.candidates = self.candidates or enlist(self.ledger, self.order, self.need, self.effects)
        draft.later = self.later
        draft.inputs = inputs_of(draft.order, self.need, self.candidates, self.problem, self.answers)
        draft.inputs_hash = hash_of(draft.inputs)
        draft.verdicts = self.effects.verdicts
        draft.candidates = self.candidates
        if error is None and self.need.quantities:
            try:
                self._settle(draft)
            except RuleError as caught:
                error = caught
        if error is not None:
            draft.fail(error)
        return finish(draft, self.effects)

    def _leave_out_what_is_expected(self) -> None:
        """Where the rest may go before it, a pre-order's goods are no part of what is wanted now."""
        if self.later and not self.effects.split.ship_complete:
            now = replace(self.order, lines=tuple([line for line in self.order.lines if line not in self.later]))
            need = Need.of(now)
            if need.quantities:
                self.order, self.need = now, need

    def _only_later(self, whole: PlanOrder) -> bool:
        """Whether nothing of the order may go before the day of its pre-order."""
        return bool(self.later) and self.order is whole

    def ways(self) -> Ways:
        """All ways of this order; none where nothing ships or a rule could not be evaluated."""
        options: list[tuple[Fulfilment, ...]] = []
        if self.need.quantities:
            try:
                self.effects = effects_of(self.problem.rules.sourcing, self.order.facts, self.problem.now)
                whole = self.order
                self._leave_out_what_is_expected()
                if self.effects.strategy.use in self.problem.strategies and not self._only_later(whole):
                    self.candidates = enlist(self.ledger, self.order, self.need, self.effects)
                    self._ask_rules_and_hooks()
                    options = list(self._options())
            except RuleError:
                options = []
        return Ways(self.order, self.effects.strategy, tuple(options))

    def _options(self) -> Iterator[tuple[Fulfilment, ...]]:
        aside = self.effects.unfillable.locations
        kept = [candidate for candidate in self.candidates if candidate.kept and candidate.code not in aside]
        alone = [[candidate] for candidate in kept if not candidate.missing]
        for chosen in alone or map(list, combinations(kept, 2)):
            found = allocate(self.order, self.need, chosen, self.effects.split)
            if isinstance(found, Unfillable) or found.shortages:
                continue
            parts = [(one, share, self._service(one, share, len(found.shares))) for one, share in found.shares]
            if all(choice is None or choice.quote is not None for _, _, choice in parts):
                yield tuple(self._fulfilment(one, share, choice, one.day[1]) for one, share, choice in parts if one.day)

    def _ask_rules_and_hooks(self) -> None:
        problem, order = self.problem, self.order
        apply_rules(self.candidates, self.effects, order, problem.rules.candidate_facts)
        self._set_ages()
        if not problem.filters and not problem.ranks:
            return
        exclusions, ranks = self.answers
        request = route_request(self.candidates, order)
        by_code = {candidate.code: candidate for candidate in self.candidates}
        for name, ask in problem.filters:
            for exclusion in sorted(ask(request), key=lambda found: found.location):
                if exclusion.location in by_code:
                    by_code[exclusion.location].eliminate(f"plugin:{name}", exclusion.reason, exclusion.facts)
                    exclusions.append([name, exclusion.location, exclusion.reason, exclusion.facts])
        for name, value in problem.ranks:
            found = value(request)
            if found is not None:
                ranks[name] = dict(found)

    def _set_ages(self) -> None:
        ages = self.problem.stock_age
        if ages:
            for candidate in self.candidates:
                known = [ages[(candidate.code, sku)] for sku in self.need.quantities if (candidate.code, sku) in ages]
                candidate.stock_age = max(known) if known else None

    def _settle(self, draft: Draft) -> None:
        """Rank, allocate and choose services; a location without a service is taken out and it is tried again."""
        policy = self.effects.ranking
        plugin_ranks = {f"plugin:{name}": values for name, values in self.answers[1].items()}
        preferred = any(candidate.preference for candidate in self.candidates)
        draft.ranking = ranking_of(policy, tuple(plugin_ranks), preferred)
        kept = [candidate for candidate in self.candidates if candidate.kept]
        ranked = rank(kept, policy, draft.ranking, plugin_ranks, {"cost": self._cost, "arrival": self._arrival})
        if self._only_later(draft.order):
            draft.postpone()
            return
        advice = self.problem.advice.get(self.order.order_id)
        if advice is not None and advice.use == self.effects.strategy.use:
            draft.strategy = advice.to_dict()
            ranked = self._follow(draft, ranked, advice)
        aside = frozenset(self.effects.unfillable.locations)
        first = [candidate for candidate in ranked if candidate.code not in aside]
        last = [candidate for candidate in ranked if candidate.code in aside]
        found = self._send(draft, first)
        if found is not None and last:
            draft.fell_back = aside
            found = self._send(draft, [candidate for candidate in (*first, *last) if candidate.kept])
        if found is not None:
            draft.unfillable(found, unknown_places(self.effects, self.candidates, self.order))
            draft.advise()

    def _send(self, draft: Draft, ranked: list[Candidacy]) -> Unfillable | None:
        """Send it from these; why that cannot be."""
        while draft.reason == NOTHING:
            found = allocate(self.order, self.need, ranked, self.effects.split)
            draft.ranked = ranked
            if isinstance(found, Unfillable):
                return None if found.reason == "split_needed" and self._gather(draft, ranked, ()) else found
            refused = self._fulfil(draft, found)
            if refused is None:
                return None
            ranked = [candidate for candidate in ranked if candidate is not refused]
        return None

    def _follow(self, draft: Draft, ranked: list[Candidacy], advice: Advice) -> list[Candidacy]:
        """Send it as the strategy chose, where that still fits; the candidates for the case that it does not."""
        if not advice.locations:
            return ranked
        draft.ranking = (STRATEGY, *draft.ranking)
        ranked = put_first(ranked, advice.locations)
        chosen = [candidate for candidate in ranked if candidate.code in advice.locations]
        found = allocate(self.order, self.need, chosen, self.effects.split)
        if isinstance(found, Allocation) and not found.shortages:
            draft.ranked = ranked
            refused = self._fulfil(draft, found)
            ranked = [candidate for candidate in ranked if candidate is not refused]
        return ranked

    def _fulfil(self, draft: Draft, allocation: Allocation) -> Candidacy | None:
        """Make the fulfilments and take their stock; returns a candidate that no service would carry for."""
        fulfilments: list[Fulfilment] = []
        splits = len(allocation.shares)
        for candidate, share in allocation.shares:
            choice = self._service(candidate, share, splits)
            if choice is not None and choice.quote is None:
                candidate.eliminate("service", choice.reason, {"offered": len(choice.lost)})
                draft.refused = choice
                return candidate
            assert candidate.day is not None  # noqa: S101  kept candidates have a day
            fulfilments.append(self._fulfilment(candidate, share, choice, candidate.day[1]))
        if splits > 1 and self._gather(draft, draft.ranked, fulfilments):
            return None
        shares = [candidate for candidate, _ in allocation.shares]
        fulfilments = [self._merging(one, part, splits) for one, part in zip(shares, fulfilments, strict=True)]
        for candidate, fulfilment in zip(shares, fulfilments, strict=True):
            self.ledger.take(candidate.site, fulfilment.ship_day, fulfilment.lines)
        draft.plan(allocation, tuple(fulfilments))
        draft.advise()
        return None

    def _gather(self, draft: Draft, ranked: Sequence[Candidacy], parts: Sequence[Fulfilment]) -> bool:
        """Whether everything is brought to one location instead of sending these parts (none: nobody may split)."""
        policy = self.effects.transfer
        if policy is None:
            return False
        share = self._whole()
        best = cheapest(ranked, policy, lambda candidate, day: self._service(candidate, share, 1, day))
        if best is None or (parts and not beats(best, parts)):
            return False
        draft.transfer = best.record(price_of(parts, best.currency) if parts else None, taken=self.problem.may_transfer)
        if not self.problem.may_transfer:
            return False
        fulfilment = replace(self._fulfilment(best.target, share, best.choice, best.ship_day), moves=best.moves)
        fulfilment = self._merging(best.target, fulfilment, 1)
        self.ledger.take(best.target.site, best.ship_day, fulfilment.lines, best.moves)
        draft.gather(best.target, fulfilment)
        return True

    def _fulfilment(
        self, candidate: Candidacy, share: list[LineShare], choice: CourierChoice | None, day: date
    ) -> Fulfilment:
        leaves = leaves_at(candidate.site.location.calendar, day)
        return Fulfilment(candidate.code, tuple(share), day, leaves, self._grams(tuple(share)), choice)

    def _whole(self) -> list[LineShare]:
        """All that ships, from one place."""
        return [(line.line_id, line.sku, line.quantity) for line in self.order.lines if line.ships]

    def _grams(self, share: tuple[LineShare, ...]) -> int:
        """The weight of a share, added up once for all the places that are asked what sending it costs."""
        if share not in self.weights:
            weights = {(line.line_id, line.sku): line.grams for line in self.order.lines}
            self.weights[share] = ceil(sum(weights[(line, sku)] * quantity for line, sku, quantity in share) / UNIT)
        return self.weights[share]

    def _service(
        self, candidate: Candidacy, share: list[LineShare], splits: int, day: date | None = None
    ) -> CourierChoice | None:
        """The service for a share, asked for once: the ranker `cost` asks for what the winner then needs."""
        if self.problem.rates is None or candidate.day is None:
            return None
        day = day or candidate.day[1]
        key = candidate.code, tuple(share), splits, day
        if key not in self.choices:
            self.choices[key] = self._choose(self.problem.rates, candidate, day, key[1], splits)
        return self.choices[key]

    def _choose(
        self, rates: Rates, candidate: Candidacy, day: date, share: tuple[LineShare, ...], splits: int
    ) -> CourierChoice:
        order = self.order
        grams = self._grams(share)
        leaves = leaves_at(candidate.site.location.calendar, day)
        quotes = rates(RateQuery(candidate.site.location, order, share, (max(1, grams),), leaves))
        values = self._parcel_facts(candidate, self.problem.rules.courier_facts, share, grams, splits)
        return choose_service(quotes, self._policy(values), order.deliver_by)

    def _parcel_facts(
        self, candidate: Candidacy, names: tuple[str, ...], share: Sequence[LineShare], grams: int, splits: int
    ) -> dict[str, FactValue]:
        values = facts_at(candidate, self.order, names)
        values["parcel.grams"] = grams
        values["parcel.units"] = ceil(sum([quantity for _, _, quantity in share]) / UNIT)
        values["parcel.splits"] = splits
        return values

    def _merging(self, candidate: Candidacy, part: Fulfilment, splits: int) -> Fulfilment:
        """The same, with whether its parcel waits for others."""
        rules = self.problem.rules
        if not rules.merge:
            return part
        values = self._parcel_facts(candidate, rules.merge_facts, part.lines, part.grams, splits)
        requires = {name for line in self.order.lines for name in line.requires}
        policy = merge_policy(rules.merge, values, self.problem.now, grams=part.grams, requires=requires)
        return replace(part, merge=policy)

    def _policy(self, values: dict[str, FactValue]) -> CourierPolicy:
        """What the courier rules say, judged once for all candidates that they see no difference between."""
        key = repr([value for name, value in values.items() if not name.startswith("order.")])
        if key not in self.policies:
            self.policies[key] = courier_policy(self.problem.rules.courier, values, self.problem.now)
        return self.policies[key]

    def _cost(self, candidate: Candidacy) -> int | None:
        """What sending the whole order from here would cost, for the ranker `cost`."""
        choice = self._service(candidate, self._whole(), 1)
        return choice.quote.total_minor if choice is not None and choice.quote is not None else None

    def _arrival(self, candidate: Candidacy) -> int | None:
        """In how many hours the whole order would be there from here, for the ranker `arrival`."""
        choice = self._service(candidate, self._whole(), 1)
        if choice is None or choice.quote is None or choice.quote.deliver_by is None:
            return None
        return (choice.quote.deliver_by - self.problem.now) // HOUR
