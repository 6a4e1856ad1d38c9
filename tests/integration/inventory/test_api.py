from decimal import Decimal
from typing import Any

import pytest

from hub.inventory.api import router
from hub.inventory.service.query import list_movements
from hub.kit.db import Database
from tests.integration.inventory.building import level, set_up, stock
from tests.integration.inventory.calling import caller
from tests.unit.kit.asgi import Caller


@pytest.fixture
def call(database: Database) -> Caller:
    set_up(database)
    return caller(database, router, "stock:write")


def post(call: Caller, path: str, body: Any, key: str = "k-1") -> Any:
    return call("POST", path, json=body, headers={"idempotency-key": key})


def test_locations_are_made_and_changed_by_version(call: Caller) -> None:
    body = {"code": "BER", "name": "Berlin", "address": {"country": "DE", "lines": ["Weg 1"]}, "rank": 2}
    made = call("POST", "/v1/locations", json=body)
    assert (made.status_code, made.headers["etag"]) == (201, 'W/"1"')
    assert made.json()["address"] == {"country": "DE", "lines": ["Weg 1"]}
    assert call("POST", "/v1/locations", json=body).status_code == 409
    change = {"name": "Berlin 2", "enabled": False}
    assert call("PUT", "/v1/locations/BER", json=change).status_code == 428
    changed = call("PUT", "/v1/locations/BER", json=change, headers={"if-match": 'W/"1"'})
    assert (changed.json()["name"], changed.json()["version"], changed.json()["rank"]) == ("Berlin 2", 2, 0)
    stale = call("PUT", "/v1/locations/BER", json=change, headers={"if-match": 'W/"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert call("GET", "/v1/locations/BER").json() == changed.json()
    assert call("GET", "/v1/locations/X").status_code == 404


def test_locations_page_by_page(call: Caller) -> None:
    first = call("GET", "/v1/locations?limit=1").json()
    second = call("GET", f"/v1/locations?limit=1&cursor={first['next_cursor']}").json()
    assert [item["code"] for item in first["items"] + second["items"]] == ["N", "S"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "fault", [{"code": "a b"}, {"kind": "shed"}, {"colour": "red"}, {"latitude": 91}, {"address": {"country": "Deu"}}]
)
def test_a_location_that_cannot_be(call: Caller, fault: dict[str, Any]) -> None:
    answer = call("POST", "/v1/locations", json={"code": "BER", "name": "Berlin", **fault})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"#/{next(iter(fault))}")


def test_a_repeated_adjustment_moves_stock_once(call: Caller, database: Database) -> None:
    body = {"entries": [{"location": "N", "sku": "A", "quantity": "2.5", "reference": "found"}]}
    assert call("POST", "/v1/stock/adjustments", json=body).json()["code"] == "idempotency_key_required"
    first, again = post(call, "/v1/stock/adjustments", body), post(call, "/v1/stock/adjustments", body)
    assert first.status_code == 200
    assert first.json() == again.json()
    assert first.json()["levels"][0] == {
        "location": "N", "sku": "A", "on_hand": "2.5", "reserved": "0", "safety": "0", "inbound": "0",
        "oversell_allowance": "0", "available": "2.5", "updated_at": "2026-03-02T09:00:00Z",
    }  # fmt: skip
    with database.read() as session:
        (movement,) = list_movements(session, location="N", sku="A")
    assert (movement.actor, movement.reference) == ("key:tester", "found")


def test_every_way_to_move_stock(call: Caller, database: Database) -> None:
    place = {"location": "N", "sku": "A"}
    assert post(call, "/v1/stock/receipts", {"entries": [{**place, "quantity": 9}]}, "1").status_code == 200
    assert post(call, "/v1/stock/stocktakes", {"entries": [{**place, "quantity": 7}]}, "2").status_code == 200
    transfer = {"sku": "A", "from_location": "N", "to_location": "S", "quantity": 2}
    assert post(call, "/v1/stock/transfers", {"transfers": [transfer]}, "3").status_code == 200
    assert post(call, "/v1/stock/limits", {"entries": [{**place, "safety": 1}]}, "4").status_code == 200
    found = level(database, "N_A")
    assert (found.on_hand, found.safety, level(database, "S_A").on_hand) == (5, 1, 2)
    ledger = call("GET", "/v1/stock/movements?location=N&sku=A&limit=3").json()
    assert [line["kind"] for line in ledger["items"]] == ["limits", "transferred_out", "counted"]
    rest = call("GET", f"/v1/stock/movements?location=N&sku=A&cursor={ledger['next_cursor']}").json()
    assert [(line["kind"], line["on_hand_delta"]) for line in rest["items"]] == [("received", "9")]


def test_faults_are_told_by_pointer_and_nothing_moves(call: Caller, database: Database) -> None:
    stock(database, N_A=1)
    entries = [{"location": "N", "sku": "A", "quantity": 5}, {"location": "X", "sku": "Z", "quantity": 1}]
    answer = post(call, "/v1/stock/adjustments", {"entries": entries})
    assert (answer.status_code, answer.json()["code"]) == (422, "stock_faults")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"#/entries/1/location", "#/entries/1/sku"}
    assert level(database, "N_A").on_hand == 1


