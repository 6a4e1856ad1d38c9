"""Transfers, counts, kept stock, reorder points over the API: each once, and only by who may."""

from typing import Any

import pytest
from fastapi import APIRouter

from hub.inventory import api_moving, api_promises
from hub.kit.db import Database
from tests.integration.inventory.building import level, set_up, stock
from tests.integration.inventory.calling import caller
from tests.unit.kit.asgi import Caller


def routers() -> APIRouter:
    both = APIRouter()
    both.include_router(api_moving.router)
    both.include_router(api_promises.router)
    return both


@pytest.fixture
def call(database: Database) -> Caller:
    set_up(database)
    stock(database, N_A=10)
    return caller(database, routers(), "stock:write")


def post(call: Caller, path: str, body: Any, key: str) -> Any:
    return call("POST", f"/v1/inventory/{path}", json=body, headers={"idempotency-key": key})


def test_a_transfer_from_draft_to_arrival(call: Caller, database: Database) -> None:
    body = {"source": "N", "target": "S", "reason": "nearer", "lines": [{"sku": "A", "quantity": "4"}]}
    assert call("POST", "/v1/inventory/transfers", json=body).json()["code"] == "idempotency_key_required"
    made = post(call, "transfers", body, "k-1")
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert post(call, "transfers", body, "k-1").json() == made.json()
    path = f"transfers/{made.json()['transfer_id']}"
    assert post(call, f"{path}/ship", {}, "k-2").json()["state"] == "in_transit"
    part = post(call, f"{path}/receive", {"lines": [{"sku": "A", "received": 1, "lost": 1}]}, "k-3").json()
    assert part["lines"] == [{"sku": "A", "quantity": "4", "received": "1", "lost": "1", "open": "2"}]
    assert post(call, f"{path}/receive", {}, "k-4").json()["state"] == "received"
    assert post(call, f"{path}/cancel", {"reason": "late"}, "k-5").json()["code"] == "transfer_state"
    assert call("GET", "/v1/inventory/transfers?state=received&location=S").json()["items"][0]["target"] == "S"
    assert level(database, "S_A").on_hand == 3


def test_the_key_of_one_location_moves_what_is_there_alone(call: Caller, database: Database) -> None:
    south = caller(database, routers(), "stock:write", location="S")
    body = {"source": "N", "target": "S", "reason": "nearer", "lines": [{"sku": "A", "quantity": "4"}]}
    assert post(south, "transfers", body, "k-1").status_code == 403
    path = f"transfers/{post(call, 'transfers', body, 'k-2').json()['transfer_id']}"
    assert call("GET", f"/v1/inventory/{path}").status_code == 200
    assert south("GET", f"/v1/inventory/{path}").status_code == 200
    assert post(south, f"{path}/ship", {}, "k-3").status_code == 403
    post(call, f"{path}/ship", {}, "k-4")
    assert post(south, f"{path}/receive", {}, "k-5").json()["state"] == "received"
    assert post(south, "counts", {"location": "N", "reference": "c"}, "k-6").status_code == 403


def test_a_sheet_from_opening_to_approval(call: Caller, database: Database) -> None:
    sheet = post(call, "counts", {"location": "N", "reference": "Q1"}, "k-1").json()
    path = f"counts/{sheet['count_id']}"
    assert post(call, f"{path}/lines", {"lines": [{"sku": "A", "counted": 9}]}, "k-2").json()["counted"] == 1
    table = call(
        "POST", f"/v1/inventory/{path}/import?skip_faulty=true", content=b"sku,counted\nB,2\nX,1\n",
        headers={"content-type": "text/csv", "idempotency-key": "k-3"},
    ).json()  # fmt: skip
    assert ([fault["row"] for fault in table["faults"]], table["count"]["counted"]) == ([3], 2)
    lines = call("GET", f"/v1/inventory/{path}/lines?limit=1").json()
    assert (lines["items"][0]["difference"], lines["next_cursor"] is None) == ("-1", False)
    assert post(call, f"{path}/approve", {"reason": "year end"}, "k-4").json()["state"] == "approved"
    assert (level(database, "N_A").on_hand, level(database, "N_B").on_hand) == (9, 2)


def test_stock_is_kept_extended_and_given_free(call: Caller, database: Database) -> None:
    body = {
        "reference": "draft", "expires_at": "2026-03-02T10:00:00Z", "lines": [{"sku": "A", "quantity": 3}],
    }  # fmt: skip
    kept = post(call, "reservations", body, "k-1").json()
    assert (kept["state"], level(database, "N_A").reserved) == ("held", 3)
    path = f"reservations/{kept['soft_reservation_id']}"
    later = post(call, f"{path}/extend", {"expires_at": "2026-03-02T12:00:00Z"}, "k-2").json()
    assert later["expires_at"].startswith("2026-03-02T12:00:00")
    assert post(call, f"{path}/release", None, "k-3").json()["state"] == "released"
    assert call("GET", "/v1/inventory/reservations?state=held").json()["items"] == []
    assert level(database, "N_A").reserved == 0


def test_reorder_points_are_set_listed_and_taken_away(call: Caller) -> None:
    points = {"points": [{"quantity": 5}, {"sku": "A", "quantity": 7, "clears_above": 9}]}
    done = post(call, "reorder-points", points, "k-1").json()["points"]
    assert [(one["sku"], one["clears_above"]) for one in done] == [("*", "5"), ("A", "9")]
    assert len(call("GET", "/v1/inventory/reorder-points").json()["items"]) == 2
    assert call("DELETE", "/v1/inventory/reorder-points?sku=A").status_code == 204
    assert call("DELETE", "/v1/inventory/reorder-points?sku=A").status_code == 404
    assert call("GET", "/v1/inventory/low-stock").json() == {"items": [], "next_cursor": None}
