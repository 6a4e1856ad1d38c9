"""The demo's shop: what the Shopify plugin asks of it."""

import json
from typing import Any

from hub.cli.demo_day import SentLine, SentOrder
from hub.cli.demo_shop import DemoShop

ORDER = SentOrder(
    connection="shop", external_id="7", number="#7", kind=None, totals_minor=(100,), shipping_minor=0, paid=True,
    cancelled=False, faulty=False, lines=(SentLine("71", "MUG", 2, 50),),
)  # fmt: skip


def ask(shop: DemoShop, name: str, **variables: Any) -> Any:
    status, answer = shop.answer(json.dumps({"query": f"query {name}($x: ID!) {{}}", "variables": variables}).encode())
    assert status == 200
    return answer


def fulfil(shop: DemoShop, quantity: int) -> Any:
    work = ask(shop, "FulfilmentOrders", id="gid://shopify/Order/7")["data"]["order"]["fulfillmentOrders"]["nodes"][0]
    items = [{"id": work["lineItems"]["nodes"][0]["id"], "quantity": quantity}]
    value = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": work["id"], "fulfillmentOrderLineItems": items}],
        "trackingInfo": {"company": "cedar", "numbers": ["T1"]},
    }
    return ask(shop, "CreateFulfilment", fulfillment=value, message="OrderHub r1")["data"]["fulfillmentCreate"]


def test_a_fulfilment_is_noted_and_shown() -> None:
    shop = DemoShop([ORDER])
    assert fulfil(shop, 2)["userErrors"] == []
    [told] = shop.told
    assert (told.order, told.tracking_numbers, dict(told.units)) == ("7", ("T1",), {"71": 2})
    parts = ask(shop, "OrderParts", id="gid://shopify/Order/7")["data"]["order"]
    [shown] = ask(shop, "ReadFulfilments", ids=[part["id"] for part in parts["fulfillments"]])["data"]["nodes"]
    assert shown["trackingInfo"][0]["number"] == "T1"


def test_more_than_is_left_is_refused() -> None:
    shop = DemoShop([ORDER])
    assert fulfil(shop, 3)["userErrors"]
    assert shop.told == []


def test_an_unknown_request_is_an_error() -> None:
    assert "errors" in ask(DemoShop([ORDER]), "Unheard")
