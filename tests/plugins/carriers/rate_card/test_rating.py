from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.shipping import Rate
from plugins.carriers.rate_card.rating import rate, rate_one, share_of
from plugins.carriers.rate_card.settings import RateCardSettings
from tests.plugins.carriers.rate_card.cards import asked, box, examples, place, service, settings, table

SAMPLE = [RateCardSettings.model_validate(document) for document in examples()]


def price(made: RateCardSettings, *boxes: Any, **where: Any) -> Rate:
    (only,) = rate(made, asked(*boxes, **where))
    return only


@pytest.mark.parametrize(("grams", "total"), [(1, "5.00"), (1000, "5.00"), (1001, "7.50"), (2000, "7.50")])
def test_a_step_holds_up_to_its_weight(grams: int, total: str) -> None:
    assert str(price(settings(), box(grams)).total) == total


def test_beyond_the_last_step_every_started_portion_counts() -> None:
    more = settings(services=[service(tables=[table(additional={"grams": 500, "price": "0.80"})])])
    assert [str(price(more, box(grams)).total) for grams in (2001, 2500, 2501)] == ["8.30", "8.30", "9.10"]


def test_without_additional_heavier_parcels_are_left_out() -> None:
    assert rate(settings(), asked(box(2001))) == []


def test_a_table_may_begin_above_zero() -> None:
    steps = [{"over_grams": 500, "up_to_grams": 1000, "price": "5.00"}]
    heavy = settings(services=[service(tables=[table(steps=steps)])])
    assert rate(heavy, asked(box(500))) == []
    assert str(price(heavy, box(501)).total) == "5.00"


def test_volumetric_weight_counts_where_it_is_greater() -> None:
    made = settings(volumetric_divisor=5000)
    light = price(made, box(300, (300, 200, 100)))
    assert (light.billed_grams, str(light.total)) == (1200, "7.50")
    assert price(made, box(1800, (300, 200, 100))).billed_grams == 1800
    assert price(made, box(300, (300, 200, 101))).billed_grams == 1212
    assert price(made, box(1, (10, 10, 51))).billed_grams == 2
    assert price(made, box(300, (300, 200, None))).billed_grams == 300


def test_a_service_may_have_its_own_divisor() -> None:
    made = settings(volumetric_divisor=5000, services=[service(volumetric_divisor=6000)])
    assert price(made, box(300, (300, 200, 100))).billed_grams == 1000


def test_parcels_are_priced_one_by_one() -> None:
    both = price(settings(), box(900), box(1500))
    assert (str(both.total), both.billed_grams, both.zone) == ("12.50", 2400, "home")


@pytest.mark.parametrize(
    ("limits", "sides", "grams", "carried"),
    [
        ({"max_grams": 900}, (None, None, None), 900, True),
        ({"max_grams": 900}, (None, None, None), 901, False),
        ({"max_sides_mm": [600, 400]}, (390, 600, 100), 500, True),
        ({"max_sides_mm": [600, 400]}, (410, 600, 100), 500, False),
        ({"max_sides_mm": [600]}, (601, None, None), 500, False),
        ({"max_length_plus_girth_mm": 1000}, (400, 200, 100), 500, True),
        ({"max_length_plus_girth_mm": 999}, (100, 200, 400), 500, False),
        ({"max_length_plus_girth_mm": 10}, (400, None, None), 500, True),
    ],
)
def test_limits_leave_the_service_out(limits: dict[str, Any], sides: Any, grams: int, carried: bool) -> None:
    found = rate(settings(services=[service(**limits)]), asked(box(grams, sides)))
    assert bool(found) is carried


def test_one_parcel_that_cannot_be_carried_leaves_the_service_out() -> None:
    made = settings(services=[service(max_grams=900), service("BIG")])
    assert [one.service for one in rate(made, asked(box(800), box(1000)))] == ["BIG"]


@pytest.mark.parametrize("where", [place("CA"), place(None)])
def test_where_the_carrier_does_not_go_there_is_no_price(where: Any) -> None:
    assert rate(settings(), asked(to=where)) == []


def test_a_service_without_a_table_for_the_zone_is_left_out() -> None:
    zones = [
        {"name": "north", "destinations": [{"country": "CA"}]},
        {"name": "home", "destinations": [{"country": "US"}]},
    ]
    made = settings(zones=zones, services=[service(), service("ALL", tables=[table(), table("north")])])
    assert [one.service for one in rate(made, asked(to=place("CA", "H2X")))] == ["ALL"]
    assert rate_one(made, asked(to=place("CA", "H2X")), "STD") is None


def test_a_service_may_have_its_own_zones() -> None:
    own = [{"name": "world", "destinations": [{"country": "*"}]}]
    made = settings(services=[service(), service("AIR", zones=own, tables=[table("world")])])
    assert [one.service for one in rate(made, asked(to=place("JP", "1000001")))] == ["AIR"]


def charged(*rules: dict[str, Any]) -> RateCardSettings:
    return settings(surcharges=list(rules))


def amounts(found: Rate) -> dict[str, str]:
    return {one.code: str(one.amount) for one in found.surcharges}


def test_surcharges_are_itemised_in_their_order() -> None:
    made = charged(
        {"kind": "fixed", "code": "toll", "amount": "0.35"},
        {"kind": "residential", "code": "home", "amount": "1.10", "per": "shipment"},
        {"kind": "percent", "code": "fuel", "percent": "12.5"},
        {"kind": "percent", "code": "security", "percent": "1", "of": "subtotal"},
    )
    found = price(made, box(), box())
    assert list(amounts(found).items()) == [("toll", "0.70"), ("home", "1.10"), ("fuel", "1.25"), ("security", "0.13")]
    assert str(found.total) == "13.18"


