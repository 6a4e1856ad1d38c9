"""Run golden orders against rules: what is expected beside what rules make of it. Pure; the planner is the live one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.actions import Release, Tag
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.validation import RuleFault
from hub.orders.rules.gifts import gifts_alone
from hub.orders.rules.lifecycle import ORDINARY
from hub.review.rules.outcome import ReviewOutcome, review
from hub.routing.rules.differences import RULE, Body, decided_by
from hub.routing.rules.golden import MEMBER, Golden
from hub.routing.rules.golden_world import Asked, golden_problem, review_facts
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.wave import plan_wave
from hub.sdk.hooks import Finding

OF_REVIEW = ("review", "holds", "tags", "priority", "assignee", "gifts")
"""What is expected of review; all else is expected of the plan."""
TREATMENT = {"priority": "priority", "assignee": "assign", "gifts": "gift"}
"""The section that says it."""
BY_LOCATION = ("services", "ship_days")
NOT_SENT = "nothing is sent from there"


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is not as a golden order wants it. `path` is a JSON pointer: `/golden_orders/NAME/expect/...`.

    `rules` are the ids of the rules that decided it (none: the hub's own steps did), `reason` says it in a sentence,
    `suggestion` what to do. Where the golden order itself has a fault (what it names is gone), nothing is expected.
    """

    golden: str
    path: str
    expected: Any
    got: Any
    rules: tuple[str, ...]
    reason: str
    suggestion: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return {**asdict(self), "rules": list(self.rules)}


@dataclass(frozen=True, slots=True)
class Came:
    """What rules made of a golden order: its review, and the decision as it would be stored."""

    review: ReviewOutcome
    decision: Body

    def found(self) -> dict[str, Any]:
        """It in the members that can be expected, each in a fixed order."""
        parts = self.decision["fulfilments"]
        return {
            "review": self.review.state, "holds": sorted({hold.reason_code for hold in self.review.holds}),
            "tags": sorted(self.review.tags),
            "priority": ORDINARY if self.review.priority is None else self.review.priority,
            "assignee": self.review.assignee, "gifts": gifts_alone(self.review.gifts),
            "outcome": self.decision["outcome"], "reason": self.decision["reason"],
            "locations": sorted(part["location"] for part in parts),
            "services": {part["location"]: part.get("service", {}).get("service") for part in parts},
            "ship_days": {part["location"]: part["ship_day"] for part in parts},
        }  # fmt: skip


def decide_golden(golden: Golden, rules: CompiledRuleSet, asked: Asked, *, now: datetime) -> Came:
    """What `rules` make of it: review first, whose tags sourcing reads; it is planned even if review holds it."""
    at = golden.world.now or now
    given = golden.review
    findings = [Finding(found.code, found.severity, "") for found in given.findings]
    timers = {found.code: 1 for found in given.findings if found.release == "timer"}
    policy = ReviewPolicy(auto_approve=given.auto_approve, release_after_minutes=timers)
    reviewed = review(findings, policy, rules, review_facts(golden), at)
    problem = golden_problem(golden, rules, asked, now=now, tags=reviewed.tags)
    return Came(reviewed, as_stored(plan_wave(problem).decisions[0].to_dict()))


def broken_golden(golden: Golden, came: Came, rules: CompiledRuleSet) -> Iterator[Broken]:
    """Everything that is not as it is expected, in the order of the members."""
    expected, got = golden.expect.model_dump(mode="json", exclude_none=True), came.found()
    for name, wanted in expected.items():
        if name in BY_LOCATION:
            for code, value in wanted.items():
                if got[name].get(code) != value:
                    yield _broken(golden, f"{name}/{code}", value, got[name].get(code), came, rules)
        elif (sorted(set(wanted)) if isinstance(wanted, list) else wanted) != got[name]:
            yield _broken(golden, name, wanted, got[name], came, rules)


def gone(name: str, faults: Sequence[RuleFault]) -> list[Broken]:
    """A golden order that cannot be run: what it names is not there any more, or it does not fit this hub."""
    return [Broken(name, fault.path, None, None, (), fault.reason, _advice(name, fault.suggestion)) for fault in faults]


