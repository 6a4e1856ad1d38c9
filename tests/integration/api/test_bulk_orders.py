"""`POST /v1/orders`."""

import json

from sqlalchemy import func, select

from hub.intake.service.store import PROCESS
from hub.intake.tables import InboundMessageRow
from hub.jobs.tables import JobRow
from tests.integration.api.calling import Hub, order


def bulk(*orders: object) -> dict[str, object]:
    return {"connection": "portal", "orders": list(orders)}


def stored(hub: Hub) -> int:
    with hub.runtime.database.read() as session:
        return session.scalar(select(func.count()).select_from(InboundMessageRow)) or 0


def test_each_order_is_one_message_and_one_job(hub: Hub) -> None:
    headers = {"authorization": f"Bearer {hub.token}", "x-correlation-id": "my-batch"}
    answer = hub.client.post("/v1/orders", json=bulk(order("A"), order("B")), headers=headers)
    assert answer.status_code == 202
    assert [item["duplicate"] for item in answer.json()["items"]] == [False, False]
    ids = [item["message_id"] for item in answer.json()["items"]]
    messages = [hub("GET", f"/v1/messages/{message_id}").json() for message_id in ids]
    assert [(found["external_id"], found["state"]) for found in messages] == [("A", "received"), ("B", "received")]
    assert {found["correlation_id"] for found in messages} == {"my-batch"}
    with hub.runtime.database.read() as session:
        jobs = session.execute(
            select(JobRow.subject_id, JobRow.correlation_id).where(JobRow.kind == PROCESS).order_by(JobRow.job_id)
        ).all()
    assert [tuple(job) for job in jobs] == [(message_id, "my-batch") for message_id in ids]


def test_what_was_answered_becomes_orders(hub: Hub) -> None:
    ids = hub.post_orders(order("A"), order("B", sku="TEE"))
    found = [hub("GET", f"/v1/orders/{order_id}").json() for order_id in ids]
    assert [(entry["external_id"], entry["review"], entry["phase"]) for entry in found] == [
        ("A", "auto_approved", "released"),
        ("B", "auto_approved", "released"),
    ]


def test_the_same_revision_is_a_duplicate(hub: Hub) -> None:
    first = hub("POST", "/v1/orders", bulk(order("A", revision=1), order("A", revision=1)))
    [one, other] = first.json()["items"]
    assert (one["duplicate"], other["duplicate"]) == (False, True)
    assert other["message_id"] == one["message_id"]
    again = hub("POST", "/v1/orders", {"connection": "portal", "order": order("A", revision=1)}).json()["items"]
    assert again == [{"message_id": one["message_id"], "duplicate": True}]
    assert hub("POST", "/v1/orders", bulk(order("A", revision=2))).json()["items"][0]["duplicate"] is False
    assert stored(hub) == 2


def test_a_repeated_request_is_done_once(hub: Hub) -> None:
    first = hub("POST", "/v1/orders", bulk(order("A")), idempotency_key="k-1")
    again = hub("POST", "/v1/orders", bulk(order("A")), idempotency_key="k-1")
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert stored(hub) == 1
    other = hub("POST", "/v1/orders", bulk(order("B")), idempotency_key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (
        hub("POST", "/v1/orders", bulk(order("A")), idempotency_key="k" * 201).json()["code"] == "bad_idempotency_key"
    )
    assert stored(hub) == 1


def test_one_bad_item_refuses_the_request_unless_partial(hub: Hub) -> None:
    body = bulk(order("A"), {"id": ""}, 7)
    answer = hub("POST", "/v1/orders", body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/orders/1/id", "#/orders/2"]
    assert stored(hub) == 0
    partial = hub("POST", "/v1/orders?partial=true", body)
    assert partial.status_code == 202
    items = partial.json()["items"]
    assert [item["message_id"] is not None for item in items] == [True, False, False]
    assert items[1]["fault"]["pointer"] == "#/orders/1/id"
    assert stored(hub) == 1


def test_what_cannot_be_read_later_is_blocked_and_stops_no_other(hub: Hub) -> None:
    answer = hub("POST", "/v1/orders", bulk(order("A"), order("B", total_typo="9.00"), order("C")))
    assert answer.status_code == 202
    hub.work()
    states = [hub("GET", f"/v1/messages/{item['message_id']}").json() for item in answer.json()["items"]]
    assert [found["state"] for found in states] == ["applied", "blocked", "applied"]
    assert "total_typo" in states[1]["error"]


def test_bad_requests(hub: Hub) -> None:
    cases = [
        (b"{", 400, "malformed_json"),
        ({"connection": "portal", "orders": [order()], "extra": 1}, 422, "invalid_request"),
        ({"connection": "nobody", "orders": [order()]}, 404, "connection_not_found"),
        ({"connection": "hand", "orders": [order()]}, 422, "connection_takes_no_orders"),
    ]
    for body, status, code in cases:
        answer = hub("POST", "/v1/orders", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert hub("POST", "/v1/orders?partly=true", bulk(order())).json()["code"] == "unknown_parameter"
    assert hub("POST", "/v1/orders?partial=yes", bulk(order())).json()["code"] == "invalid_request"
    assert stored(hub) == 0


def test_too_large(hub: Hub) -> None:
    body = json.dumps(bulk(order("A", tags=["x" * 300_000]))).encode()
    answer = hub("POST", "/v1/orders", body)
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")

    def chunks() -> object:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    headers = {"authorization": f"Bearer {hub.token}"}
    assert hub.client.post("/v1/orders", content=chunks(), headers=headers).status_code == 413  # type: ignore[arg-type]
    assert stored(hub) == 0


def test_keys_and_scopes(hub: Hub) -> None:
    without = hub.client.post("/v1/orders", json=bulk(order()))
    assert (without.status_code, without.json()["code"]) == (401, "not_authenticated")
    assert without.headers["www-authenticate"] == "Bearer"
    assert hub("POST", "/v1/orders", bulk(order()), token="ohk_none_such").status_code == 401
    reader = hub("POST", "/v1/orders", bulk(order()), token=hub.key("orders:read"))
    assert (reader.status_code, reader.json()["scope"]) == (403, "orders:write")
    by_header = hub.client.post("/v1/orders", json=bulk(order()), headers={"x-api-key": hub.key("orders:write")})
    assert by_header.status_code == 202


def test_a_nul_character_never_reaches_the_database(hub: Hub) -> None:
    answer = hub("POST", "/v1/orders", b'{"connection": "portal", "orders": [{"id": "a\\u0000b"}, {"id": "c"}]}')
    assert answer.status_code == 202
    hub.work()
    assert stored(hub) == 2
    assert hub("GET", "/v1/orders?number=a%00b").json()["code"] == "nul_character"
    assert hub("GET", "/v1/orders/a%00b").json()["code"] == "nul_character"
    held = hub("POST", "/v1/orders/x/hold", b'{"message": "a\\u0000b"}')
    assert (held.status_code, held.json()["code"]) == (422, "nul_character")