def test_companies_pay_no_residential_surcharge() -> None:
    made = charged({"kind": "residential", "code": "home", "amount": "1.10"})
    assert amounts(price(made, to=place(company="Acme"))) == {}
    assert amounts(price(made, to=place())) == {"home": "1.10"}


def test_remote_areas_are_places() -> None:
    rule = {
        "kind": "remote_area",
        "code": "remote",
        "amount": "4",
        "places": [{"country": "US", "postcodes": ["995-999"]}],
    }
    assert amounts(price(charged(rule), to=place(postal_code="99501"))) == {"remote": "4.00"}
    assert amounts(price(charged(rule), to=place(postal_code="10001"))) == {}


def test_overweight_and_oversize_count_the_parcels_that_are() -> None:
    made = charged(
        {"kind": "overweight", "code": "heavy", "amount": "2", "over_grams": 1000},
        {"kind": "oversize", "code": "big", "amount": "3", "over_sides_mm": [500], "over_length_plus_girth_mm": 1200},
    )
    assert amounts(price(made, box(1000), box(1001), box(1500))) == {"heavy": "4.00"}
    found = price(made, box(900, (500, 100, 100)), box(900, (501, 100, 100)), box(900, (400, 300, 150)))
    assert amounts(found) == {"big": "6.00"}


def test_a_surcharge_may_be_limited_to_services_and_zones() -> None:
    made = settings(
        services=[service(), service("EXP")],
        surcharges=[
            {"kind": "fixed", "code": "early", "amount": "1", "services": ["EXP"]},
            {"kind": "fixed", "code": "here", "amount": "2", "zones": ["home"]},
        ],
    )
    assert [amounts(one) for one in rate(made, asked())] == [{"here": "2.00"}, {"early": "1.00", "here": "2.00"}]


def test_the_promise_follows_the_cutoff() -> None:
    made = settings(
        time_zone="America/New_York",
        services=[service(cutoff="10:00", deliver_by="18:00"), service("X", cutoff="09:59")],
    )
    first, second = rate(made, asked())
    assert str(first.deliver_by) == "2026-03-04 23:00:00+00:00"
    assert str(second.deliver_by) == "2026-03-06 01:00:00+00:00"


def test_without_transit_days_nothing_is_promised() -> None:
    assert price(settings(services=[service(tables=[table(transit_days=None)])])).deliver_by is None


def test_currencies_without_decimals_stay_whole() -> None:
    steps = [{"up_to_grams": 1000, "price": "505"}]
    yen = settings(
        currency="JPY", services=[service(tables=[table(steps=steps)])],
        surcharges=[{"kind": "percent", "code": "fuel", "percent": "10"}],
    )  # fmt: skip
    found = price(yen)
    assert (found.total.minor, found.total.currency, found.surcharges[0].amount.minor) == (556, "JPY", 51)


@given(st.integers(0, 10**9), st.integers(0, 10_000_000))
def test_a_share_is_the_exact_product_rounded_half_up(minor: int, millionths: int) -> None:
    exact = Decimal(minor) * Decimal(millionths) / Decimal(1_000_000)
    assert share_of(minor, millionths) == int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


weights = st.integers(1, 40_000)
postcodes = st.sampled_from(["10001", "33101", "60601", "75201", "94107", "99501", "00901"])


@given(st.sampled_from(SAMPLE), weights, weights, postcodes)
def test_a_heavier_parcel_is_never_cheaper(made: RateCardSettings, one: int, other: int, postcode: str) -> None:
    light, heavy = sorted((one, other))
    cheap = {found.service: found for found in rate(made, asked(box(light), to=place(postal_code=postcode)))}
    for found in rate(made, asked(box(heavy), to=place(postal_code=postcode))):
        assert cheap[found.service].total.minor <= found.total.minor


@given(st.sampled_from(SAMPLE), st.lists(weights, min_size=1, max_size=5), postcodes)
def test_the_parts_are_the_total(made: RateCardSettings, grams: list[int], postcode: str) -> None:
    plain = made.model_copy(update={"surcharges": ()})
    plain = RateCardSettings.model_validate(plain.model_dump())
    where = place(postal_code=postcode)
    freight = {one.service: one.total.minor for one in rate(plain, asked(*map(box, grams), to=where))}
    single = [{one.service: one.total.minor for one in rate(plain, asked(box(each), to=where))} for each in grams]
    found = rate(made, asked(*map(box, grams), to=where))
    assert {one.service for one in found} == set(freight)
    for one in found:
        assert one.total.minor == freight[one.service] + sum(part.amount.minor for part in one.surcharges)
        assert freight[one.service] == sum(prices[one.service] for prices in single)


def test_the_examples_price_the_three_regions_and_the_world() -> None:
    ground, express = SAMPLE
    origins = {"east": "07101", "central": "60601", "west": "89501"}
    to_east = {name: price(ground, box(1500), origin=place(postal_code=code)).zone for name, code in origins.items()}
    assert to_east == {"east": "local", "central": "regional", "west": "coast_to_coast"}
    assert [one.service for one in rate(express, asked(box(1500)))] == ["TWO_DAY", "OVERNIGHT"]
    assert [one.zone for one in rate(express, asked(box(1500), to=place("DE", "10115")))] == ["europe"]
    assert [one.zone for one in rate(express, asked(box(1500), to=place("ZA", "8001")))] == ["rest_of_world"]
    assert rate(ground, asked(box(1500), to=place("DE", "10115"))) == []
