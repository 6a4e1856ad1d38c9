"""`/v1/routing/golden-orders`: kept, made of an order, run at every save, and what that does to the gate."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from hub.audit.tables import AuditEntryRow
from tests.integration.api.calling import Hub, order

RULE_SETS, GOLDEN = "/v1/routing/rule-sets", "/v1/routing/golden-orders"
WEST = {"sourcing": [{"id": "west", "name": "West", "then": [{"action": "only", "locations": ["W2"]}]}]}
VIP = {
    "review": [{"id": "vip", "name": "Vip", "when": ["order.total_minor > 1"], "then": [{"action": "tag", "tags": ["vip"]}]}]
}  # fmt: skip


def mug(**changes: Any) -> dict[str, Any]:
    return {
        "name": "mug", "order": {"lines": [{"sku": "MUG"}], "ship_to": {"country": "US", "region": "OR"}},
        "world": {"stock": {"W1": {"MUG": 1}, "W2": {"MUG": 1}}}, "expect": {"locations": ["W1"]}, **changes,
    }  # fmt: skip


@pytest.fixture
def golden(hub: Hub) -> Hub:
    """A hub with one golden order, that W1 sends."""
    assert hub("POST", GOLDEN, {"document": mug()}).status_code == 201
    return hub


def test_golden_orders_are_kept_listed_replaced_and_deleted(golden: Hub) -> None:
    again = golden("POST", GOLDEN, {"document": mug()})
    assert (again.status_code, again.json()["code"]) == (409, "golden_order_exists")
    kept = golden("GET", f"{GOLDEN}/mug")
    world = kept.json()["document"]["world"]
    assert (kept.headers["etag"], [place["code"] for place in world["locations"]]) == ('W/"1"', ["W1", "W2"])
    assert (list(world["rate_cards"]), "now" in world) == (["flat"], True)
    wrong = golden("PUT", f"{GOLDEN}/mug", {"document": mug(expect={"locations": ["W3"], "outcome": "sent"})})
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "/expect/outcome")
    saved = golden("PUT", f"{GOLDEN}/mug", {"document": mug(expect={"locations": ["W2"]})}, if_match='W/"1"')
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    (fault,) = saved.json()["broken"]
    assert (fault["expected"], fault["got"], fault["rules"]) == (["W2"], ["W1"], [])
    assert golden("PUT", f"{GOLDEN}/mug", {"document": mug()}, if_match='W/"1"').status_code == 412
    golden("POST", GOLDEN, {"document": mug(name="other")})
    page = golden("GET", f"{GOLDEN}?limit=1").json()
    rest = golden("GET", f"{GOLDEN}?limit=1&cursor={page['next_cursor']}").json()
    assert [entry["name"] for entry in page["items"] + rest["items"]] == ["mug", "other"]
    assert golden("DELETE", f"{GOLDEN}/mug", token=golden.key("routing:read")).status_code == 403
    assert golden("DELETE", f"{GOLDEN}/mug").status_code == 204
    assert golden("GET", f"{GOLDEN}/mug").json()["code"] == "golden_order_not_found"


def test_a_save_that_breaks_one_is_refused_whole(golden: Hub) -> None:
    second = mug(name="tagged", order={**mug()["order"], "facts": {"order.total_minor": 5}}, expect={"tags": []})
    golden("POST", GOLDEN, {"document": second})
    refused = golden("POST", RULE_SETS, {"document": {**WEST, **VIP}})
    assert (refused.status_code, refused.json()["code"]) == (422, "golden_orders_broken")
    assert [(fault["path"], fault["expected"], fault["got"], fault["rules"]) for fault in refused.json()["errors"]] == [
        ("/golden_orders/mug/expect/locations", ["W1"], ["W2"], ["west"]),
        ("/golden_orders/tagged/expect/tags", [], ["vip"], ["vip"]),
    ]  # fmt: skip
    assert all("correct " in fault["suggestion"] for fault in refused.json()["errors"])
    assert golden("GET", RULE_SETS).json()["items"] == []
    changed = [mug(expect={"locations": ["W2"]})]
    saved = golden("POST", RULE_SETS, {"document": {**WEST, "golden_orders": changed}})
    assert (saved.status_code, saved.json()["version"]) == (201, 1)
    text = golden("GET", f"{RULE_SETS}/1/export?golden_orders=true").content
    assert golden("POST", f"{RULE_SETS}/import", text, content_type="application/yaml").status_code == 201
    faulty = golden("POST", RULE_SETS, {"document": {"sourcing": [{}], "golden_orders": [{"name": "x"}]}}).json()
    assert {fault["path"].split("/")[1] for fault in faulty["errors"]} == {"sourcing", "golden_orders"}


def test_what_is_reported_needs_a_second_person(golden: Hub) -> None:
    writer, boss = golden.key("routing:write"), golden.key("routing:read", "routing_gate:write")
    assert golden("POST", RULE_SETS, {"document": WEST, "golden": "report"}).status_code == 201
    assert golden("GET", f"{RULE_SETS}/1").json()["state"] == "draft"
    (run,) = golden("GET", f"{RULE_SETS}/1/golden-runs").json()["items"]
    assert (run["orders"], [fault["golden"] for fault in run["broken"]]) == (1, ["mug"])
    refused = golden("POST", f"{RULE_SETS}/1/activate", token=writer).json()
    assert (refused["code"], refused["errors"][0]["detail"]) == (
        "gate_not_passed", "golden_orders: 1 of 1 broken (mug)",
    )  # fmt: skip
    assert golden("POST", f"{RULE_SETS}/1/overrides", {"reason": "mine"}).json()["code"] == "second_person_needed"
    assert golden("POST", f"{RULE_SETS}/1/overrides", {"reason": "W1 closes"}, token=boss).status_code == 201
    golden("PUT", f"{GOLDEN}/mug", {"document": mug(about="the same, said otherwise")})
    refused = golden("POST", f"{RULE_SETS}/1/activate", token=writer).json()
    assert "have changed since they were run" in refused["errors"][0]["detail"]
    assert len(golden("POST", f"{RULE_SETS}/1/golden-runs").json()["broken"]) == 1
    golden("POST", f"{RULE_SETS}/1/overrides", {"reason": "W1 closes"}, token=boss)
    active = golden("POST", f"{RULE_SETS}/1/activate", token=writer).json()["activation"]
    assert (active["basis"], active["reason"]) == ("overridden", "W1 closes")


def test_one_is_made_of_an_order_without_its_people(hub: Hub) -> None:
    tags = ["vip", "call Ada Buyer +1 503 555 0100", "ada@buyer.example"]
    hub.post_orders(order("A", tags=tags, notes={"buyer": "1 A Street"}))
    made = hub("POST", f"{GOLDEN}/from-order", {"order": "N-A", "name": "portland", "about": "as it is"})
    assert made.status_code == 201, made.text
    assert made.json()["broken"] == []
    document, text = made.json()["document"], json.dumps(made.json()).casefold()
    assert document["expect"] == {
        "review": "auto_approved", "holds": [], "tags": [], "outcome": "planned", "reason": "single",
        "locations": ["W1"], "services": {"W1": "flat/std"},
    }  # fmt: skip
    assert document["order"]["ship_to"] == {"country": "US", "region": "OR", "city": "Portland", "postal_code": "97201"}
    assert document["order"]["facts"]["order.tags"] == ["vip", "call removed removed", "removed"]
    assert not any(word in text for word in ("ada b", "@", "street", "dock", "503", "n-a"))
    assert hub("POST", RULE_SETS, {"document": WEST}).json()["errors"][0]["golden"] == "portland"
    with hub.runtime.database.read() as session:
        actions = set(session.scalars(select(AuditEntryRow.action)))
    assert "golden_order.added" in actions


def test_one_whose_carrier_is_gone_says_so(hub: Hub) -> None:
    hub.post_orders(order("A"))
    hub("POST", f"{GOLDEN}/from-order", {"order": "N-A", "name": "portland", "members": ["services"]})
    etag = hub("GET", "/v1/connections/flat").headers["etag"]
    changed = hub("PATCH", "/v1/connections/flat", {"enabled": False}, if_match=etag)
    assert changed.status_code == 200, changed.text
    faults = {fault["path"]: fault for fault in hub("POST", RULE_SETS, {"document": {}}).json()["errors"]}
    service = faults["/golden_orders/portland/expect/services/W1"]
    assert service["reason"] == "there is no service 'flat/std' (any more)"
    assert "PUT /v1/routing/golden-orders/portland" in service["suggestion"]
    assert faults["/golden_orders/portland/world/rate_cards/flat"]["reason"] == "no carrier 'flat' is connected"
