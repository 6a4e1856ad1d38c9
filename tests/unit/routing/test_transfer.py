"""Bringing everything to one place, weighed against sending from several."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.routing.rules.explain import explain
from hub.routing.rules.inputs import as_stored, problem_again
from hub.routing.rules.planner import plan
from hub.routing.rules.values import Quote
from tests.unit.routing.builders import NOW, PARIS, decide, line, location, order, problem, rules, shares, units

BER, PAR, NYC = location("BER"), location("PAR", at=PARIS, country="FR"), location("NYC", country="US", rank=9)
WANTED = order("o", line("A", 2), line("B"))
THERE = units(BER={"A": 2}, PAR={"B": 3})


def policy(*more, **changes):
    action = {"action": "transfer", "cost_minor": 150, **changes}
    return rules(sourcing=[{"id": "move", "then": [action]}, *({"id": one["action"], "then": [one]} for one in more)])


def flat(query):
    """Four a parcel, a day under way."""
    return [Quote("card", "STD", 400, "EUR", query.ship_at + timedelta(days=1))]


def sent(found=None, stock=THERE, wanted=WANTED, **changes):
    known = {"rules": found or policy(), "rates": flat, "may_transfer": True}
    return decide(wanted, [BER, PAR, NYC], stock, **{**known, **changes})


def test_it_is_taken_where_it_costs_less_than_the_split():
    decision = sent()
    assert shares(decision) == {"BER": {"A": 2, "B": 1}}
    assert decision.message == "sent from BER after a transfer of 1 of B from PAR"
    (part,) = decision.fulfilments
    assert (part.moves, part.ship_day) == ((("PAR", "B", 1000),), NOW.date() + timedelta(days=1))
    assert decision.transfer == {
        "to": "BER", "moves": [["PAR", "B", 1000]], "total_minor": 550, "currency": "EUR", "taken": True,
        "instead_minor": 800, "ship_day": part.ship_day.isoformat(),
    }  # fmt: skip
    assert "BER sends 2 x A, 1 x B on 2026-11-19 after a transfer of 1 x B from PAR" in explain(decision)[1]
    won, lost = decision.candidates[0], decision.candidates[2]
    assert won.reason == "bringing the rest to it costs less than sending from several"
    assert lost.reason == "it lacks A (short of 2)"


@pytest.mark.parametrize("found", [policy(cost_minor=400), policy(cost_minor=900), rules()])
def test_the_split_goes_where_a_transfer_costs_as_much_or_no_rule_weighs_one(found):
    decision = sent(found)
    assert shares(decision) == {"BER": {"A": 2}, "PAR": {"B": 1}}
    assert (decision.reason, decision.transfer) == ("split", None)


def test_it_is_not_taken_where_it_comes_late_and_the_split_does_not():
    promised = replace(WANTED, deliver_by=NOW + timedelta(days=2))
    assert sent(wanted=promised).reason == "split"
    assert sent(policy(days=0), wanted=promised).reason == "transfer"


def test_who_must_not_split_may_gather():
    together = policy({"action": "split", "max_splits": 1})
    assert sent(together).reason == "transfer"
    alone = sent(together, may_transfer=False)
    assert (alone.outcome, alone.reason) == ("unfillable", "split_needed")
    assert alone.message.endswith("one place could send it for 550 EUR by a transfer of 1 of B from PAR to BER")


def test_from_no_more_places_than_the_rule_allows():
    spread = units(BER={"A": 1}, PAR={"A": 1}, NYC={"B": 1})
    assert sent(stock=spread).reason == "split"
    assert sent(policy(max_sources=2), stock=spread).fulfilments[0].moves == (("NYC", "B", 1000), ("PAR", "A", 1000))


def test_where_plans_move_no_stock_it_is_advice():
    decision = sent(may_transfer=False)
    assert decision.reason == "split"
    assert decision.message == (
        "sent from BER, PAR; 250 EUR would be saved by a transfer of 1 of B from PAR to BER"
    )  # fmt: skip
    assert decision.transfer is not None
    assert decision.transfer["taken"] is False


def test_what_is_moved_is_taken_from_where_it_is_and_given_out_once():
    orders = [order(name, line("A", 2), line("B")) for name in ("1", "2")]
    result = plan(problem(orders, [BER, PAR], units(BER={"A": 4}, PAR={"B": 1}), rules=policy(), rates=flat,
                          may_transfer=True))  # fmt: skip
    assert [found.reason for found in result.decisions] == ["transfer", "no_stock"]
    assert result.allocated == {("BER", "A"): 2000, ("PAR", "B"): 1000}


def test_a_pre_order_keeps_what_is_expected_of_it():
    found = policy({"action": "split", "ship_complete": False})
    decision = sent(found, wanted=order("o", line("A", 2), line("B"), line("C", due_at=NOW + timedelta(days=5))))
    assert (decision.reason, shares(decision)) == ("transfer", {"BER": {"A": 2, "B": 1}})
    assert [short.sku for short in decision.shortages] == ["C"]
    assert decision.message.endswith("of 1 of B from PAR; 1 of C is expected on 2026-11-23")


def test_the_same_inputs_give_the_same_decision_again():
    for may in (True, False):
        decision = sent(may_transfer=may)
        again = problem_again(as_stored(decision.inputs), [BER, PAR, NYC], policy(), flat)
        assert plan(again).decisions[0].to_dict() == decision.to_dict()


def test_nothing_is_brought_to_a_place_that_owes_goods_already():
    """What arrives would fill the hole, and the order would be planned, and moved, again."""
    owing = THERE | {("BER", "B"): -1, ("PAR", "A"): -1}
    assert sent(stock=owing).reason == "split"
    stored = as_stored(sent(stock=owing).inputs)
    again = plan(problem_again(stored, [BER, PAR, NYC], policy(), flat)).decisions[0]
    assert again.to_dict() == sent(stock=owing).to_dict()
