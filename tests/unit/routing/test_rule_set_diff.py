"""What differs between two versions of the rules."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.routing.rules.rule_set_diff import EntryChange, MemberChange, Moved, RuleChange, diff_rule_sets

ONLY = [{"action": "only", "locations": ["W1"]}]


def rule(identity: str, **changes: Any) -> dict[str, Any]:
    return {"id": identity, "name": identity.upper(), "then": ONLY, **changes}


def rules(*sourcing: dict[str, Any], **sections: Any) -> RuleSet:
    return read_rule_set({"sourcing": sourcing, **sections})


def test_rules_that_came_and_went_are_shown_whole() -> None:
    (section,) = diff_rule_sets(rules(rule("a"), rule("b")), rules(rule("c", priority=5), rule("a"))).sections
    assert (section.section, section.changed, section.moved) == ("sourcing", (), ())
    assert [found["id"] for found in section.removed] == ["b"]
    assert section.added == ({"id": "c", "name": "C", "priority": 5, "then": ONLY},)


def test_a_changed_rule_is_told_member_by_member_and_clause_by_clause() -> None:
    before = rules(rule("a", when=["order.total_minor > 1", "'X' in order.skus"], priority=100))
    split = {"action": "split", "max_splits": 1}
    after = rules(rule("a", when=["order.total_minor > 2", "'X' in order.skus"], priority=7, then=[*ONLY, split]))
    (section,) = diff_rule_sets(before, after).sections
    (change,) = section.changed
    assert change.members == (MemberChange("priority", 100, 7),)
    removed, added, action = change.entries
    assert removed == EntryChange("when", "removed", 1, "order.total_minor > 1")
    assert added == EntryChange("when", "added", 1, "order.total_minor > 2")
    assert (action.member, action.change, action.place, action.entry["max_splits"]) == ("then", "added", 2, 1)


def test_a_value_that_was_left_out_is_told_as_what_it_means() -> None:
    (section,) = diff_rule_sets(rules(rule("a")), rules(rule("a", enabled=False))).sections
    assert section.changed == (RuleChange("a", (MemberChange("enabled", True, False),), ()),)


def test_the_fewest_rules_are_moved() -> None:
    before, after = (rules(*map(rule, names)) for names in ("abcd", "dabc"))
    (section,) = diff_rule_sets(before, after).sections
    assert section.moved == (Moved("d", 4, 1),)
    assert (section.added, section.removed, section.changed) == ((), (), ())


def test_a_rule_that_changes_its_section_goes_and_comes() -> None:
    held = {"id": "a", "name": "A", "then": [{"action": "tag", "tags": ["x"]}]}
    found = diff_rule_sets(rules(rule("a")), read_rule_set({"review": [held]}))
    assert [(section.section, len(section.added), len(section.removed)) for section in found.sections] == [
        ("review", 1, 0), ("sourcing", 0, 1),
    ]  # fmt: skip


clauses = st.lists(st.sampled_from(["order.total_minor > 1", "'X' in order.skus", "true"]), max_size=3)
documents = st.lists(
    st.builds(
        lambda identity, when, priority: rule(identity, when=when, priority=priority),
        st.sampled_from("abcdef"), clauses, st.sampled_from([100, 1]),
    ),
    max_size=5, unique_by=lambda found: found["id"],
)  # fmt: skip


@settings(deadline=None)
@given(documents, documents)
def test_nothing_differs_exactly_where_the_content_is_the_same(one: list[Any], other: list[Any]) -> None:
    before, after = rules(*one), rules(*other)
    assert not diff_rule_sets(before, before)
    assert bool(diff_rule_sets(before, after)) == (before.content_hash != after.content_hash)


@settings(deadline=None)
@given(documents, documents)
def test_the_way_back_is_the_way_there_turned_round(one: list[Any], other: list[Any]) -> None:
    there = diff_rule_sets(rules(*one), rules(*other)).sections
    back = diff_rule_sets(rules(*other), rules(*one)).sections
    assert [section.added for section in there] == [section.removed for section in back]
    assert [len(section.moved) for section in there] == [len(section.moved) for section in back]
    assert [{change.rule for change in section.changed} for section in there] == [
        {change.rule for change in section.changed} for section in back
    ]
