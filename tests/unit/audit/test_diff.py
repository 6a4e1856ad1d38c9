"""What changed, field by field."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.audit.rules.diff import field_diff

DOCUMENTS = st.dictionaries(
    st.sampled_from(["mode", "count", "policy", "tags"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3)),
)


def test_only_what_differs_is_there_with_both_sides() -> None:
    before = {"mode": "observe", "name": "shop", "policy": {"tolerance": 1, "auto": True}}
    after = {"mode": "live", "name": "shop", "policy": {"tolerance": 2, "auto": True}}
    assert field_diff(before, after) == {
        "mode": {"before": "observe", "after": "live"},
        "policy/tolerance": {"before": 1, "after": 2},
    }


def test_null_and_absent_are_told_apart() -> None:
    assert field_diff({"a": None}, {}) == {"a": {"before": None}}
    assert field_diff({}, {"a": None}) == {"a": {"after": None}}
    assert field_diff(None, {"a": 0}) == {"a": {"after": 0}}
    assert field_diff({"a": 0}, None) == {"a": {"before": 0}}


def test_true_is_not_one_and_null_is_not_zero() -> None:
    assert field_diff({"a": 1, "b": None}, {"a": True, "b": 0}) == {
        "a": {"before": 1, "after": True},
        "b": {"before": None, "after": 0},
    }


def test_secrets_show_only_that_they_changed() -> None:
    diff = field_diff(
        {"settings": {"access_token": "old", "shop": "a"}, "secrets": {"x": "old"}},
        {"settings": {"access_token": "new", "shop": "a"}, "secrets": {"x": "new"}},
    )
    assert diff == {
        "settings/access_token": {"before": "***", "after": "***"},
        "secrets": {"before": "***", "after": "***"},
    }
    assert field_diff({}, {"settings": {"password": "x", "shop": "a"}}) == {
        "settings": {"after": {"password": "***", "shop": "a"}}
    }


@given(DOCUMENTS, DOCUMENTS)
def test_a_diff_leads_from_one_state_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    diff = field_diff(before, after)
    rebuilt = {name: value for name, value in before.items() if name not in diff}
    rebuilt.update({name: sides["after"] for name, sides in diff.items() if "after" in sides})
    assert rebuilt == after
    assert field_diff(after, after) == {}
