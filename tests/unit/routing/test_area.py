"""Where a location sends to."""

import pytest

from hub.routing.rules.area import area_of
from tests.unit.routing.builders import decide, line, location, order, units, verdict

BERLIN = {"country": "DE", "from": "10", "to": "14"}


@pytest.mark.parametrize(("body", "address", "refusal"), [
    ({"serves": [BERLIN]}, ("DE", "BE", "10115"), ""),
    ({"serves": [BERLIN]}, ("DE", "BB", "14999"), ""),
    ({"serves": [BERLIN]}, ("DE", "BB", "15000"), "the address is outside its area"),
    ({"serves": [BERLIN]}, ("AT", "", "1010"), "the address is outside its area"),
    ({"serves": [BERLIN]}, ("DE", "", ""), "the address is outside its area"),
    ({"serves": [BERLIN]}, ("", "", ""), "the country of the address is not known"),
    ({"serves": [BERLIN, {"country": "AT"}]}, ("AT", "", ""), ""),
    ({"serves": [{"country": "CA", "from": "k1a", "to": "K9Z"}]}, ("CA", "ON", "k2b 7x1"), ""),
    ({"serves": [{"country": "US", "regions": ["ny", "NJ"]}]}, ("US", "NY", "10001"), ""),
    ({"serves": [{"country": "US", "regions": ["NY"]}]}, ("US", "CA", "90210"), "the address is outside its area"),
    ({"excludes": [{"country": "ES", "from": "35", "to": "38"}]}, ("ES", "", "35001"),
     "the address is excluded from its area"),
    ({"excludes": [{"country": "ES", "from": "35", "to": "38"}]}, ("ES", "", "28001"), ""),
    ({"excludes": [{"country": "ES", "from": "35", "to": "38"}]}, ("", "", ""), ""),
    ({"serves": [{"country": "ES"}], "excludes": [{"country": "ES", "regions": ["CN"]}]}, ("ES", "CN", ""),
     "the address is excluded from its area"),
])  # fmt: skip
def test_which_addresses_it_sends_to(body, address, refusal):
    assert area_of(body).refusal(*address) == refusal


def test_all_faults_of_an_area_at_once():
    body = {
        "serves": [{"country": "Germany"}, {"country": "DE", "from": "16", "to": "10"}, {"country": "DE", "from": "1"},
                   "DE", {"country": "DE", "zip": "1"}],
        "excludes": {"country": "DE"}, "only": [],
    }  # fmt: skip
    with pytest.raises(ValueError) as refused:
        area_of(body)
    assert str(refused.value).split("; ") == [
        "only: unknown, known are serves and excludes",
        "serves/0/country: must be an ISO 3166-1 code such as DE",
        "serves/1: from 16 comes after to 10",
        "serves/2: from and to are postal codes, or how they begin, and go together",
        "serves/3: must be an object with a country",
        "serves/4/zip: unknown, known are country, from, regions, to",
        'excludes: must be a list of zones such as {"country": "DE", "from": "10", "to": "16"}',
    ]
    with pytest.raises(ValueError, match="at least one zone"):
        area_of({"serves": []})


def test_a_location_outside_whose_area_the_address_lies_is_no_candidate():
    places = [
        location("BER", area=area_of({"serves": [{"country": "DE", "from": "20", "to": "29"}]})),
        location("HAM", rank=5, area=area_of({"serves": [BERLIN]})),
    ]
    decision = decide(order("o", line("A")), places, units(BER={"A": 1}, HAM={"A": 1}))
    assert [found.location for found in decision.fulfilments] == ["HAM"]
    lost = verdict(decision, "BER")
    assert (lost.eliminated_by, lost.reason) == ("area", "the address is outside its area")
    assert lost.facts == {"country": "DE", "region": "BE", "postal_code": "10115"}


def test_an_area_is_part_of_the_inputs_and_none_leaves_them_as_they_were():
    def hash_with(**changes):
        return decide(order("o", line("A")), [location("BER", **changes)], units(BER={"A": 1})).inputs_hash

    served = area_of({"serves": [BERLIN]})
    assert hash_with(area=served) != hash_with()
    assert hash_with(area=served) != hash_with(area=area_of({"excludes": [{"country": "AT"}]}))
    assert hash_with(area=None) == hash_with()
