"""A key of one location: a warehouse outside works on what is its own, and does not reach the rest of the hub."""

import re

import pytest

from hub.api.app import openapi_document
from tests.integration.api.calling import Hub, order

SCOPES = ("fulfilment:write", "shipments:write", "stock:write")
OWN = (
    "/v1/fulfilment-orders", "/v1/shipments", "/v1/stock", "/v1/locations", "/v1/inventory/transfers",
    "/v1/inventory/counts", "/v1/inventory/low-stock",
)  # fmt: skip
OPEN = ("/healthz", "/readyz", "/metrics", "/hooks/")


@pytest.fixture
def theirs(hub: Hub) -> str:
    """A shipment from W1."""
    [order_id] = hub.post_orders(order("A"))
    return hub.shipped(order_id)


def test_the_work_and_the_shipments_of_others_are_not_there(hub: Hub, theirs: str) -> None:
    token = hub.key(*SCOPES, location="W2")
    work = hub("GET", f"/v1/shipments/{theirs}").json()["fulfilment_order_id"]
    for path in (
        "/v1/fulfilment-orders?state=in_progress&state=closed",
        "/v1/shipments",
        f"/v1/shipments?fulfilment_order_id={work}",
    ):
        assert hub("GET", path).json()["items"], path
        assert hub("GET", path, token=token).json()["items"] == [], path
    for path in (
        "/v1/fulfilment-orders?location=W1",
        "/v1/shipments?location=W1",
        "/v1/fulfilment-orders/pick-list?location=W1",
        "/v1/fulfilment-orders/next?location=W1",
    ):
        assert hub("GET", path, token=token).json()["code"] == "other_location", path
    listed = hub("GET", f"/v1/fulfilment-orders/pick-list?location=W2&fulfilment_order={work}", token=token)
    assert listed.json()["code"] == "fulfilment_order_not_found"
    for path, operations in openapi_document()["paths"].items():
        if "{reference}" not in path or not path.startswith(OWN[:2]):
            continue
        for method in operations:
            for reference in ("N-A-F1" if "fulfilment" in path else "N-A-F1-S1", work, theirs):
                answer = hub(method.upper(), path.replace("{reference}", reference), {}, token=token)
                assert answer.status_code in (403, 404), (method, path, answer.text)
    assert hub("GET", f"/v1/shipments/{theirs}").json()["state"] == "label_ready"


def test_its_own_work_goes_from_released_to_handed_over(hub: Hub) -> None:
    token = hub.key(*SCOPES, location="W1")
    hub.post_orders(order("A"))
    [work] = hub("GET", "/v1/fulfilment-orders", token=token).json()["items"]
    path = f"/v1/fulfilment-orders/{work['fulfilment_order_id']}"
    for step in ("pick", "pack", "shipments"):
        assert hub("POST", f"{path}/{step}", {}, token=token).status_code in (200, 201), step
    hub.work()
    [shipment] = hub("GET", "/v1/shipments?location=W1", token=token).json()["items"]
    path = f"/v1/shipments/{shipment['shipment_id']}"
    assert hub("GET", f"{path}/label", token=token).content.startswith(b"%PDF")
    assert hub("POST", f"{path}/hand-over", token=token).json()["state"] == "handed_over"


def test_it_reports_scans_of_its_own_parcels(hub: Hub, theirs: str) -> None:
    number = hub("GET", f"/v1/shipments/{theirs}").json()["parcels"][0]["tracking_number"]
    scan = {"tracking_number": number, "status": "in_transit", "occurred_at": "2026-03-02T10:00:00Z"}
    other = hub("POST", "/v1/shipments/tracking", {"events": [scan]}, token=hub.key(*SCOPES, location="W2"))
    assert (other.status_code, other.json()["code"]) == (404, "parcel_not_found")
    unknown = {"events": [{**scan, "tracking_number": "not-yet"}]}
    own = hub.key(*SCOPES, location="W1")
    assert hub("POST", "/v1/shipments/tracking", unknown, token=own).status_code == 404
    assert hub("POST", "/v1/shipments/tracking", {"events": [scan]}, token=own).json() == {"recorded": 1}


def test_it_reaches_nothing_else(hub: Hub) -> None:
    token = hub.key("admin", location="W1")
    for path, operations in openapi_document()["paths"].items():
        if path.startswith((*OWN, *OPEN)):
            continue
        for method in operations:
            body = None if method in ("get", "delete") else {}
            answer = hub(method.upper(), re.sub(r"\{[^}]+\}", "1", path), body, token=token)
            assert (answer.status_code, answer.json()["code"]) == (403, "key_of_one_location"), (method, path)


def test_it_is_made_for_a_location_that_exists(hub: Hub) -> None:
    wanted = {"name": "partner", "scopes": ["fulfilment:write"], "location": "NOWHERE"}
    answer = hub("POST", "/v1/api-keys", wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_location")
    assert hub("POST", "/v1/api-keys", {**wanted, "location": "W1"}).status_code == 201


def test_what_it_says_left_after_a_cancellation_is_refused_and_told_to_a_person(hub: Hub, theirs: str) -> None:
    """The report is rolled back, and what it tells is kept all the same."""
    shipment = hub("GET", f"/v1/shipments/{theirs}").json()
    work = f"/v1/fulfilment-orders/{shipment['fulfilment_order_id']}"
    assert hub("POST", f"{work}/cancel", {"reason": "wrong"}).status_code == 200
    hub.work()
    answer = hub("POST", f"/v1/shipments/{theirs}/hand-over", token=hub.key(*SCOPES, location="W1"))
    assert (answer.status_code, answer.json()["code"]) == (409, "left_after_cancel")
    [case] = hub("GET", "/v1/cases?state=open&kind=left_after_cancel").json()["items"]
    assert case["subject_id"] == shipment["order_id"]
