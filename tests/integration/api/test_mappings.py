"""`/v1/mappings`: what nobody knows the meaning of, and saying it once for all."""

from tests.integration.api.calling import Hub, order

UNKNOWN = "/v1/mappings/unknown"


def test_find_what_is_unknown_and_say_what_it_means(hub: Hub) -> None:
    hub.post_orders(order("A", sku="MUGG", quantity=2), order("B", sku="MUGG"), order("C", sku="LAMP"))
    first = hub("GET", f"{UNKNOWN}?limit=1").json()
    rest = hub("GET", f"{UNKNOWN}?limit=1&cursor={first['next_cursor']}").json()
    found = {item["value"]: item for item in (*first["items"], *rest["items"])}
    assert (set(found), rest["next_cursor"]) == ({"MUGG", "LAMP"}, None)
    row = found["MUGG"]
    assert row.pop("since")
    assert row == {
        "connection": "portal", "field": "sku", "value": "MUGG", "name": "Mug", "orders": 2, "messages": 0,
        "amounts": {"USD": 3000}, "ignored": False, "suggestion": {"meaning": "MUG", "confidence": 1.0},
    }  # fmt: skip
    said = {"connection": "portal", "field": "sku", "value": "MUGG", "meaning": "MUG"}
    answer = hub("POST", "/v1/mappings", said, idempotency_key="once")
    assert answer.json() == {**said, "ignored": False, "orders": 2, "messages": 0}
    hub.work()
    assert hub("POST", "/v1/mappings", said, idempotency_key="once").json()["orders"] == 2, "the first answer, kept"
    assert [item["value"] for item in hub("GET", UNKNOWN).json()["items"]] == ["LAMP"]
    assert hub("GET", "/v1/orders?hold=sku_unknown").json()["items"][0]["external_id"] == "C"
    ignored = hub("POST", "/v1/mappings", {**said, "value": "LAMP", "meaning": None, "ignore": True})
    assert (ignored.json()["ignored"], ignored.json()["orders"]) == (True, 1)
    assert hub("GET", UNKNOWN).json()["items"] == []
    assert [item["value"] for item in hub("GET", f"{UNKNOWN}?ignored=true&connection=portal&field=sku").json()["items"]]


def test_what_cannot_be_is_refused_with_what_to_do(hub: Hub) -> None:
    said = {"connection": "portal", "field": "country", "value": "Utopia", "meaning": "UT"}
    refused = {
        "bad_meaning": said,
        "no_meaning": {**said, "field": "type"},
        "connection_not_found": {**said, "connection": "nobody"},
        "invalid_request": {**said, "ignore": True},
        "alias_faults": {**said, "field": "sku"},
    }
    assert {name: hub("POST", "/v1/mappings", body).json()["code"] for name, body in refused.items()} == {
        name: name for name in refused
    }
    assert hub("GET", f"{UNKNOWN}?cursor=x").json()["code"] == "bad_cursor"
    reader = hub.key("mappings:read")
    assert hub("GET", UNKNOWN, token=reader).status_code == 200
    assert hub("POST", "/v1/mappings", said, token=reader).status_code == 403
