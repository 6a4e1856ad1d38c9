"""What rules say about orders that no plan fits, and about locations that are not there."""

from datetime import timedelta
from typing import Any

import pytest

from hub.routing.rules.explain import explain, explain_location
from hub.routing.rules.planner import plan
from tests.unit.routing.builders import (
    NEW_YORK,
    NOW,
    PARIS,
    decide,
    line,
    location,
    order,
    problem,
    rules,
    shares,
    units,
    verdict,
)

BER, DROP = location("BER"), location("DROP", at=NEW_YORK)
FALLBACK = {"action": "on_unfillable", "do": "fallback", "locations": ["DROP"]}


def sourcing(*actions: dict[str, Any]) -> Any:
    return rules(sourcing=[{"id": "policy", "then": list(actions)}])


def only(*codes: str, **policy: Any) -> dict[str, Any]:
    return {"action": "only", "locations": list(codes), **policy}


def test_a_fallback_sends_nothing_while_another_can():
    decision = decide(order(), [BER, DROP], units(BER={"MUG": 1}, DROP={"MUG": 9}), rules=sourcing(FALLBACK))
    assert shares(decision) == {"BER": {"MUG": 1}}
    assert verdict(decision, "DROP").reason == "it is asked where no other location can send the order"
    assert "no other location" in explain_location(decision, "DROP")[0]


@pytest.mark.parametrize("there", [{}, {"BER": {"TEE": 5}}])
def test_a_fallback_sends_what_no_other_can_and_says_so(there: dict[str, dict[str, int]]):
    stock = units(**there, DROP={"MUG": 9})
    decision = decide(order(), [BER, DROP], stock, rules=sourcing(FALLBACK))
    assert shares(decision) == {"DROP": {"MUG": 1}}
    assert decision.message == "sent from DROP, because no other location could"


def test_a_fallback_joins_the_others_where_that_is_enough():
    wanted = order("1", line("MUG"), line("TEE"))
    decision = decide(wanted, [BER, DROP], units(BER={"MUG": 1}, DROP={"TEE": 1}), rules=sourcing(FALLBACK))
    assert shares(decision) == {"BER": {"MUG": 1}, "DROP": {"TEE": 1}}


def test_without_the_fallbacks_stock_the_order_waits():
    decision = decide(order(), [BER, DROP], {}, rules=sourcing(FALLBACK))
    assert (decision.outcome, decision.reason, decision.unfillable) == ("unfillable", "no_stock", {})


def test_a_rule_that_takes_the_fallback_out_is_kept():
    out = {"action": "exclude", "locations": ["DROP"]}
    decision = decide(order(), [BER, DROP], units(DROP={"MUG": 1}), rules=sourcing(FALLBACK, out))
    assert decision.outcome == "unfillable"


@pytest.mark.parametrize(
    ("action", "stored"),
    [
        ({"do": "park"}, {}),
        ({"do": "backorder"}, {"do": "backorder", "short": {"line-MUG": 1000}}),
        (
            {"do": "cancel_after", "after_minutes": 90},
            {"do": "cancel_after", "after_minutes": 90, "short": {"line-MUG": 1000}},
        ),
    ],
)
def test_the_decision_says_what_becomes_of_what_is_missing(action: dict[str, Any], stored: dict[str, Any]):
    policy = sourcing({"action": "on_unfillable", **action})
    waiting = decide(order(), [BER], {}, rules=policy)
    assert (waiting.outcome, waiting.unfillable) == ("unfillable", stored)
    assert waiting.to_dict().get("unfillable", {}) == stored
    assert decide(order(), [BER], units(BER={"MUG": 1}), rules=policy).unfillable == {}


def short_of(wanted: Any, places: Any, stock: Any, *actions: dict[str, Any]) -> Any:
    policy = sourcing({"action": "on_unfillable", "do": "backorder"}, *actions)
    return decide(wanted, places, stock, rules=policy).unfillable.get("short")


WHOLE, PART = {"action": "split"}, {"action": "split", "ship_complete": False}
PAIR = order("1", line("MUG", 3), line("TEE"))


def test_why_says_what_becomes_of_it():
    cancel = sourcing({"action": "on_unfillable", "do": "cancel_after", "after_minutes": 90})
    assert explain(decide(PAIR, [BER], units(BER={"TEE": 1}), rules=cancel))[1] == (
        "MUG is cancelled if it has not come 90 minutes after it was missed"
    )
    backorder = sourcing({"action": "on_unfillable", "do": "backorder"}, PART)
    assert "MUG is on backorder" in explain(decide(PAIR, [BER], units(BER={"TEE": 1}), rules=backorder))


