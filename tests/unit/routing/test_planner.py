from datetime import UTC, date, datetime, timedelta

import pytest

from hub.routing.rules.calendar import Calendar, leaves_at, shipping_days
from hub.routing.rules.explain import explain, explain_location
from hub.routing.rules.planner import plan
from hub.routing.rules.sites import distance_km
from hub.routing.rules.values import Quote
from hub.sdk.hooks import Exclusion
from tests.unit.routing.builders import (
    BERLIN,
    NEW_YORK,
    NOW,
    PARIS,
    decide,
    facts,
    line,
    location,
    order,
    problem,
    quotes,
    rules,
    shares,
    units,
    verdict,
)

BER = location("BER")
PAR = location("PAR", country="FR", region="IDF", at=PARIS)
NYC = location("NYC", country="US", region="NY", at=NEW_YORK)
ALL = (BER, PAR, NYC)
PLENTY = {"MUG": 9, "TEE": 9, "CAP": 9}


def test_the_nearest_that_has_everything_wins_and_says_why():
    decision = decide(order(), ALL, units(BER=PLENTY, PAR=PLENTY, NYC=PLENTY))
    assert shares(decision) == {"BER": {"MUG": 1}}
    assert decision.tie_break == "proximity"
    assert verdict(decision, "PAR").reason == "behind BER by proximity: 2 against 0"
    assert [candidate.verdict for candidate in decision.candidates] == ["won", "lost", "lost"]


def test_distance_decides_between_equals():
    decision = decide(
        order("o", latitude=PARIS[0], longitude=PARIS[1], country="CH"), ALL, units(BER=PLENTY, PAR=PLENTY)
    )
    assert decision.tie_break == "distance"
    assert verdict(decision, "PAR").facts["distance_km"] == 0
    assert distance_km(*BERLIN, *PARIS) == pytest.approx(878, abs=3)


def test_equals_go_by_code():
    decision = decide(order(), [location("B"), location("A")], units(A=PLENTY, B=PLENTY))
    assert shares(decision) == {"A": {"MUG": 1}}
    assert decision.tie_break == "code"


def test_a_batch_never_gives_the_same_unit_twice_and_is_fair():
    orders = [
        order("late", placed_at=NOW),
        order("early", placed_at=NOW - timedelta(days=1)),
        order("urgent", placed_at=NOW, priority=1),
    ]
    result = plan(problem(orders, [BER], units(BER={"MUG": 2})))
    assert [(found.order_id, found.outcome) for found in result.decisions] == [
        ("urgent", "planned"),
        ("early", "planned"),
        ("late", "unfillable"),
    ]
    assert result.allocated == {("BER", "MUG"): 2000}
    assert result.loads == {("BER", NOW.date()): 2}
    assert result.decisions[2].reason == "no_stock"
    assert "MUG (short of 1)" in result.decisions[2].message


def test_a_three_way_split_takes_the_fewest_locations():
    wanted = order("o", line("MUG", 2), line("TEE"), line("CAP"))
    decision = decide(wanted, ALL, units(BER={"MUG": 2}, PAR={"TEE": 1}, NYC={"CAP": 1}))
    assert shares(decision) == {"BER": {"MUG": 2}, "PAR": {"TEE": 1}, "NYC": {"CAP": 1}}
    two = decide(wanted, ALL, units(BER={"MUG": 2}, PAR={"TEE": 1, "MUG": 2}, NYC={"CAP": 1}))
    assert shares(two) == {"PAR": {"MUG": 2, "TEE": 1}, "NYC": {"CAP": 1}}
    assert two.reason == "split"


def test_one_line_is_spread_in_whole_units():
    decision = decide(order("o", line("MUG", 3)), (BER, PAR), units(BER={"MUG": 1.5}, PAR={"MUG": 2}))
    assert shares(decision) == {"BER": {"MUG": 1}, "PAR": {"MUG": 2}}


