from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from plugins.carriers.rate_card.coverage import problems_of
from plugins.carriers.rate_card.settings import RateCardSettings
from tests.plugins.carriers.rate_card.cards import card, examples, service, settings, table


def refusal(document: dict[str, Any]) -> str:
    """Path and message of the first problem."""
    with pytest.raises(ValidationError) as caught:
        RateCardSettings.model_validate(document)
    first = caught.value.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def with_steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return card(services=[service(tables=[table(steps=list(steps))])])


def step(up_to: int, price: Any = "1.00", **changes: Any) -> dict[str, Any]:
    return {"up_to_grams": up_to, "price": price, **changes}


def test_a_gap_is_refused_with_its_path() -> None:
    told = refusal(with_steps(step(500), step(2000, over_grams=1000)))
    assert told.startswith("services.0.tables.0.steps: ")
    assert "steps[1]: gap from 500 g to 1000 g" in told


@pytest.mark.parametrize("second", [step(2000, over_grams=400), step(500), step(300)])
def test_an_overlap_is_refused_with_its_path(second: dict[str, Any]) -> None:
    assert "steps[1]: overlaps steps[0]" in refusal(with_steps(step(500), second))


def test_steps_that_state_where_they_begin_are_accepted_when_they_meet() -> None:
    made = RateCardSettings.model_validate(with_steps(step(500, over_grams=0), step(2000, over_grams=500)))
    steps = made.services[0].tables[0].steps
    assert [(each.over_grams, each.up_to_grams) for each in steps] == [(0, 500), (500, 2000)]
    assert problems_of(made) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"services": [service(tables=[table(zone="moon")])]},
            "services[0].tables[0].zone: 'moon' is not among the zones",
        ),
        ({"services": [service(), service()]}, "code 'STD' is there twice"),
        ({"services": [service(tables=[table(), table()])]}, "tables[1]: zone 'home' has a table already"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: 'Mars/Olympus' is no IANA time zone"),
        ({"currency": "XQQ"}, "currency: 'XQQ' is not an ISO 4217 currency code"),
        ({"currency": "JPY"}, "services[0].tables[0].steps[1].price: 7.50 has more decimals than JPY allows"),
        ({"tracking_url": "https://t.example/"}, "tracking_url: needs {number}"),
        ({"surcharges": [{"kind": "fixed", "code": "toll", "amount": "1", "services": ["NO"]}]}, "'NO' is no service"),
        ({"surcharges": [{"kind": "fixed", "code": "toll", "amount": "1", "zones": ["NO"]}]}, "'NO' is no zone"),
        (
            {"surcharges": [{"kind": "fixed", "code": "toll", "amount": "0.001"}]},
            "surcharges[0].amount: 0.001 has more",
        ),
        ({"surcharges": [{"kind": "oversize", "code": "big", "amount": "1"}]}, "set over_sides_mm"),
        ({"misspelt": 1}, "misspelt: Extra inputs"),
    ],
)
def test_what_cannot_be_priced_is_refused(change: dict[str, Any], told: str) -> None:
    assert told in refusal(card(**change))


def test_a_binary_fraction_is_no_price() -> None:
    assert "write the number as text" in refusal(with_steps(step(500, price=4.35)))


@pytest.mark.parametrize(
    ("postcodes", "told"),
    [
        (["9-80"], "same length"),
        (["89-80"], "lower one first"),
        (["SW1A-1AA-2"], "is no postcode"),
        ([""], "is no postcode"),
    ],
)
def test_unreadable_postcodes_are_refused(postcodes: list[str], told: str) -> None:
    zones = [{"name": "home", "destinations": [{"country": "US", "postcodes": postcodes}]}]
    assert told in refusal(card(zones=zones))


def test_all_problems_are_told_at_once() -> None:
    told = refusal(card(time_zone="Mars/Olympus", services=[service(tables=[table(zone="moon")])]))
    assert "moon" in told
    assert "Mars/Olympus" in told


def test_the_examples_of_the_readme_work_and_have_no_holes() -> None:
    names = []
    for document in examples():
        made = RateCardSettings.model_validate(document)
        assert problems_of(made) == []
        names.append(made.name)
    assert names == ["Cedar Parcel", "Falcon Express"]


def test_settings_survive_json_and_are_equal_whether_compiled_or_not() -> None:
    first = RateCardSettings.model_validate(examples()[0])
    assert first.card.currency == "USD"
    again = RateCardSettings.model_validate_json(first.model_dump_json())
    assert again == first
    assert again.card == first.card


def test_check_names_zones_and_weights_without_a_price() -> None:
    zones = [
        {"name": "home", "destinations": [{"country": "US"}]},
        {"name": "all", "destinations": [{"country": "*"}]},
        {"name": "late", "destinations": [{"country": "CA"}]},
    ]
    services = [service(max_grams=5000, tables=[table(), table(zone="late")])]
    problems = problems_of(settings(zones=zones, services=services))
    assert problems[0] == "zones[2] 'late' is never reached: 'all' before it takes every destination"
    assert any("zone 'all': no service has a table for it" in text for text in problems)
    assert any("services[0].tables[0]: no price from 2000 g to max_grams 5000 g" in text for text in problems)
    covered = deepcopy(services)
    for one in covered[0]["tables"]:
        one["additional"] = {"grams": 500, "price": "1.00"}
    assert not any("no price" in text for text in problems_of(settings(zones=zones, services=covered)))
