"""Turn what was found for one order into its decision: verdicts of all candidates, message, tie-break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hub.kit.rules.compiled import Verdict
from hub.kit.rules.language import RuleError
from hub.routing.rules.allocation import Allocation, Unfillable, format_units, nowhere
from hub.routing.rules.candidates import Candidacy
from hub.routing.rules.decision import Candidate, CourierChoice, Decision, Fulfilment, Outcome, Shortage
from hub.routing.rules.ranking import CODE, STRATEGY, decider
from hub.routing.rules.sourcing import Effects
from hub.routing.rules.values import PlanLine, PlanOrder

PREORDER = "preorder"
"""The reason of a decision that waits for the day of a pre-order."""
NOTHING = "nothing_to_ship"
_STOCKLESS = frozenset({"stock", "capability"})
_PASSING = frozenset({"stock", "disabled", "calendar", "capacity", "service"})


@dataclass(slots=True)
class Draft:
    """A decision in the making."""

    order: PlanOrder
    rule_set_hash: str
    outcome: Outcome = "planned"
    reason: str = NOTHING
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
    transfer: dict[str, Any] | None = None
    later: tuple[PlanLine, ...] = ()
    """Lines of a pre-order whose goods are expected yet."""
    strategy: Mapping[str, Any] = field(default_factory=dict)
    fell_back: frozenset[str] = frozenset()
    """Locations that were asked because no others could send it."""

    def plan(self, allocation: Allocation, fulfilments: tuple[Fulfilment, ...]) -> None:
        """It is sent so."""
        self.winners = [candidate for candidate, _ in allocation.shares]
        self.fulfilments = fulfilments
        self.shortages = tuple(allocation.shortages)
        expected = self._expected()
        codes = ", ".join(fulfilment.location for fulfilment in fulfilments)
        self.reason = "partial" if self.shortages or expected else "split" if len(fulfilments) > 1 else "single"
        self.message = f"sent from {codes}"
        if self.fell_back.intersection(fulfilment.location for fulfilment in fulfilments):
            self.message += ", because no other location could"
        if self.shortages:
            self.message += f"; {_listed(self.shortages)} waits for stock"
        if expected:
            self.message += f"; {self._awaited(expected)}"
            self.shortages += expected

    def gather(self, winner: Candidacy, fulfilment: Fulfilment) -> None:
        """It is sent from one place, to which the rest is brought first."""
        self.winners, self.fulfilments, self.shortages = [winner], (fulfilment,), self._expected()
        moved = ", ".join(f"{format_units(quantity)} of {sku} from {code}" for code, sku, quantity in fulfilment.moves)
        self.reason, self.message = "transfer", f"sent from {fulfilment.location} after a transfer of {moved}"
        if self.shortages:
            self.message += f"; {self._awaited(self.shortages)}"

    def advise(self) -> None:
        """A transfer would save, but whoever carries this plan out moves no stock."""
        if self.transfer is not None and not self.transfer["taken"]:
            moved = ", ".join(
                f"{format_units(amount)} of {sku} from {code}" for code, sku, amount in self.transfer["moves"]
            )
            self.message += f"; {self._saving()} by a transfer of {moved} to {self.transfer['to']}"

    def _saving(self) -> str:
        assert self.transfer is not None  # noqa: S101  asked where there is one
        instead, total = self.transfer.get("instead_minor"), self.transfer["total_minor"]
        currency = self.transfer["currency"]
        if instead is None:
            return f"one place could send it for {total} {currency}"
        return f"{instead - total} {currency} would be saved"

    def postpone(self) -> None:
        """Nothing of it goes before the goods of the pre-order have come."""
        self.outcome, self.reason = "unfillable", PREORDER
        self.shortages = self._expected()
        self.message = f"it is a pre-order: {self._awaited(self.shortages)}"

    def _expected(self) -> tuple[Shortage, ...]:
        return tuple(Shortage(line.line_id, line.sku, line.quantity) for line in self.later)

    def _awaited(self, expected: tuple[Shortage, ...]) -> str:
        days = sorted({line.due_at.date().isoformat() for line in self.later if line.due_at is not None})
        return f"{_listed(expected)} is expected on {', '.join(days)}"

    def unfillable(self, found: Unfillable, unknown: Sequence[str]) -> None:
        """No plan fits it; `unknown` are locations that are not there and without which none can."""
        self.outcome = "unfillable"
        self.reason, self.message, self.shortages = found.reason, found.message, tuple(found.shortages)
        if unknown:
            self.reason = "unknown_location"
            self.message = f"it may be sent from {' or '.join(unknown)} alone, which is not there or closed"
            self.shortages = ()
        elif self.refused is not None:
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
    waits = draft.reason != PREORDER and (draft.outcome == "unfillable" or bool(draft.shortages))
    if waits and draft.outcome == "unfillable" and effects.unfillable.do == "hold":
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
        due_at=_due_at(draft, effects),
        transfer=draft.transfer,
        strategy=draft.strategy,
        unfillable=_unfillable(draft, effects) if waits else {},
    )


def _unfillable(draft: Draft, effects: Effects) -> dict[str, Any]:
    """What the rules say about goods that are nowhere, where that is not simply to wait.

    Goods on the shelf of a place that is closed, full, or has no service for now are not missing: they go later. Nor is
    anything missing where no place may send the order: it is the rules that somebody has to look at.
    """
    policy = effects.unfillable
    sources = [candidate for candidate in draft.candidates if _may_send_yet(candidate)]
    if policy.do not in ("backorder", "cancel_after") or not sources:
        return {}
    given = [share for fulfilment in draft.fulfilments for share in fulfilment.lines]
    wanted = replace(draft.order, lines=tuple([line for line in draft.order.lines if line not in draft.later]))
    short = nowhere(wanted, sources, given, effects.split)
    if not short:
        return {}
    after = {} if policy.after_minutes is None else {"after_minutes": policy.after_minutes}
    whole = {line.line_id for line in wanted.lines if line.group is not None}
    lines = {one.line_id: None if one.line_id in whole else one.missing for one in short}
    return {"do": policy.do, **after, "short": lines}


def _may_send_yet(candidate: Candidacy) -> bool:
    """Whether it sends, or would but for its stock or for what passes."""
    return all(found.by in _PASSING for found in candidate.eliminations)


def _due_at(draft: Draft, effects: Effects) -> datetime | None:
    """When it is planned again by itself: what goes together must all be expected by then, else the first of it."""
    days = [line.due_at for line in draft.later if line.due_at is not None]
    if not days or draft.outcome == "needs_person":
        return None
    return max(days) if effects.split.ship_complete else min(days)


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
    if len(draft.winners) > 1 and STRATEGY in draft.ranking and candidate.code in draft.strategy["locations"]:
        return f"one of the locations that the strategy chose ({len(draft.winners)})"
    if len(draft.winners) > 1:
        return f"part of the fewest locations that have everything ({len(draft.winners)})"
    if draft.reason == "transfer":
        return "bringing the rest to it costs less than sending from several"
    rivals = [other for other in draft.ranked if other is not candidate and not other.missing]
    if draft.shortages:
        return "it has most of what can be sent now"
    if not rivals:
        return "the only one that has everything"
    return _compared(candidate, rivals[0], "before")


def _why_lost(candidate: Candidacy, draft: Draft) -> str:
    if candidate not in draft.ranked and draft.winners and not draft.fell_back:
        return "it is asked where no other location can send the order"
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
