"""Refunds, payments, shipments, drafts, products and all that is no order, into facts."""

from typing import Any

import pytest

from tests.plugins.channels.shopify.documents import facts, line, one, parsed

REFUND = {
    "id": 890088186047892319, "order_id": 820982911946154508, "created_at": "2021-12-31T19:00:00-05:00",
    "note": "Things were damaged", "order_adjustments": [], "transactions": [],
    "admin_graphql_api_id": "gid://shopify/Refund/890088186047892319",
    "refund_line_items": [
        {"id": 1, "quantity": 1, "line_item_id": 487817672276298554, "restock_type": "brand_new", "subtotal": 199.99},
    ],
}  # fmt: skip


def test_a_refund_of_goods_alone_has_no_amount() -> None:
    told = one(REFUND, kind="refunds/create")
    assert (told["kind"], told["order_id"], told["amount"]) == ("refund", "820982911946154508", None)
    assert told["lines"][0]["external_id"] == "487817672276298554"
    assert told["lines"][0]["restock"] == "unknown"
    assert parsed(REFUND).unknowns[0].value == "brand_new"


def test_only_money_that_surely_went_back_counts() -> None:
    stated = ((1, "success", "5.00"), (2, "failure", "7.00"), (3, "success", "1.50"), (4, "pending", "9.00"))
    moves = [
        {"id": number, "kind": "refund", "status": status, "amount": amount, "currency": "EUR", "gateway": "x"}
        for number, status, amount in stated
    ]
    adjustments = [{"kind": "shipping_refund", "amount": "-1.50"}, {"kind": "refund_discrepancy", "amount": "-9"}]
    told = one(REFUND | {"transactions": moves, "order_adjustments": adjustments})
    assert (told["amount"], told["currency"], told["shipping_amount"]) == ("6.50", "EUR", "1.50")


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("void", "success", ("void", "success", None)),
        ("emv_authorization", "awaiting_response", ("authorization", "pending", None)),
        ("sale", "error", ("sale", "failure", None)),
        ("change", "success", ("unknown", "success", "change")),
        ("sale", "brand_new", ("sale", "unknown", "brand_new")),
    ],
)
def test_transactions(kind: str, status: str, told: tuple[str, str, str | None]) -> None:
    document = {
        "id": 5,
        "order_id": 1,
        "kind": kind,
        "status": status,
        "gateway": "bogus",
        "amount": "1",
        "currency": "USD",
    }
    found = one(document, kind="order_transactions/create")
    assert (found["transaction_kind"], found["status"], found["raw_code"]) == told


def test_a_fulfilment_with_several_parcels() -> None:
    told = one({
        "id": 8, "order_id": 1, "status": "success", "name": "#1001.1", "tracking_company": "UPS", "location_id": 4,
        "tracking_number": "A", "tracking_numbers": ["A", "B", None], "tracking_urls": [],
        "line_items": [{"id": 11, "quantity": 1}],
    }, kind="fulfillments/create")  # fmt: skip
    assert (told["kind"], told["order_id"], told["tracking_numbers"], told["location"]) == (
        "shipment",
        "1",
        ["A", "B"],
        "4",
    )
    assert (told["lines"][0]["external_id"], told["lines"][0]["quantity"]) == ("11", 1)


def test_fulfilment_orders_of_a_webhook() -> None:
    told = one(
        {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1", "status": "open"}, "submitted_at": "x"},
        kind="fulfillment_orders/fulfillment_request_submitted",
    )
    assert (told["kind"], told["external_id"], told["status"]) == ("fulfilment_order", "1", "open")


def test_a_return() -> None:
    told = one({
        "id": 123, "admin_graphql_api_id": "gid://shopify/Return/123", "status": "requested", "name": "#1001-R1",
        "order": {"id": 788, "admin_graphql_api_id": "gid://shopify/Order/788"},
        "return_line_items": [{
            "id": 1, "quantity": 2, "return_reason": "size_too_small", "customer_note": "too small",
            "fulfillment_line_item": {"id": 4, "line_item": {"id": 11, "admin_graphql_api_id": "gid://shopify/LineItem/11"}},
        }],
    }, kind="returns/request")  # fmt: skip
    assert (told["kind"], told["order_id"], told["reason"]) == ("return", "788", "too small")
    assert told["lines"][0]["external_id"] == "11"


def test_a_draft_never_is_an_order() -> None:
    told = one({
        "id": 890, "name": "#D1", "status": "completed", "order_id": 77, "currency": "USD", "invoice_url": "x",
        "total_price": "30.00", "line_items": [line(applied_discount={"amount": "2.00", "value_type": "percentage"})],
        "admin_graphql_api_id": "gid://shopify/DraftOrder/890",
    }, kind="draft_orders/create")  # fmt: skip
    assert (told["kind"], told["external_id"], told["completed_order_id"], told["paid"]) == ("draft", "890", "77", None)
    assert told["lines"][0]["total"] == "18.00"


def test_a_fixed_discount_on_several_units_of_a_draft_is_not_guessed() -> None:
    item = line(applied_discount={"amount": "2.00", "value_type": "fixed_amount"})
    told = one({"draft_order": {"id": 1, "currency": "USD", "line_items": [item]}})
    assert told["lines"][0]["total"] is None
    assert "line_discount_unclear" in [warning["code"] for warning in told["warnings"]]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"id": 1, "token": "t", "abandoned_checkout_url": "u", "line_items": [], "total_price": "1"}, "checkout"),
        ({"id": "t", "token": "t", "line_items": [{"id": 1, "quantity": 1, "price": "1"}]}, "cart"),
        ({"order_edit": {"id": 78, "order_id": 76, "line_items": {"additions": [{"id": 1}]}}}, "order_edit"),
        ({"shop_id": 1, "shop_domain": "x", "customer": {"id": 1}, "orders_to_redact": [1]}, "privacy_request"),
        ({"shipping_zones": [{"id": 1, "name": "EU"}]}, "shipping_zone"),
        ({"carrier_services": [{"id": 1}]}, "carrier_service"),
        ({"id": 1, "admin_graphql_api_id": "gid://shopify/Collection/1", "title": "x"}, "collection"),
        ({"id": 1, "product_id": 2, "price": "1.00", "quantity": 1}, "line_item"),
        ({"id": 271878346596884015, "email": "a@b.c", "myshopify_domain": "x"}, "shop"),
        ({"id": 9, "fulfillment_id": 8, "order_id": 1, "status": "in_transit"}, "fulfillment_event"),
        ({"data": {"shop": {"id": "gid://shopify/Shop/1"}}}, "shop"),
    ],
)  # fmt: skip
def test_what_is_not_the_hubs_business_is_other_and_never_an_order(document: Any, name: str) -> None:
    told = one(document)
    assert (told["kind"], told["document"]) == ("other", name)


