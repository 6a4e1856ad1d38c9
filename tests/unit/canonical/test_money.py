import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.money import (
    MAX_MINOR,
    Money,
    MoneyError,
    allocate,
    exponent,
    format_minor,
    round_to_minor,
    to_minor,
)

WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "IQD", "CLF"])


@given(st.integers(-(10**15), 10**15), WEIGHTS)
def test_parts_sum_to_the_total_and_none_is_a_unit_off(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    basis = weights if any(weights) else [1] * len(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, basis, strict=True):
        assert abs(Decimal(part) - Decimal(total) * weight / sum(basis)) < 1


@given(st.integers(0, 10**12), WEIGHTS)
def test_a_heavier_share_is_never_smaller(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    by_weight = sorted(zip(weights, parts, strict=True))
    for (lighter, less), (heavier, more) in itertools.pairwise(by_weight):
        assert less <= more or lighter == heavier


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_money_back_is_shared_out_as_money_was(total: int, weights: list[int]) -> None:
    assert allocate(-total, weights) == [-part for part in allocate(total, weights)]


def test_ties_go_to_the_earlier_and_weightless_shares_are_even() -> None:
    assert allocate(5, [1, 1, 1]) == [2, 2, 1]
    assert allocate(5, [0, 0]) == [3, 2]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_what_cannot_be_shared_out(weights: list[int]) -> None:
    with pytest.raises(MoneyError):
        allocate(1, weights)


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("IQD", 3), ("LAK", 2), ("CLF", 4)]
)
def test_decimals_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("currency", ["usd", "ZZZ", "", "EURO"])
def test_a_code_that_is_no_currency(currency: str) -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        exponent(currency)


@given(st.integers(-MAX_MINOR, MAX_MINOR), CURRENCIES)
def test_text_and_minor_units_say_the_same(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    assert to_minor(text, currency) == minor
    assert Money.of(text, currency).decimal == Decimal(text)
    assert "E" not in text


@pytest.mark.parametrize(
    ("amount", "currency"), [("0.001", "USD"), ("0.5", "JPY"), ("x", "USD"), ("1e30", "USD"), ("NaN", "USD")]
)
def test_an_amount_that_cannot_be_kept_exactly_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(MoneyError):
        to_minor(amount, currency)


def test_only_products_are_rounded_and_halves_go_away_from_zero() -> None:
    assert [round_to_minor(Decimal(text), "USD") for text in ("0.005", "-0.005", "0.0049")] == [1, -1, 0]


def test_two_currencies_are_not_added() -> None:
    with pytest.raises(MoneyError, match="cannot add EUR to USD"):
        Money(minor=1, currency="USD") + Money(minor=1, currency="EUR")
