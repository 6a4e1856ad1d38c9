"""Which gifts do their orders harm: by what is decided with and without them."""

from datetime import date

import pytest

from hub.routing.rules.gifts import hindering
from hub.routing.rules.values import PlanLocation
from tests.unit.routing import builders as make

GIFTS = {"line-MUG", "line-PEN"}
PARTIAL = {"id": "partial", "then": [{"action": "split", "ship_complete": False}]}
TRANSFER = {"id": "transfer", "then": [{"action": "transfer", "cost_minor": 1, "days": 0}]}
BER, HAM = make.location("BER"), make.location("HAM")


def found(
    stock: dict[str, dict[str, float]], *rules: dict[str, object], locations: tuple[PlanLocation, ...] = (BER, HAM),
    bought: bool = True, **changes: object,
) -> frozenset[str]:  # fmt: skip
    """Of a shirt with a mug and a pen."""
    goods = [make.line("SHIRT", 2)] if bought else []
    whole = make.order("1", *goods, make.line("MUG"), make.line("PEN"))
    bare = make.order("1", *(goods or [make.line("SERVICE", ships=False)]))
    known = {"rules": make.rules(sourcing=rules), **changes}
    units = make.units(**stock)
    return hindering(make.decide(whole, locations, units, **known), make.decide(bare, locations, units, **known), GIFTS)


def test_what_goes_with_the_goods_does_no_harm() -> None:
    assert found({"BER": {"SHIRT": 2, "MUG": 1, "PEN": 1}}) == frozenset()


def test_one_that_is_short_is_told_apart_from_one_that_is_there() -> None:
    assert found({"BER": {"SHIRT": 2, "MUG": 1}}) == {"line-PEN"}
    assert found({"BER": {"SHIRT": 2, "MUG": 1}}, PARTIAL) == {"line-PEN"}


def test_it_waits_where_the_goods_wait_all_the_same() -> None:
    assert found({"BER": {"SHIRT": 1, "MUG": 1}}) == frozenset()
    assert found({"BER": {"SHIRT": 1, "MUG": 1}}, PARTIAL) == frozenset()


@pytest.mark.parametrize("rule", [PARTIAL, TRANSFER])
def test_none_comes_from_another_place(rule: dict[str, object]) -> None:
    stock = {"BER": {"SHIRT": 2, "MUG": 1}, "HAM": {"PEN": 1}}
    assert found(stock, rule, may_transfer=True, rates=make.quotes, rates_version="1") >= {"line-PEN"}


def test_goods_are_not_torn_apart_for_it() -> None:
    stock = {"BER": {"SHIRT": 2}, "HAM": {"SHIRT": 1, "MUG": 1, "PEN": 1}}
    assert found(stock, {"id": "two", "then": [{"action": "split", "max_splits": 2}]}) == {"line-MUG", "line-PEN"}


def test_nothing_leaves_later_for_it() -> None:
    closed = make.location("HAM", capacity=1, used={date(2026, 11, 18): 1})
    stock = {"BER": {"SHIRT": 2}, "HAM": {"SHIRT": 2, "MUG": 1, "PEN": 1}}
    later = {"id": "later", "then": [{"action": "capacity", "when_full": "next_day"}]}
    assert found(stock, later, locations=(BER, closed)) == GIFTS


def test_it_does_not_go_by_itself() -> None:
    assert found({"BER": {"MUG": 1, "PEN": 1}}, bought=False) == GIFTS
    assert found({"BER": {"MUG": 1, "PEN": 1}}, PARTIAL) == GIFTS
