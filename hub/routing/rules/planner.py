"""Plan a batch of orders: one pure function for live routing, preview, simulation and backtest.

Orders are served in a fair order (priority, placed, id) from a working copy of the stock, so that a batch never gives
the same unit twice. The order in which inputs arrive does not matter.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from hub.kit.rules.language import RuleError
from hub.routing.rules.allocation import Allocation, Unfillable, allocate
from hub.routing.rules.calendar import leaves_at
from hub.routing.rules.candidates import Candidacy, Need, apply_rules, enlist, facts_at, route_request
from hub.routing.rules.courier import choose_service, courier_policy
from hub.routing.rules.decision import CourierChoice, Decision, Fulfilment, PlanResult
from hub.routing.rules.inputs import HookAnswers, hash_of, inputs_of
from hub.routing.rules.outcome import Draft, finish
from hub.routing.rules.ranking import rank, ranking_of
from hub.routing.rules.sites import Ledger
from hub.routing.rules.sourcing import Effects, effects_of
from hub.routing.rules.values import UNIT, LineShare, PlanningProblem, PlanOrder, RateQuery


def plan(problem: PlanningProblem) -> PlanResult:
    """A decision for each order, in the order in which they were served; reads nothing but `problem`."""
    problem = replace(problem, now=problem.now.replace(second=0, microsecond=0))
    ledger = Ledger(problem.locations, problem.stock, problem.now)
    queue = sorted(problem.orders, key=lambda order: (order.priority, order.placed_at, order.order_id))
    decisions = tuple([_Planning(problem, ledger, order).decide() for order in queue])
    return PlanResult(decisions, ledger.allocated, ledger.loads)


class _Planning:
    """The work on one order."""

    __slots__ = ("answers", "candidates", "effects", "ledger", "need", "order", "problem")

    def __init__(self, problem: PlanningProblem, ledger: Ledger, order: PlanOrder) -> None:
        self.problem = problem
        self.ledger = ledger
        self.order = order
        self.need = Need.of(order)
        self.effects = Effects()
        self.candidates: list[Candidacy] = []
        self.answers: HookAnswers = ([], {})

    def decide(self) -> Decision:
        draft = Draft(self.order, self.problem.rules.content_hash)
        error: RuleError | None = None
        if self.need.quantities:
            try:
                self.effects = effects_of(self.problem.rules.sourcing, self.order.facts, self.problem.now)
                self.candidates = enlist(self.ledger, self.order, self.need, self.effects)
                self._ask_rules_and_hooks()
            except RuleError as caught:
                error = caught
                self.candidates = self.candidates or enlist(self.ledger, self.order, self.need, self.effects)
        draft.inputs = inputs_of(self.order, self.need, self.candidates, self.problem, self.answers)
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
        ranked = rank(kept, policy, draft.ranking, plugin_ranks, self._cost)
        while True:
            found = allocate(self.order, self.need, ranked, self.effects.split)
            draft.ranked = ranked
            if isinstance(found, Unfillable):
                draft.unfillable(found)
                return
            refused = self._fulfil(draft, found)
            if refused is None:
                return
            ranked = [candidate for candidate in ranked if candidate is not refused]

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
            fulfilments.append(self._fulfilment(candidate, share, choice))
        for (candidate, _), fulfilment in zip(allocation.shares, fulfilments, strict=True):
            self.ledger.take(candidate.site, fulfilment.ship_day, fulfilment.lines)
        draft.plan(allocation, tuple(fulfilments))
        return None

    def _fulfilment(self, candidate: Candidacy, share: list[LineShare], choice: CourierChoice | None) -> Fulfilment:
        assert candidate.day is not None  # noqa: S101  kept candidates have a day
        day = candidate.day[1]
        leaves = leaves_at(candidate.site.location.calendar, day)
        return Fulfilment(candidate.code, tuple(share), day, leaves, self._grams(share), choice)

    def _grams(self, share: Sequence[LineShare]) -> int:
        weights = {(line.line_id, line.sku): line.grams for line in self.order.lines}
        return ceil(sum(weights[(line_id, sku)] * quantity for line_id, sku, quantity in share) / UNIT)

    def _service(self, candidate: Candidacy, share: list[LineShare], splits: int) -> CourierChoice | None:
        rates, order = self.problem.rates, self.order
        if rates is None or candidate.day is None:
            return None
        grams = self._grams(share)
        leaves = leaves_at(candidate.site.location.calendar, candidate.day[1])
        quotes = rates(RateQuery(candidate.site.location, order, tuple(share), (max(1, grams),), leaves))
        values = facts_at(candidate, order, self.problem.rules.courier_facts)
        values["parcel.grams"] = grams
        values["parcel.units"] = ceil(sum(quantity for _, _, quantity in share) / UNIT)
        values["parcel.splits"] = splits
        policy = courier_policy(self.problem.rules.courier, values, self.problem.now)
        return choose_service(quotes, policy, order.deliver_by)

    def _cost(self, candidate: Candidacy) -> int | None:
        """What sending the whole order from here would cost, for the ranker `cost`."""
        share = [(line.line_id, line.sku, line.quantity) for line in self.order.lines if line.ships]
        choice = self._service(candidate, share, 1)
        return choice.quote.total_minor if choice is not None and choice.quote is not None else None
