"""`/v1/routing/gifts`: what rules have given, and what is left; and gifts in a preview."""

from typing import Any

from tests.integration.api.calling import Hub, order


def activate(hub: Hub, *gifts: dict[str, Any]) -> None:
    rules = [{"id": gift.pop("rule"), "name": "G", "then": [{"action": "add_gift", **gift}]} for gift in gifts]
    made = hub("POST", "/v1/routing/rule-sets", {"document": {"gift": rules}})
    assert made.status_code == 201, made.text
    reference = made.json()["rule_set_id"]
    hub("POST", f"/v1/routing/rule-sets/{reference}/backtests", {"last": 10})
    active = hub("POST", f"/v1/routing/rule-sets/{reference}/activate")
    assert active.status_code == 200, active.text


def test_a_gift_of_no_product_is_refused(hub: Hub) -> None:
    rule = {"id": "a", "name": "A", "then": [{"action": "add_gift", "sku": "MUGG"}]}
    refused = hub("POST", "/v1/routing/rule-sets", {"document": {"gift": [rule]}})
    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["path"]) == (422, "/gift/0/then/0/sku")


def test_what_was_given_and_what_is_left_page_by_page(hub: Hub) -> None:
    activate(hub, {"rule": "tees", "sku": "TEE", "max_total": 3}, {"rule": "mugs", "sku": "MUG"})
    hub.post_orders(order("A"), order("B"))
    activate(hub, {"rule": "tees", "sku": "TEE", "max_total": 3}, {"rule": "new", "sku": "MUG", "max_per_customer": 1})
    first = hub("GET", "/v1/routing/gifts?limit=2").json()
    rest = hub("GET", f"/v1/routing/gifts?limit=2&cursor={first['next_cursor']}").json()
    found = {gift["rule"]: gift for gift in (*first["items"], *rest["items"])}
    assert ([gift["rule"] for gift in first["items"]], list(found)) == (["mugs", "new"], ["mugs", "new", "tees"])
    told = {rule: (gift["active"], gift["given"], gift["left"]) for rule, gift in found.items()}
    assert told == {"mugs": (False, 2, None), "new": (True, 0, None), "tees": (True, 2, 1)}
    assert (found["new"]["max_per_customer"], found["tees"]["max_total"], found["tees"]["since"]) == (1, 3, None)
    assert rest["next_cursor"] is None
    assert hub("GET", "/v1/routing/gifts?cursor=bm8").json()["code"] == "bad_cursor"


def test_a_preview_tells_gifts_and_leaves_out_what_does_harm(hub: Hub) -> None:
    activate(hub, {"rule": "tees", "sku": "TEE", "quantity": 40})
    [order_id] = hub.post_orders(order("A", quantity=41))
    line = next(line for line in hub("GET", f"/v1/orders/{order_id}").json()["lines"] if line["gift_rule"])
    assert (line["gift_rule"], line["sku"], line["counters"]["unallocated"]) == ("tees", "TEE", "40")
    more = {"entries": [{"location": "W1", "sku": "MUG", "quantity": "50", "reference": "found"}]}
    assert hub("POST", "/v1/stock/adjustments", more).status_code < 300
    before = hub("GET", f"/v1/orders/{order_id}").json()["version"]
    [decision] = hub("POST", "/v1/routing/preview", {"order_ids": [order_id]}).json()["decisions"]
    assert decision["outcome"] == "planned"
    assert decision["explanation"][-1].startswith("40 of TEE is a gift of rule tees: it is let go")
    assert hub("GET", f"/v1/orders/{order_id}").json()["version"] == before