def test_goods_sold_by_weight_are_spread_to_the_thousandth():
    decision = decide(order("o", line("RICE", 2.5)), (BER, PAR), units(BER={"RICE": 1.75}, PAR={"RICE": 1}))
    assert shares(decision) == {"BER": {"RICE": 1.75}, "PAR": {"RICE": 0.75}}


SPLIT_STOCK = units(BER={"MUG": 1}, PAR={"TEE": 1}, NYC={"CAP": 1})
WANTED = order("o", line("MUG"), line("TEE"), line("CAP"))


def split(**policy):
    return rules(sourcing=[{"id": "split", "then": [{"action": "split", **policy}]}])


def test_the_split_policy_is_kept():
    assert decide(WANTED, ALL, SPLIT_STOCK, rules=split(max_splits=2)).reason == "split_needed"
    assert decide(WANTED, ALL, SPLIT_STOCK, rules=split(max_splits=3)).is_split
    poor = decide(WANTED, ALL, SPLIT_STOCK, rules=split(minimum_total_minor=5001))
    assert (poor.outcome, poor.reason) == ("unfillable", "split_needed")
    assert decide(WANTED, ALL, SPLIT_STOCK, rules=split(minimum_total_minor=5000)).is_split


def test_what_must_stay_together_stays_together():
    stock = units(BER={"MUG": 1, "CAP": 1}, PAR={"TEE": 1, "MUG": 1})
    assert shares(decide(WANTED, ALL, stock)) == {"BER": {"MUG": 1, "CAP": 1}, "PAR": {"TEE": 1}}
    together = decide(WANTED, ALL, stock, rules=split(keep_together=[["MUG", "TEE"]]))
    assert shares(together) == {"BER": {"CAP": 1}, "PAR": {"MUG": 1, "TEE": 1}}
    bundle = order("o", line("MUG", group="set"), line("TEE", group="set"))
    assert decide(bundle, ALL, units(BER={"MUG": 1}, PAR={"TEE": 1})).outcome == "unfillable"


def test_ship_complete_waits_and_otherwise_what_there_is_goes():
    stock = units(BER={"MUG": 1})
    whole = decide(WANTED, ALL, stock)
    assert (whole.outcome, whole.fulfilments) == ("unfillable", ())
    assert {short.sku: short.missing for short in whole.shortages} == {"TEE": 1000, "CAP": 1000}
    part = decide(WANTED, ALL, stock, rules=split(ship_complete=False))
    assert (part.outcome, part.reason, shares(part)) == ("planned", "partial", {"BER": {"MUG": 1}})
    assert {short.sku for short in part.shortages} == {"TEE", "CAP"}


def test_what_needs_no_shipping_needs_no_location():
    decision = decide(order("o", line("GIFTCARD", ships=False)), [], {})
    assert (decision.outcome, decision.reason, decision.fulfilments) == ("planned", "nothing_to_ship", ())
    mixed = decide(order("o", line("MUG"), line("GIFTCARD", ships=False)), [BER], units(BER=PLENTY))
    assert shares(mixed) == {"BER": {"MUG": 1}}


@pytest.mark.parametrize(
    ("place", "changes", "by"),
    [
        (location("BER", enabled=False), {}, "disabled"),
        (BER, {"excluded_locations": {"BER": "no staff"}}, "rejected"),
        (BER, {"pinned_location": "PAR"}, "pinned"),
        (BER, {"lines": (line("MUG", requires=("cold",)),)}, "capability"),
        (location("BER", calendar=Calendar(working_days=())), {}, "calendar"),
        (location("BER", capacity=0), {}, "capacity"),
    ],
)
def test_built_in_filters_name_themselves(place, changes, by):
    decision = decide(order(**changes), [place], units(BER=PLENTY))
    assert (decision.outcome, decision.fulfilments) == ("unfillable", ())
    assert verdict(decision, "BER").eliminated_by == by
    told = {"capability": "no_stock", "pinned": "unknown_location"}
    assert decision.reason == told.get(by, "no_location")


