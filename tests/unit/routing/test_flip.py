"""What would have sent an order from elsewhere."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from hub.routing.rules.changes import Change, changed
from hub.routing.rules.flip import find_flips, senders_of
from hub.routing.rules.inputs import as_stored, problem_again
from hub.routing.rules.planner import plan
from hub.routing.rules.values import Quote
from tests.unit.routing.builders import NOW, PARIS, line, location, order, problem, quotes, rules, units
from tests.unit.routing.strategies import problems

BY_COST = rules(sourcing=[{"id": "cheap", "then": [{"action": "rank", "by": [{"ranker": "cost"}]}]}])
BER, PAR = location("BER"), location("PAR", at=PARIS, country="FR", region="IDF")


def told(wanted, code=None):
    """Each flip in words."""
    return [flip.in_words() for flip in find_flips(wanted, code).found]


def priced(**minor):
    """One service whose price depends on the place."""
    return lambda query: [Quote("card", "STD", minor[query.location.code], "EUR", query.ship_at + timedelta(days=2))]


def less(change: Change) -> Change:
    """The change, one unit less of it."""
    return replace(change, amount=change.amount - 1 if change.amount > 0 else change.amount + 1)


def test_stock_that_was_missing():
    wanted = problem([order("o", line("A", 5))], [BER, PAR], units(BER={"A": 9}, PAR={"A": 2}), rules=BY_COST,
                     rates=priced(BER=500, PAR=400))  # fmt: skip
    assert told(wanted, "PAR") == ["PAR would win if PAR had 3 more of A"]


def test_parts_of_a_unit_count_where_parts_were_ordered():
    wanted = problem([order("o", line("A", 1.5))], [BER], units(BER={"A": 1}))
    assert told(wanted) == ["BER would win if BER had 0.5 more of A"]
    assert find_flips(wanted).found[0].to_dict()["changes"] == [
        {"kind": "stock", "amount": 500, "location": "BER", "subject": "A"}
    ]


def test_a_price_that_was_too_high():
    wanted = problem(
        [order("o", line("A"))], [BER, PAR], units(BER={"A": 9}, PAR={"A": 9}), rules=BY_COST,
        rates=priced(BER=500, PAR=620),
    )  # fmt: skip
    assert told(wanted, "PAR") == ["PAR would win if card/STD from PAR cost 121 minor units (EUR) less"]


def test_a_day_that_was_full_and_a_cut_off_that_had_passed():
    today = NOW.date()
    full = replace(BER, capacity=4, used={today: 4})
    policy = rules(sourcing=[{"id": "full", "then": [{"action": "capacity", "when_full": "exclude"}]}])
    wanted = problem([order("o", line("A"))], [full, PAR], units(BER={"A": 9}, PAR={"A": 9}), rules=policy)
    assert told(wanted, "BER") == ["BER would win if BER could take 1 more order a day"]
    sooner = rules(sourcing=[{"id": "s", "then": [{"action": "rank", "by": [{"ranker": "ship_day"}]}]}])
    closed = replace(PAR, calendar=replace(PAR.calendar, cutoff=11 * 60))  # it is 11:30 there
    late = replace(wanted, locations=[replace(BER, code="ZRH"), closed], rules=sooner, stock=units(
        ZRH={"A": 9}, PAR={"A": 9}
    ))  # fmt: skip
    assert told(late, "PAR") == [
        "PAR would win if the cut-off of PAR were 31 minutes later",
        "PAR would win if it had been planned 31 minutes earlier",
    ]


def test_a_rule_that_weighs():
    liked = rules(sourcing=[
        {"id": "home", "when": ["location.same_country"], "then": [{"action": "prefer", "weight": 5}]},
        {"id": "abroad", "then": [{"action": "prefer", "locations": ["PAR"], "weight": 2}]},
    ])  # fmt: skip
    wanted = problem([order("o", line("A"))], [BER, PAR], units(BER={"A": 9}, PAR={"A": 9}), rules=liked)
    assert told(wanted, "PAR") == ["PAR would win if rule abroad weighed 4 points more"]
    assert told(wanted, "BER") == told(wanted, "PAR"), "of the winner it is asked what would let another win"


def test_two_numbers_where_one_is_not_enough():
    wanted = problem(
        [order("o", line("A", 3), line("B", 2))], [BER, PAR], units(BER={"A": 9, "B": 9}, PAR={"A": 1}), rules=BY_COST,
        rates=priced(BER=500, PAR=400),
    )  # fmt: skip
    assert told(wanted, "PAR") == ["PAR would win if PAR had 2 more of A and PAR had 2 more of B"]


def test_what_no_number_changes():
    banned = rules(sourcing=[{"id": "ban", "then": [{"action": "exclude", "locations": ["PAR"]}]}])
    wanted = problem([order("o", line("A"))], [BER, PAR], units(BER={"A": 9}, PAR={"A": 9}), rules=banned)
    found = find_flips(wanted, "PAR")
    assert (found.found, found.without, found.complete) == ((), ("PAR",), True)


def test_the_work_is_bounded():
    wanted = problem([order("o", line("A", 5))], [BER, PAR], units(BER={"A": 9}, PAR={"A": 2}))
    found = find_flips(wanted, most=3)
    assert (found.plans, found.complete, found.found) == (3, False, ())


def test_nothing_is_asked_of_an_order_that_a_person_must_see():
    broken = rules(sourcing=[{"id": "far", "when": ["location.distance_km > 9"], "then": [{"action": "exclude"}]}])
    wanted = problem([order("o", line("A"), latitude=None)], [BER], units(BER={"A": 9}), rules=broken)
    assert find_flips(wanted).plans == 1


@pytest.mark.parametrize("change", [
    Change("stock", 2, "PAR", "A"), Change("capacity", 1, "BER"), Change("cutoff", 5, "BER"), Change("now", -7),
    Change("price", -30, "PAR", "card/STD", currency="EUR"), Change("weight", 3, "PAR", "abroad"),
])  # fmt: skip
def test_a_change_and_its_opposite_leave_the_decision_as_it_was(change):
    policy = rules(sourcing=[{"id": "abroad", "then": [{"action": "prefer", "locations": ["PAR"], "weight": 2}]}])
    wanted = problem(
        [order("o", line("A"))], [replace(BER, capacity=9), PAR], units(BER={"A": 9}, PAR={"A": 1}), rules=policy,
        rates=priced(BER=500, PAR=400),
    )  # fmt: skip
    back = replace(change, amount=-change.amount)
    assert plan(changed(wanted, [change, back])).decisions[0].to_dict() == plan(wanted).decisions[0].to_dict()


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_named_change_flips_the_decision_and_one_unit_less_does_not(wanted):
    for decision in plan(wanted).decisions[:2]:
        again = problem_again(as_stored(decision.inputs), wanted.locations, wanted.rules, quotes)
        for flip in find_flips(again).found:
            assert flip.location not in senders_of(decision)
            assert flip.location in senders_of(plan(changed(again, flip.changes)).decisions[0]), flip.in_words()
            for index, change in enumerate(flip.changes):
                one_less = (*flip.changes[:index], less(change), *flip.changes[index + 1 :])
                assert flip.location not in senders_of(plan(changed(again, one_less)).decisions[0]), flip.in_words()
