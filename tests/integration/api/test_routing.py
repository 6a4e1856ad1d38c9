"""`/v1/routing`: rules, their types, planning inputs."""

from typing import Any

from sqlalchemy import select

from hub.audit.tables import AuditEntryRow
from tests.integration.api.calling import Hub, order

TO_THE_EAST: dict[str, Any] = {
    "sourcing": [
        {
            "id": "east", "name": "Everything from the east", "when": ["order.ship_to.country == 'US'"],
            "then": [{"action": "only", "locations": ["W2"]}],
        }
    ]
}  # fmt: skip


def test_a_draft_decides_nothing_until_it_is_activated(hub: Hub) -> None:
    made = hub("POST", "/v1/routing/rule-sets", {"document": TO_THE_EAST, "comment": "try the east"})
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["state"], draft["version"], draft["author"], draft["body"]) == ("draft", 1, "key:tester", TO_THE_EAST)
    [order_id] = hub.post_orders(order("A"))
    assert hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"][0]["location"] == "W1"
    assert hub("GET", "/v1/routing/rule-sets/active").json()["code"] == "rule_set_not_found"
    assert hub("POST", "/v1/routing/rule-sets/1/backtests", {"last": 10}).json()["after"]["loads"] == {"W2": 1}
    assert hub("GET", "/v1/routing/rule-sets/1").json()["state"] == "rehearsed"
    active = hub("POST", f"/v1/routing/rule-sets/{draft['rule_set_id']}/activate")
    assert (active.status_code, active.json()["state"], active.json()["activated_by"]) == (200, "active", "key:tester")
    assert hub("POST", "/v1/routing/rule-sets/1/activate").json()["code"] == "already_active"
    [second] = hub.post_orders(order("B"))
    assert hub("GET", f"/v1/orders/{second}").json()["fulfilment_orders"][0]["location"] == "W2"
    why = hub("GET", f"/v1/orders/{second}/routing?why=W1").json()["why"]
    assert "rule:east" in why[0]
    with hub.runtime.database.read() as session:
        actions = session.scalars(select(AuditEntryRow.action).where(AuditEntryRow.subject_kind == "rule_set")).all()
    assert "rule_set.activated" in actions


def test_every_fault_of_a_rule_set_at_once(hub: Hub) -> None:
    bad = {
        "sourcing": [
            {
                "id": "a",
                "name": "A",
                "when": ["order.totl_minor > 5"],
                "then": [{"action": "only", "locations": ["W9"]}],
            },
            {"id": "b", "name": "B", "then": []},
        ]
    }
    answer = hub("POST", "/v1/routing/rule-sets", {"document": bad})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_rule_set")
    paths = [fault["path"] for fault in answer.json()["errors"]]
    assert [path.rsplit("/", 2)[0] for path in paths[:2]] == ["/sourcing/0", "/sourcing/0/then"] or len(paths) >= 3
    assert any("total_minor" in (fault.get("suggestion") or "") for fault in answer.json()["errors"])
    assert hub("GET", "/v1/routing/rule-sets").json()["items"] == []
    assert hub("POST", "/v1/routing/rule-sets", {"docment": {}}).json()["errors"][0]["pointer"] == "#/document"


def test_yaml_out_and_in(hub: Hub) -> None:
    hub("POST", "/v1/routing/rule-sets", {"document": TO_THE_EAST})
    exported = hub("GET", "/v1/routing/rule-sets/1/export")
    assert exported.headers["content-type"].startswith("application/yaml")
    imported = hub(
        "POST", "/v1/routing/rule-sets/import?comment=again", exported.content, content_type="application/yaml"
    )
    assert imported.status_code == 201, imported.text
    assert (imported.json()["version"], imported.json()["body"], imported.json()["comment"]) == (
        2,
        TO_THE_EAST,
        "again",
    )
    cases = {
        b"a: [": "line 1",
        b"a: &x [1]\nb: *x": "anchors",
        b"- 1": "mapping",
        b"sourcing: 2026-13-99": "",
        b"\xff\xfe\x00": "",
    }
    for text, words in cases.items():
        answer = hub("POST", "/v1/routing/rule-sets/import", text, content_type="application/yaml")
        assert (answer.status_code, answer.json()["code"] in ("invalid_yaml", "invalid_rule_set")) == (422, True), text
        assert words in answer.json()["detail"]


def test_list_and_get(hub: Hub) -> None:
    for number in range(3):
        hub("POST", "/v1/routing/rule-sets", {"document": {}, "comment": f"{number}"})
    page = hub("GET", "/v1/routing/rule-sets?limit=2").json()
    rest = hub("GET", f"/v1/routing/rule-sets?limit=2&cursor={page['next_cursor']}").json()
    assert [item["version"] for item in page["items"] + rest["items"]] == [3, 2, 1]
    assert hub("GET", "/v1/routing/rule-sets/2").json()["comment"] == "1"
    for reference, status in (("9", 404), ("999999999999", 422), ("latest", 422), ("x" * 36, 422), ("a" * 36, 404)):
        assert hub("GET", f"/v1/routing/rule-sets/{reference}").status_code == status
    assert hub("GET", "/v1/routing/rule-sets?cursor=abc").json()["code"] == "bad_cursor"


