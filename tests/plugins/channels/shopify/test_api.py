"""Reading from the Admin API, its health and its errors: every request passes Shopify's own schema first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from graphql import parse, validate

from hub.sdk.errors import AuthFailed, PluginError, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.testing.kit import MockHttp
from hub.sdk.values import FetchRequest
from plugins.channels.shopify import queries
from plugins.channels.shopify.adapter import end_of_life
from plugins.channels.shopify.client import CENSUS_PAGE, CHUNK, REFUNDS_CHUNK
from plugins.channels.shopify.mapping_answers import census_entry, data_of, exact_count
from plugins.channels.shopify.settings import ShopifySettings
from tests.plugins.channels.shopify.fake import TOKEN, FakeShop, bag, connection, gid, listed
from tests.plugins.channels.shopify.schema import MAX_COST, cost_of, operation_of, schema
from tests.plugins.channels.shopify.shops import AT, WINDOW, channel, told

pytestmark = pytest.mark.peer


# the documents


@pytest.mark.parametrize("document", [*queries.READ_ONLY, *queries.WRITES])
def test_every_request_fits_shopifys_schema_and_costs_less_than_a_thousand_points(document: str) -> None:
    node = parse(document)
    assert validate(schema(), node) == []
    name = operation_of(node).name
    assert name is not None
    page = ShopifySettings.model_fields["page_size"].default
    sizes = {"ReadOrders": page, "ReadRefunds": REFUNDS_CHUNK}
    variables = {"first": CENSUS_PAGE if name.value == "Census" else page, "ids": ["x"] * sizes.get(name.value, CHUNK)}
    assert cost_of(node, variables) <= MAX_COST


# reading


def test_orders_of_a_window_come_page_by_page_oldest_first(shop: FakeShop) -> None:
    for number, at in (
        (1, "2026-03-02T08:00:02Z"),
        (2, "2026-03-02T08:00:01Z"),
        (3, "2026-03-02T09:00:01Z"),
        (4, "2026-03-02T09:00:00Z"),
    ):
        shop.add_order(number, {1: 1}, updated_at=at)
    adapter = channel(shop)
    first = adapter.list_changes(WINDOW, 2)
    assert [raw.external_id for raw in first.documents] == ["2", "1"]
    assert first.source_time == shop.clock.now()
    second = adapter.list_changes(replace(WINDOW, page=first.next_page), 2)
    assert ([raw.external_id for raw in second.documents], second.next_page) == (["4"], None)


def test_the_census_lists_all_orders_placed_in_the_window_by_id_and_total(shop: FakeShop) -> None:
    for number in range(1, CENSUS_PAGE + 2):
        shop.add_order(number, {1: 1}, updated_at="2026-03-09T00:00:00Z", processedAt="2026-03-02T08:00:00Z")
    shop.add_order(900, {1: 1}, updated_at="2026-03-02T08:00:00Z", processedAt="2026-03-02T09:00:01Z")
    shop.orders[gid("Order", 7)]["totalPriceSet"] = bag("1234.50", "EUR")
    adapter = channel(shop)
    first = adapter.census(WINDOW)
    rest = adapter.census(replace(WINDOW, page=first.next_page))
    totals = {entry.external_id: str(entry.total) for entry in (*first.entries, *rest.entries)}
    assert (len(first.entries), first.count, rest.count, rest.next_page) == (CENSUS_PAGE, 251, 251, None)
    assert (set(totals), totals["7"], totals["1"]) == ({f"{number}" for number in range(1, 252)}, "1234.50", "18.00")
    (raw,) = adapter.fetch(FetchRequest("order", ("1",)))
    assert str(told(adapter, raw).order.totals.grand) == totals["1"], "what the hub compares it with"


def test_a_census_without_an_id_is_an_outage_and_one_without_a_readable_total_has_none() -> None:
    assert census_entry({"id": gid("Order", 5), "totalPriceSet": bag("1.005")}).total is None
    with pytest.raises(Transient):
        census_entry({"id": None})
    assert exact_count({"ordersCount": {"count": 10_000, "precision": "AT_LEAST"}}) is None


def test_a_listed_order_says_the_same_as_its_facts_in_the_shop(shop: FakeShop) -> None:
    shop.add_order(1001, {1: 2, 2: 1}, updated_at="2026-03-02T08:00:00Z")
    (raw,) = channel(shop).list_changes(WINDOW, 10).documents
    fact = told(channel(shop), raw)
    assert fact.warnings == ()
    order = fact.order
    assert (order.external_id, order.number, str(order.totals.grand)) == ("1001", "#1001", "37.00")
    assert [(line.external_id, line.quantity, str(line.total)) for line in order.lines] == [
        ("1", 2, "19.00"),
        ("2", 1, "9.00"),
    ]
    assert order.lines[0].properties == {"engraving": "für Zoë"}
    assert (order.ship_to.country, order.ship_to.region_code, order.buyer.groups) == ("US", "KY", ("gold",))
    assert order.transactions[0].kind == "sale"
    assert order.shipments == ()


def test_what_does_not_fit_into_a_page_is_read_to_the_end(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, dict.fromkeys(range(1, 124), 1), updated_at="2026-03-02T08:00:00Z")
    shop.add_fulfilment(
        order_id, {gid("LineItem", number): 1 for number in range(1, 43)}, {"number": "A", "company": "UPS"}
    )
    lines = [
        {
            "id": gid("RefundLineItem", number),
            "quantity": 1,
            "restockType": "RETURN",
            "subtotalSet": bag("9.00"),
            "lineItem": {"id": gid("LineItem", number)},
        }
        for number in range(43, 70)
    ]
    move = {
        "id": gid("OrderTransaction", 9),
        "kind": "REFUND",
        "status": "SUCCESS",
        "test": False,
        "amountSet": bag("243.00"),
    }
    shop.refunds[order_id].append({
        "__typename": "Refund", "id": gid("Refund", 5), "note": "broken",
        "createdAt": "2026-03-02T08:00:00Z", "processedAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:00:00Z",
        "order": {"id": order_id}, "totalRefundedSet": bag("243.00"),
        "transactions": connection([move]), "refundShippingLines": connection([]), "refundLineItems": connection(lines),
    })  # fmt: skip
    (raw,) = channel(shop).fetch(FetchRequest("order", ("1001",)))
    order = told(channel(shop), raw).order
    assert len(order.lines) == 123
    assert (len(order.shipments[0].lines), order.shipments[0].tracking_numbers) == (42, ("A",))
    assert (len(order.refunds[0].lines), str(order.refunds[0].amount)) == (27, "243.00")
    assert max(shop.costs.values()) <= MAX_COST


def test_more_transactions_than_the_page_holds(shop: FakeShop) -> None:
    basis = {"kind": "CAPTURE", "status": "SUCCESS", "test": False, "amountSet": bag("1.00")}
    moves = [{"id": gid("OrderTransaction", number), **basis} for number in range(1, 9)]
    shop.add_order(
        1, {1: 1}, updated_at="2026-03-02T08:00:00Z", transactions=listed(moves), transactionsCount={"count": 8}
    )
    (raw,) = channel(shop).fetch(FetchRequest("order", ("1",)))
    assert len(told(channel(shop), raw).order.transactions) == 8


def test_fetch_leaves_out_what_shopify_does_not_know(shop: FakeShop) -> None:
    for number in range(1, 8):
        shop.add_order(number, {1: 1}, updated_at="2026-03-02T08:00:00Z")
    wanted = ("7", "5", "404", "not-an-id", *map(str, range(1, 5)))
    found = channel(shop).fetch(FetchRequest("order", wanted))
    assert [raw.external_id for raw in found] == ["7", "5", "1", "2", "3", "4"]


def test_fetch_of_a_shipment(shop: FakeShop) -> None:
    order_id = shop.add_order(1001, {1: 1}, updated_at="2026-03-02T08:00:00Z")
    identity = shop.add_fulfilment(order_id, {gid("LineItem", 1): 1}, {"number": "A"}).rsplit("/", 1)[1]
    (raw,) = channel(shop).fetch(FetchRequest("shipment", (identity,)))
    fact = told(channel(shop), raw)
    assert (fact.kind, fact.order_id, fact.shipment.tracking_numbers) == ("shipment", "1001", ("A",))
    assert fact.shipment.lines[0].line_external_id == "1"


# health and errors


def test_a_healthy_shop(shop: FakeShop) -> None:
    health = channel(shop).check()
    assert (health.ok, health.problems) == (True, ())
    assert health.details == {"shop": "Acme", "currency": "USD", "api_version_ends": "2027-10-01"}


@pytest.mark.parametrize(
    ("change", "ok", "words"),
    [
        (lambda shop: shop.scopes.remove("read_orders"), False, "lacks the scope read_orders"),
        (lambda shop: shop.scopes.remove("write_inventory"), True, "stock cannot be pushed"),
        (lambda shop: shop.scopes.pop(1), True, "shipments cannot be pushed"),
        (lambda shop: setattr(shop, "domain", "other.myshopify.com"), False, "belongs to other.myshopify.com"),
        (lambda shop: setattr(shop, "version", "2027-01"), False, "serves API version 2027-01"),
        (lambda shop: setattr(shop, "date", AT + timedelta(minutes=6)), False, "clock differs"),
        (lambda shop: shop.clock.set(datetime(2027, 9, 1, tzinfo=UTC)), True, "ends on 2027-10-01"),
        (lambda shop: shop.clock.set(datetime(2027, 10, 1, tzinfo=UTC)), False, "ended on 2027-10-01"),
    ],
)  # fmt: skip
def test_check_says_what_to_do(shop: FakeShop, change: Callable[[FakeShop], Any], ok: bool, words: str) -> None:
    change(shop)
    health = channel(shop).check()
    assert health.ok == ok
    assert any(words in problem for problem in health.problems)


def test_a_refused_token_is_an_unhealthy_connection(shop: FakeShop) -> None:
    health = channel(shop, access_token="wrong").check()
    assert (health.ok, len(health.problems)) == (False, 1)


def test_an_api_version_lives_twelve_months() -> None:
    assert end_of_life("2026-10") == datetime(2027, 10, 1, tzinfo=UTC)


def test_throttling_says_how_long_to_wait(shop: FakeShop) -> None:
    shop.points, shop.restore = 0.0, 10.0
    with pytest.raises(RateLimited) as caught:
        channel(shop).check()
    assert caught.value.after == pytest.approx(3 / 10)


@pytest.mark.parametrize(
    ("answer", "repeatable", "error"),
    [
        ({"errors": [{"message": "x", "extensions": {"code": "THROTTLED"}}]}, False, RateLimited),
        ({"errors": [{"message": "x", "extensions": {"code": "ACCESS_DENIED"}}]}, True, AuthFailed),
        ({"errors": [{"message": "x", "extensions": {"code": "SHOP_INACTIVE"}}]}, True, AuthFailed),
        ({"errors": "[API] Invalid API key or access token"}, True, AuthFailed),
        ({"errors": [{"message": "x", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}, True, Rejected),
        ({"errors": [{"message": "x", "extensions": {"code": "undefinedField"}}]}, True, Rejected),
        ({"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, True, Transient),
        ({"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, False, Uncertain),
        ({"errors": [{"message": "x"}]}, True, Transient),
        ({"errors": [7]}, True, Transient),
        ({"data": None}, True, Transient),
        ({"data": None}, False, Uncertain),
        ([], True, Transient),
    ],
)
def test_business_errors_in_a_good_status_are_errors(answer: Any, repeatable: bool, error: type[PluginError]) -> None:
    with pytest.raises(error) as caught:
        data_of(answer, repeatable=repeatable)
    assert type(caught.value) is error


def test_an_error_beside_partial_data_is_an_error(shop: FakeShop) -> None:
    body = {"data": {"shop": {}}, "errors": [{"message": "x", "extensions": {"code": "ACCESS_DENIED"}}]}
    shop.before = lambda _name: httpx.Response(200, json=body)
    with pytest.raises(AuthFailed):
        channel(shop).list_changes(WINDOW, 5)


def test_the_token_travels_in_its_header_to_the_stated_address(shop: FakeShop) -> None:
    adapter = channel(shop, base_url="http://127.0.0.1:9")
    adapter.check()
    assert isinstance(adapter.http, MockHttp)
    (request,) = adapter.http.requests
    assert str(request.url) == "http://127.0.0.1:9/admin/api/2026-10/graphql.json"
    assert request.headers["x-shopify-access-token"] == TOKEN
