"""Whether the review section of other rules would have let an order pass without a person. Pure and exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.facts import FactValues
from hub.review.rules.outcome import ReviewOutcome, review
from hub.sdk.hooks import Finding


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it was: when, over which facts, what checks had found. `basis` is what its event keeps of it."""

    at: datetime
    facts: FactValues
    basis: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Approval:
    """Whether an order passed without a person, and would pass; the reasons say what a person had or has to look at."""

    before: bool
    after: bool
    reason_before: str
    reason_after: str


def basis_of(outcome: ReviewOutcome, policy: ReviewPolicy, *, rule_set_id: str, payment_state: str) -> dict[str, Any]:
    """What has to be kept of a review to judge it again: what was found, not what became of it alone."""
    found = {(finding.code, finding.severity, policy.release(finding.code)) for finding in outcome.findings}
    return {
        "state": outcome.state, "rule_set_id": rule_set_id, "auto_approve": policy.auto_approve,
        "payment": payment_state, "findings": [list(entry) for entry in sorted(found)],
    }  # fmt: skip


def approval(then: Review, own: CompiledRuleSet, other: CompiledRuleSet) -> Approval | None:
    """None where its own rules do not give again what they gave then: nothing can be said of others."""
    again, now = judge_again(then, own), judge_again(then, other)
    if again.state != then.basis["state"]:
        return None
    return Approval(_passes(again.state), _passes(now.state), again.reason, now.reason)


def judge_again(then: Review, rules: CompiledRuleSet) -> ReviewOutcome:
    """What comes of a review as it was under these rules."""
    findings = [Finding(code, severity, "") for code, severity, _ in then.basis["findings"]]
    policy = ReviewPolicy(
        auto_approve=then.basis["auto_approve"],
        release_after_minutes={code: 1 for code, _, release in then.basis["findings"] if release == "timer"},
    )
    return review(findings, policy, rules, then.facts, then.at)


def _passes(state: Literal["auto_approved", "queued", "rejected"]) -> bool:
    return state == "auto_approved"