def test_what_rules_are_made_of(hub: Hub) -> None:
    types = hub("GET", "/v1/routing/types").json()
    facts = {fact["name"]: fact for fact in types["facts"]}
    assert facts["order.total_minor"]["type"] == "int"
    assert facts["location.code"]["sections"] == ["sourcing", "courier", "merge"]
    assert set(types["actions"]) == {
        "review", "priority", "assign", "gift", "sourcing", "courier", "merge",
    }  # fmt: skip
    only = types["actions"]["sourcing"]["$defs"]["Only"]
    assert {"action": "only", "locations": ["W1"]} in only["examples"]
    assert "no working day" in {one["name"]: one["about"] for one in types["filters"]}["calendar"]
    rankers = {one["name"]: one for one in types["rankers"]}
    assert "kilometres" in rankers["distance"]["about"]
    own = rankers["plugin:hub.specialists"]
    assert (own["source"], own["about"][:22]) == ("hub.specialists", "Count the capabilities")
    examples = [one["example"] for one in (*types["rankers"], *types["strategies"])]
    rules = [{"id": f"r{number}", "name": "R", "then": [action]} for number, action in enumerate(examples)]
    checked = hub("POST", "/v1/routing/rule-sets", {"document": {"sourcing": rules}})
    assert checked.status_code == 201, checked.text


def test_inputs_are_versions(hub: Hub) -> None:
    first = hub("POST", "/v1/routing/inputs", {"kind": "capacity", "key": "W1", "body": {"orders_per_day": 0}})
    assert (first.status_code, first.json()["version"]) == (201, 1)
    [order_id] = hub.post_orders(order("A"))
    assert hub("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"][0]["location"] == "W2"
    second = hub("POST", "/v1/routing/inputs", {"kind": "capacity", "key": "W1", "body": {"orders_per_day": 9}})
    assert second.json()["version"] == 2
    found = hub("GET", "/v1/routing/inputs?kind=capacity&key=W1").json()["items"]
    assert [entry["version"] for entry in found] == [2, 1]
    page = hub("GET", "/v1/routing/inputs?limit=1").json()
    assert hub("GET", f"/v1/routing/inputs?limit=1&cursor={page['next_cursor']}").json()["items"][0]["version"] == 1
    assert (
        hub("POST", "/v1/routing/inputs", {"kind": "capacity", "key": "W1", "body": {}}).json()["code"]
        == "invalid_capacity"
    )
    bad = hub("POST", "/v1/routing/inputs", {"kind": "calendar", "key": "W1", "body": {"cutoff": "late"}})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_calendar")
    area = {"kind": "area", "key": "W1", "body": {"serves": [{"country": "Oregon"}], "not": []}}
    refused = hub("POST", "/v1/routing/inputs", area).json()
    assert (refused["code"], "serves/0/country" in refused["detail"], "not: unknown" in refused["detail"]) == (
        "invalid_area", True, True,
    )  # fmt: skip
    area["body"] = {"serves": [{"country": "US", "from": "10", "to": "14"}]}
    assert hub("POST", "/v1/routing/inputs", area).json()["kind"] == "area"
    [elsewhere] = hub.post_orders(order("B"))
    assert "[country=US, region=OR, postal_code=97201]" in hub(
        "GET", f"/v1/orders/{elsewhere}/routing?why=W1"
    ).json()["why"][0]  # fmt: skip
    assert hub("POST", "/v1/routing/inputs", {"kind": "weather", "key": "W1", "body": {}}).status_code == 422
    assert hub("POST", "/v1/routing/inputs", {}, token=hub.key("routing:read")).status_code == 403


def test_places(hub: Hub) -> None:
    table = "postal_code,latitude,longitude\n97201,45.51,-122.69\n9,45,1\n97,95,-122.7\n"
    path = "/v1/routing/places/import?country=US"
    refused = hub("POST", path, table.encode(), content_type="text/csv").json()
    assert (refused["code"], [fault["row"] for fault in refused["errors"]]) == ("import_faults", [4])
    done = hub("POST", f"{path}&skip_faulty=true", table.encode(), content_type="text/csv").json()
    assert (done["postal_codes"], done["cities"], len(done["faults"])) == (2, 0, 1)
    place = hub("GET", "/v1/routing/places?country=US&postal_code=97201-4321").json()
    assert (place["name"], place["latitude"]) == ("97201", 45.51)
    missing = hub("GET", "/v1/routing/places?country=US&city=Atlantis")
    assert (missing.status_code, missing.json()["code"]) == (404, "place_not_found")
    assert hub("GET", "/v1/routing/places?country=us").status_code == 422
    assert hub("POST", path, b"\xff", content_type="text/csv").json()["code"] == "not_utf8"


def test_the_linter_tells_of_a_draft_what_it_cannot_do(hub: Hub) -> None:
    east = TO_THE_EAST["sourcing"][0]
    never = {"id": "never", "name": "Never", "when": ["order.lines < 0"], "then": [{"action": "split"}]}
    closed = {"id": "closed", "name": "Closed", "then": [{"action": "exclude", "locations": ["W2"]}]}
    made = hub("POST", "/v1/routing/rule-sets", {"document": {"sourcing": [east, never, closed]}}).json()
    assert [(found["kind"], found["rule"]) for found in made["lint"]["findings"]] == [
        ("never_matching", "never"), ("contradictory", "closed"),
    ]  # fmt: skip
    hub.post_orders(order("A"))
    report = hub("GET", "/v1/routing/rule-sets/1/lint?last=10").json()
    contradictory = report["findings"][1]
    assert (contradictory["other"], contradictory["order"], report["orders"]) == ("east", "N-A", 1)
    assert contradictory["witness"]["order.ship_to.country"] == "US"
    assert hub("GET", "/v1/routing/rule-sets/9/lint").status_code == 404
