"""Put findings, policy and the review rules together: approved, held for a person, or rejected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from hub.connections.rules.policy import Release as ReleaseKind
from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.actions import Action, AddGift, Assign, AutoApprove, Hold, Prioritise, Release, Tag
from hub.kit.rules.compiled import NOT_IN_FORCE, CompiledRule, CompiledRuleSet, Verdict
from hub.kit.rules.facts import FactValue, FactValues
from hub.kit.rules.language import RuleError
from hub.orders.rules.gifts import Offer
from hub.sdk.hooks import Finding

ReviewState = Literal["auto_approved", "queued", "rejected"]
IN_ERROR = "error: "


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """One hold to place. `line` is the channel's line id where `scope` is `line`.

    `placed_by` is `check` or `rule:<id>`; `release_after_minutes` is set where `release` is `timer`.
    """

    reason_code: str
    scope: Literal["order", "line"]
    line: str | None
    message: str
    evidence: dict[str, Any]
    release: ReleaseKind
    placed_by: str
    release_after_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """What comes of a review.

    `queued`: a person must look. `auto_approved` may still have holds that lift themselves (a payment that is awaited,
    a timer): it goes on without a person when they are gone. `remarks` are findings that hold nothing.
    """

    state: ReviewState
    holds: tuple[HoldRequest, ...]
    tags: tuple[str, ...]
    remarks: tuple[Finding, ...]
    rules: tuple[Verdict, ...]
    reason: str
    findings: tuple[Finding, ...] = ()
    """All of them, as the policy classes them."""
    priority: int | None = None
    assignee: str | None = None
    """What the rules say of priority and assignee; None where they say nothing."""
    gifts: tuple[Offer, ...] = ()

    @property
    def without_gifts(self) -> frozenset[str]:
        """Gift rules of which a clause does not hold. One in error or out of its time says nothing about the order."""
        return frozenset(
            verdict.rule_id
            for verdict in self.rules
            if verdict.section == "gift" and not verdict.matched
            and verdict.reason != NOT_IN_FORCE and not verdict.reason.startswith(IN_ERROR)
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """JSON for the order's timeline."""
        return {
            "state": self.state,
            "reason": self.reason,
            "holds": [
                {"reason_code": hold.reason_code, "scope": hold.scope, "line": hold.line, "message": hold.message,
                 "evidence": hold.evidence, "release": hold.release, "placed_by": hold.placed_by}
                for hold in self.holds
            ],
            "tags": list(self.tags),
            "remarks": [{"code": found.code, "severity": found.severity, "message": found.message,
                         "line": found.line_external_id} for found in self.remarks],
            "rules": [verdict.to_dict() for verdict in self.rules if verdict.matched],
        }  # fmt: skip


@dataclass(slots=True)
class _Said:
    """What the review rules say about one order."""

    holds: list[HoldRequest] = field(default_factory=list)
    released: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    approved: bool = False
    priority: int | None = None
    assignee: str | None = None
    gifts: list[Offer] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def review(
    findings: Sequence[Finding], policy: ReviewPolicy, rules: CompiledRuleSet, facts: FactValues, now: datetime
) -> ReviewOutcome:
    """The outcome for one order; `facts` are its order facts. A rule in error holds the order for a person.

    The policy's `levels` count for every finding, whoever found it.
    """
    findings = list(_classed(findings, policy))
    values: dict[str, FactValue] = {**facts, "review.findings": sorted({found.code for found in findings})}
    said = _Said()
    _ask(said, rules.review, values, now)
    values["order.tags"] = sorted({*_texts(values.get("order.tags")), *said.tags})
    _ask(said, (*rules.priority, *rules.assign, *rules.gift), values, now)
    kept = [found for found in findings if found.code not in said.released]
    rejecting = [found for found in kept if found.severity == "reject"]
    holds = _distinct([*(_hold(found, policy) for found in kept if found.severity in ("hold", "reject")),
                       *(hold for hold in said.holds if hold.reason_code not in said.released)])  # fmt: skip
    remarks = tuple(found for found in findings if found.code in said.released or found.severity in ("info", "warn"))
    state, reason = _state(rejecting, holds, policy, said)
    return ReviewOutcome(state, holds, tuple(dict.fromkeys(said.tags)), remarks, tuple(said.verdicts), reason,
                         tuple(findings), said.priority, said.assignee, tuple(said.gifts))  # fmt: skip


