"""`/v1/orders`: find, show, hold, release, cancel, pin, plan anew, explain."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.audit.tables import AuditEntryRow
from hub.jobs.tables import JobRow
from tests.integration.api.calling import Hub, event, order

NOBODY = "00000000-0000-7000-8000-000000000000"


def phase(hub: Hub, order_id: str) -> str:
    return str(hub("GET", f"/v1/orders/{order_id}").json()["phase"])


def found(hub: Hub, query: str) -> list[str]:
    answer = hub("GET", f"/v1/orders?{query}")
    assert answer.status_code == 200, answer.text
    return [item["external_id"] for item in answer.json()["items"]]


def test_find_by_anything(hub: Hub) -> None:
    first, second = hub.post_orders(
        order("A", placed_at="2026-01-05T10:00:00Z"),
        order("B", sku="TEE", placed_at="2026-01-06T10:00:00Z", payment={"state": "unpaid"}),
    )
    hub("POST", f"/v1/orders/{second}/hold", {"reason_code": "wait_for_call"})
    shipment = hub.shipped(first)
    number = hub("GET", f"/v1/shipments/{shipment}").json()["parcels"][0]["tracking_number"]
    assert found(hub, "") == ["B", "A"]
    cases = {
        "number=N-A": ["A"], "external_id=B": ["B"], "external_id=B&connection=portal": ["B"],
        "connection=portal": ["B", "A"],
        "lifecycle=open": ["B", "A"], "lifecycle=cancelled": [], "review=rejected": [], "hold=wait_for_call": ["B"],
        "email=A%40BUYER.example": ["A"], "phone=%2B1%20503%20555%200100": ["B", "A"], "sku=TEE": ["B"], "sku=NONE": [],
        f"tracking_number={number}": ["A"], "tracking_number=none": [], "lifecycle=open&payment=paid": ["A"],
        "placed_from=2026-01-06T00:00:00Z": ["B"], "placed_to=2026-01-06T00:00:00Z": ["A"],
        "placed_from=2026-01-01T00:00:00Z&sku=MUG": ["A"],
    }  # fmt: skip
    assert {query: found(hub, query) for query in cases} == cases


def test_pages(hub: Hub) -> None:
    hub.post_orders(*[order(f"A{number}", placed_at=f"2026-01-0{5 - number}T00:00:00Z") for number in range(5)])
    for query, expected in (("", "43210"), ("&placed_from=2025-01-01T00:00:00Z", "01234")):
        names, cursor, pages = [], "", 0
        while pages < 9:
            page = hub("GET", f"/v1/orders?limit=2{query}{cursor}").json()
            names += [item["external_id"] for item in page["items"]]
            pages += 1
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert (names, pages) == ([f"A{digit}" for digit in expected], 3)
    cursor = hub("GET", "/v1/orders?limit=2").json()["next_cursor"]
    for query in ("cursor=nonsense", f"cursor={cursor}x", f"cursor={cursor}&placed_from=2026-01-01T00:00:00Z"):
        answer = hub("GET", f"/v1/orders?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    assert hub("GET", f"/v1/messages?cursor={cursor}").json()["code"] == "bad_cursor"


def test_bad_filters(hub: Hub) -> None:
    misspelt = hub("GET", "/v1/orders?lifecycl=open").json()
    assert (misspelt["status"], misspelt["code"]) == (400, "unknown_parameter")
    assert "lifecycle" in misspelt["detail"]
    wrong = hub("GET", "/v1/orders?lifecycle=shut").json()
    assert (wrong["status"], wrong["errors"][0]["parameter"]) == (422, "lifecycle")
    assert hub("GET", "/v1/orders?limit=5000").status_code == 422
    assert hub("GET", "/v1/orders?payment=paid").json()["code"] == "filter_too_wide"
    assert hub("GET", "/v1/orders?connection=nobody").json()["code"] == "connection_not_found"
    assert hub("GET", "/v1/orders?placed_from=2026-01-01").status_code == 422


def test_an_order_with_all_its_parts(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A", quantity=3))
    answer = hub("GET", f"/v1/orders/{order_id}")
    shown = answer.json()
    assert answer.headers["etag"] == f'W/"{shown["version"]}"'
    assert hub("GET", "/v1/orders/N-A").json() == shown
    [line] = shown["lines"]
    assert (line["sku"], line["total_minor"], line["counters"]["ordered"]) == ("MUG", 3000, "3")
    [work] = shown["fulfilment_orders"]
    assert (work["location"], work["lines"][0]["quantity"]) == ("W1", "3")
    assert shown["document"]["ship_to"]["city"] == "Portland"
    timeline = hub("GET", f"/v1/orders/{order_id}/timeline").json()["items"]
    assert [entry["kind"] for entry in timeline][:1] == ["order.accepted"]
    assert [entry["sequence"] for entry in timeline] == list(range(1, len(timeline) + 1))
    rest = hub("GET", f"/v1/orders/{order_id}/timeline?limit=1").json()
    later = hub("GET", f"/v1/orders/{order_id}/timeline?cursor={rest['next_cursor']}").json()
    assert rest["items"] + later["items"] == timeline
    for unknown in (NOBODY, "N-Z", "x" * 36, "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"):
        assert hub("GET", f"/v1/orders/{unknown}").json()["code"] == "order_not_found"


def test_a_number_of_two_orders_is_not_guessed(hub: Hub) -> None:
    hub.post_orders(order("A", number="7"), order("B", number="7"))
    answer = hub("GET", "/v1/orders/7")
    assert (answer.status_code, answer.json()["code"]) == (409, "number_not_unique")
    assert found(hub, "number=7") == ["B", "A"]


def test_hold_and_release(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    version = hub("GET", f"/v1/orders/{order_id}").headers["etag"]
    body = {"reason_code": "call_first", "message": "Call the buyer."}
    held = hub("POST", f"/v1/orders/{order_id}/hold", body, if_match=version)
    assert held.status_code == 200
    assert [(hold["reason_code"], hold["placed_by"]) for hold in held.json()] == [("call_first", "key:tester")]
    assert phase(hub, order_id) == "held"
    work = hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"][0]["number"]
    for step in ("pick", "pack"):
        hub("POST", f"/v1/fulfilment-orders/{work}/{step}", {})
    refused = hub("POST", f"/v1/fulfilment-orders/{work}/shipments", {})
    assert (refused.status_code, refused.json()["holds"]) == (409, ["call_first"])
    stale = hub("POST", f"/v1/orders/{order_id}/release", {}, if_match=version)
    assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")
    wrong = hub("POST", f"/v1/orders/{order_id}/release", {"reason_codes": ["other"]})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "no_such_hold")
    freed = hub("POST", f"/v1/orders/{order_id}/release", {"reason_codes": ["call_first"], "note": "called"})
    assert (freed.status_code, freed.json()["open_holds"]) == (200, [])
    assert hub("POST", f"/v1/fulfilment-orders/{work}/shipments", {}).status_code == 201


def test_a_held_order_goes_on_when_it_is_released(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A", sku="UNKNOWN"))
    shown = hub("GET", f"/v1/orders/{order_id}").json()
    assert shown["holds"]
    assert (shown["phase"], shown["fulfilment_orders"]) == ("in_review", [])
    [ok] = hub.post_orders(order("B"))
    hub("POST", f"/v1/orders/{ok}/hold", {})
    answer = hub("POST", "/v1/orders/release", {"order_ids": [ok, NOBODY]})
    assert answer.json()["free"] == [ok]
    assert [refusal["code"] for refusal in answer.json()["refused"]] == ["order_not_found"]


def test_hold_many(hub: Hub) -> None:
    first, second = hub.post_orders(order("A"), order("B"))
    hub("POST", f"/v1/orders/{second}/cancel", {})
    answer = hub("POST", "/v1/orders/hold", {"order_ids": [first, second, NOBODY, first]})
    assert answer.json()["done"] == [first]
    assert {refusal["order_id"]: refusal["code"] for refusal in answer.json()["refused"]} == {
        second: "order_not_open",
        NOBODY: "order_not_found",
    }
    assert hub("POST", f"/v1/orders/{second}/hold", {}).json()["code"] == "order_not_open"
    for body in ({"order_ids": []}, {"order_ids": ["x"]}, {"order_ids": [NOBODY] * 501}, {}):
        assert hub("POST", "/v1/orders/hold", body).status_code == 422


def test_strict_bodies(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    unknown = hub("POST", f"/v1/orders/{order_id}/hold", {"reason": "x"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "#/reason")
    code = hub("POST", f"/v1/orders/{order_id}/hold", {"reason_code": "No Spaces"})
    assert code.json()["errors"][0]["pointer"] == "#/reason_code"
    broken = hub("POST", f"/v1/orders/{order_id}/hold", b'{"reason_code": ')
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed_json")
    assert hub("GET", f"/v1/orders/{order_id}").json()["holds"] == []


def test_cancel(hub: Hub) -> None:
    free, begun = hub.post_orders(order("A"), order("B"))
    answer = hub("POST", f"/v1/orders/{free}/cancel", {"reason": "buyer asked"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "cancelled")
    assert phase(hub, free) == "cancelled"
    assert hub("POST", f"/v1/orders/{free}/cancel", {}).json()["outcome"] == "cancelled"
    stock = hub("GET", "/v1/stock?sku=MUG&location=W1").json()["items"][0]
    assert stock["reserved"] in ("1", 1)
    work = hub("GET", f"/v1/orders/{begun}").json()["fulfilment_orders"][0]["fulfilment_order_id"]
    hub("POST", f"/v1/fulfilment-orders/{work}/pick", {})
    stopping = hub("POST", f"/v1/orders/{begun}/cancel", {"reason": "too late?"})
    assert stopping.json()["outcome"] == "requested"
    assert phase(hub, begun) == "amending"
    hub.work()
    assert phase(hub, begun) == "cancelled"


def test_what_is_shipped_cannot_be_cancelled(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    hub("POST", f"/v1/shipments/{hub.shipped(order_id)}/hand-over")
    answer = hub("POST", f"/v1/orders/{order_id}/cancel", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_open")


def test_pin_and_reroute(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))

    def location() -> list[str]:
        work = hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"]
        return [item["location"] for item in work if item["state"] == "released"]

    assert location() == ["W1"]
    pinned = hub("POST", f"/v1/orders/{order_id}/pin", {"location": "W2"})
    assert (pinned.status_code, pinned.json()["pinned_location"]) == (200, "W2")
    hub.work()
    assert location() == ["W2"]
    assert hub("POST", f"/v1/orders/{order_id}/pin", {"location": "W9"}).json()["code"] == "location_not_found"
    assert hub("POST", f"/v1/orders/{order_id}/pin", {}).json()["errors"][0]["pointer"] == "#/location"
    hub("POST", f"/v1/orders/{order_id}/pin", {"location": None})
    hub.work()
    assert location() == ["W1"]
    again = hub("POST", f"/v1/orders/{order_id}/reroute", {"reason": "stock moved"})
    assert again.json() == {"order_id": order_id, "begun": False}
    assert location() == []
    hub.work()
    assert location() == ["W1"]


def test_why_it_goes_there(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    decision = hub("GET", f"/v1/orders/{order_id}/routing?why=W2").json()
    assert decision["outcome"] == "planned"
    assert any("W1" in line for line in decision["explanation"])
    assert decision["why"][0].startswith("W2 lost")
    assert decision["flips"]["without"] == ["W2"], "it is like W1 in everything but its code"
    assert decision["why"][-1] == "no change of one or two numbers would let W2 win"
    [more] = hub.post_orders(order("C", quantity=50))
    flips = hub("GET", f"/v1/orders/{more}/routing?flips=true").json()["flips"]
    assert {change["kind"] for flip in flips["found"] for change in flip["changes"]} == {"stock"}
    assert all(flip["text"].startswith(f"{flip['location']} would win if") for flip in flips["found"])
    plain = hub("GET", f"/v1/orders/{order_id}/routing").json()
    assert (plain["why"], plain["flips"]) == (None, None)
    [held] = hub.post_orders(order("B", sku="UNKNOWN"))
    assert hub("GET", f"/v1/orders/{held}/routing").json()["code"] == "decision_not_found"


def test_a_preview_writes_nothing(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    hub("POST", f"/v1/orders/{order_id}/hold", {})
    hub("POST", f"/v1/orders/{order_id}/reroute", {})
    hub.work()
    before = hub("GET", f"/v1/orders/{order_id}").json()
    answer = hub("POST", "/v1/routing/preview", {"order_ids": [order_id, NOBODY], "why": "W2"})
    [decision] = answer.json()["decisions"]
    assert (decision["outcome"], decision["decision"]["fulfilments"][0]["location"]) == ("planned", "W1")
    assert decision["why"][0].startswith("W2")
    assert hub("GET", f"/v1/orders/{order_id}").json() == before
    assert hub("POST", "/v1/routing/preview", {"order_ids": []}).status_code == 422


def test_a_repeated_change_is_done_once(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    first = hub("POST", f"/v1/orders/{order_id}/reroute", {}, idempotency_key="once")
    again = hub("POST", f"/v1/orders/{order_id}/reroute", {}, idempotency_key="once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    with hub.runtime.database.read() as session:
        jobs = session.execute(select(JobRow.job_id).where(JobRow.idem_key.like("%asked%"))).all()
    assert len(jobs) == 1
    reused = hub("POST", f"/v1/orders/{order_id}/reroute", {"reason": "other"}, idempotency_key="once")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("scope", ["orders:read", "messages:write"])
def test_scopes(hub: Hub, scope: str) -> None:
    token = hub.key(scope)
    assert hub("GET", "/v1/orders", token=token).status_code == (200 if scope == "orders:read" else 403)
    refused = hub("POST", "/v1/orders/hold", {"order_ids": [NOBODY]}, token=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert hub.client.get("/v1/orders").status_code == 401


def test_events_of_a_channel_show_in_the_timeline(hub: Hub) -> None:
    [order_id] = hub.post_orders(order("A"))
    at = hub.runtime.clock.now() + timedelta(seconds=1)
    body = event("order.cancelled", {"order_id": "A", "cancelled_at": at.isoformat(), "reason": "changed mind"})
    assert hub.webhook(body, message_id="cancel_1").status_code == 202
    hub.work()
    timeline = hub("GET", f"/v1/orders/{order_id}/timeline").json()["items"]
    assert timeline[-1]["kind"] == "order.cancelled"
    assert timeline[-1]["actor"] == "connection:portal"
    with hub.runtime.database.read() as session:
        assert session.scalars(select(AuditEntryRow.action)).all() is not None