@pytest.mark.parametrize("split", [WHOLE, PART])
def test_only_what_is_nowhere_is_short_however_the_rest_goes(split: dict[str, Any]):
    assert short_of(PAIR, [BER, DROP], units(BER={"MUG": 1}, DROP={"MUG": 1, "TEE": 4}), split) == {"line-MUG": 1000}


@pytest.mark.parametrize(
    "place", [location("BER", enabled=False), location("BER", capacity=0), location("BER")], ids=["shut", "full", "far"]
)
def test_goods_of_a_place_that_sends_nothing_for_now_are_not_short(place: Any):
    one_place = {"action": "split", "ship_complete": False, "max_splits": 1}
    stock = units(BER={"MUG": 1}, DROP={"TEE": 1})
    assert short_of(order("1", line("MUG"), line("TEE")), [place, DROP], stock, one_place) is None


def test_goods_of_a_place_that_may_not_send_the_order_are_short():
    assert short_of(order(), [BER, DROP], units(BER={"MUG": 1}), only("DROP")) == {"line-MUG": 1000}
    refused = order(excluded_locations={"BER": "not found"})
    assert short_of(refused, [BER, DROP], units(BER={"MUG": 1})) == {"line-MUG": 1000}


def test_where_no_place_may_send_the_order_nothing_is_short():
    assert short_of(order(), [BER], units(BER={"MUG": 1}), {"action": "exclude", "locations": ["BER"]}) is None
    assert short_of(order(), [BER], units(BER={"MUG": 1}), only("GONE")) is None


def test_what_goes_together_is_short_together():
    stock = units(BER={"MUG": 3})
    together = {"action": "split", "keep_together": [["MUG", "TEE"]]}
    assert short_of(PAIR, [BER], stock, together) == {"line-MUG": 3000, "line-TEE": 1000}


def test_of_a_bundle_the_whole_line_is_short():
    parts = [line(sku, line_id="set", group="SET") for sku in ("MUG", "TEE")]
    wanted = order("1", *parts, line("CAP"))
    assert short_of(wanted, [BER], units(BER={"MUG": 1, "CAP": 1}), PART) == {"set": None}


def test_what_a_pre_order_waits_for_is_not_short():
    later = line("TEE", due_at=NOW + timedelta(days=3))
    assert short_of(order("1", line("MUG"), later), [BER], units(BER={"MUG": 1}), PART) is None
    assert short_of(order("1", line("MUG", 2), later), [BER], units(BER={"MUG": 1}), PART) == {"line-MUG": 1000}


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ({}, ("unfillable", "unknown_location", {})),
        ({"unknown": "hold"}, ("unfillable", "unknown_location", {})),
        ({"unknown": "fallback", "fallback": ["DROP"]}, ("planned", "single", {"DROP": {"MUG": 1}})),
        ({"unknown": "any"}, ("planned", "single", {"BER": {"MUG": 1}})),
    ],
)
def test_where_no_named_location_is_there_the_policy_of_the_rule_decides(policy: Any, outcome: tuple[Any, ...]):
    stock = units(BER={"MUG": 1}, DROP={"MUG": 1})
    decision = decide(order(), [BER, DROP], stock, rules=sourcing(only("GONE", **policy)))
    assert (decision.outcome, decision.reason, shares(decision)) == outcome
    there = location("GONE", at=PARIS)
    back = decide(order(), [BER, DROP, there], stock | units(GONE={"MUG": 1}), rules=sourcing(only("GONE", **policy)))
    assert shares(back) == {"GONE": {"MUG": 1}}


def test_a_closed_location_is_as_one_that_is_gone_and_the_message_names_it():
    closed = location("BER", enabled=False)
    decision = decide(order(), [closed, DROP], units(DROP={"MUG": 1}), rules=sourcing(only("BER")))
    assert (decision.reason, decision.message) == (
        "unknown_location", "it may be sent from BER alone, which is not there or closed",
    )  # fmt: skip


def test_one_of_the_named_is_enough():
    stock = units(BER={"MUG": 1})
    decision = decide(order(), [BER], stock, rules=sourcing(only("GONE", "BER", unknown="any")))
    assert shares(decision) == {"BER": {"MUG": 1}}


def test_the_same_inputs_fall_back_the_same():
    wanted = problem([order()], [BER, DROP], units(DROP={"MUG": 1}), rules=sourcing(FALLBACK))
    first, second = plan(wanted).decisions[0], plan(wanted).decisions[0]
    assert first.to_dict() == second.to_dict()
