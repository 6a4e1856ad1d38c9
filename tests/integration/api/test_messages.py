"""`/v1/messages`: what came in, and reading it again."""

import pytest

from plugins.channels.webhook.adapter import Webhook
from tests.integration.api.calling import Hub, event, order

NOBODY = "00000000-0000-7000-8000-000000000000"


def names(hub: Hub, query: str) -> list[str]:
    answer = hub("GET", f"/v1/messages?{query}")
    assert answer.status_code == 200, answer.text
    return [item["external_id"] for item in answer.json()["items"]]


def test_find_messages(hub: Hub) -> None:
    hub.post_orders(order("A"))
    hub("POST", "/v1/orders", {"connection": "portal", "orders": [order("B", wrong=1)]})
    hub.work()
    hub("POST", "/v1/orders", {"connection": "portal", "orders": [order("C")]})
    cases = {
        "": ["C", "B", "A"], "state=blocked": ["B"], "state=applied": ["A"], "state=received": ["C"],
        "connection=portal": ["C", "B", "A"], "plugin=webhook": ["C", "B", "A"], "plugin=shopify": [],
        "error_class=Malformed": ["B"], "error_class=Rejected": [], "external_id=A": ["A"],
        "connection=portal&state=blocked&error_class=Malformed": ["B"],
    }  # fmt: skip
    assert {query: names(hub, query) for query in cases} == cases
    page = hub("GET", "/v1/messages?limit=2").json()
    assert names(hub, f"limit=2&cursor={page['next_cursor']}") == ["A"]
    assert hub("GET", "/v1/messages?connection=nobody").status_code == 404
    assert hub("GET", "/v1/messages?state=lost").status_code == 422
    assert hub("GET", f"/v1/messages/{NOBODY}").json()["code"] == "message_not_found"
    assert hub("GET", "/v1/messages/nonsense/raw").json()["code"] == "message_not_found"


def test_a_blocked_message_says_why_and_keeps_its_bytes(hub: Hub) -> None:
    body = event("order.upserted", order("A", grand_total="ten"))
    [item] = hub.webhook(body, message_id="m1").json()["items"]
    hub.work()
    shown = hub("GET", f"/v1/messages/{item['message_id']}").json()
    assert (shown["state"], shown["error_class"], shown["size"]) == ("blocked", "Malformed", len(body))
    assert "grand_total" in shown["error"]
    assert hub("GET", f"/v1/messages/{item['message_id']}/raw").content == body


def test_replay_after_the_plugin_was_mended(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Webhook.parse

    def broken(self: Webhook, raw: object) -> object:
        raise KeyError("a bug of the mapping")

    monkeypatch.setattr(Webhook, "parse", broken)
    hub("POST", "/v1/orders", {"connection": "portal", "orders": [order("A"), order("B")]})
    hub.work()
    assert names(hub, "state=blocked") == ["B", "A"]
    still = hub("POST", "/v1/messages/replay", {"state": "blocked", "dry_run": True}).json()
    assert [entry["outcome"] for entry in still["differences"]] == ["still_blocked", "still_blocked"]
    monkeypatch.setattr(Webhook, "parse", parse)
    shown = hub("POST", "/v1/messages/replay", {"plugin": "webhook", "state": "blocked", "dry_run": True}).json()
    assert (shown["found"], shown["queued"]) == (2, 0)
    assert [entry["outcome"] for entry in shown["differences"]] == ["new_order", "new_order"]
    assert names(hub, "state=blocked") == ["B", "A"]
    assert (shown["summary"]["outcomes"], shown["next_cursor"]) == ({"newly_readable": 2}, None)
    some = {"connection": "portal", "state": "blocked", "limit": 1}
    key = {"idempotency_key": "replay-1"}
    done = hub("POST", "/v1/messages/replay", some, **key).json()
    assert (done["matched"], done["found"], done["queued"], done["differences"]) == (2, 1, 1, None)
    assert hub("POST", "/v1/messages/replay", some, **key).json() == done, "asked twice is done once"
    hub.work()
    assert names(hub, "state=blocked") == ["B"]
    after = {**some, "cursor": done["next_cursor"], "dry_run": True}
    assert hub("POST", "/v1/messages/replay", after).json()["matched"] == 1
    [rest] = hub("GET", "/v1/messages?state=blocked").json()["items"]
    assert hub("POST", "/v1/messages/replay", {"ids": [rest["message_id"]]}).json()["queued"] == 1
    hub.work()
    assert [item["external_id"] for item in hub("GET", "/v1/orders").json()["items"]] == ["B", "A"]


def test_bad_replays(hub: Hub) -> None:
    for body in (
        {},
        {"ids": [NOBODY], "state": "blocked"},
        {"ids": []},
        {"ids": ["x"]},
        {"state": "x"},
        {"dry_run": True},
        {"ids": [NOBODY], "cursor": "x"},
        {"since": "2026-01-01"},
    ):
        assert hub("POST", "/v1/messages/replay", body).status_code == 422
    assert hub("POST", "/v1/messages/replay", {"state": "blocked", "cursor": "x"}).status_code == 400
    assert hub("POST", "/v1/messages/replay", {"connection": "nobody"}).status_code == 404
    assert hub("POST", "/v1/messages/replay", {"ids": [NOBODY]}).json()["queued"] == 0
    reader = hub.key("messages:read")
    assert hub("POST", "/v1/messages/replay", {"state": "blocked"}, token=reader).status_code == 403