def _texts(value: FactValue | None) -> list[str]:
    return value if isinstance(value, list) else []


def _classed(findings: Iterable[Finding], policy: ReviewPolicy) -> Iterable[Finding]:
    for found in findings:
        level = policy.levels.get(found.code, found.severity)
        if level == found.severity:
            yield found
        elif level != "ignore":
            yield replace(found, severity=level)


def _state(
    rejecting: Sequence[Finding], holds: Sequence[HoldRequest], policy: ReviewPolicy, said: _Said
) -> tuple[ReviewState, str]:
    if rejecting:
        return "rejected", rejecting[0].message
    for_people = [hold for hold in holds if hold.release == "manual"]
    if for_people:
        return "queued", ", ".join(sorted({hold.reason_code for hold in for_people}))
    if policy.auto_approve == "never" or (policy.auto_approve == "rules" and not said.approved):
        return "queued", "the policy leaves it to a person"
    return "auto_approved", "nothing found that a person must look at"


def _ask(said: _Said, rules: Iterable[CompiledRule], values: FactValues, now: datetime) -> None:
    for rule in rules:
        try:
            verdict = rule.judge(values, now)
        except RuleError as error:
            said.verdicts.append(Verdict(rule.id, rule.section, False, f"{IN_ERROR}{error.reason}"))
            said.holds.append(_error_hold(error))
            continue
        said.verdicts.append(verdict)
        if verdict.matched:
            for action in rule.actions:
                _apply(said, rule, action)


def _apply(said: _Said, rule: CompiledRule, action: Action) -> None:
    if isinstance(action, Hold):
        said.holds.append(
            HoldRequest(action.reason_code, "order", None, action.message, {"rule": rule.id}, action.release,
                        f"rule:{rule.id}", action.release_after_minutes)
        )  # fmt: skip
    elif isinstance(action, Tag):
        said.tags.extend(action.tags)
    elif isinstance(action, Release):
        said.released.update(dict.fromkeys(action.reason_codes, rule.id))
    elif isinstance(action, AutoApprove):
        said.approved = True
    elif isinstance(action, Prioritise):
        said.priority = action.priority if said.priority is None else said.priority
    elif isinstance(action, Assign):
        said.assignee = said.assignee or action.to
    elif isinstance(action, AddGift):
        said.gifts.append(Offer(rule.id, action, rule.valid_from))


def _error_hold(error: RuleError) -> HoldRequest:
    message = f"rule {error.rule_id}, clause {error.clause + 1}: {error.reason}; correct the rule or decide by hand"
    evidence = {"rule": error.rule_id, "clause": error.clause, "text": error.text}
    return HoldRequest("rule_error", "order", None, message, evidence, "manual", f"rule:{error.rule_id}")


def _hold(found: Finding, policy: ReviewPolicy) -> HoldRequest:
    evidence = dict(found.evidence)
    if found.suggestion:
        evidence["suggestion"] = found.suggestion
    minutes = policy.release_after_minutes.get(found.code)
    return HoldRequest(found.code, found.scope, found.line_external_id, found.message, evidence,
                       policy.release(found.code), "check", minutes)  # fmt: skip


def _distinct(holds: Iterable[HoldRequest]) -> tuple[HoldRequest, ...]:
    """One hold for each (scope, line, reason): the first."""
    found: dict[tuple[str, str | None, str], HoldRequest] = {}
    for hold in holds:
        found.setdefault((hold.scope, hold.line, hold.reason_code), hold)
    return tuple(found.values())