def path_of(name: str) -> str:
    """Where a golden order is, for faults."""
    return f"/{MEMBER}/{name}"


def _broken(
    golden: Golden, member: str, expected: Any, got: Any, came: Came, rules: CompiledRuleSet
) -> Broken:  # fmt: skip
    if member in OF_REVIEW:
        by, why = _by_review(member, expected, got, came.review, rules)
    else:
        wanted = {*expected} if isinstance(expected, list) else {expected, member.rpartition("/")[2]}
        by, why = _by_plan(wanted, came.decision), decided_by(came.decision)
        if member.startswith(BY_LOCATION) and got is None:
            why = f"{NOT_SENT}, {why}"
    unnamed = [name for name in by if name not in why]
    why += f" (rules that took part: {', '.join(unnamed)})" if unnamed else ""
    reason = f"expected {member.replace('_', ' ')} {_said(expected)}, got {_said(got)}: {why}"
    return Broken(golden.name, f"{path_of(golden.name)}/expect/{member}", expected, got, by, reason,
                  _advice(golden.name, f"correct {', '.join(by)}" if by else None))  # fmt: skip


def _advice(name: str, first: str | None) -> str:
    change = f"change it (`hub routing golden add FILE --replace`, PUT /v1/routing/golden-orders/{name})"
    return f"{first}; or, where the golden order is wrong, {change}" if first else change


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{units} of {sku}" for sku, units in sorted(value.items())) or "none"
    return "none" if value is None else str(value)


def _by_review(
    member: str, expected: Any, got: Any, found: ReviewOutcome, rules: CompiledRuleSet
) -> tuple[tuple[str, ...], str]:
    if member == "tags":
        differing = {*expected} ^ {*got}
        by = _acting(found, rules, Tag, lambda action: action.tags, differing)
        return by, f"put by {', '.join(by)}" if by else "no rule puts them"
    if member in TREATMENT:
        by = tuple(one.rule_id for one in found.rules if one.matched and one.section == TREATMENT[member])
        return by, f"said by {', '.join(by)}" if by else "no rule says it"
    differing = {*expected} ^ {*got} if member == "holds" else {hold.reason_code for hold in found.holds}
    placed = [hold.placed_by for hold in found.holds if hold.reason_code in differing]
    released = _acting(found, rules, Release, lambda action: action.reason_codes, differing)
    by = tuple(dict.fromkeys([*(one.removeprefix(RULE) for one in placed if one.startswith(RULE)), *released]))
    told = [f"{', '.join(dict.fromkeys(placed))} holds it"] if placed else []
    told += [f"{', '.join(released)} releases it"] if released else []
    return by, "; ".join(told) or found.reason


def _acting(
    found: ReviewOutcome, rules: CompiledRuleSet, kind: type[Any], names: Any, wanted: Collection[str]
) -> tuple[str, ...]:
    """The rules that matched and act with any of the names."""
    matched = [rules.rule(verdict.rule_id) for verdict in found.rules if verdict.matched]
    return tuple(
        rule.id for rule in matched if rule is not None
        and any(isinstance(action, kind) and {*names(action)} & {*wanted} for action in rule.actions)
    )  # fmt: skip


def _by_plan(wanted: Collection[str], decision: Body) -> tuple[str, ...]:
    """The rules that took out what is wanted; else those of sourcing that took part."""
    out = [found["eliminated_by"] for found in decision["candidates"]
           if found["location"] in wanted and found.get("eliminated_by", "").startswith(RULE)]  # fmt: skip
    out += [
        lost["by"] for part in decision["fulfilments"] for lost in part.get("service", {}).get("lost", [])
        if lost["service"] in wanted and lost.get("by", "").startswith(RULE)
    ]  # fmt: skip
    if out:
        return tuple(dict.fromkeys(name.removeprefix(RULE) for name in out))
    failed = [verdict for verdict in decision["rules"] if verdict.get("reason", "").startswith("error: ")]
    return tuple(verdict["rule"] for verdict in failed or decision["rules"] if failed or _took_part(verdict))


def _took_part(verdict: Mapping[str, Any]) -> bool:
    return bool(verdict["matched"]) and verdict["section"] == "sourcing"
