from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.money import Money
from hub.canonical.shipping import Rate
from hub.fulfilment.rules.rates import Offer, best_offer
from hub.fulfilment.rules.states import (
    FULFILMENT_ACTIONS,
    ON_ITS_WAY,
    TRACKING_RANK,
    advance,
    may_withdraw,
    must_ask,
    slowest,
    supported_actions,
)
from hub.fulfilment.tables import SHIPMENT_STATES

STATES = st.sampled_from(sorted(TRACKING_RANK))
FRIDAY = datetime(2026, 3, 6, tzinfo=UTC)


def offer(carrier: str, service: str, minor: int, days: int | None = None) -> Offer:
    deliver_by = None if days is None else FRIDAY + timedelta(days=days)
    return Offer(carrier, Rate(service=service, total=Money(minor=minor, currency="USD"), deliver_by=deliver_by))


def test_every_state_of_a_shipment_has_its_place_in_the_lattice() -> None:
    assert set(TRACKING_RANK) == {state.strip("' ") for state in SHIPMENT_STATES.split(",")}
    assert set(TRACKING_RANK) >= ON_ITS_WAY


@given(STATES, st.lists(STATES, max_size=8))
def test_scans_in_any_sequence_end_at_the_furthest(start: str, told: list[str]) -> None:
    status = start
    for scan in told:
        status = advance(status, scan, correction=False)
    assert TRACKING_RANK[status] == max(TRACKING_RANK[state] for state in (start, *told))


@given(STATES, STATES)
def test_only_a_correction_lowers(status: str, told: str) -> None:
    assert advance(status, told, correction=True) == told
    assert TRACKING_RANK[advance(status, told, correction=False)] >= TRACKING_RANK[status]
    assert advance(status, "unknown", correction=True) == status


def test_a_shipment_is_as_far_as_its_last_parcel() -> None:
    assert slowest(("delivered", "in_transit", "handed_over")) == "handed_over"


def test_nothing_may_be_done_with_work_that_is_over() -> None:
    for state in ("closed", "incomplete", "cancelled", "planned"):
        assert supported_actions(state, "accepted") == ()
        assert supported_actions(state, "cancel_accepted") == ()


def test_work_that_is_to_be_stopped_is_answered_and_no_other_is() -> None:
    for (_, negotiation), actions in FULFILMENT_ACTIONS.items():
        assert ("cancel" in actions) == (negotiation in ("unsubmitted", "submitted", "accepted"))
        assert ({"accept_cancel", "refuse_cancel"} <= set(actions)) == (negotiation == "cancel_requested")


@pytest.mark.parametrize("negotiation", ["unsubmitted", "submitted", "accepted", "cancel_requested", "cancel_refused"])
@pytest.mark.parametrize("outside", [True, False])
def test_what_a_location_outside_has_is_never_just_taken_back(negotiation: str, outside: bool) -> None:
    told = outside and negotiation in ("submitted", "accepted")
    assert must_ask(negotiation, outside=outside) == told
    free = negotiation == ("unsubmitted" if outside else "accepted")
    assert may_withdraw("released", negotiation, outside=outside) == free
    assert not may_withdraw("in_progress", negotiation, outside=outside)


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [((None, None), ("b", "slow")), (("a", "fast"), ("a", "fast")), (("gone", "fast"), ("b", "slow"))],
)
def test_the_plans_own_choice_goes_first_then_the_cheapest(
    preferred: tuple[str | None, str | None], expected: tuple[str, str]
) -> None:
    offers = [offer("a", "fast", 900, 1), offer("b", "slow", 500, 5), offer("a", "slow", 600, 2)]
    best = best_offer(offers, preferred=preferred)
    assert (best.carrier_connection, best.rate.service) == expected


def test_of_two_at_one_price_the_faster_and_a_promise_before_none() -> None:
    offers = [offer("a", "none", 500), offer("b", "late", 500, 5), offer("c", "soon", 500, 2)]
    assert [best_offer(offers[:count], preferred=(None, None)).carrier_connection for count in (1, 2, 3)] == [
        "a",
        "b",
        "c",
    ]