@pytest.mark.parametrize("quantity", ["0.0001", "NaN", "1e99", None, "many", True])
def test_a_quantity_that_cannot_be(call: Caller, quantity: Any) -> None:
    entry = {"location": "N", "sku": "A", "quantity": quantity}
    answer = post(call, "/v1/stock/adjustments", {"entries": [entry]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/entries/0/quantity"


def test_stock_is_listed_by_filter_and_cursor(call: Caller, database: Database) -> None:
    stock(database, N_A=1, N_B=2, S_A=3)
    first = call("GET", "/v1/stock?limit=2").json()
    rest = call("GET", f"/v1/stock?limit=2&cursor={first['next_cursor']}").json()
    assert [(item["location"], item["sku"]) for item in first["items"] + rest["items"]] == [
        ("N", "A"), ("N", "B"), ("S", "A"),
    ]  # fmt: skip
    assert [item["location"] for item in call("GET", "/v1/stock?sku=A").json()["items"]] == ["N", "S"]
    assert [item["sku"] for item in call("GET", "/v1/stock?location=S").json()["items"]] == ["A"]
    assert call("GET", "/v1/stock?low=true").json() == {"items": [], "next_cursor": None}
    assert call("GET", "/v1/stock?place=N").status_code == 400
    assert call("GET", "/v1/stock?cursor=x").json()["code"] == "bad_cursor"


def import_csv(call: Caller, body: bytes, query: str = "", key: str = "k-1") -> Any:
    headers = {"idempotency-key": key, "content-type": "text/csv"}
    return call("POST", f"/v1/stock/import{query}", content=body, headers=headers)


def test_import_of_csv(call: Caller, database: Database) -> None:
    body = b"\xef\xbb\xbflocation;sku;on_hand\r\nN;A;3,5\r\nN;B;4\r\n"
    refused = import_csv(call, body)
    assert refused.status_code == 422
    assert [(fault["row"], fault["column"]) for fault in refused.json()["errors"]] == [(2, "on_hand")]
    done = import_csv(call, body, "?skip_faulty=true", key="k-2").json()
    assert (done["levels"], [fault["row"] for fault in done["faults"]]) == (1, [2])
    assert level(database, "N_B").on_hand == Decimal(4)
    assert import_csv(call, "sku,größe".encode("latin-1"), key="k-3").json()["code"] == "not_utf8"


def test_reading_does_not_allow_writing(database: Database) -> None:
    set_up(database)
    call = caller(database, router, "stock:read")
    assert call("GET", "/v1/stock").status_code == 200
    assert (
        post(call, "/v1/stock/receipts", {"entries": [{"location": "N", "sku": "A", "quantity": 1}]}).status_code == 403
    )


ELSEWHERE = {
    "adjustments": {
        "entries": [{"location": "N", "sku": "A", "quantity": 1}, {"location": "S", "sku": "A", "quantity": 1}]
    },
    "receipts": {"entries": [{"location": "S", "sku": "A", "quantity": 1}]},
    "stocktakes": {"entries": [{"location": "S", "sku": "A", "quantity": 1}]},
    "transfers": {"transfers": [{"sku": "A", "from_location": "N", "to_location": "S", "quantity": 1}]},
    "limits": {"entries": [{"location": "S", "sku": "A", "safety": 1}]},
}


@pytest.fixture
def north(database: Database) -> Caller:
    """The key of the warehouse N."""
    set_up(database)
    stock(database, N_A=5, S_A=7)
    return caller(database, router, "stock:write", location="N")


def test_a_warehouse_sees_its_own_stock_alone(north: Caller) -> None:
    assert [item["location"] for item in north("GET", "/v1/stock").json()["items"]] == ["N"]
    assert [item["location"] for item in north("GET", "/v1/stock?sku=A").json()["items"]] == ["N"]
    assert len(north("GET", "/v1/stock/movements?location=N&sku=A").json()["items"]) == 1
    for path in ("/v1/stock?location=S", "/v1/stock/movements?location=S&sku=A", "/v1/locations/S"):
        assert north("GET", path).json()["code"] == "other_location", path
    assert [item["code"] for item in north("GET", "/v1/locations").json()["items"]] == ["N"]
    assert north("GET", "/v1/locations/N").json()["code"] == "N"


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_warehouse_changes_no_other_stock(north: Caller, database: Database, path: str) -> None:
    answer = post(north, f"/v1/stock/{path}", ELSEWHERE[path])
    assert (answer.status_code, answer.json()["code"]) == (403, "other_location")
    assert (level(database, "N_A").on_hand, level(database, "S_A").on_hand) == (5, 7)


def test_a_warehouse_counts_its_own_stock(north: Caller, database: Database) -> None:
    counted = {"entries": [{"location": "N", "sku": "A", "quantity": 3}]}
    assert post(north, "/v1/stock/stocktakes", counted).json()["levels"][0]["on_hand"] == "3"
    headers = {"idempotency-key": "k-2", "content-type": "text/csv"}
    table = b"location,sku,on_hand\nN,A,4\nS,A,4\n"
    refused = north("POST", "/v1/stock/import", content=table, headers=headers)
    assert [(fault["row"], fault["column"]) for fault in refused.json()["errors"]] == [(3, "location")]
    assert (level(database, "N_A").on_hand, level(database, "S_A").on_hand) == (3, 7)


def test_a_warehouse_says_not_which_locations_there_are(north: Caller) -> None:
    made = north("POST", "/v1/locations", json={"code": "X", "name": "X"})
    changed = north("PUT", "/v1/locations/N", json={"name": "Mine"}, headers={"if-match": 'W/"1"'})
    assert [answer.json()["code"] for answer in (made, changed)] == ["key_of_one_location"] * 2
