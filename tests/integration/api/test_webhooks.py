"""`POST /hooks/{connection}`."""

import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from hub.canonical.shipping import TrackingEvent
from hub.intake.tables import InboundMessageRow
from hub.sdk.scans import parse_scans
from hub.sdk.values import Raw
from plugins.carriers.manual.adapter import Manual
from tests.integration.api.calling import Hub, event, order, sign

OTHER_KEY = b"another key of at least 24 bytes"


def metric(hub: Hub, name: str) -> list[str]:
    return [line for line in hub.client.get("/metrics").text.splitlines() if line.startswith(name)]


def stored(hub: Hub) -> int:
    with hub.runtime.database.read() as session:
        return session.scalar(select(func.count()).select_from(InboundMessageRow)) or 0


def test_a_signed_delivery_is_stored_byte_for_byte(hub: Hub) -> None:
    body = b' {"type" : "order.upserted",\n"data": ' + json.dumps(order("A")).encode() + b"}"
    answer = hub.webhook(body, message_id="msg_1")
    assert answer.status_code == 202
    [item] = answer.json()["items"]
    assert item["duplicate"] is False
    raw = hub("GET", f"/v1/messages/{item['message_id']}/raw")
    assert raw.content == body
    assert (raw.headers["content-type"], raw.headers["x-content-type-options"]) == ("application/json", "nosniff")
    assert raw.headers["content-disposition"].startswith("attachment")
    hub.work()
    assert hub("GET", f"/v1/messages/{item['message_id']}").json()["state"] == "applied"
    assert hub("GET", "/v1/orders/N-A").json()["external_id"] == "A"


def test_the_same_delivery_again_is_the_same_message(hub: Hub) -> None:
    body = event("order.upserted", order("A"))
    [first] = hub.webhook(body, message_id="msg_1").json()["items"]
    [again] = hub.webhook(body, message_id="msg_1").json()["items"]
    assert again == {"message_id": first["message_id"], "duplicate": True}
    assert hub.webhook(body, message_id="msg_2").json()["items"][0]["duplicate"] is False
    assert stored(hub) == 2


def test_a_list_is_one_message_a_document(hub: Hub) -> None:
    body = b"[" + event("order.upserted", order("A")) + b"," + event("order.upserted", order("B")) + b"]"
    answer = hub.webhook(body, message_id="msg_1")
    assert len(answer.json()["items"]) == 2
    assert stored(hub) == 2


def test_a_bad_signature_is_401_and_counted(hub: Hub) -> None:
    body = event("order.upserted", order("A"))
    answer = hub.webhook(body, message_id="msg_1", key=OTHER_KEY)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    headers = hub.signed(body, "msg_1")
    changed = hub.client.post("/hooks/portal", content=body + b" ", headers=headers)
    unsigned = hub.client.post("/hooks/portal", content=body)
    late = sign(body, "msg_1", hub.runtime.clock.now() - timedelta(hours=1))
    old = hub.client.post("/hooks/portal", content=body, headers=late)
    assert [changed.status_code, unsigned.status_code, old.status_code] == [401, 401, 401]
    assert "whsec_" not in answer.text
    assert stored(hub) == 0
    counted = metric(hub, "orderhub_webhooks_refused_total")
    assert sorted(counted) == [
        'orderhub_webhooks_refused_total{code="no_header",connection="portal"} 1.0',
        'orderhub_webhooks_refused_total{code="outside_window",connection="portal"} 1.0',
        'orderhub_webhooks_refused_total{code="wrong_signature",connection="portal"} 2.0',
    ]


def test_what_cannot_be_taken_apart_is_refused_with_its_place(hub: Hub) -> None:
    answer = hub.webhook(b'{"type": "order.upserted"', message_id="msg_1")
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_webhook")
    assert answer.json()["errors"][0]["code"] == "not_json"
    assert stored(hub) == 0


def test_an_absurd_id_is_stored_all_the_same(hub: Hub) -> None:
    answer = hub.webhook(event("order.upserted", order("x" * 5000)), message_id="msg_1")
    assert answer.status_code == 202
    nul = b'{"type": "order.upserted", "data": {"id": "a\\u0000b", "revision": "1\\u0000"}}'
    assert hub.webhook(nul, message_id="msg_2").status_code == 202
    hub.work()
    assert [item["state"] for item in hub("GET", "/v1/messages").json()["items"]] == ["blocked", "blocked"]


