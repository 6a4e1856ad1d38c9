import pytest

from hub.cases.api import router
from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.kit.db import Database
from tests.integration.inventory.calling import NOW, caller
from tests.unit.kit.asgi import Caller


@pytest.fixture
def call(database: Database) -> Caller:
    with database.write() as session:
        cases = [NewCase("unknown_sku", f"k{number}", "sku", f"S{number}", "Title", "Map it.") for number in range(3)]
        open_cases(session, cases=[*cases, cases[0]], at=NOW)
    return caller(database, router, "cases:write")


def test_list_get_resolve(call: Caller) -> None:
    first = call("GET", "/v1/cases?state=open&limit=2").json()
    rest = call("GET", f"/v1/cases?state=open&limit=2&cursor={first['next_cursor']}").json()
    found = first["items"] + rest["items"]
    assert [item["subject_id"] for item in found] == ["S2", "S1", "S0"]
    assert [item["occurrences"] for item in found] == [1, 1, 2]
    assert "dedupe_key" not in found[0]
    path = f"/v1/cases/{found[0]['case_id']}"
    assert call("GET", path).json() == found[0]
    done = call("POST", f"{path}/resolve", json={"resolution": "mapped"}).json()
    assert (done["state"], done["resolved_by"], done["resolved_at"]) == (
        "resolved",
        "key:tester",
        "2026-03-02T09:00:00Z",
    )
    assert call("POST", f"{path}/resolve", json={"resolution": "again"}).json()["code"] == "case_resolved"
    assert [item["subject_id"] for item in call("GET", "/v1/cases?state=resolved").json()["items"]] == ["S2"]


def test_filters(call: Caller) -> None:
    by_subject = call("GET", "/v1/cases?subject_kind=sku&subject_id=S1").json()
    assert [item["subject_id"] for item in by_subject["items"]] == ["S1"]
    assert call("GET", "/v1/cases?subject_kind=sku").json()["code"] == "half_a_subject"
    assert call("GET", "/v1/cases?kind=other").json()["items"] == []
    assert call("GET", "/v1/cases?state=closed").status_code == 422
    assert call("GET", "/v1/cases/none").status_code == 404


def test_a_resolution_needs_words(call: Caller) -> None:
    case_id = call("GET", "/v1/cases?limit=1").json()["items"][0]["case_id"]
    for body in ({"resolution": ""}, {}, {"resolution": "x", "by": "me"}):
        assert call("POST", f"/v1/cases/{case_id}/resolve", json=body).status_code == 422
    assert call("GET", f"/v1/cases/{case_id}").json()["state"] == "open"


def test_reading_does_not_allow_resolving(database: Database, call: Caller) -> None:
    case_id = call("GET", "/v1/cases?limit=1").json()["items"][0]["case_id"]
    reader = caller(database, router, "cases:read")
    assert reader("GET", f"/v1/cases/{case_id}").status_code == 200
    assert reader("POST", f"/v1/cases/{case_id}/resolve", json={"resolution": "x"}).status_code == 403
