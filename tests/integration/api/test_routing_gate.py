"""`/v1/routing`: backtests that are kept, the gate, the second person, activation and the way back."""

from typing import Any

import pytest

from tests.integration.api.calling import Hub, order

RULE_SETS = "/v1/routing/rule-sets"


def rules(*locations: str) -> dict[str, Any]:
    return {"sourcing": [{"id": "only", "name": "Only", "then": [{"action": "only", "locations": list(locations)}]}]}


@pytest.fixture
def drafted(hub: Hub) -> Hub:
    """Three orders were decided about; version 1 would send them from W2, version 2 leaves all as it is."""
    hub.post_orders(*(order(name) for name in "ABC"))
    for document in (rules("W2"), rules("W1", "W2")):
        assert hub("POST", RULE_SETS, {"document": document}).status_code == 201
    return hub


def test_a_backtest_is_kept_and_read_page_by_page(drafted: Hub) -> None:
    answer = drafted("POST", f"{RULE_SETS}/1/backtests", {"last": 10})
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/routing/backtests/{made['backtest_id']}")
    assert (made["version"], made["against_version"], made["orders"], made["reproduced"]) == (1, None, 3, 3)
    assert (made["before"]["loads"], made["after"]["loads"], made["differing"]) == ({"W1": 3}, {"W2": 3}, 3)
    assert drafted("GET", answer.headers["location"]).json() == made
    place = f"/v1/routing/backtests/{made['backtest_id']}/differences"
    page = drafted("GET", f"{place}?limit=2").json()
    rest = drafted("GET", f"{place}?limit=2&cursor={page['next_cursor']}").json()
    assert (page["items"] + rest["items"], rest["next_cursor"]) == (made["differences"], None)
    drafted("POST", f"{RULE_SETS}/2/backtests", {})
    page = drafted("GET", "/v1/routing/backtests?limit=1").json()
    rest = drafted("GET", f"/v1/routing/backtests?limit=1&cursor={page['next_cursor']}").json()
    assert [entry["version"] for entry in page["items"] + rest["items"]] == [2, 1]
    assert [entry["version"] for entry in drafted("GET", "/v1/routing/backtests?rule_set=1").json()["items"]] == [1]


