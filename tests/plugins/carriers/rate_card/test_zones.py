from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.canonical.party import Address
from plugins.carriers.rate_card.parts import Zone
from plugins.carriers.rate_card.zones import compile_postcodes, compile_zones, spot_of
from tests.plugins.carriers.rate_card.cards import place

NEWARK = place(postal_code="07101")


def zone_of(destination: Address, *zones: dict[str, Any], origin: Address = NEWARK) -> str | None:
    index = compile_zones(Zone.model_validate(zone) for zone in zones)
    start, end = spot_of(origin), spot_of(destination)
    assert start is not None
    assert end is not None
    return index.find(start, end)


def to(name: str, *destinations: dict[str, Any], origins: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"name": name, "destinations": list(destinations), "origins": list(origins)}


@pytest.mark.parametrize(
    ("country", "postcode", "pattern", "inside"),
    [
        ("DE", "80331", "80000-89999", True),
        ("DE", "90000", "80000-89999", False),
        ("DE", "04109", "0-3", True),
        ("DE", "40213", "0-3", False),
        ("US", "94107-1234", "941", True),
        ("US", "94107-1234", "94107-94110", True),
        ("GB", "sw1a 1aa", "SW1", True),
        ("GB", "SE1 7PB", "SW", False),
        ("PL", "00-950", "00", True),
        ("US", "9", "94", False),
        ("US", None, "9", False),
    ],
)
def test_postcodes_are_prefixes_or_ranges(country: str, postcode: str | None, pattern: str, inside: bool) -> None:
    found = zone_of(place(country, postcode), to("hit", {"country": country, "postcodes": [pattern]}))
    assert found == ("hit" if inside else None)


def test_the_first_zone_that_fits_wins() -> None:
    far, near = to("far", {"country": "US", "postcodes": ["995-999"]}), to("near", {"country": "US"})
    assert zone_of(place(postal_code="99501"), far, near) == "far"
    assert zone_of(place(postal_code="99501"), near, far) == "near"
    assert zone_of(place(postal_code="10001"), far, near) == "near"


@pytest.mark.parametrize("stated", [{"region_code": "CA"}, {"region_code": "US-CA"}, {"region": "ca"}])
def test_regions_are_codes_however_the_source_writes_them(stated: dict[str, str]) -> None:
    west = to("west", {"country": "US", "regions": ["CA", "wa"]})
    assert zone_of(place(**stated), west) == "west"
    assert zone_of(place(region_code="NY"), west) is None


def test_zones_depend_on_the_origin() -> None:
    zones = (
        to("local", {"country": "US", "postcodes": ["0-3"]}, origins=({"country": "US", "postcodes": ["0-3"]},)),
        to("local", {"country": "US", "postcodes": ["8-9"]}, origins=({"country": "US", "postcodes": ["8-9"]},)),
        to("far", {"country": "US"}),
    )
    reno = place(postal_code="89501")
    assert zone_of(place(postal_code="10001"), *zones, origin=NEWARK) == "local"
    assert zone_of(place(postal_code="10001"), *zones, origin=reno) == "far"
    assert zone_of(place(postal_code="94107"), *zones, origin=reno) == "local"


def test_domestic_and_international_follow_the_sender() -> None:
    zones = (to("home", {"country": "domestic"}), to("abroad", {"country": "international"}))
    berlin = place("DE", "10115")
    assert zone_of(berlin, *zones, origin=NEWARK) == "abroad"
    assert zone_of(berlin, *zones, origin=place("DE", "80331")) == "home"


def test_an_address_without_a_country_is_nowhere() -> None:
    assert spot_of(place(country=None)) is None


postcodes = st.text("0123456789", min_size=1, max_size=5)
ranges = st.tuples(postcodes, postcodes).filter(lambda pair: len(pair[0]) == len(pair[1])).map(sorted)


@given(st.lists(ranges, min_size=1, max_size=8), postcodes)
def test_merged_ranges_hold_what_each_of_them_holds(written: list[list[str]], postcode: str) -> None:
    compiled = compile_postcodes(f"{low}-{high}" for low, high in written)
    assert compiled is not None
    wanted = any(len(postcode) >= len(low) and low <= postcode[: len(low)] <= high for low, high in written)
    assert (postcode in compiled) is wanted
