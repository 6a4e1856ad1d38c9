"""What must hold for any batch."""

import random
from dataclasses import replace
from datetime import timedelta

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.routing.rules.inputs import as_stored, hash_of, problem_again
from hub.routing.rules.planner import plan
from tests.unit.routing.builders import NOW, PARIS, facts, line, location, order, problem, quotes
from tests.unit.routing.strategies import problems


@settings(max_examples=150, deadline=None)
@given(problems())
def test_never_more_than_there_is_and_never_more_than_ordered(wanted):
    result = plan(wanted)
    taken: dict[tuple[str, str], int] = {}
    by_id = {found.order_id: found for found in wanted.orders}
    for decision in result.decisions:
        ordered = {
            (entry.line_id, entry.sku): entry.quantity for entry in by_id[decision.order_id].lines if entry.ships
        }
        for fulfilment in decision.fulfilments:
            for line_id, sku, quantity in fulfilment.lines:
                assert quantity > 0
                ordered[(line_id, sku)] -= quantity
                taken[(fulfilment.location, sku)] = taken.get((fulfilment.location, sku), 0) + quantity
            for source, sku, quantity in fulfilment.moves:
                taken[(fulfilment.location, sku)] -= quantity
                taken[(source, sku)] = taken.get((source, sku), 0) + quantity
        assert all(left >= 0 for left in ordered.values())
        short = {(found.line_id, found.sku): found.missing for found in decision.shortages}
        if decision.outcome == "planned":
            assert {key: left for key, left in ordered.items() if left} == short
            assert len({fulfilment.location for fulfilment in decision.fulfilments}) == len(decision.fulfilments)
        else:
            assert not decision.fulfilments
    assert {key: quantity for key, quantity in taken.items() if quantity} == result.allocated
    assert all(quantity <= wanted.stock[key] for key, quantity in taken.items())
    assert len(result.decisions) == len(wanted.orders)


@settings(max_examples=80, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(wanted, shuffler: random.Random):
    orders, places, stock = list(wanted.orders), list(wanted.locations), list(wanted.stock.items())
    for items in (orders, places, stock):
        shuffler.shuffle(items)
    again = plan(replace(wanted, orders=orders, locations=places, stock=dict(stock)))
    assert [found.to_dict() for found in again.decisions] == [found.to_dict() for found in plan(wanted).decisions]


@settings(max_examples=80, deadline=None)
@given(problems())
def test_stored_inputs_give_the_same_decision_again_bit_for_bit(wanted):
    for decision in plan(wanted).decisions:
        stored = as_stored(decision.inputs)
        assert hash_of(stored) == decision.inputs_hash
        again = plan(problem_again(stored, wanted.locations, wanted.rules, quotes)).decisions[0]
        assert orjson.dumps(again.to_dict()) == orjson.dumps(decision.to_dict())


@settings(max_examples=80, deadline=None)
@given(problems())
def test_every_candidate_has_a_reason_and_every_elimination_names_its_rule(wanted):
    known = {f"rule:{found.id}" for found in wanted.rules.sourcing} | {
        "disabled",
        "rejected",
        "pinned",
        "area",
        "capability",
        "stock",
        "calendar",
        "capacity",
        "service",
        "plugin:odd",
    }
    for decision in plan(wanted).decisions:
        for candidate in decision.candidates:
            assert candidate.reason
            assert (candidate.verdict == "eliminated") == (candidate.eliminated_by is not None)
            assert candidate.eliminated_by is None or candidate.eliminated_by in known
            assert all(other.by in known for other in candidate.also)
        winners = {found.location for found in decision.candidates if found.verdict == "won"}
        assert winners == {fulfilment.location for fulfilment in decision.fulfilments}


def test_what_is_looked_at_changes_the_hash_and_what_is_not_does_not():
    place = location("W0", at=PARIS)
    base = problem([order("o", line("A"))], [place], {("W0", "A"): 5000})

    def hash_with(**changes):
        return plan(replace(base, **changes)).decisions[0].inputs_hash

    same = hash_with()
    assert hash_with(now=NOW + timedelta(seconds=20)) == same, "the instant counts to the minute"
    assert hash_with(stock={("W0", "A"): 5000, ("W0", "Z"): 1}) == same, "stock of other SKUs does not count"
    assert hash_with(stock={("W0", "A"): 4000}) != same
    assert hash_with(now=NOW + timedelta(minutes=1)) != same
    assert hash_with(locations=[replace(place, rank=4)]) != same
    assert hash_with(locations=[replace(place, capacity=7)]) != same
    assert hash_with(orders=[order("o", line("A"), facts=facts(tags=["vip"]))]) != same
    assert hash_with(rates=quotes, rates_version="1") != hash_with(rates=quotes, rates_version="2")
