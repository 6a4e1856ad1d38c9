"""Orders for goods that are expected later."""

from dataclasses import replace
from datetime import timedelta

from hub.routing.rules.flip import find_flips
from hub.routing.rules.inputs import as_stored, hash_of, problem_again
from hub.routing.rules.planner import plan
from tests.unit.routing.builders import NOW, decide, line, location, order, problem, rules, shares, units

BER = location("BER")
SOON, LATER = NOW + timedelta(days=3), NOW + timedelta(days=10)
PARTS = rules(sourcing=[{"id": "parts", "then": [{"action": "split", "ship_complete": False}]}])
LAMP, MUG = line("LAMP", due_at=SOON), line("MUG")
THERE = units(BER={"LAMP": 5, "MUG": 5})


def test_it_is_not_planned_before_its_goods_are_expected_although_some_are_there():
    wanted = order("o", MUG, LAMP, line("CUP", due_at=LATER))
    decision = decide(wanted, [BER], units(BER={"LAMP": 5, "MUG": 5, "CUP": 5}))
    assert (decision.outcome, decision.reason, decision.fulfilments) == ("unfillable", "preorder", ())
    assert decision.message == (
        "it is a pre-order: 1 of LAMP, 1 of CUP is expected on 2026-11-21, 2026-11-28"
    )  # fmt: skip
    assert decision.due_at == LATER, "it goes together, so all must be there"
    assert decision.to_dict()["due_at"] == LATER.isoformat()
    assert find_flips(problem([wanted], [BER], THERE)).found == ()


def test_where_parts_may_go_the_rest_goes_at_once_and_stock_is_left_to_the_others():
    decision = decide(order("o", MUG, LAMP), [BER], THERE, rules=PARTS)
    assert (decision.outcome, decision.reason, shares(decision)) == ("planned", "partial", {"BER": {"MUG": 1}})
    assert decision.message == "sent from BER; 1 of LAMP is expected on 2026-11-21"
    assert [(short.sku, short.missing) for short in decision.shortages] == [("LAMP", 1000)]
    assert decision.due_at == SOON
    alone = decide(order("o", LAMP), [BER], THERE, rules=PARTS)
    assert (alone.outcome, alone.reason, alone.due_at) == ("unfillable", "preorder", SOON)


def test_no_person_has_to_look_at_an_order_that_waits_for_its_day():
    held = rules(sourcing=[{"id": "hold", "then": [{"action": "on_unfillable", "do": "hold"}]}])
    assert decide(order("o", LAMP), [BER], THERE, rules=held).outcome == "unfillable"
    assert decide(order("o", LAMP), [BER], {}, rules=held, now=SOON).outcome == "needs_person"


def test_on_its_day_it_is_planned_like_any_other():
    decision = decide(order("o", LAMP), [BER], THERE, now=SOON)
    assert (decision.outcome, shares(decision), decision.due_at) == ("planned", {"BER": {"LAMP": 1}}, None)
    assert "due_at" not in decision.to_dict()


def test_what_comes_is_given_out_by_promise():
    first = replace(LAMP, due_at=SOON - timedelta(days=1))
    orders = [
        order("late-promise", LAMP, placed_at=NOW - timedelta(days=9)),
        order("no-promise", line("LAMP"), placed_at=NOW - timedelta(days=20)),
        order("early-promise", first, placed_at=NOW - timedelta(days=1)),
        order("urgent", line("LAMP"), priority=1),
    ]
    decisions = plan(problem(orders, [BER], units(BER={"LAMP": 3}), now=SOON)).decisions
    assert [(found.order_id, found.outcome) for found in decisions] == [
        ("urgent", "planned"), ("early-promise", "planned"), ("late-promise", "planned"), ("no-promise", "unfillable"),
    ]  # fmt: skip


def test_the_same_inputs_give_the_same_decision_again():
    for policy in (rules(), PARTS):
        decision = decide(order("o", MUG, LAMP), [BER], THERE, rules=policy)
        stored = as_stored(decision.inputs)
        assert hash_of(stored) == decision.inputs_hash
        assert plan(problem_again(stored, [BER], policy)).decisions[0].to_dict() == decision.to_dict()
