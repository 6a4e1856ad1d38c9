import pytest

from hub.canonical.shipping import ShipmentRequest
from hub.sdk.errors import Malformed, Rejected
from hub.sdk.testing.builders import address, shipment_request
from hub.sdk.values import Raw
from plugins.carriers.rate_card.mapping import read_bought, same_goods, to_bought, to_services
from tests.plugins.carriers.rate_card.cards import service, settings, table


def wanted(number: int = 1, parcels: int = 1, service: str = "STD") -> ShipmentRequest:
    return shipment_request(service=service, number=number, parcels=parcels)


def roomy(**changes: object) -> object:
    return table(additional={"grams": 500, "price": "1.00"}, **changes)


CARD = settings(
    time_zone="Pacific/Auckland",
    tracking_url="https://t.example/{number}",
    services=[service(tables=[roomy()]), service("EXP", tables=[roomy()], label_prefix="EX", cutoff="15:00")],
)


def test_a_shipment_is_numbered_and_priced() -> None:
    bought = to_bought(CARD, wanted(parcels=2))
    numbers = [parcel.tracking_number for parcel in bought.parcels]
    assert len(set(numbers)) == 2
    assert all(number.startswith("RC") for number in numbers)
    assert bought.parcels[0].tracking_url == f"https://t.example/{numbers[0]}"
    assert (str(bought.cost), bought.zone) == ("15.00", "home")
    assert bought.order_numbers == ("#1001",)


def test_a_service_may_begin_its_numbers_otherwise() -> None:
    assert to_bought(CARD, wanted(service="EXP")).parcels[0].tracking_number.startswith("EX")


def test_the_ship_date_is_that_of_the_carriers_time_zone() -> None:
    late = wanted().model_copy(update={"ship_at": wanted().ship_at.replace(hour=12)})
    assert to_bought(CARD, late).ship_on == "2026-03-03"


def test_an_unknown_service_is_refused_with_those_that_are() -> None:
    with pytest.raises(Rejected, match="choose one of STD, EXP") as caught:
        to_bought(CARD, wanted(service="NOPE"))
    assert (caught.value.code, caught.value.path) == ("service_unknown", "service")


def test_what_cannot_be_carried_is_refused() -> None:
    abroad = shipment_request(service="STD", ship_to=address(country="DE"))
    with pytest.raises(Rejected, match="does not carry these parcels") as caught:
        to_bought(CARD, abroad)
    assert caught.value.code == "not_deliverable"


def test_the_same_goods_may_have_another_price_but_not_another_receiver() -> None:
    first = to_bought(CARD, wanted())
    dearer = to_bought(settings(services=[service(tables=[roomy(steps=[{"up_to_grams": 2000, "price": "9"}])])],
                                tracking_url="https://t.example/{number}"), wanted())  # fmt: skip
    assert dearer.cost != first.cost
    assert same_goods(first, dearer)
    elsewhere = wanted().model_copy(update={"ship_to": address("Someone Else")})
    assert not same_goods(first, to_bought(CARD, elsewhere))


def test_services_tell_their_transit_and_countries() -> None:
    standard, express = to_services(CARD)
    assert (standard.transit_days_min, standard.transit_days_max, standard.countries) == (1, 2, ("US",))
    assert express.cutoff == "15:00"
    world = settings(zones=[{"name": "home", "destinations": [{"country": "*"}]}])
    assert to_services(world)[0].countries == ()


@pytest.mark.parametrize(
    ("body", "path"),
    [(b"", "/"), (b"[]", "/"), (b'{"reference": "r"}', "/carrier"), (b"\xff\xfe", "/")],
)
def test_an_unreadable_document_names_the_field(body: bytes, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_bought(Raw(body=body))
    assert caught.value.path == path
