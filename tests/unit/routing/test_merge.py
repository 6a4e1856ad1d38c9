"""Which shares wait for others, by the merge rules."""

from typing import Any

import pytest

from hub.kit.rules.validation import validate_rule_set
from hub.routing.rules.explain import explain
from tests.unit.routing import builders as make

HOUR = {"action": "merge", "window_minutes": 60, "max_grams": 1500, "keep_apart": ["cold"]}


def decided(*rules: dict[str, Any], **line: Any) -> Any:
    wanted = make.order("order-1", make.line("MUG", **line))
    return make.decide(
        wanted, [make.location("BER", capabilities=frozenset({"cold"}))], make.units(BER={"MUG": 9}),
        rules=make.rules(merge=rules), rates=make.quotes, rates_version="1",
    )  # fmt: skip


def test_the_first_rule_that_matches_says_how_long_a_parcel_waits() -> None:
    heavy = {"id": "heavy", "when": ["parcel.grams > 1000"], "then": [HOUR | {"window_minutes": 5}]}
    decision = decided(heavy, {"id": "all", "then": [HOUR]})
    (part,) = decision.to_dict()["fulfilments"]
    assert part["merge"] == {
        "rule": "all", "window_minutes": 60, "max_orders": 10, "max_grams": 1500, "days_apart": 0,
    }  # fmt: skip
    assert "up to 60 minutes later with others to the consignee (rule all)" in explain(decision)[1]
    assert decided(heavy, {"id": "all", "then": [HOUR]}, units=2.5).fulfilments[0].merge.rule == "heavy"


@pytest.mark.parametrize("line", [{"requires": ("cold",)}, {"units": 3}])
def test_what_has_to_go_alone_or_is_full_already_does_not_wait(line: dict[str, Any]) -> None:
    assert decided({"id": "all", "then": [HOUR]}, **line).fulfilments[0].merge is None


def test_a_rule_that_cannot_be_evaluated_sends_the_order_to_a_person() -> None:
    broken = {"id": "broken", "when": ["order.total_minor / (parcel.splits - 1) > 0"], "then": [HOUR]}
    decision = decided(broken)
    assert (decision.outcome, decision.reason) == ("needs_person", "rule_error")


def test_faults_are_told_with_their_path() -> None:
    faults = validate_rule_set(
        {"merge": [{"id": "a", "name": "A", "then": [{"action": "merge", "window_minutes": 0, "max_order": 3}]},
                   {"id": "b", "name": "B", "then": [{"action": "split"}]}]}
    )  # fmt: skip
    assert {(fault.path, fault.suggestion) for fault in faults} >= {
        ("/merge/0/then/0/window_minutes", None), ("/merge/0/then/0/max_order", "did you mean 'max_orders'?"),
    }  # fmt: skip
    assert "/merge/1/then/0/action" in {fault.path for fault in faults}
