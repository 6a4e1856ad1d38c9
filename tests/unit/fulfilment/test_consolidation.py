"""Who may share a parcel, and until when it waits."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.order import Order
from hub.fulfilment.rules.consolidation import closing, consignee, fits, may_join, merging_key, payment_kind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA: dict[str, Any] = {
    "name": "Ada Møller", "lines": ["1 Main Street", "Apt. 2"], "city": "Köln", "postal_code": "50667", "country": "DE",
    "phone": "+49 221 1234567",
}  # fmt: skip
moments = st.integers(-3000, 3000).map(lambda minutes: NOW + timedelta(minutes=minutes))


@dataclass(slots=True)
class Waiting:
    max_orders: int = 3
    max_grams: int | None = 1000
    days_apart: int = 0
    ship_by: datetime = NOW + timedelta(hours=8)
    closes_at: datetime = NOW + timedelta(hours=1)


def to(**changes: Any) -> Order:
    extra = changes.pop("order", {})
    return Order.model_validate({"external_id": "1", "ship_to": {**ADA, **changes}, **extra}, strict=False)


@pytest.mark.parametrize(
    "typed",
    [
        {"name": " ADA  MØLLER "}, {"lines": ["1 main street, apt 2"]}, {"city": "KÖLN"}, {"city": "Ko\u0308ln"},
        {"phone": "0221-1234567"}, {"phone": "0049 (221) 1234567"},
    ],
)  # fmt: skip
def test_one_consignee_however_typed(typed: dict[str, Any]) -> None:
    assert consignee(to(**typed)) == consignee(to())


@pytest.mark.parametrize(
    "other", [{"name": "Bob"}, {"lines": ["11 Main Street", "Apt. 2"]}, {"postal_code": "50668"}, {"country": "AT"},
              {"phone": "+49 221 7654321"}, {"company": "Acme"}]
)  # fmt: skip
def test_somebody_else(other: dict[str, Any]) -> None:
    assert consignee(to(**other)) != consignee(to())


@pytest.mark.parametrize(
    "alone",
    [
        {"name": None}, {"lines": ["-"]}, {"country": None}, {"masked": {"token": "t", "platform": "p"}},
        {"order": {"pickup_location": "store"}},
        {"order": {"charges": [{"kind": "gift_wrap", "amount": {"minor": 100, "currency": "EUR"}}]}},
    ],
)  # fmt: skip
def test_who_gets_it_is_not_known_well_enough_or_it_is_a_present(alone: dict[str, Any]) -> None:
    assert consignee(to(**alone)) is None


def test_a_key_names_nobody_and_parts_do_not_run_together() -> None:
    who = consignee(to()) or ()
    key = merging_key(who, "W1", "card", "STD")
    assert (len(key), key == merging_key(who, "W1", "card", "STD")) == (64, True)
    assert len({key, merging_key(who, "W1", "cardSTD", None), merging_key(who, "W2", "card", "STD")}) == 3
    assert {payment_kind("paid"), payment_kind("on_credit")} == {"none"} != {payment_kind("cod_due")}


@given(moments, st.integers(1, 10_000), st.none() | moments)
def test_a_parcel_never_waits_past_its_window_or_its_cut_off(
    at: datetime, window: int, ship_by: datetime | None
) -> None:
    until = closing(at=at, window_minutes=window, ship_by=ship_by)
    if ship_by is None or ship_by <= at:
        assert until is None
    else:
        assert until is not None
        assert at < until <= min(ship_by, at + timedelta(minutes=window))


@given(
    st.lists(st.tuples(moments, moments, st.integers(0, 600), st.sampled_from("abcd")), max_size=12),
    st.integers(2, 4), st.none() | st.integers(1, 1500), st.integers(0, 2),
)  # fmt: skip
def test_whatever_comes_the_limits_are_kept(
    comers: list[tuple[datetime, datetime, int, str]], most: int, heaviest: int | None, apart: int
) -> None:
    group = Waiting(most, heaviest, apart)
    orders: set[str] = set()
    grams, days = 0, set()
    for at, ship_by, weight, order_id in comers:
        if may_join(group, at=at, ship_by=ship_by, order_id=order_id, grams=weight, orders=orders, weight=grams):
            assert at < group.closes_at
            orders.add(order_id)
            grams += weight
            days.add(abs((ship_by.date() - group.ship_by.date()).days))
    assert fits(group, orders=len(orders), grams=grams)
    assert max(days, default=0) <= apart