def test_rules_exclude_require_and_name_themselves():
    compiled = rules(
        sourcing=[
            {
                "id": "far",
                "when": ["location.distance_km > 4000"],
                "then": [{"action": "exclude", "reason": "too far"}],
            },
            {
                "id": "cold",
                "when": ["'cold' in order.requires"],
                "then": [{"action": "require", "capabilities": ["cold"]}],
            },
            {"id": "home", "when": ["order.lines > 5"], "then": [{"action": "only", "locations": ["NYC"]}]},
        ]
    )
    stock = units(BER=PLENTY, PAR=PLENTY, NYC=PLENTY)
    cold = [BER, location("PAR", country="FR", at=PARIS, capabilities=frozenset({"cold"})), NYC]
    decision = decide(order(facts=facts(requires=["cold"])), cold, stock, rules=compiled)
    assert shares(decision) == {"PAR": {"MUG": 1}}
    assert verdict(decision, "NYC").eliminated_by == "rule:cold"
    assert [other.by for other in verdict(decision, "NYC").also] == []
    assert (verdict(decision, "BER").eliminated_by, verdict(decision, "BER").facts) == (
        "rule:cold",
        {"lacks": ["cold"]},
    )
    warm = decide(order(), cold, stock, rules=compiled)
    assert (verdict(warm, "NYC").eliminated_by, verdict(warm, "NYC").reason) == ("rule:far", "too far")
    assert {found.rule_id: found.matched for found in warm.rules} == {"far": True, "cold": False, "home": False}
    only = decide(order(facts=facts(lines=6)), cold, stock, rules=compiled)
    assert verdict(only, "BER").eliminated_by == "rule:home"


def test_preference_comes_first_even_where_the_ranking_does_not_list_it():
    compiled = rules(
        sourcing=[
            {"id": "abroad", "when": ["!location.same_country"], "then": [{"action": "prefer", "weight": 5}]},
            {"id": "rank", "then": [{"action": "rank", "by": [{"ranker": "distance"}]}]},
        ]
    )
    decision = decide(order(), ALL, units(BER=PLENTY, PAR=PLENTY, NYC=PLENTY), rules=compiled)
    assert shares(decision) == {"PAR": {"MUG": 1}}
    assert (decision.ranking, decision.tie_break) == (("preference", "distance"), "distance")


def ranked(*by, mode="lexicographic"):
    return rules(sourcing=[{"id": "rank", "then": [{"action": "rank", "mode": mode, "by": list(by)}]}])


def test_rankers_have_their_say():
    stock = units(BER={"MUG": 2}, PAR={"MUG": 8}, NYC={"MUG": 4})
    loaded = (
        location("BER", capacity=10, used={NOW.date(): 5}, rank=3),
        location("PAR", capacity=10, used={NOW.date(): 1}, rank=9),
        location("NYC", capacity=10, rank=1),
    )
    ages = {("BER", "MUG"): 30, ("NYC", "MUG"): 90}
    winners = {
        name: next(iter(shares(decide(order(), loaded, stock, rules=ranked({"ranker": name}), stock_age=ages))))
        for name in ("stock", "load", "rank", "stock_age")
    }
    assert winners == {"stock": "PAR", "load": "NYC", "rank": "NYC", "stock_age": "NYC"}


def test_the_one_from_which_it_arrives_first_may_win():
    """The nearest leaves today by a slow service; who says nothing of its days comes last."""

    def rates(query):
        days = {"BER": 5, "PAR": 2}.get(query.location.code)
        deliver_by = None if days is None else query.ship_at + timedelta(days=days)
        return [Quote("card", "STD", 400, "EUR", deliver_by)]

    stock = units(BER={"MUG": 1}, PAR={"MUG": 1}, NYC={"MUG": 1})
    decision = decide(order(), ALL, stock, rules=ranked({"ranker": "arrival"}, {"ranker": "distance"}), rates=rates)
    assert (shares(decision), decision.tie_break) == ({"PAR": {"MUG": 1}}, "arrival")
    hours = {found.location: found.ranks["arrival"] for found in decision.candidates}
    assert (hours["BER"] - hours["PAR"], hours["NYC"]) == (72, None)
    unpriced = decide(order(), ALL, stock, rules=ranked({"ranker": "arrival"}, {"ranker": "distance"}))
    assert shares(unpriced) == {"BER": {"MUG": 1}}


