"""Where an address lies."""

import csv
import gzip
from pathlib import Path

import pytest

from hub.routing.rules.places import Place, Whereabouts, by_name, largest, locate, plain_name, read_place
from hub.routing.rules.sites import distance_km
from hub.sdk.readers.stated import CellFault, StatedRow


def read(rows, country=None):
    """The places of a table and what is wrong with it."""
    faults: list[CellFault] = []
    places = [read_place(StatedRow(number, row, faults), country) for number, row in enumerate(rows, 1)]
    return largest(place for place in places if place), [(fault.row, fault.column) for fault in faults]


def table(path: Path):
    """The rows of a real table."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_the_longest_known_beginning_of_a_postal_code_counts():
    known = by_name([
        Place("CA", "postal", "K1A", 45.4, -75.7), Place("CA", "postal", "K1A0B1", 45.42, -75.69),
        Place("CA", "city", "ottawa", 45.0, -75.0),
    ])  # fmt: skip

    def found(postal_code, city="Ottawa"):
        place = locate(Whereabouts("CA", "ON", postal_code, city), known)
        return place and place.name

    assert found("k1a 0b1") == "K1A0B1"
    assert found("K1A-9Z9") == "K1A"
    assert found("V5K 0A1") == found("") == "ottawa"
    assert found("V5K 0A1", "Elsewhere") is None
    assert locate(Whereabouts("US", "", "K1A", ""), known) is None


def test_the_region_tells_cities_of_one_name_apart_else_the_largest_is_meant():
    known = by_name([
        Place("US", "city", "portland", 45.5, -122.7, "OR", 650_000),
        Place("US", "city", "portland", 43.7, -70.3, "ME", 68_000),
    ])  # fmt: skip
    regions = {region: locate(Whereabouts("US", region, "", "PORTLAND"), known).region for region in ("me", "OR", "")}
    assert regions == {"me": "ME", "OR": "OR", "": "OR"}


@pytest.mark.parametrize(("name", "plain"), [
    ("São  Paulo", "sao paulo"), ("Saint-Étienne", "saint etienne"), ("GROSSRÖHRSDORF", "grossrohrsdorf"),
    ("Großröhrsdorf", "grossrohrsdorf"), (" - ", ""), ("北京", "北京"),
])  # fmt: skip
def test_names_are_compared_in_a_plain_form(name, plain):
    assert plain_name(name) == plain


def test_every_fault_of_a_table_is_told():
    rows = [
        {"country": "DE", "postal_code": "10115", "latitude": "52.5", "longitude": "13.4"},
        {"country": "Germany", "postal_code": "10115", "latitude": "52.5", "longitude": "13.4"},
        {"country": "DE", "city": "Berlin", "latitude": "95", "longitude": ""},
        {"country": "DE", "city": "--", "latitude": "5", "longitude": "1"},
        {"postal_code": "1", "latitude": "5", "longitude": "1"},
    ]  # fmt: skip
    places, faults = read(rows)
    assert [place.name for place in places] == ["10115"]
    assert faults == [(2, "country"), (3, "latitude"), (3, "longitude"), (4, "city"), (5, "country")]


def test_real_tables_are_taken_as_they_are(fixtures: Path):
    zip_codes, faults = read(table(fixtures / "geo/us_zipcodes.csv.gz"))
    areas, more = read(table(fixtures / "geo/ca_fsa.csv"), "CA")
    cities, others = read(table(fixtures / "geo/cities15000.csv.gz"))
    assert (faults, others) == ([], [])
    assert len({row for row, _ in more}) == 9, "nine rows of the Canadian table have a comma too many"
    assert (len(zip_codes) > 33_000, len(areas) > 1_600, len(cities) > 30_000) == (True, True, True)
    known = by_name([*zip_codes, *areas, *cities])
    new_york = {
        place.name: distance_km(40.7128, -74.006, place.latitude, place.longitude)
        for one in (
            Whereabouts("US", "NY", "10001-1234", ""), Whereabouts("CA", "ON", "K1A 0B1", ""),
            Whereabouts("BR", "SP", "01310-100", "sao paulo"), Whereabouts("US", "OR", "", "Portland"),
        )
        if (place := locate(one, known))
    }  # fmt: skip
    assert new_york == {
        "10001": pytest.approx(5, abs=5), "K1A": pytest.approx(547, abs=15), "sao paulo": pytest.approx(7690, abs=30),
        "portland": pytest.approx(3930, abs=20),
    }  # fmt: skip


def test_most_buyers_cities_of_a_real_shop_are_known(fixtures: Path):
    """The orders of Olist have no coordinates, only the names of cities as people type them."""
    buyers = [row["customer_city"] for row in table(fixtures / "datasets/olist/customers.csv.gz")]
    brazil = [row for row in table(fixtures / "geo/cities15000.csv.gz") if row["countrycode"] == "BR"]
    known = by_name(read(brazil)[0])
    located = sum(locate(Whereabouts("BR", "", "", city), known) is not None for city in buyers)
    assert located / len(buyers) > 0.85
