"""Turn what was found for one order into its decision: verdicts of all candidates, message, tie-break."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.kit.rules.compiled import Verdict
from hub.kit.rules.language import RuleError
from hub.routing.rules.allocation import Allocation, Unfillable, format_units
from hub.routing.rules.candidates import Candidacy
from hub.routing.rules.decision import Candidate, CourierChoice, Decision, Fulfilment, Outcome, Shortage
from hub.routing.rules.ranking import CODE, decider
from hub.routing.rules.sourcing import Effects
from hub.routing.rules.values import PlanOrder

_STOCKLESS = frozenset({"stock", "capability"})


@dataclass(slots=True)
class Draft:
    """A decision in the making."""

    order: PlanOrder
    rule_set_hash: str
    outcome: Outcome = "planned"
    reason: str = "nothing_to_ship"
    message: str = "nothing of it has to be sent"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    inputs_hash: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    candidates: list[Candidacy] = field(default_factory=list)
    ranked: list[Candidacy] = field(default_factory=list)
    ranking: tuple[str, ...] = ()
    fulfilments: tuple[Fulfilment, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    winners: list[Candidacy] = field(default_factory=list)
    refused: CourierChoice | None = None

    def plan(self, allocation: Allocation, fulfilments: tuple[Fulfilment, ...]) -> None:
        """It is sent so."""
        self.winners = [candidate for candidate, _ in allocation.shares]
        self.fulfilments = fulfilments
        self.shortages = tuple(allocation.shortages)
        codes = ", ".join(fulfilment.location for fulfilment in fulfilments)
        self.reason = "partial" if self.shortages else "split" if len(fulfilments) > 1 else "single"
        self.message = f"sent from {codes}"
        if self.shortages:
            self.message += f"; {_listed(self.shortages)} waits for stock"

    def unfillable(self, found: Unfillable) -> None:
        """No plan fits it."""
        self.outcome = "unfillable"
        self.reason, self.message, self.shortages = found.reason, found.message, tuple(found.shortages)
        if self.refused is not None:
            self.reason, self.message = "no_service", f"no location has a service for it: {self.refused.reason}"
            self.shortages = ()
        elif not self.ranked and any(_blocked_with_stock(candidate) for candidate in self.candidates):
            by = sorted({found.by for candidate in self.candidates for found in candidate.eliminations[:1]})
            self.reason, self.message = "no_location", f"no location may send it: {', '.join(by)}"
            self.shortages = ()

    def fail(self, error: RuleError) -> None:
        """A rule could not be evaluated: a person must look, nothing is decided by it."""
        self.outcome = "needs_person"
        self.reason = "rule_error"
        self.message = (
            f"rule {error.rule_id}, clause {error.clause + 1}: {error.reason}; correct the rule or route it by hand"
        )
        self.fulfilments, self.shortages, self.winners, self.ranked = (), (), [], []
        self.verdicts = [*self.verdicts, Verdict(error.rule_id, error.section, False, f"error: {error.reason}")]


def _blocked_with_stock(candidate: Candidacy) -> bool:
    return any(candidate.available.values()) and not any(found.by in _STOCKLESS for found in candidate.eliminations)


def finish(draft: Draft, effects: Effects) -> Decision:
    """The decision, with a verdict for each candidate."""
    if draft.outcome == "unfillable" and effects.unfillable.do == "hold":
        draft.outcome = "needs_person"
    tie_break = _tie_break(draft)
    return Decision(
        order_id=draft.order.order_id,
        number=draft.order.number,
        outcome=draft.outcome,
        reason=draft.reason,
        message=draft.message,
        fulfilments=draft.fulfilments,
        shortages=draft.shortages,
        candidates=tuple([_verdict(candidate, draft) for candidate in draft.candidates]),
        rules=tuple(draft.verdicts),
        ranking=draft.ranking,
        tie_break=tie_break,
        inputs_hash=draft.inputs_hash,
        rule_set_hash=draft.rule_set_hash,
        inputs=draft.inputs,
    )


def _tie_break(draft: Draft) -> str:
    """What decided between the winner and the next one that could have done it alone; empty where nothing had to."""
    if len(draft.winners) != 1:
        return ""
    winner = draft.winners[0]
    rivals = [candidate for candidate in draft.ranked if candidate is not winner and not candidate.missing]
    return decider(winner, rivals[0]) if rivals else ""


def _verdict(candidate: Candidacy, draft: Draft) -> Candidate:
    if candidate.eliminations:
        first, *others = candidate.eliminations
        return Candidate(
            candidate.code, "eliminated", first.reason, first.by, first.facts, candidate.ranks, tuple(others)
        )
    if candidate in draft.winners:
        return Candidate(
            candidate.code, "won", _why_won(candidate, draft), facts=_facts(candidate), ranks=candidate.ranks
        )
    reason = _why_lost(candidate, draft)
    return Candidate(candidate.code, "lost", reason, facts=_facts(candidate), ranks=candidate.ranks)


def _facts(candidate: Candidacy) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if candidate.distance is not None:
        facts["distance_km"] = candidate.distance
    if candidate.day is not None:
        facts["ship_in_days"] = candidate.day[0]
    if candidate.missing:
        facts["missing"] = candidate.missing
    return facts


def _why_won(candidate: Candidacy, draft: Draft) -> str:
    if len(draft.winners) > 1:
        return f"part of the fewest locations that have everything ({len(draft.winners)})"
    rivals = [other for other in draft.ranked if other is not candidate and not other.missing]
    if draft.shortages:
        return "it has most of what can be sent now"
    if not rivals:
        return "the only one that has everything"
    return _compared(candidate, rivals[0], "before")


def _why_lost(candidate: Candidacy, draft: Draft) -> str:
    if candidate.missing:
        short = ", ".join(f"{sku} (short of {format_units(missing)})" for sku, missing in candidate.missing.items())
        return f"it lacks {short}"
    if not draft.winners:
        return "nothing was decided"
    return _compared(candidate, draft.winners[0], "behind")


def _compared(one: Candidacy, other: Candidacy, word: str) -> str:
    better, worse = (one, other) if word == "before" else (other, one)
    name = decider(better, worse)
    if name == CODE:
        return f"equal to {other.code} in all criteria, {word} it by code"
    return f"{word} {other.code} by {name}: {_shown(one, name)} against {_shown(other, name)}"


def _shown(candidate: Candidacy, name: str) -> str:
    value = candidate.ranks.get(name)
    return "unknown" if value is None else f"{value:g}"


def _listed(shortages: tuple[Shortage, ...]) -> str:
    return ", ".join(f"{format_units(short.missing)} of {short.sku}" for short in shortages)
