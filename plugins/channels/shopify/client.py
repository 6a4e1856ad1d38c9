"""Every call to the Admin API, through the injected http client. Answers are Shopify's JSON, unread but for errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hub.sdk.errors import Transient, Uncertain
from hub.sdk.http import HttpClient
from plugins.channels.shopify import queries
from plugins.channels.shopify.mapping_answers import data_of
from plugins.channels.shopify.settings import ShopifySettings

CHUNK = 15
REFUNDS_CHUNK = 8
"""Fulfilments, refunds a request: below 1000 points with their lines."""
CENSUS_PAGE = 250
"""Orders a page of the census: ids and totals only, about 750 points."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The data of an answer, Shopify's clock and the API version that it really served."""

    data: dict[str, Any]
    date: datetime | None
    version: str | None


class AdminApi:
    """The GraphQL Admin API of one shop."""

    def __init__(self, http: HttpClient, settings: ShopifySettings) -> None:
        base = settings.base_url or f"https://{settings.shop_domain}"
        self._url = f"{base}/admin/api/{settings.api_version}/graphql.json"
        self._token = settings.access_token
        self._http = http

    def call(self, document: str, variables: dict[str, Any], *, operation: str, repeatable: bool = True) -> Answer:
        """One GraphQL request; raises the SDK error that the answer stands for.

        `repeatable` requests may be sent again when their answer is lost; for others that is `Uncertain`.
        """
        response = self._http.request(
            "POST",
            self._url,
            headers={"X-Shopify-Access-Token": self._token.get_secret_value()},
            json={"query": document, "variables": variables},
            idempotent=repeatable,
            operation=operation,
        )
        try:
            body = response.json()
        except Transient as error:
            if repeatable:
                raise
            raise Uncertain(f"{operation}: the answer cannot be read", code=error.code) from error
        data = data_of(body, repeatable=repeatable)
        return Answer(data, _date(response.headers.get("date")), response.headers.get("x-shopify-api-version"))

    def check(self) -> Answer:
        """The shop and the scopes of the token."""
        return self.call(queries.CHECK, {}, operation="check")

    def list_orders(self, query: str, first: int, after: str | None) -> Answer:
        """A page of orders by their time of change, whole as `complete` leaves them."""
        variables = {"first": first, "after": after, "query": query}
        answer = self.call(queries.LIST_ORDERS, variables, operation="list_orders")
        for order in _nodes(answer.data, "orders"):
            self.complete(order)
        return answer

    def census(self, query: str, after: str | None) -> Answer:
        """A page of orders by id and total, and how many there are by Shopify's own count."""
        return self.call(queries.CENSUS, {"first": CENSUS_PAGE, "after": after, "query": query}, operation="census")

    def read_orders(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Orders by global id, whole; unknown ids are left out."""
        data = self.call(queries.READ_ORDERS, {"ids": list(ids)}, operation="read_orders").data
        orders = [node for node in data.get("nodes") or () if isinstance(node, dict) and node.get("id")]
        for order in orders:
            self.complete(order)
        return orders

    def complete(self, order: dict[str, Any]) -> None:
        """Read what did not fit into the page: more lines, fulfilments, refunds, more transactions."""
        self._fill(order, "lineItems", queries.MORE_LINES, "order")
        shipped, moved = _count(order, "fulfillmentsCount"), _count(order, "transactionsCount")
        refunded = bool(order.get("refunds"))
        order["fulfillments"], order["refunds"] = [], []
        if not shipped and not refunded and moved <= len(order.get("transactions") or ()):
            return
        data = self.call(queries.ORDER_PARTS, {"id": order["id"]}, operation="read_order_parts").data
        parts = data.get("order") or {}
        order["transactions"] = parts.get("transactions") or []
        order["fulfillments"] = self.read_fulfilments([part["id"] for part in parts.get("fulfillments") or ()])
        order["refunds"] = self._read_refunds([part["id"] for part in parts.get("refunds") or ()])

    def read_fulfilments(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Fulfilments by global id with all their lines."""
        found = list(self._read(queries.READ_FULFILMENTS, ids, "read_fulfilments"))
        for node in found:
            self._fill(node, "fulfillmentLineItems", queries.MORE_FULFILMENT_LINES, "fulfillment")
        return found

    def _read_refunds(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        found = list(self._read(queries.READ_REFUNDS, ids, "read_refunds", size=REFUNDS_CHUNK))
        for node in found:
            self._fill(node, "refundLineItems", queries.MORE_REFUND_LINES, "refund")
        return found

    def read_variants(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Product variants by global id."""
        return list(self._read(queries.READ_VARIANTS, ids, "read_variants"))

    def _read(
        self, document: str, ids: Sequence[str], operation: str, *, size: int = CHUNK
    ) -> Iterator[dict[str, Any]]:
        for start in range(0, len(ids), size):
            data = self.call(document, {"ids": list(ids[start : start + size])}, operation=operation).data
            yield from (node for node in data.get("nodes") or () if isinstance(node, dict) and node.get("id"))

    def order_fulfilments(self, order_id: str) -> list[dict[str, Any]]:
        """The fulfilments of an order with tracking numbers and lines."""
        data = self.call(queries.ORDER_PARTS, {"id": order_id}, operation="read_order_parts").data
        parts = data.get("order") or {}
        return self.read_fulfilments([part["id"] for part in parts.get("fulfillments") or ()])

    def fulfilment_orders(self, order_id: str) -> list[dict[str, Any]] | None:
        """The fulfilment orders of an order with all their lines; None where there is no such order."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            variables = {"id": order_id, "after": after}
            order = self.call(queries.FULFILMENT_ORDERS, variables, operation="read_fulfilment_orders").data.get(
                "order"
            )
            if order is None:
                return None
            found.extend(_nodes(order, "fulfillmentOrders"))
            after = _next(order, "fulfillmentOrders")
            if after is None:
                break
        for node in found:
            self._fill(node, "lineItems", queries.MORE_WORK, "fulfillmentOrder")
        return found

    def create_fulfilment(self, value: dict[str, Any], message: str) -> Any:
        """Create one fulfilment; not repeatable: a lost answer is `Uncertain`."""
        variables = {"fulfillment": value, "message": message}
        answer = self.call(queries.CREATE_FULFILMENT, variables, operation="create_fulfilment", repeatable=False)
        return answer.data.get("fulfillmentCreate")

    def find_items(self, query: str, location: str) -> list[dict[str, Any]]:
        """Inventory items by a search, with their level at a location."""
        data = self.call(queries.FIND_ITEMS, {"query": query, "location": location}, operation="find_items").data
        return list(_nodes(data, "inventoryItems"))

    def set_quantities(self, value: dict[str, Any], key: str) -> Any:
        """Set levels; repeatable, because Shopify keeps the key."""
        answer = self.call(queries.SET_QUANTITIES, {"input": value, "key": key}, operation="set_quantities")
        return answer.data.get("inventorySetQuantities")

    def _fill(self, holder: dict[str, Any], connection: str, document: str, root: str) -> None:
        """Append the rest of a connection page by page."""
        while (after := _next(holder, connection)) is not None:
            data = self.call(document, {"id": holder["id"], "after": after}, operation="read_more").data
            more = (data.get(root) or {}).get(connection)
            if not isinstance(more, dict):
                raise Transient("Shopify did not give the rest of a list", code="page_missing")
            holder[connection]["nodes"].extend(more.get("nodes") or ())
            holder[connection]["pageInfo"] = more.get("pageInfo")


def _nodes(holder: dict[str, Any], connection: str) -> Iterator[dict[str, Any]]:
    value = holder.get(connection)
    if not isinstance(value, dict) or not isinstance(value.get("nodes"), list):
        raise Transient(f"Shopify answered without {connection}", code="page_missing")
    yield from (node for node in value["nodes"] if isinstance(node, dict))


def _next(holder: dict[str, Any], connection: str) -> str | None:
    page = (holder.get(connection) or {}).get("pageInfo") or {}
    return str(page["endCursor"]) if page.get("hasNextPage") and page.get("endCursor") else None


def next_page(data: dict[str, Any]) -> str | None:
    """The cursor of the page after this one of `list_orders`."""
    return _next(data, "orders")


def order_nodes(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The orders of one page of `list_orders`."""
    return list(_nodes(data, "orders"))


def _count(order: dict[str, Any], name: str) -> int:
    value = order.get(name)
    return int(value.get("count") or 0) if isinstance(value, dict) else 0


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        return parsedate_to_datetime(header)
    except ValueError:
        return None
