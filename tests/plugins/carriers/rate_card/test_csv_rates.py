import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.sdk.errors import Malformed
from plugins.carriers.rate_card.csv_rates import rates_from_csv, settings_from_rates
from plugins.carriers.rate_card.rating import rate
from tests.peers import fixtures_folder
from tests.plugins.carriers.rate_card.cards import asked, box, place

HEAD = (
    "service_code,service_name,zone_label,country_codes,min_weight,max_weight,max_length,max_width,max_height,"
    "rate,currency,transit_days,domicile,international"
)
ROW = "STD,Standard,Home,US,0.01,1.0,60,40,30,4.50,USD,2-5,true,false"


def sheet(*rows: str) -> str:
    return "\n".join((HEAD, *rows)) + "\n"


def read(fixtures: Path, name: str) -> str:
    return (fixtures / "carriers" / "rate_cards" / f"{name}_services.csv").read_text("utf-8")


def expected() -> Mapping[str, Any]:
    document = json.loads((fixtures_folder() / "expectations_sample.json").read_text("utf-8"))
    found: dict[str, Any] = {}
    for group in document.values():
        found.update(group if isinstance(group, dict) else {})
    return {**found, **document}


@pytest.mark.fixtures
@pytest.mark.parametrize("name", ["landmark", "mydhl", "parcelone"])
def test_the_stated_facts_of_a_sheet_are_read(fixtures: Path, name: str) -> None:
    facts = expected()[f"carriers/rate_cards/{name}_services.csv"]["expect"]
    rates = rates_from_csv(read(fixtures, name))
    stated, first = facts["first_row"], rates[0]
    assert len(rates) == facts["rows"]
    assert {one.currency for one in rates} == {facts["currency"]}
    assert len({one.service_code for one in rates}) == facts["services"]
    assert (first.service_code, first.zone_label) == (stated["service_code"], stated["zone_label"])
    assert ",".join(first.countries) == stated["country_codes"]
    assert first.rate == Decimal(stated["rate"])
    days = first.transit_days
    assert stated["transit_days"] in ("" if days is None else f"{days[0]}-{days[1]}", f"{days[0]}" if days else "")
    assert first.max_grams == (int(Decimal(stated["max_weight"]) * 1000) if "max_weight" in stated else None)


@pytest.mark.fixtures
def test_every_sheet_with_rates_becomes_settings(fixtures: Path) -> None:
    for path in sorted((fixtures / "carriers" / "rate_cards").glob("*.csv")):
        rates = rates_from_csv(path.read_text("utf-8"))
        assert rates
        for currency in sorted({one.currency for one in rates if one.rate is not None}):
            made = settings_from_rates(rates, name=path.stem, currency=currency)
            priced = {one.service_code for one in rates if one.currency == currency and one.rate is not None}
            assert {service.code for service in made.settings.services} == priced, path.name


@pytest.mark.fixtures
def test_every_row_prices_the_parcel_that_it_describes(fixtures: Path) -> None:
    rates = rates_from_csv(read(fixtures, "parcelone"))
    made = settings_from_rates(rates, name="Parcel One").settings
    origin = place("DE", "80331")
    for one in rates:
        request = asked(box(one.max_grams or 1), to=place(one.countries[0], "1000"), origin=origin)
        found = {each.service: each for each in rate(made, request)}
        assert found[one.service_code].total.decimal == one.rate, one


@pytest.mark.fixtures
def test_a_sheet_without_rates_cannot_be_priced(fixtures: Path) -> None:
    rates = rates_from_csv(read(fixtures, "ups"))
    assert {one.rate for one in rates} == {None}
    with pytest.raises(Malformed, match="choose one currency"):
        settings_from_rates(rates, name="UPS")
    with pytest.raises(Malformed, match="no row has a rate in USD"):
        settings_from_rates(rates, name="UPS", currency="USD")


def test_units_are_converted_and_rounded_down() -> None:
    head = HEAD + ",weight_unit,dimension_unit"
    (one,) = rates_from_csv(f"{head}\n{ROW},LB,IN\n")
    assert (one.max_grams, one.max_sides_mm) == (453, (1524, 1016, 762))
    (metric,) = rates_from_csv(sheet(ROW))
    assert (metric.max_grams, metric.max_sides_mm, metric.transit_days) == (1000, (600, 400, 300), (2, 5))


def test_what_a_row_does_not_state_is_none() -> None:
    (one,) = rates_from_csv(sheet("STD,,Everywhere,,,,,,,,EUR,,,"))
    assert (one.rate, one.min_grams, one.max_grams, one.max_sides_mm, one.transit_days) == (None, None, None, (), None)
    assert (one.countries, one.domicile, one.service_name) == ((), None, "STD")


def test_rows_without_a_rate_are_named() -> None:
    rates = rates_from_csv(
        sheet(ROW, ROW.replace("STD", "ECO").replace("4.50", ""), ROW.replace("STD", "FREE").replace("4.50", "0.0"))
    )
    made = settings_from_rates(rates, name="Test")
    assert [(one.code, one.path) for one in made.warnings] == [
        ("rate_missing", "row 3/rate"),
        ("rate_zero", "row 4/rate"),
    ]
    assert [one.code for one in made.settings.services] == ["STD", "FREE"]


def test_empty_countries_follow_the_flags() -> None:
    rows = [
        "STD,Standard,Home,,0.01,1.0,,,,4.50,USD,,true,false",
        "STD,Standard,World,,0.01,1.0,,,,9.50,USD,,false,true",
    ]
    made = settings_from_rates(rates_from_csv(sheet(*rows)), name="Test").settings
    assert [str(rate(made, asked(to=place(country, "1")))[0].total) for country in ("US", "DE")] == ["4.50", "9.50"]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("4.50", "cheap", "row 2/rate"),
        ("4.50", "-1", "row 2/rate"),
        ("4.50", "NaN", "row 2/rate"),
        (",USD", ",usd", "row 2/currency"),
        ("2-5", "soon", "row 2/transit_days"),
        ("US,0.01", "USA,0.01", "row 2/country_codes"),
        ("true", "perhaps", "row 2/domicile"),
        ("STD,", ",", "row 2/service_code"),
        ("false", "false,more", "row 2"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(before: str, after: str, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        rates_from_csv(sheet(ROW.replace(before, after, 1)))
    assert caught.value.path == path


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Malformed, match="lacks the column 'service_code'"):
        rates_from_csv("a,b\n1,2\n")


def test_weight_breaks_with_a_gap_are_refused() -> None:
    rows = (ROW, ROW.replace("0.01,1.0", "2.0,3.0"))
    with pytest.raises(Malformed, match="gap from 1000 g to 2000 g") as caught:
        settings_from_rates(rates_from_csv(sheet(*rows)), name="Test")
    assert caught.value.path == "services.0.tables.0.steps"
