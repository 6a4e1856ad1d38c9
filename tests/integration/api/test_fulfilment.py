"""`/v1/fulfilment-orders` and `/v1/shipments`: what a warehouse and a packer do by API."""

from datetime import timedelta

import pytest

from hub.fulfilment.tables import FulfilmentOrderRow
from hub.inventory.rules.locations import Location
from hub.inventory.service.locations import get_location, update_location
from hub.kit.web import encode_cursor
from tests.integration.api.calling import Hub, order

NOBODY = "00000000-0000-7000-8000-000000000000"


def work_of(hub: Hub, order_id: str) -> dict[str, object]:
    return dict(hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"][-1])


def outside(hub: Hub, code: str) -> None:
    """Make a location an outside warehouse, which answers for itself."""
    now = hub.runtime.clock.now()
    with hub.runtime.database.write() as session:
        place = get_location(session, code=code)
        changed = Location(**{**{name: getattr(place, name) for name in place.__slots__}, "handling": "outside"})
        update_location(session, location=changed, version=None, at=now, actor="test")


def test_the_work_of_a_location(hub: Hub) -> None:
    first, second = hub.post_orders(order("A"), order("B", sku="TEE"))
    open_work = hub("GET", "/v1/fulfilment-orders?location=W1").json()["items"]
    assert [item["number"] for item in open_work] == ["N-B-F1", "N-A-F1"]
    assert [item["order_id"] for item in hub("GET", f"/v1/fulfilment-orders?order_id={first}").json()["items"]] == [
        first
    ]
    assert hub("GET", "/v1/fulfilment-orders?location=W2").json()["items"] == []
    hub("POST", f"/v1/orders/{second}/cancel", {})
    states = {item["number"]: item["state"] for item in hub("GET", "/v1/fulfilment-orders").json()["items"]}
    assert states == {"N-A-F1": "released", "N-B-F1": "cancelled"}
    assert [item["number"] for item in hub("GET", "/v1/fulfilment-orders?state=cancelled").json()["items"]] == [
        "N-B-F1"
    ]
    page = hub("GET", "/v1/fulfilment-orders?limit=1").json()
    rest = hub("GET", f"/v1/fulfilment-orders?limit=1&cursor={page['next_cursor']}").json()
    assert [page["items"][0]["number"], rest["items"][0]["number"]] == ["N-B-F1", "N-A-F1"]
    assert hub("GET", "/v1/fulfilment-orders?state=lost").status_code == 422


def test_what_a_location_does_next_goes_by_priority_then_by_when_it_must_leave(hub: Hub) -> None:
    ids = hub.post_orders(order("A"), order("B", sku="TEE"), order("C"), order("D"))
    now = hub.runtime.clock.now()
    with hub.runtime.database.write() as session:
        for order_id, hours in zip(ids, (None, 9, None, 3), strict=True):
            ship_by = None if hours is None else now + timedelta(hours=hours)
            session.query(FulfilmentOrderRow).filter_by(order_id=order_id).one().ship_by = ship_by
    assert hub("POST", f"/v1/orders/{ids[2]}/priority", {"priority": 5}).status_code == 200
    numbers, cursor = [], ""
    while cursor is not None:
        page = hub("GET", f"/v1/fulfilment-orders/next?location=W1&limit=1{cursor and '&cursor=' + cursor}").json()
        numbers += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert numbers == ["N-C-F1", "N-D-F1", "N-B-F1", "N-A-F1"]
    assert hub("GET", "/v1/fulfilment-orders/next?location=W2").json()["items"] == []
    for odd in ("x", encode_cursor("fulfilment_orders:next", 1, now, "x"), encode_cursor("fulfilment_orders", ids[0])):
        assert hub("GET", f"/v1/fulfilment-orders/next?location=W1&cursor={odd}").json()["code"] == "bad_cursor"


def test_pick_pack_ship_hand_over_deliver(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A", quantity=2))
    work = work_of(hub, order_id)
    path = f"/v1/fulfilment-orders/{work['fulfilment_order_id']}"
    assert work["supported_actions"] == ["pick", "pack", "reject", "cancel"]
    line = work["lines"][0]["fulfilment_order_line_id"]  # type: ignore[index]
    picked = hub("POST", f"{path}/pick", {"lines": [{"fulfilment_order_line_id": line, "picked": "2"}]})
    assert (picked.status_code, picked.json()["state"], picked.json()["lines"][0]["picked"]) == (
        200,
        "in_progress",
        "2",
    )
    packed = hub("POST", f"{path}/pack", {"lines": {line: 2}})
    assert packed.json()["lines"][0]["packed"] == "2"
    parcels = [{"contents": {line: 1}, "grams": 450}, {"contents": {line: "1"}, "grams": 460}]
    opened = hub("POST", f"{path}/shipments", {"parcels": parcels})
    assert (opened.status_code, opened.json()["state"]) == (201, "draft")
    shipment = opened.headers["location"]
    hub.work()
    shown = hub("GET", shipment)
    body = shown.json()
    assert (body["state"], body["carrier_connection"], body["cost_minor"]) == ("label_ready", "flat", 1000)
    assert [parcel["grams"] for parcel in body["parcels"]] == [450, 460]
    assert len({parcel["tracking_number"] for parcel in body["parcels"]}) == 2
    assert {rate["service"] for rate in body["rates"]} == {"van", "std"}
    assert hub("GET", f"/v1/orders/{order_id}").json()["phase"] == "picking"
    done = hub("POST", f"{shipment}/hand-over", if_match=shown.headers["etag"])
    assert (done.status_code, done.json()["state"]) == (200, "handed_over")
    again = hub("POST", f"{shipment}/hand-over")
    assert (again.status_code, again.json()["handed_over_at"]) == (200, done.json()["handed_over_at"])
    at = hub.runtime.clock.now().isoformat()
    scans = [
        {"tracking_number": parcel["tracking_number"], "status": "delivered", "occurred_at": at}
        for parcel in body["parcels"]
    ]
    reported = hub("POST", "/v1/shipments/tracking", {"events": scans[:1]})
    assert reported.json() == {"recorded": 1}
    assert hub("POST", "/v1/shipments/tracking", {"events": scans[:1]}).json() == {"recorded": 0}
    assert hub("GET", f"/v1/orders/{order_id}").json()["phase"] == "partially_delivered"
    hub("POST", "/v1/shipments/tracking", {"events": scans})
    order_shown = hub("GET", f"/v1/orders/{order_id}").json()
    assert (order_shown["phase"], order_shown["lifecycle"]) == ("delivered", "completed")
    stock = hub("GET", "/v1/stock?sku=MUG&location=W1").json()["items"][0]
    assert str(stock["on_hand"]) == "18"


def test_money_and_stock_want_a_key(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    work = work_of(hub, order_id)["fulfilment_order_id"]
    headers = {"authorization": f"Bearer {hub.token}"}
    for path in (
        f"fulfilment-orders/{work}/pick",
        f"fulfilment-orders/{work}/pack",
        f"fulfilment-orders/{work}/shipments",
    ):
        answer = hub.client.post(f"/v1/{path}", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    for action in ("void", "hand-over"):
        answer = hub.client.post(f"/v1/shipments/{NOBODY}/{action}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    first = hub("POST", f"/v1/fulfilment-orders/{work}/pick", {}, idempotency_key="pick-1")
    again = hub("POST", f"/v1/fulfilment-orders/{work}/pick", {}, idempotency_key="pick-1")
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert work_of(hub, order_id)["lines"][0]["picked"] == "1"  # type: ignore[index]


def test_short_goes_elsewhere(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A", quantity=3))
    work = work_of(hub, order_id)
    line = work["lines"][0]["fulfilment_order_line_id"]  # type: ignore[index]
    body = {"lines": [{"fulfilment_order_line_id": line, "picked": 1, "short": 2}]}
    answer = hub("POST", f"/v1/fulfilment-orders/{work['number']}/pick", body)
    assert (answer.status_code, answer.json()["lines"][0]["short"]) == (200, "2")
    hub.work()
    parts = hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"]
    assert [(part["location"], part["lines"][0]["quantity"]) for part in parts] == [("W1", "3"), ("W2", "2")]
    too_many = hub("POST", f"/v1/fulfilment-orders/{work['number']}/pick", body)
    assert (too_many.status_code, too_many.json()["code"]) == (422, "picked_too_much")


def test_an_outside_warehouse_accepts_or_rejects(hub: Hub) -> None:
    outside(hub, "W1")
    [order_id] = hub.post_orders(order("A"))
    work = work_of(hub, order_id)
    assert (work["negotiation"], work["supported_actions"]) == ("submitted", ["accept", "reject", "cancel"])
    path = f"/v1/fulfilment-orders/{work['fulfilment_order_id']}"
    warehouse = hub.key("fulfilment:write")
    early = hub("POST", f"{path}/pick", {}, token=warehouse)
    assert (early.status_code, early.json()["supported_actions"]) == (409, ["accept", "reject", "cancel"])
    version = hub("GET", path, token=warehouse).headers["etag"]
    accepted = hub("POST", f"{path}/accept", token=warehouse, if_match=version)
    assert (accepted.status_code, accepted.json()["supported_actions"]) == (200, ["pick", "pack", "reject", "cancel"])
    stale = hub("POST", f"{path}/reject", {"reason": "no staff"}, token=warehouse, if_match=version)
    assert (stale.status_code, stale.json()["version"]) == (409, 3)
    rejected = hub("POST", f"{path}/reject", {"reason": "no staff"}, token=warehouse)
    assert (rejected.json()["state"], rejected.json()["negotiation"]) == ("cancelled", "rejected")
    hub.work()
    assert work_of(hub, order_id)["location"] == "W2"
    assert hub("POST", f"{path}/reject", {}, token=warehouse).json()["errors"][0]["pointer"] == "#/reason"


def test_an_outside_warehouse_is_asked_to_stop_and_answers(hub: Hub) -> None:
    outside(hub, "W1")
    first, second = hub.post_orders(order("A"), order("B"))
    warehouse = hub.key("fulfilment:write")
    paths = [f"/v1/fulfilment-orders/{work_of(hub, order_id)['fulfilment_order_id']}" for order_id in (first, second)]
    hub("POST", f"{paths[0]}/accept", token=warehouse)
    assert hub("POST", f"/v1/orders/{first}/cancel", {}).json()["outcome"] == "requested"
    asked = hub("POST", f"{paths[1]}/cancel", {"reason": "the belt is broken"})
    assert (asked.status_code, asked.json()["negotiation"], asked.json()["reason"]) == (
        200, "cancel_requested", "the belt is broken",
    )  # fmt: skip
    again = hub("POST", f"{paths[1]}/cancel", {}, if_match=asked.headers["etag"])
    assert (again.status_code, again.json()) == (200, asked.json())
    open_work = hub("GET", "/v1/fulfilment-orders?location=W1", token=warehouse).json()["items"]
    assert {item["negotiation"] for item in open_work} == {"cancel_requested"}
    actions = ["accept_cancel", "refuse_cancel", "pick", "pack"]
    crossing = hub("POST", f"{paths[1]}/accept", token=warehouse)
    assert (crossing.status_code, crossing.json()["supported_actions"]) == (409, actions)
    version = hub("GET", paths[0]).headers["etag"]
    assert hub("POST", f"{paths[0]}/accept-cancel", token=warehouse, if_match='W/"1"').status_code == 409
    stopped = hub("POST", f"{paths[0]}/accept-cancel", token=warehouse, if_match=version)
    assert (stopped.status_code, stopped.json()["supported_actions"]) == (200, [])
    late = hub("POST", f"{paths[1]}/refuse-cancel", {"reason": "on the truck"}, token=warehouse)
    assert (late.json()["negotiation"], late.json()["supported_actions"]) == ("cancel_refused", ["pick", "pack"])
    hub.work()
    assert hub("GET", f"/v1/orders/{first}").json()["lifecycle"] == "cancelled"
    assert work_of(hub, second)["state"] == "released"
    [case] = hub("GET", "/v1/cases").json()["items"]
    assert (case["kind"], case["subject_id"]) == ("cancel_refused", second)
    assert hub("POST", f"{paths[1]}/cancel", {}).status_code == 409


def test_labels(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    shipment = hub.shipped(order_id)
    [document] = hub("GET", f"/v1/shipments/{shipment}").json()["documents"]
    label = hub("GET", document["url"])
    assert (label.status_code, label.headers["content-type"], label.content[:5]) == (200, "application/pdf", b"%PDF-")
    reprinted = hub("POST", f"/v1/shipments/{shipment}/reprint", idempotency_key="reprint-1")
    assert (reprinted.status_code, reprinted.content) == (200, label.content)
    assert hub("POST", f"/v1/shipments/{shipment}/reprint", idempotency_key="reprint-1").content == label.content
    kinds = [entry["kind"] for entry in hub("GET", f"/v1/orders/{order_id}/timeline").json()["items"]]
    assert kinds.count("shipment.label_reprinted") == 1
    assert hub("GET", f"/v1/shipments/{shipment}/label?part=2").json()["code"] == "label_not_found"
    stale = hub("POST", f"/v1/shipments/{shipment}/void", if_match='W/"1"')
    assert stale.status_code == 412
    voided = hub("POST", f"/v1/shipments/{shipment}/void")
    assert (voided.status_code, voided.json()["state"]) == (200, "voided")
    assert hub("GET", f"/v1/shipments/{shipment}/label").json()["code"] == "label_voided"
    assert hub("POST", f"/v1/shipments/{shipment}/hand-over").json()["code"] == "no_label"
    again = hub("POST", f"/v1/fulfilment-orders/{work_of(hub, order_id)['number']}/shipments", {"label_format": "zpl"})
    hub.work()
    zpl = hub("GET", f"/v1/shipments/{again.json()['shipment_id']}/label")
    assert zpl.content.startswith(b"^XA")
    for name in hub.runtime.settings.data_dir.glob("labels/*.zpl"):
        name.write_bytes(b"something else")
    lost = hub("GET", f"/v1/shipments/{again.json()['shipment_id']}/label")
    assert (lost.status_code, lost.json()["code"]) == (500, "document_lost")


def test_a_number_that_a_person_typed(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    number = work_of(hub, order_id)["number"]
    for step in ("pick", "pack"):
        hub("POST", f"/v1/fulfilment-orders/{number}/{step}", {})
    choice = {"carrier": "hand", "service": "van", "tracking_numbers": ["VAN-1"]}
    opened = hub("POST", f"/v1/fulfilment-orders/{number}/shipments", {"choice": choice})
    hub.work()
    shown = hub("GET", f"/v1/shipments/{opened.json()['number']}").json()
    assert (shown["state"], shown["parcels"][0]["tracking_number"]) == ("label_ready", "VAN-1")
    assert [item["number"] for item in hub("GET", "/v1/shipments?tracking_number=VAN-1").json()["items"]] == [
        shown["number"]
    ]
    assert hub("GET", "/v1/shipments?state=label_ready").json()["items"][0]["shipment_id"] == shown["shipment_id"]
    assert hub("GET", f"/v1/shipments?order_id={order_id}").json()["items"][0]["shipment_id"] == shown["shipment_id"]
    assert hub("GET", "/v1/shipments?state=draft").json()["items"] == []


def test_papers(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    number = work_of(hub, order_id)["number"]
    slip = hub("GET", f"/v1/fulfilment-orders/{number}/packing-slip")
    assert (slip.status_code, slip.headers["content-type"], slip.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert "attachment" in slip.headers["content-disposition"]
    assert hub("GET", f"/v1/fulfilment-orders/{number}/packing-slip?parcel=2").json()["code"] == "parcel_not_found"
    walk = hub("GET", "/v1/fulfilment-orders/pick-list?location=W1")
    assert (walk.status_code, walk.content[:5]) == (200, b"%PDF-")
    one = hub("GET", f"/v1/fulfilment-orders/pick-list?location=W1&fulfilment_order={number}")
    assert one.status_code == 200
    assert (
        hub("GET", f"/v1/fulfilment-orders/pick-list?location=W2&fulfilment_order={number}").json()["code"]
        == "other_location"
    )
    assert hub("GET", "/v1/fulfilment-orders/pick-list?location=W9").json()["code"] == "location_not_found"


@pytest.mark.parametrize("reference", [NOBODY, "N-Z-F1", "z" * 36])
def test_no_such_thing(hub: Hub, reference: str) -> None:
    assert hub("GET", f"/v1/fulfilment-orders/{reference}").json()["code"] == "fulfilment_order_not_found"
    assert hub("POST", f"/v1/fulfilment-orders/{reference}/pick", {}).status_code == 404
    assert hub("GET", f"/v1/shipments/{reference}").json()["code"] == "shipment_not_found"
    assert hub("POST", f"/v1/shipments/{reference}/void").status_code == 404


def test_bad_bodies(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    path = f"/v1/fulfilment-orders/{work_of(hub, order_id)['number']}"
    cases = [
        ("pick", {"lines": [{"fulfilment_order_line_id": "x", "picked": 1}]}, "#/lines/0/fulfilment_order_line_id"),
        ("pick", {"lines": [{"fulfilment_order_line_id": NOBODY, "picked": "1.2345"}]}, "#/lines/0/picked"),
        ("pick", {"lines": [{"fulfilment_order_line_id": NOBODY, "picked": -1}]}, "#/lines/0/picked"),
        ("pack", {"line": {}}, "#/line"),
        ("shipments", {"parcels": []}, "#/parcels"),
        ("shipments", {"parcels": [{"contents": {NOBODY: 1}, "grams": 0}]}, "#/parcels/0/grams"),
        ("shipments", {"label_format": "png"}, "#/label_format"),
    ]
    for step, body, pointer in cases:
        answer = hub("POST", f"{path}/{step}", body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    unknown = hub("POST", f"{path}/pick", {"lines": [{"fulfilment_order_line_id": NOBODY, "picked": 1}]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_line")
    scan = {"tracking_number": "X", "status": "teleported", "occurred_at": "2026-01-01T00:00:00"}
    answer = hub("POST", "/v1/shipments/tracking", {"events": [scan]})
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"#/events/0/status", "#/events/0/occurred_at"}
