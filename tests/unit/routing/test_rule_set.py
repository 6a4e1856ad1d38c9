from datetime import timedelta

import pytest

from hub.kit.rules.compiled import NOT_IN_FORCE, compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.kit.rules.validation import KnownReferences, validate_rule_set
from tests.unit.routing.builders import NOW, facts, rules

HOLD = {"action": "hold", "reason_code": "look", "message": "look at it"}
KNOWN = KnownReferences(
    locations=frozenset({"BER", "HAM"}), services=frozenset({"swift/standard"}), capabilities=frozenset({"cold"}),
    products=frozenset({"MUG"}), plugin_rankers=frozenset({"plugin:green"}),
)  # fmt: skip


def faults(**sections):
    return {fault.path: fault for fault in validate_rule_set(sections, KNOWN)}


def rule(identity="a", **changes):
    return {"id": identity, "name": identity, "then": [HOLD], **changes}


def sourcing(*actions, when=()):
    return rule(then=list(actions), when=list(when))


def test_every_fault_is_told_at_once():
    found = faults(
        reviews=[],
        review=[
            rule(
                "a", when=["order.totl_minor > 3", "order.currency"], then=[{"action": "hld"}, {**HOLD, "mesage": "x"}]
            ),
            rule("a", nme="x"),
            "not a rule",
        ],
        sourcing=[
            rule("s", valid_from="2026-01-01", then=[{"action": "only", "locations": ["BRE"]}]),
            rule("r", then=[{"action": "rank", "by": [{"ranker": "distnce"}]}, {"action": "split", "max_splits": 0}]),
        ],
        courier={"no": "list"},
    )
    assert set(found) == {
        "/reviews", "/review/0/then/0/action", "/review/0/then/1/mesage", "/review/0/when/0", "/review/0/when/1",
        "/review/1/id", "/review/1/nme", "/review/2", "/sourcing/0/valid_from", "/sourcing/0/then/0/locations/0",
        "/sourcing/1/then/0/by/0/ranker", "/sourcing/1/then/1/max_splits", "/courier",
    }  # fmt: skip
    assert "'review'" in found["/reviews"].suggestion
    assert "'hold'" in found["/review/0/then/0/action"].suggestion
    assert "'message'" in found["/review/0/then/1/mesage"].suggestion
    assert (found["/review/0/when/0"].line, found["/review/0/when/0"].column) == (1, 1)
    assert "'BER'" in found["/sourcing/0/then/0/locations/0"].suggestion
    assert "'distance'" in found["/sourcing/1/then/0/by/0/ranker"].suggestion


@pytest.mark.parametrize(
    ("action", "when", "path"),
    [
        ({"action": "exclude"}, [], "/sourcing/0/then/0"),
        ({"action": "prefer", "weight": 3}, ["order.lines > 1"], "/sourcing/0/then/0"),
        ({"action": "split"}, ["location.rank > 1"], "/sourcing/0/then/0"),
        ({"action": "only", "locations": ["BER"]}, ["location.rank > 1"], "/sourcing/0/then/0"),
        ({"action": "require", "capabilities": ["warm"]}, [], "/sourcing/0/then/0/capabilities/0"),
        ({"action": "rank", "by": [{"ranker": "plugin:gren"}]}, [], "/sourcing/0/then/0/by/0/ranker"),
    ],
)
def test_actions_that_cannot_be_meant_are_refused(action, when, path):
    assert list(faults(sourcing=[sourcing(action, when=when)])) == [path]


def test_a_gift_is_of_the_catalogue_once_and_some_of_it():
    def gift(*actions):
        return faults(gift=[rule(then=[{"action": "add_gift", **action} for action in actions])])

    assert gift({"sku": "MUG", "quantity": 2, "max_total": 5}) == {}
    assert "add it to the catalogue" in gift({"sku": "MUGG"})["/gift/0/then/0/sku"].suggestion
    assert "gives MUG twice" in gift({"sku": "MUG"}, {"sku": "MUG"})["/gift/0"].reason
    refused = gift({"sku": "MUG", "quantity": 0, "max_total": 0, "max_in_all": 3})
    assert set(refused) == {f"/gift/0/then/0/{name}" for name in ("quantity", "max_total", "max_in_all")}
    assert "max_total" in refused["/gift/0/then/0/max_in_all"].suggestion


def test_what_is_right_has_no_fault():
    assert not faults(
        review=[rule("r", when=["'vip' in order.tags"], valid_from="2026-01-01T00:00:00Z")],
        sourcing=[
            rule("s1", when=["location.same_country"], then=[{"action": "exclude"}, {"action": "prefer", "weight": 3}]),
            rule("s2", then=[{"action": "rank", "by": [{"ranker": "plugin:green"}, {"ranker": "cost"}]}]),
        ],
        courier=[rule("c", when=["parcel.grams > 5"], then=[{"action": "allow_services", "services": ["swift/*"]}])],
    )


@pytest.mark.parametrize(
    "hold", [{**HOLD, "release": "timer"}, {**HOLD, "release_after_minutes": 5}, {**HOLD, "reason_code": "Look At"}]
)
def test_holds_that_cannot_be_meant_are_refused(hold):
    assert faults(review=[rule(then=[hold])])


def test_the_hash_is_of_the_content():
    document = {"review": [rule(when=["order.lines > 1"])]}
    spelt_out = {
        "schema_version": 1,
        "review": [rule(when=["order.lines > 1"], priority=100, enabled=True)],
        "courier": [],
    }
    other = {"review": [rule(when=["order.lines > 2"])]}
    first, second, third = (read_rule_set(body) for body in (document, spelt_out, other))
    assert first.content_hash == second.content_hash != third.content_hash
    assert read_rule_set(first.document()) == first
    assert compile_rule_set(first) is compile_rule_set(second), "compiled once"


def test_rules_run_by_priority_then_as_written():
    compiled = rules(
        review=[rule("b", priority=5), rule("c"), rule("a", priority=1), rule("d"), rule("off", enabled=False)]
    )
    assert [found.id for found in compiled.review] == ["a", "b", "c", "d"]


def test_a_rule_is_in_force_from_inclusive_to_exclusive():
    start, end = NOW, NOW + timedelta(days=1)
    compiled = rules(review=[rule(valid_from=start.isoformat(), valid_to=end.isoformat())]).review[0]
    assert [compiled.judge(facts(), now).matched for now in (start - timedelta(seconds=1), start, end)] == [
        False,
        True,
        False,
    ]
    assert compiled.judge(facts(), end).reason == NOT_IN_FORCE


def test_a_verdict_names_the_clause_that_is_false():
    compiled = rules(review=[rule(when=["order.lines == 0", "order.test"])]).review[0]
    verdict = compiled.judge(facts(), NOW)
    assert not verdict.matched
    assert verdict.reason == "order.test"