def test_a_weighted_ranking_weighs():
    stock = units(BER={"MUG": 2}, PAR={"MUG": 8}, NYC={"MUG": 4})
    near = decide(
        order(), ALL, stock, rules=ranked({"ranker": "distance", "weight": 9}, {"ranker": "stock"}, mode="weighted")
    )
    full = decide(
        order(), ALL, stock, rules=ranked({"ranker": "distance"}, {"ranker": "stock", "weight": 5}, mode="weighted")
    )
    assert (set(shares(near)), set(shares(full))) == ({"BER"}, {"PAR"})
    assert near.tie_break == "weighted"


def test_cost_ranks_by_the_service_that_would_be_taken():
    prices = {"BER": 900, "PAR": 300, "NYC": 2000}

    def priced(query):
        return [quote.__class__("x", "y", prices[query.location.code], "EUR") for quote in quotes(query)[:1]]

    decision = decide(order(), ALL, units(BER=PLENTY, PAR=PLENTY), rules=ranked({"ranker": "cost"}), rates=priced)
    assert verdict(decision, "BER").reason == "behind PAR by cost: 900 against 300"


def test_a_location_without_a_service_loses_to_the_next():
    def only_paris(query):
        return quotes(query) if query.location.code == "PAR" else []

    decision = decide(order(), (BER, PAR), units(BER=PLENTY, PAR=PLENTY), rates=only_paris)
    assert shares(decision) == {"PAR": {"MUG": 1}}
    assert verdict(decision, "BER").eliminated_by == "service"
    nowhere = decide(order(), (BER, PAR), units(BER=PLENTY, PAR=PLENTY), rates=lambda query: [])
    assert (nowhere.outcome, nowhere.reason) == ("unfillable", "no_service")


def test_a_rule_in_error_sends_the_order_to_a_person():
    compiled = rules(
        sourcing=[
            {"id": "heavy", "when": ["order.weight_grams > 5"], "then": [{"action": "only", "locations": ["PAR"]}]}
        ]
    )
    values = facts()
    del values["order.weight_grams"]
    result = plan(problem([order(facts=values)], [BER], units(BER=PLENTY), rules=compiled))
    decision = result.decisions[0]
    assert (decision.outcome, decision.reason, decision.fulfilments) == ("needs_person", "rule_error", ())
    assert "rule heavy, clause 1: order.weight_grams is not known" in decision.message
    assert result.allocated == {}


def test_an_error_in_a_rule_over_candidates_or_couriers_does_too():
    nowhere = location("BER", latitude=None)
    far = rules(sourcing=[{"id": "far", "when": ["location.distance_km > 9"], "then": [{"action": "exclude"}]}])
    assert decide(order(), [nowhere], units(BER=PLENTY), rules=far).reason == "rule_error"
    assert decide(order(), [nowhere, BER], {}, rules=far).reason == "no_stock", "what is out already is not asked"
    courier = rules(courier=[{"id": "c", "when": ["order.tags[3] == 'x'"], "then": [{"action": "choose"}]}])
    found = decide(order(), [BER], units(BER=PLENTY), rules=courier, rates=quotes)
    assert (found.reason, found.rules[-1].section) == ("rule_error", "courier")


def test_unfillable_orders_go_where_the_rule_says():
    compiled = rules(sourcing=[{"id": "ask", "then": [{"action": "on_unfillable", "do": "hold"}]}])
    assert decide(order(), [BER], {}).outcome == "unfillable"
    assert decide(order(), [BER], {}, rules=compiled).outcome == "needs_person"