def test_a_customer_is_a_customer_under_any_topic() -> None:
    document = {"id": 706405506930370084, "email": "a@b.c", "verified_email": True, "orders_count": 3, "addresses": []}
    assert one(document, kind="orders/create")["kind"] == "customer"


def test_stock_that_is_not_tracked_is_null_not_nought() -> None:
    level = {"inventory_item_id": 271878346596884015, "location_id": 24826418, "available": None}
    told = one(level, kind="inventory_levels/update")
    assert (told["kind"], told["item"], told["available"]) == ("stock", "271878346596884015", None)
    assert one(level | {"available": -3})["available"] == -3


def test_products_weigh_what_they_state() -> None:
    document = {"product": {"id": 1, "title": "Mug", "variants": [
        {"id": 2, "title": "Default Title", "sku": "MUG", "price": "9.99", "weight": 1.5, "weight_unit": "kg"},
        {"id": 3, "title": "Blue", "sku": "", "price": "9.99"},
    ]}}  # fmt: skip
    first, second = facts(document)
    assert (first["name"], first["grams"], first["price"]) == ("Mug", 1500, None)
    assert (second["name"], second["sku"], second["grams"]) == ("Mug - Blue", None, None)


def test_graphql_pages_and_nodes() -> None:
    node = {
        "id": "gid://shopify/Order/1",
        "name": "#1",
        "currencyCode": "EUR",
        "displayFinancialStatus": "PARTIALLY_PAID",
    }
    listed = {"data": {"orders": {"edges": [{"node": node}, {"node": node | {"id": "gid://shopify/Order/2"}}]}}}
    assert [told["external_id"] for told in facts(listed)] == ["1", "2"]
    told = one({"data": {"node": node | {"cancelledAt": "2026-01-01T00:00:00Z"}}})
    assert (told["paid"], told["cancelled"], told["currency"], told["payment_state_raw"]) == (
        "partial",
        True,
        "EUR",
        "PARTIALLY_PAID",
    )
    assert one(node)["number"] == "#1"


def test_a_refund_of_graphql() -> None:
    usd = {"shopMoney": {"amount": "4.50", "currencyCode": "USD"}}
    row = {"quantity": 1, "restockType": "RETURN", "subtotalSet": usd, "lineItem": {"id": "gid://shopify/LineItem/11"}}
    refund = {
        "id": "gid://shopify/Refund/5", "totalRefundedSet": usd, "order": {"id": "gid://shopify/Order/1"},
        "refundLineItems": {"nodes": [row]},
    }  # fmt: skip
    told = one({"data": {"refund": refund}})
    assert (told["order_id"], told["amount"], told["lines"][0]["external_id"]) == ("1", "4.50", "11")
    assert told["lines"][0]["restock"] == "return"


def test_a_fulfilment_order_of_graphql() -> None:
    row = {"id": "gid://shopify/FulfillmentOrderLineItem/9", "totalQuantity": 2}
    work = {
        "id": "gid://shopify/FulfillmentOrder/6", "status": "SCHEDULED", "orderId": "gid://shopify/Order/1",
        "fulfillAt": "2026-05-01T00:00:00Z", "assignedLocation": {"location": {"id": "gid://shopify/Location/4"}},
        "lineItems": {"nodes": [row | {"lineItem": {"id": "gid://shopify/LineItem/11"}}]},
    }  # fmt: skip
    told = one({"data": {"fulfillmentOrder": work}})
    assert (told["status"], told["order_id"], told["location"]) == ("scheduled", "1", "4")
    assert (told["fulfil_at"], told["lines"][0]["external_id"]) == ("2026-05-01T00:00:00Z", "11")