def test_a_repeated_backtest_is_one(drafted: Hub) -> None:
    first, again = (drafted("POST", f"{RULE_SETS}/1/backtests", {}, idempotency_key="once") for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(drafted("GET", "/v1/routing/backtests").json()["items"]) == 1
    other = drafted("POST", f"{RULE_SETS}/1/backtests", {"last": 1}, idempotency_key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_what_is_not_there_or_not_allowed(drafted: Hub) -> None:
    reader, writer = drafted.key("routing:read"), drafted.key("routing:write")
    unknown = "a" * 36
    assert drafted("POST", f"{RULE_SETS}/9/backtests", {}).json()["code"] == "rule_set_not_found"
    assert drafted("GET", f"/v1/routing/backtests/{unknown}").json()["code"] == "backtest_not_found"
    assert drafted("GET", f"/v1/routing/backtests/{unknown}/differences").status_code == 404
    assert drafted("POST", f"{RULE_SETS}/1/backtests", {}, token=reader).status_code == 403
    assert drafted("POST", f"{RULE_SETS}/rollback", token=reader).status_code == 403
    assert drafted("PUT", "/v1/routing/gate", {"thresholds": {}}, token=writer).json()["scope"] == "routing_gate:write"
    assert drafted("POST", f"{RULE_SETS}/1/overrides", {"reason": "x"}, token=writer).status_code == 403
    assert drafted("POST", f"{RULE_SETS}/1/overrides", {"reason": ""}).json()["errors"][0]["pointer"] == "#/reason"
    assert drafted("POST", f"{RULE_SETS}/rollback").json()["code"] == "nothing_to_roll_back_to"


def test_from_draft_to_activation_past_the_gate_and_back(drafted: Hub) -> None:
    writer, boss = drafted.key("routing:write"), drafted.key("routing:read", "routing_gate:write")
    drafted("POST", f"{RULE_SETS}/2/backtests", {})
    assert drafted("POST", f"{RULE_SETS}/2/activate").json()["activation"]["basis"] == "rehearsed"
    drafted("PUT", "/v1/routing/gate", {"thresholds": {"split_orders_may_grow_permille": None, "minimum_orders": 4}})
    third = drafted("POST", RULE_SETS, {"document": {"sourcing": []}}).json()["version"]
    refused = drafted("POST", f"{RULE_SETS}/{third}/activate", token=writer)
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_not_passed")
    drafted("POST", f"{RULE_SETS}/{third}/backtests", {"last": 2})
    refused = drafted("POST", f"{RULE_SETS}/{third}/activate", token=writer).json()
    assert [(fault["figure"], fault["after"], fault["limit"]) for fault in refused["errors"]] == [("orders", 2, 4)]
    own = drafted("POST", f"{RULE_SETS}/{third}/overrides", {"reason": "mine"})
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    given = drafted("POST", f"{RULE_SETS}/{third}/overrides", {"reason": "looked at by hand"}, token=boss)
    assert (given.status_code, given.json()["broken"][0]["figure"]) == (201, "orders")
    standing = drafted("GET", f"{RULE_SETS}/{third}/gate").json()
    assert (standing["basis"], standing["active_version"], standing["gate_version"]) == ("overridden", 2, 1)
    assert drafted("POST", f"{RULE_SETS}/{third}/activate", token=boss).status_code == 403
    active = drafted("POST", f"{RULE_SETS}/{third}/activate", {"active": 2}, token=writer).json()
    assert (active["activation"]["basis"], active["activation"]["reason"]) == ("overridden", "looked at by hand")
    gone = drafted("POST", f"{RULE_SETS}/rollback", {"active": 2})
    assert (gone.status_code, gone.json()["code"]) == (409, "not_active")
    back = drafted("POST", f"{RULE_SETS}/rollback", {"active": third, "reason": "complaints"}).json()
    assert (back["version"], back["activation"]["replaced_version"]) == (2, third)
    page = drafted("GET", "/v1/routing/activations?limit=2").json()
    rest = drafted("GET", f"/v1/routing/activations?limit=2&cursor={page['next_cursor']}").json()
    assert [entry["basis"] for entry in page["items"] + rest["items"]] == ["rollback", "overridden", "rehearsed"]
    (kept,) = drafted("GET", f"{RULE_SETS}/{third}/overrides").json()["items"]
    assert kept["reason"] == "looked at by hand"


def test_thresholds_are_versions(hub: Hub) -> None:
    built_in = hub("GET", "/v1/routing/gate")
    assert (built_in.json()["version"], built_in.json()["author"], built_in.headers["etag"]) == (0, None, 'W/"0"')
    wanted = {"minimum_orders": 10, "freight_may_grow_permille": None}
    saved = hub("PUT", "/v1/routing/gate", {"thresholds": wanted, "comment": "small shop"}, if_match='W/"0"')
    assert (saved.status_code, saved.json()["version"], saved.headers["etag"]) == (200, 1, 'W/"1"')
    assert saved.json()["thresholds"] == {**built_in.json()["thresholds"], **wanted}
    assert hub("PUT", "/v1/routing/gate", {"thresholds": {}}, if_match='W/"0"').status_code == 412
    hub("PUT", "/v1/routing/gate", {"thresholds": {}})
    page = hub("GET", "/v1/routing/gate/versions?limit=1").json()
    rest = hub("GET", f"/v1/routing/gate/versions?limit=1&cursor={page['next_cursor']}").json()
    assert [entry["comment"] for entry in page["items"] + rest["items"]] == ["", "small shop"]
    bad = hub("PUT", "/v1/routing/gate", {"thresholds": {"minimum_orders": -1, "nosuch": 1}})
    assert {fault["pointer"] for fault in bad.json()["errors"]} == {
        "#/thresholds/minimum_orders", "#/thresholds/nosuch",
    }  # fmt: skip


def test_what_differs_between_two_versions(drafted: Hub) -> None:
    found = drafted("GET", f"{RULE_SETS}/2/diff?against=1").json()
    assert (found["before"], found["after"], found["equal"]) == (1, 2, False)
    (section,) = found["sections"]
    (change,) = section["changed"]
    assert [(entry["change"], entry["entry"]["locations"]) for entry in change["entries"]] == [
        ("removed", ["W2"]), ("added", ["W1", "W2"]),
    ]  # fmt: skip
    assert drafted("GET", f"{RULE_SETS}/2/diff?against=2").json()["equal"]
    assert drafted("GET", f"{RULE_SETS}/2/diff").json()["code"] == "rule_set_not_found"
