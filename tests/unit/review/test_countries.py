import csv
import gzip
import json
from pathlib import Path

import pytest

from hub.canonical.countries import COUNTRIES
from hub.review.rules.countries import postal_code_fits, region_fits

GOOD = {
    "AR": ["C1425CLA", "1425"], "BR": ["40301-110", "40301110"], "CA": ["K1A 0B1", "k1a0b1"], "CN": ["518000"],
    "DE": ["10117"], "FR": ["75001"], "GB": ["SW1A 1AA", "M1 1AE", "BFPO 61", "gir 0aa"], "IE": ["D02 AF30", "A65F4E2"],
    "JP": ["100-0001"], "NL": ["1012 AB", "1012ab"], "PL": ["00-950"], "PT": ["1000-001"], "SE": ["114 55"],
    "US": ["10001", "10001-1234"], "ZW": ["anything"], "XX": ["anything"],
}  # fmt: skip
BAD = {
    "CA": ["K1A 0D", "D1A 0B1", "12345"], "DE": ["1011", "1011A"], "GB": ["12345", "SW1A"], "IE": ["12345"],
    "JP": ["1000"], "NL": ["0012 AB", "1012 SS", "1012"], "PL": ["950"], "US": ["1000", "ABCDE", "10001-12"],
}  # fmt: skip


@pytest.mark.parametrize(("country", "code"), [(country, code) for country, codes in GOOD.items() for code in codes])
def test_good_postal_codes(country, code):
    assert postal_code_fits(country, code)


@pytest.mark.parametrize(("country", "code"), [(country, code) for country, codes in BAD.items() for code in codes])
def test_bad_postal_codes(country, code):
    assert not postal_code_fits(country, code)


@pytest.mark.parametrize(
    ("country", "region", "code", "fits"),
    [
        ("US", "NY", "10001", True), ("US", "US-NY", "10001", True), ("US", "NY", "90210", False),
        ("US", "CA", "90210", True),
        ("US", "New York", "90210", True), ("CA", "ON", "K1A 0B1", True), ("CA", "BC", "K1A 0B1", False),
        ("CA", "NU", "X0A 0H0", True), ("DE", "BE", "80331", True),
    ],
)  # fmt: skip
def test_regions(country, region, code, fits):
    assert region_fits(country, region, code) is fits


def test_countries_are_those_of_iso_and_kosovo():
    assert len(COUNTRIES) == 250
    assert {"DE", "XK", "TW"} <= COUNTRIES


@pytest.mark.fixtures
def test_published_examples_of_all_countries_fit(fixtures: Path):
    with gzip.open(fixtures / "geo/i18n_address_metadata_all.json.gz", "rt") as stream:
        metadata = json.load(stream)
    refused = [
        (country, example)
        for country, entry in metadata.items()
        if len(country) == 2
        for example in filter(None, entry.get("zipex", "").split(","))
        if not postal_code_fits(country, example)
    ]
    assert refused == []


@pytest.mark.fixtures
def test_every_zip_code_lies_in_its_state(fixtures: Path):
    with gzip.open(fixtures / "geo/us_zipcodes.csv.gz", "rt") as stream:
        wrong = [row["zip"] for row in csv.DictReader(stream) if not region_fits("US", row["state"], row["zip"])]
    assert wrong == []
