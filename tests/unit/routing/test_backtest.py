"""The figures of a backtest, and whether review lets an order pass."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connections.rules.policy import ReviewPolicy
from hub.kit.rules.compiled import CompiledRuleSet
from hub.review.rules.outcome import review
from hub.routing.rules.approval import Approval, Review, approval, basis_of
from hub.routing.rules.backtest import Comparison, Figures, freight_class, freight_classes
from hub.sdk.hooks import Finding
from tests.unit.routing.builders import facts, rules
from tests.unit.routing.test_differences import body, part

AT = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
INPUTS = {"order": {"lines": [["l", "A", 2000, 1, True]], "deliver_by": "2026-01-09"}}


def test_the_figures_of_three_orders() -> None:
    figures = Figures()
    figures.add(body(part(), part("W2", service={"total_minor": 700})), INPUTS, True)
    figures.add(body(part("W2", service={"late": True, "service": "card/EXP"})), INPUTS, False)
    figures.add(body(), INPUTS)
    found = figures.to_dict()
    expected: dict[str, Any] = {
        "orders": 3, "planned": 2, "unfillable": 1, "fill_rate_permille": 500, "split_orders": 1,
        "splits_per_order_permille": 500, "fulfilments": 3, "promise_kept_permille": 333, "auto_approved": 1,
        "auto_approval_permille": 500, "freight_minor": {"USD": 1700}, "freight_per_order_minor": {"USD": 850},
        "loads": {"W1": 1, "W2": 2}, "services": {"card/EXP": 1, "card/STD": 2},
        "freight_classes": {"USD": {"500": 1, "1200": 1}},
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@given(st.integers(0, 10**9))
def test_an_amount_lies_in_its_class(minor: int) -> None:
    lowest = freight_class(minor)
    assert lowest <= minor
    assert freight_classes(lowest, freight_class(minor * 2 + 10))[0] == lowest
    assert lowest == 0 or minor < freight_classes(lowest, lowest + 1)[1]


def then(own: CompiledRuleSet, *found: Finding, policy: ReviewPolicy | None = None) -> Review:
    policy = policy or ReviewPolicy()
    outcome = review(found, policy, own, facts(), AT)
    return Review(AT, facts(), basis_of(outcome, policy, rule_set_id="r", payment_state="paid"))


HOLD = rules(review=[{"id": "dear", "when": ["order.total_minor > 100"],
                      "then": [{"action": "hold", "reason_code": "dear", "message": "look"}]}])  # fmt: skip
RELEASE = rules(review=[{"id": "fine", "then": [{"action": "release", "reason_codes": ["totals_mismatch"]}]}])
MISMATCH = Finding("totals_mismatch", "hold", "5 too much")


@pytest.mark.parametrize(
    ("found", "other", "before", "after"),
    [((), HOLD, True, False), ((MISMATCH,), RELEASE, False, True), ((MISMATCH,), rules(), False, False),
     ((Finding("payment_not_settled", "hold", "wait"),), rules(), True, True)],
)  # fmt: skip
def test_review_is_asked_about_what_its_checks_had_found(
    found: tuple[Finding, ...], other: CompiledRuleSet, before: bool, after: bool
) -> None:
    said = approval(then(rules(), *found), rules(), other)
    assert said is not None
    assert (said.before, said.after) == (before, after)


def test_the_policy_counts_as_it_was() -> None:
    lenient = ReviewPolicy(release_after_minutes={"totals_mismatch": 5})
    said = approval(then(rules(), MISMATCH, policy=lenient), rules(), rules())
    assert said is not None
    assert (said.before, said.after) == (True, True)
    strict = approval(then(rules(), policy=ReviewPolicy(auto_approve="never")), rules(), RELEASE)
    assert strict is not None
    assert (strict.before, strict.after) == (False, False)


def test_a_review_that_does_not_come_out_again_says_nothing() -> None:
    assert approval(then(HOLD), rules(), rules()) is None


def test_an_order_that_only_review_treats_otherwise_is_a_difference() -> None:
    found = Comparison()
    stored = body(part(), inputs_hash="h")
    said = Approval(True, False, "nothing found", "dear")
    found.add(stored, INPUTS, again=stored, other=stored, approved=said)
    found.add(stored, INPUTS, again=stored, other=stored, approved="its review is not kept")
    [difference] = found.differences
    assert difference.changed == "review"
    assert difference.after == "1 from W1 by card/STD (500 USD) (a person must approve it)"
    assert difference.why == "review then: nothing found; review now: dear"
    assert (found.before.reviewed, found.unreviewed) == (1, {"its review is not kept": 1})