def test_hooks_exclude_and_rank_by_name():
    def no_berlin(request):
        assert request.locations == ("BER", "PAR")
        assert request.location_facts["PAR"]["location.country"] == "FR"
        return [Exclusion("BER", "strike", {"until": "monday"})]

    decision = decide(order(), (BER, PAR), units(BER=PLENTY, PAR=PLENTY), filters=[("unions", no_berlin)])
    assert (verdict(decision, "BER").eliminated_by, verdict(decision, "BER").facts) == (
        "plugin:unions",
        {"until": "monday"},
    )
    green = [("green", lambda request: {"PAR": 1.0, "BER": 2.5})]
    asked = decide(
        order(), (BER, PAR), units(BER=PLENTY, PAR=PLENTY), ranks=green, rules=ranked({"ranker": "plugin:green"})
    )
    assert asked.tie_break == "plugin:green"
    assert set(shares(asked)) == {"PAR"}


def test_a_full_day_moves_to_the_next_or_takes_the_location_out():
    full = location("BER", capacity=1, used={NOW.date(): 1})
    orders = [order("a"), order("b"), order("c")]
    moved = plan(problem(orders, [full], units(BER=PLENTY)))
    assert [found.fulfilments[0].ship_day for found in moved.decisions] == [
        date(2026, 11, 19),
        date(2026, 11, 20),
        date(2026, 11, 23),
    ]
    strict = rules(sourcing=[{"id": "cap", "then": [{"action": "capacity", "when_full": "exclude"}]}])
    out = decide(order(), [full], units(BER=PLENTY), rules=strict)
    assert verdict(out, "BER").facts == {"capacity": 1, "used": 1, "day": "2026-11-18"}
    ignoring = rules(sourcing=[{"id": "cap", "then": [{"action": "capacity", "when_full": "ignore"}]}])
    assert decide(order(), [full], units(BER=PLENTY), rules=ignoring).fulfilments[0].ship_day == NOW.date()


def test_cut_offs_weekends_and_holidays_in_local_time():
    calendar = Calendar("Asia/Shanghai", holidays=frozenset({date(2026, 11, 23)}), cutoff=14 * 60)
    friday_late = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
    assert shipping_days(calendar, friday_late - timedelta(minutes=1))[0] == (0, date(2026, 11, 20))
    assert shipping_days(calendar, friday_late)[0] == (4, date(2026, 11, 24))
    assert leaves_at(calendar, date(2026, 11, 24)) == datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def test_many_locations_are_covered_greedily():
    many = [location(f"W{number:02}") for number in range(40)]
    stock = {(f"W{number:02}", f"SKU{number % 4}"): 1000 for number in range(40)}
    wanted = order("o", *[line(f"SKU{number}") for number in range(4)])
    assert decide(wanted, many, stock).reason == "split_needed"
    assert len(decide(wanted, many, stock, rules=split(max_splits=4)).fulfilments) == 4


def test_the_decision_explains_itself_from_what_is_stored():
    compiled = rules(
        sourcing=[{"id": "near", "when": ["location.same_region"], "then": [{"action": "prefer", "weight": 2}]}]
    )
    decision = decide(order(), ALL, units(BER=PLENTY, PAR=PLENTY), rules=compiled, rates=quotes)
    stored = decision.to_dict()
    assert explain(stored) == explain(decision)
    why = explain_location(stored, "BER")
    assert why[0].startswith("BER won: before PAR by preference: -2 against 0")
    assert "rules that held for it: near" in why
    assert any("swift/standard" in text for text in why)
    assert any("beside BER" in text for text in explain_location(stored, "PAR"))
    assert explain_location(stored, "NYC")[0].startswith("NYC eliminated by stock: it has none of the SKUs")
    assert "not among the candidates" in explain_location(stored, "W-99")[0]