def test_no_door(hub: Hub) -> None:
    body = event("order.upserted", order("A"))
    assert hub.webhook(body, message_id="m", connection="nobody").json()["code"] == "connection_not_found"
    big = hub.client.post("/hooks/portal", content=b"x" * 300_000)
    assert (big.status_code, big.json()["code"]) == (413, "content_too_large")
    assert hub.client.get("/hooks/portal").status_code == 405
    version = hub("GET", "/v1/connections/portal").headers["etag"]
    assert hub("PATCH", "/v1/connections/portal", {"enabled": False}, if_match=version).status_code == 200
    hub("POST", "/v1/connections/portal/check")
    refused = httpx.Response(202)
    for attempt in range(200):  # the door remembers a connection for less than a second
        refused = hub.webhook(body, message_id=f"m{attempt}")
        if refused.status_code != 202:
            break
    assert refused.json()["code"] == "connection_disabled"


def test_a_carrier_reports_scans(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    shipment = hub.shipped(order_id)
    number = hub("GET", f"/v1/shipments/{shipment}").json()["parcels"][0]["tracking_number"]
    assert hub("POST", f"/v1/shipments/{shipment}/hand-over").status_code == 200
    scan = {"tracking_number": number, "status": "in_transit", "occurred_at": hub.runtime.clock.now().isoformat()}
    body = json.dumps({"events": [scan]}).encode()
    before = stored(hub)
    answer = hub.webhook(body, message_id="scan_1", connection="hand")
    [item] = answer.json()["items"]
    assert (answer.status_code, item["duplicate"], stored(hub) - before) == (202, False, 1)
    assert hub("GET", f"/v1/messages/{item['message_id']}/raw").content == body
    assert hub("GET", f"/v1/orders/{order_id}").json()["phase"] == "handed_over"
    hub.work()
    assert hub("GET", f"/v1/orders/{order_id}").json()["phase"] == "in_transit"
    again = hub.webhook(body, message_id="scan_1", connection="hand")
    assert again.json()["items"] == [{"message_id": item["message_id"], "duplicate": True}]
    assert hub.webhook(b"{}", message_id="s", key=OTHER_KEY, connection="hand").status_code == 401
    assert hub.client.post("/hooks/hand", content=b"x" * 300_000).status_code == 413
    assert stored(hub) - before == 1


def test_scans_that_cannot_be_read_are_kept_and_applied_once_the_plugin_is_mended(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order_id] = hub.post_orders(order("A"))
    shipment = hub.shipped(order_id)
    number = hub("GET", f"/v1/shipments/{shipment}").json()["parcels"][0]["tracking_number"]
    hub("POST", f"/v1/shipments/{shipment}/hand-over")
    scan = {"number": number, "status": "in_transit", "occurred_at": hub.runtime.clock.now().isoformat()}
    answer = hub.webhook(json.dumps({"events": [scan]}).encode(), message_id="scan_1", connection="hand")
    message_id = answer.json()["items"][0]["message_id"]
    hub.work()
    message = hub("GET", f"/v1/messages/{message_id}").json()
    assert (answer.status_code, message["state"], message["plugin"]) == (202, "blocked", "manual")
    assert message["error"].startswith("/events/0/tracking_number: ")
    assert [case["kind"] for case in hub("GET", "/v1/cases").json()["items"]] == ["message_blocked"]

    def mended(self: Manual, raw: Raw) -> list[TrackingEvent]:
        return parse_scans(replace(raw, body=raw.body.replace(b'"number"', b'"tracking_number"')))

    monkeypatch.setattr(Manual, "parse_tracking", mended)
    asked = {"plugin": "manual", "state": "blocked"}
    [difference] = hub("POST", "/v1/messages/replay", {**asked, "dry_run": True}).json()["differences"]
    assert (difference["outcome"], difference["documents"][0]["tracking_numbers"]) == ("facts", [number])
    assert hub("POST", "/v1/messages/replay", asked).json()["queued"] == 1
    hub.work()
    assert hub("GET", f"/v1/messages/{message_id}").json()["state"] == "applied"
    assert hub("GET", f"/v1/orders/{order_id}").json()["phase"] == "in_transit"
    assert hub("GET", "/v1/cases?state=open").json()["items"] == []
