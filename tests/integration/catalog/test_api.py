from typing import Any

import pytest

from hub.catalog.api import router
from hub.catalog.service.match import match_skus
from hub.kit.db import Database
from tests.integration.inventory.calling import caller
from tests.unit.kit.asgi import Caller


@pytest.fixture
def call(database: Database) -> Caller:
    return caller(database, router, "products:write")


def add(call: Caller, *products: dict[str, Any]) -> Any:
    return call("POST", "/v1/products", json={"products": [{"name": item["sku"], **item} for item in products]})


def test_products_in_bulk_then_one_by_one(call: Caller) -> None:
    bundle = {"sku": "SET/2", "components": {"CUP": 2}, "requires": ["fragile"]}
    assert add(call, {"sku": "CUP", "grams": 300}, bundle).json() == {
        "added": ["CUP", "SET/2"], "changed": [], "unchanged": [],
    }  # fmt: skip
    got = call("GET", "/v1/products/SET/2")
    assert (got.json()["components"], got.headers["etag"]) == ({"CUP": "2"}, 'W/"1"')
    changed = call("PUT", "/v1/products/CUP", json={"name": "Cup", "grams": 310}, headers={"if-match": 'W/"1"'})
    assert (changed.json()["grams"], changed.json()["version"]) == (310, 2)
    assert call("PUT", "/v1/products/CUP", json={"name": "C"}, headers={"if-match": 'W/"1"'}).status_code == 412
    assert call("PUT", "/v1/products/NEW", json={"name": "New"}).json()["version"] == 1
    assert call("GET", "/v1/products/NONE").json()["code"] == "product_not_found"


def test_faults_are_told_by_pointer(call: Caller) -> None:
    answer = add(call, {"sku": "A"}, {"sku": "A"}, {"sku": "SET", "components": {"GONE": 1}})
    assert (answer.status_code, answer.json()["code"]) == (422, "product_faults")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/products/1/sku", "#/products/2/components"]
    assert call("GET", "/v1/products").json()["items"] == []


@pytest.mark.parametrize("fault", [{"grams": -1}, {"colour": "red"}, {"components": {"A": 0}}, {"length_mm": 0}])
def test_a_product_that_does_not_fit_the_schema(call: Caller, fault: dict[str, Any]) -> None:
    answer = add(call, {"sku": "A", **fault})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(f"#/products/0/{next(iter(fault))}")


def test_list_with_filters_and_cursor(call: Caller) -> None:
    add(call, {"sku": "AB-1"}, {"sku": "AB-2", "active": False}, {"sku": "C"})
    first = call("GET", "/v1/products?limit=2").json()
    rest = call("GET", f"/v1/products?limit=2&cursor={first['next_cursor']}").json()
    assert [item["sku"] for item in first["items"] + rest["items"]] == ["AB-1", "AB-2", "C"]
    assert [item["sku"] for item in call("GET", "/v1/products?q=AB").json()["items"]] == ["AB-1", "AB-2"]
    assert [item["sku"] for item in call("GET", "/v1/products?active=false").json()["items"]] == ["AB-2"]


def test_aliases(call: Caller, database: Database) -> None:
    add(call, {"sku": "A"})
    body = {"account": "shop-1", "aliases": [{"channel_sku": "x/1", "sku": "A"}]}
    assert call("POST", "/v1/products/aliases", json=body).json() == {"changed": ["x/1"]}
    with database.read() as session:
        assert match_skus(session, account="shop-1", skus=["x/1"])["x/1"].sku == "A"
    twice = {**body, "aliases": body["aliases"] * 2}
    assert call("POST", "/v1/products/aliases", json=twice).json()["code"] == "alias_twice"
    assert call("GET", "/v1/products/aliases?account=shop-1").json()["items"] == [{"channel_sku": "x/1", "sku": "A"}]
    assert call("DELETE", "/v1/products/aliases?account=shop-1&channel_sku=x/1").status_code == 204
    assert call("DELETE", "/v1/products/aliases?account=shop-1&channel_sku=x/1").status_code == 404


def test_import_of_csv(call: Caller) -> None:
    headers = {"content-type": "text/csv"}
    done = call("POST", "/v1/products/import", content="sku,name\nA,Größe\n".encode(), headers=headers)
    assert done.json() == {"added": ["A"], "changed": [], "unchanged": [], "faults": []}
    assert call("GET", "/v1/products/A").json()["name"] == "Größe"
    refused = call("POST", "/v1/products/import", content=b"sku,grams\nB,x\n", headers=headers)
    assert {(fault["row"], fault["column"]) for fault in refused.json()["errors"]} == {(2, "name"), (2, "grams")}


def test_reading_does_not_allow_writing(database: Database) -> None:
    call = caller(database, router, "products:read")
    assert call("GET", "/v1/products").status_code == 200
    assert add(call, {"sku": "A"}).status_code == 403
