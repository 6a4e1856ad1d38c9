import base64
import io
import json
import re
from typing import Any

import pytest
from pydantic import ValidationError
from pypdf import PdfReader

from hub.canonical.shipping import RateRequest, ShipmentRequest, ShipmentResult
from hub.sdk.errors import Malformed, Rejected
from hub.sdk.testing.builders import address, shipment_request
from hub.sdk.testing.kit import MemoryLog, open_adapter
from hub.sdk.values import Raw
from plugins.carriers.manual.adapter import Manual
from plugins.carriers.manual.mapping import typed_numbers
from plugins.carriers.manual.settings import ManualSettings
from tests.peers import REPOSITORY

BIKE = {"code": "BIKE", "name": "Bike", "price": "18.00", "transit_days": [0, 1]}
VAN = {"code": "VAN", "name": "Van", "tracking_url": "https://c.example/{number}"}


def opened(log: MemoryLog | None = None, **changes: Any) -> Manual:
    return open_adapter(Manual, {"name": "City Couriers", "services": [BIKE, VAN], **changes}, log=log)


def booked(adapter: Manual, request: ShipmentRequest) -> ShipmentResult:
    return adapter.parse_shipment(adapter.send(adapter.build_shipment(request), request.reference))


def request(typed: str | None = "CC-1", service: str = "BIKE", **changes: Any) -> ShipmentRequest:
    return shipment_request(service=service, tracking_number=typed, **changes)


@pytest.mark.parametrize(
    ("typed", "parcels", "numbers"),
    [
        ("CC-1", 1, ["CC-1"]),
        (" 1Z 999 AA1 01 ", 1, ["1Z999AA101"]),
        ("CC-1", 3, ["CC-1", "CC-1", "CC-1"]),
        ("CC-1, CC-2;CC-3", 3, ["CC-1", "CC-2", "CC-3"]),
        ("CC-1\nCC-2\n", 2, ["CC-1", "CC-2"]),
    ],
)
def test_what_people_type_becomes_numbers(typed: str, parcels: int, numbers: list[str]) -> None:
    assert typed_numbers(typed, parcels) == numbers


@pytest.mark.parametrize(
    ("typed", "parcels", "code"),
    [
        (None, 1, "tracking_number_missing"),
        ("  ", 1, "tracking_number_missing"),
        (",;", 1, "tracking_number_missing"),
        ("CC-1, CC-2", 3, "tracking_number_count"),
        ("CC-1, CC-1", 2, "tracking_number_count"),
        ("CC 1 <script>", 1, "tracking_number_invalid"),
        ("x" * 61, 1, "tracking_number_invalid"),
    ],
)
def test_what_cannot_be_a_number_is_refused(typed: str | None, parcels: int, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        typed_numbers(typed, parcels)
    assert (caught.value.code, caught.value.path) == (code, "tracking_number")


def test_without_a_number_the_message_says_what_to_do() -> None:
    with pytest.raises(Rejected, match="enter the tracking number on the shipment and try again"):
        opened().build_shipment(request(None))


def test_a_booked_shipment_has_number_link_and_price() -> None:
    bike, van = booked(opened(), request()), booked(opened(), request(service="VAN"))
    assert (bike.parcels[0].tracking_number, bike.parcels[0].tracking_url, str(bike.cost)) == ("CC-1", None, "18.00")
    assert (van.parcels[0].tracking_url, van.cost) == ("https://c.example/CC-1", None)
    assert bike.parcels[0].documents == ()
    assert bike.messages == ()


def test_an_unknown_service_is_refused_with_those_that_are() -> None:
    with pytest.raises(Rejected, match="choose one of BIKE, VAN"):
        opened().build_shipment(request(service="DRONE"))


def test_flat_prices_are_offered_and_nothing_is_invented() -> None:
    whole = request(parcels=2)
    asked = RateRequest(ship_from=whole.ship_from, ship_to=whole.ship_to, parcels=whole.parcels, ship_at=whole.ship_at)
    assert [(one.service, str(one.total), one.deliver_by) for one in opened().rate(asked)] == [("BIKE", "18.00", None)]
    assert opened(services=[VAN]).rate(asked) == []


def test_services_tell_their_transit() -> None:
    bike, van = opened().services()
    assert (bike.transit_days_min, bike.transit_days_max) == (0, 1)
    assert (van.transit_days_min, van.transit_days_max) == (None, None)


def test_the_address_label_can_be_read_back() -> None:
    adapter = opened(label="address")
    result = booked(adapter, request("CC-1, CC-2", parcels=2, ship_to=address("王小明")))
    pages = [base64.b64decode(parcel.documents[0].content) for parcel in result.parcels]
    text = PdfReader(io.BytesIO(pages[1])).pages[0].extract_text()
    wanted = ("王小明", "1 Sample Street", "10001", "CC-2", "2 / 2", "City Couriers - Bike", "#1001", "Warehouse East")
    assert [one for one in wanted if one not in text] == []
    assert pages[0] == base64.b64decode(
        booked(adapter, request("CC-1, CC-2", parcels=2, ship_to=address("王小明"))).parcels[0].documents[0].content
    )


def test_zpl_is_not_printed_and_that_is_told() -> None:
    result = booked(opened(label="address"), request(label_format="zpl"))
    assert result.parcels[0].documents == ()
    assert [one.code for one in result.messages] == ["label_not_printed"]


def test_voiding_reminds_the_person() -> None:
    log = MemoryLog()
    opened(log=log).void("r1")
    assert log.entries == [("warning", "shipment.cancel_by_hand", {"reference": "r1"})]


def test_an_unreadable_document_names_the_field() -> None:
    with pytest.raises(Malformed) as caught:
        opened().parse_shipment(Raw(body=b'{"reference": "r"}'))
    assert caught.value.path == "/carrier"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"services": [BIKE, BIKE]}, "code 'BIKE' is there twice"),
        ({"services": [BIKE | {"price": "1.005"}]}, "services[0].price"),
        ({"services": [BIKE | {"price": 1.5}]}, "write the price as text"),
        ({"services": [VAN | {"tracking_url": "https://c.example"}]}, "needs {number}"),
        ({"services": [BIKE | {"transit_days": [3, 1]}]}, "fewest days first"),
        ({"services": []}, "at least 1 item"),
        ({"currency": "XQQ"}, "not an ISO 4217"),
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        opened(**change)


def test_the_example_of_the_readme_works() -> None:
    text = (REPOSITORY / "plugins" / "carriers" / "manual" / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    made = ManualSettings.model_validate(json.loads(block))
    assert [service.code for service in made.services] == ["BIKE", "VAN"]
