"""What a backtest must show before other rules may decide."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.routing.rules.gate import Gate, Rehearsal, broken, judge

SAME: dict[str, Any] = {
    "orders": 1000, "planned": 900, "unfillable": 60, "needs_person": 40, "fill_rate_permille": 950,
    "split_orders": 100, "promise_kept_permille": 900, "auto_approval_permille": 700,
    "freight_per_order_minor": {"EUR": 500},
}  # fmt: skip
GOOD = Rehearsal(
    against=3, age=timedelta(days=1), last=1000, orders=1000, skipped=0, reproduced=1000, before=SAME, after=SAME
)
STRICT = {name: 0 for name in Gate.model_fields if name.endswith(("_fall_permille", "_grow_permille"))}


def faults(found: Rehearsal | None = GOOD, gate: Gate | None = None, active: int | None = 3) -> dict[str, Any]:
    return {check.figure: check for check in broken(judge(gate or Gate(), found, active=active))}


def after(**changes: Any) -> Rehearsal:
    return replace(GOOD, after={**SAME, **changes})


def test_the_same_figures_pass_the_strictest_gate() -> None:
    checks = judge(Gate(**STRICT), GOOD, active=3)
    assert broken(checks) == []
    assert {check.figure for check in checks} == {
        "measured_against", "age_days", "orders", "reproduced_permille", "fill_rate_permille", "promise_kept_permille",
        "auto_approval_permille",
        "freight_minor_per_order.EUR", "split_orders", "unfillable", "needs_person",
    }  # fmt: skip


def test_without_a_backtest_nothing_passes() -> None:
    (fault,) = judge(Gate(), None, active=None)
    assert (fault.figure, fault.holds) == ("rehearsed", False)
    assert "run one" in fault.detail


@pytest.mark.parametrize(
    ("figure", "passes", "breaks", "limit"),
    [
        ("fill_rate_permille", 945, 944, 945),
        ("promise_kept_permille", 890, 889, 890),
        ("auto_approval_permille", 690, 689, 690),
        ("split_orders", 120, 121, 120),
        ("unfillable", 65, 66, 65),
        ("needs_person", 45, 46, 45),
    ],
)
def test_a_figure_may_get_worse_up_to_its_limit(figure: str, passes: int, breaks: int, limit: int) -> None:
    assert faults(after(**{figure: passes})) == {}
    fault = faults(after(**{figure: breaks}))[figure]
    assert (fault.before, fault.after, fault.limit) == (SAME[figure], breaks, limit)
    assert f"{breaks} after {SAME[figure]} before" in fault.detail


def test_every_broken_threshold_is_told_at_once() -> None:
    assert set(faults(after(fill_rate_permille=1, split_orders=900, needs_person=900), active=4)) == {
        "measured_against", "fill_rate_permille", "split_orders", "needs_person",
    }  # fmt: skip


def test_freight_is_of_an_order_that_is_planned_and_each_currency_counts_by_itself() -> None:
    assert faults(after(planned=990)) == {}, "more orders are sent at the same price"
    assert faults(after(freight_per_order_minor={"EUR": 525})) == {}
    fault = faults(after(freight_per_order_minor={"EUR": 526}))["freight_minor_per_order.EUR"]
    assert (fault.before, fault.after, fault.limit) == (500, 526, 525)
    assert list(faults(after(freight_per_order_minor={"EUR": 500, "USD": 1}))) == ["freight_minor_per_order.USD"]
    assert faults(after(planned=0, freight_per_order_minor={}, unfillable=60)) == {}
    nothing = {**SAME, "planned": 0, "freight_per_order_minor": {}}
    assert faults(replace(GOOD, before=nothing, after=SAME)) == {}, "nothing was sent: nothing to compare with"


def test_what_nothing_counts_for_is_not_compared() -> None:
    none = {**SAME, "promise_kept_permille": None, "fill_rate_permille": None, "auto_approval_permille": None}
    assert faults(replace(GOOD, before=none, after=none)) == {}


@pytest.mark.parametrize(
    ("against", "active", "holds"), [(3, 3, True), (None, None, True), (3, 4, False), (None, 1, False)]
)
def test_it_must_be_measured_against_what_decides_now(against: int | None, active: int | None, holds: bool) -> None:
    assert (faults(replace(GOOD, against=against), active=active) == {}) is holds


def test_an_old_backtest_does_not_count() -> None:
    assert faults(replace(GOOD, age=timedelta(days=7))) == {}
    assert set(faults(replace(GOOD, age=timedelta(days=7, seconds=1)))) == {"age_days"}


@pytest.mark.parametrize(
    ("last", "orders", "skipped", "holds"),
    [
        (1000, 100, 0, True),
        (99, 99, 0, False),
        (500, 99, 0, True),
        (500, 0, 0, True),
        (500, 90, 9, False),
        (500, 100, 300, True),
    ],
    ids=["enough", "asked for too few", "there are no more", "none", "some cannot be computed", "enough is left"],
)
def test_enough_orders_or_all_that_there_are(last: int, orders: int, skipped: int, holds: bool) -> None:
    found = replace(GOOD, last=last, orders=orders, skipped=skipped, reproduced=orders)
    assert ("orders" not in faults(found)) is holds


def test_decisions_that_do_not_come_out_again_are_no_measure() -> None:
    assert faults(replace(GOOD, reproduced=990)) == {}
    assert set(faults(replace(GOOD, reproduced=989))) == {"reproduced_permille"}


def test_a_threshold_that_is_null_is_not_looked_at() -> None:
    lenient = {name: None for name in Gate.model_fields if name != "minimum_orders"}
    worst = after(fill_rate_permille=0, split_orders=1000, freight_per_order_minor={"EUR": 10**9})
    assert [check.figure for check in judge(Gate(**lenient), worst, active=3)] == ["measured_against", "orders"]


figures = st.fixed_dictionaries(
    {
        "orders": st.just(1000), "planned": st.integers(0, 1000), "unfillable": st.integers(0, 1000),
        "needs_person": st.integers(0, 1000), "fill_rate_permille": st.integers(0, 1000),
        "split_orders": st.integers(0, 1000), "promise_kept_permille": st.none() | st.integers(0, 1000),
        "freight_per_order_minor": st.dictionaries(st.sampled_from(["EUR", "USD"]), st.integers(0, 10**9)),
    }
)  # fmt: skip


@given(figures, figures, st.fixed_dictionaries({name: st.integers(0, 900) for name in STRICT}), st.integers(0, 100))
def test_a_gate_that_allows_more_lets_no_less_pass(
    before: dict[str, Any], other: dict[str, Any], limits: dict[str, int], more: int
) -> None:
    found = replace(GOOD, before=before, after=other)
    wider = Gate(**{name: limit + more for name, limit in limits.items()})
    assert set(faults(found, wider)) <= set(faults(found, Gate(**limits)))


@given(figures, figures, st.sampled_from(["split_orders", "unfillable", "needs_person"]), st.integers(0, 500))
def test_what_is_worse_never_passes_where_what_is_better_does_not(
    before: dict[str, Any], other: dict[str, Any], figure: str, worse: int
) -> None:
    found = replace(GOOD, before=before, after=other)
    grown = replace(GOOD, before=before, after={**other, figure: other[figure] + worse})
    assert set(faults(found)) <= set(faults(grown))
