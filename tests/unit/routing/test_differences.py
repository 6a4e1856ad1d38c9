"""Two decisions side by side."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.routing.rules.differences import changes, decided_by, difference


def part(location: str = "W1", **changes: Any) -> dict[str, Any]:
    service = {"service": "card/STD", "total_minor": 500, "currency": "USD", "late": False, "lost": []}
    known = {"location": location, "lines": [["l", "A", 1000]], "ship_day": "2026-01-05"}
    return {**known, "service": {**service, **changes.pop("service", {})}, **changes}


def body(*parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "order_id": "o", "number": "N", "outcome": "planned" if parts else "unfillable", "reason": "no_stock",
        "message": "nobody has it", "fulfilments": list(parts), "shortages": [], "candidates": [],
    }  # fmt: skip
    return {**known, **changes}


def test_each_thing_that_differs_is_named() -> None:
    one = body(part())
    assert changes(one, body(part(ship_day="2026-01-06"))) == ("day",)
    assert changes(one, body(part(service={"service": "card/EXP", "total_minor": 900}))) == ("service", "price")
    assert changes(one, body(part(lines=[["l", "A", 500]]))) == ("units",)
    assert changes(one, body(part("W2"))) == ("location",)
    assert changes(one, body(part(), part("W2"))) == ("location", "split", "day", "service", "price")
    assert changes(one, body()) == ("outcome",)
    assert changes(body(), body(outcome="needs_person")) == ("outcome",)


def test_the_same_is_no_difference_whatever_the_reasons() -> None:
    assert difference(body(part(), reason="single"), body(part(), reason="split", rule_set_hash="x")) is None
    assert difference(body(reason="no_stock"), body(reason="no_location")) is None


PARTS = st.lists(
    st.builds(
        part, st.sampled_from(["W1", "W2"]), ship_day=st.sampled_from(["2026-01-05", "2026-01-06"]),
        service=st.fixed_dictionaries({"total_minor": st.integers(1, 2)}),
    ),
    max_size=2, unique_by=lambda found: found["location"],
)  # fmt: skip


@given(PARTS, PARTS)
def test_nothing_that_is_noticed_outside_is_missed(one: list[Any], other: list[Any]) -> None:
    def noticed(parts: list[Any]) -> list[str]:
        return sorted(str(found) for found in parts)

    assert bool(changes(body(*one), body(*other))) == (noticed(one) != noticed(other))


def test_what_decided_is_said_in_a_line() -> None:
    candidates = [
        {"location": "W2", "verdict": "won", "reason": "the only one that has everything"},
        {"location": "W1", "verdict": "eliminated", "eliminated_by": "rule:west", "reason": "not from here"},
        {"location": "W3", "verdict": "eliminated", "eliminated_by": "capacity", "reason": "full"},
    ]
    lost = [{"service": "card/EXP", "reason": "too dear", "by": "rule:cheap"}]
    found = difference(body(part()), body(part("W2", service={"lost": lost}), candidates=candidates))
    assert found is not None
    assert (found.before, found.after) == ("1 from W1 by card/STD (500 USD)", "1 from W2 by card/STD (500 USD)")
    assert found.why == (
        "then: nobody has it; now: W2 the only one that has everything, rule:west took out W1, "
        "rule:cheap took out services"
    )
    assert decided_by(body()) == "nobody has it"
