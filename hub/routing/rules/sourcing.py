"""What the sourcing rules say about one order: effects on candidates, ranking, split, capacity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub.kit.rules.actions import (
    Action,
    Capacity,
    Exclude,
    Only,
    OnUnfillable,
    Prefer,
    RankBy,
    Ranker,
    Require,
    Split,
    Strategy,
    Transfer,
)
from hub.kit.rules.compiled import CompiledRule, Verdict
from hub.kit.rules.facts import FactValues

DEFAULT_RANKING = RankBy(
    action="rank",
    by=tuple(Ranker(ranker=name) for name in ("preference", "proximity", "distance", "ship_day", "rank", "load")),
)
DEFAULT_SPLIT = Split(action="split")
DEFAULT_CAPACITY = Capacity(action="capacity", when_full="next_day")
DEFAULT_STRATEGY = Strategy(action="strategy", use="greedy")
DEFAULT_UNFILLABLE = OnUnfillable(action="on_unfillable", do="park")


@dataclass(slots=True)
class Effects:
    """The effects of all sourcing rules that match an order. `touching` are (rule, its action) on candidates."""

    touching: list[tuple[CompiledRule, Action]] = field(default_factory=list)
    per_candidate: list[CompiledRule] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    ranking: RankBy = DEFAULT_RANKING
    split: Split = DEFAULT_SPLIT
    transfer: Transfer | None = None
    capacity: Capacity = DEFAULT_CAPACITY
    unfillable: OnUnfillable = DEFAULT_UNFILLABLE
    strategy: Strategy = DEFAULT_STRATEGY
    sources: dict[str, str] = field(default_factory=dict)
    """Which rule set the ranking, split, transfer, capacity, unfillable and strategy policies."""


def effects_of(rules: tuple[CompiledRule, ...], values: FactValues, now: datetime) -> Effects:
    """Judge all rules for one order; raises `RuleError`. Policies are taken from the first rule that sets them."""
    effects = Effects()
    for rule in rules:
        verdict = rule.judge(values, now)
        if verdict.matched and rule.candidate_clauses:
            effects.per_candidate.append(rule)
            continue
        effects.verdicts.append(verdict)
        if verdict.matched:
            for action in rule.actions:
                _apply(effects, rule, action)
    return effects


def _apply(effects: Effects, rule: CompiledRule, action: Action) -> None:
    if isinstance(action, Exclude | Only | Require | Prefer):
        effects.touching.append((rule, action))
        return
    kind = action.__class__.__name__
    if kind in effects.sources:
        return
    effects.sources[kind] = rule.id
    if isinstance(action, RankBy):
        effects.ranking = action
    elif isinstance(action, Split):
        effects.split = action
    elif isinstance(action, Transfer):
        effects.transfer = action
    elif isinstance(action, Capacity):
        effects.capacity = action
    elif isinstance(action, OnUnfillable):
        effects.unfillable = action
    elif isinstance(action, Strategy):
        effects.strategy = action


def judge_candidates(
    effects: Effects, candidates: Mapping[str, FactValues]
) -> list[tuple[CompiledRule, tuple[str, ...]]]:
    """For each rule over location facts, the locations for which it holds; raises `RuleError`."""
    judged = []
    for rule in effects.per_candidate:
        held = tuple([code for code, values in candidates.items() if rule.holds_at(values)])
        effects.verdicts.append(
            Verdict(rule.id, rule.section, bool(held), "" if held else "no candidate location", held)
        )
        judged.append((rule, held))
    return judged
