"""A stateful Admin API of one shop. Every request passes Shopify's own schema first, then it is executed on it.

What the schema cannot say is enforced by hand: the cost of a request and the bucket of points, the mandatory
`@idempotent` key and `changeFromQuantity`, what can be fulfilled, compare-and-set of levels.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
from graphql import DocumentNode, GraphQLError, execute, parse, validate

from hub.sdk.testing.kit import FakeClock
from tests.plugins.channels.shopify.schema import (
    MAX_COST,
    VERSION,
    cost_of,
    idempotency_keys,
    operation_of,
    schema,
    wrong_variables,
)

TOKEN = "shpat_not_a_real_token"


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def bag(amount: str, currency: str = "USD") -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": currency}
    return {"shopMoney": money, "presentmentMoney": money}


def connection(items: Sequence[Any]) -> Callable[..., dict[str, Any]]:
    """A connection that pages: cursors are positions."""

    def page(_info: Any, first: int = 50, after: str | None = None, **_rest: Any) -> dict[str, Any]:
        start = int(after) if after else 0
        part = list(items)[start : start + first]
        more = start + first < len(items)
        return {"nodes": part, "pageInfo": {"hasNextPage": more, "endCursor": str(start + len(part))}}

    return page


def listed(items: Sequence[Any]) -> Callable[..., list[Any]]:
    return lambda _info, first=250, **_rest: list(items)[:first]


class Refusal(Exception):
    """A GraphQL error of the platform with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FakeShop:
    """One shop: orders, work, fulfilments, levels. Call it with a request, as `httpx.MockTransport` does."""

    def __init__(self, clock: FakeClock | None = None, *, domain: str = "acme.myshopify.com") -> None:
        self.clock = clock or FakeClock()
        self.domain = domain
        self.scopes = ["read_orders", "write_merchant_managed_fulfillment_orders", "write_inventory"]
        self.orders: dict[str, dict[str, Any]] = {}
        self.work: dict[str, list[dict[str, Any]]] = {}
        self.fulfilments: dict[str, list[dict[str, Any]]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.levels: dict[tuple[str, str], int] = {}
        self.keys: dict[str, tuple[str, Any]] = {}
        self.requests: list[str] = []
        self.costs: dict[str, int] = {}
        self.messages: list[str | None] = []
        self.points, self.bucket, self.restore = 2000.0, 2000.0, 100.0
        self._refilled_at = self.clock.now()
        self.version = VERSION
        self.date: datetime | None = None
        self.before: Callable[[str], httpx.Response | None] = lambda _name: None
        self.after: Callable[[str], None] = lambda _name: None
        self._ids = iter(range(9_000_001, 9_999_999))

    # what a test puts into the shop

    def add_order(
        self, number: int, lines: dict[int, int], *, updated_at: str, location: int = 1, **fields: Any
    ) -> str:
        """An order with `lines` (units by line id), open for fulfilment at one location."""
        order_id = gid("Order", number)
        nodes = [line_node(line, units) for line, units in lines.items()]
        self.fulfilments.setdefault(order_id, [])
        self.refunds.setdefault(order_id, [])
        self.orders[order_id] = order_node(self, order_id, nodes, updated_at) | fields
        self.work[order_id] = []
        self.add_work(order_id, dict(lines), location=location)
        return order_id

    def add_work(self, order_id: str, units: dict[int, int], *, location: int, status: str = "OPEN") -> dict[str, Any]:
        work = {
            "__typename": "FulfillmentOrder",
            "id": gid("FulfillmentOrder", next(self._ids)),
            "status": status,
            "assignedLocation": {"name": "x", "countryCode": "US", "location": {"id": gid("Location", location)}},
            "supportedActions": [{"action": "CREATE_FULFILLMENT"}] if status == "OPEN" else [{"action": "HOLD"}],
            "entries": [
                {
                    "id": gid("FulfillmentOrderLineItem", next(self._ids)),
                    "remainingQuantity": count,
                    "lineItem": {"id": gid("LineItem", line)},
                }
                for line, count in units.items()
            ],
        }  # fmt: skip
        work["lineItems"] = connection(work["entries"])
        self.work[order_id].append(work)
        return work

    def add_item(self, sku: str, available: dict[int, int], *, tracked: bool = True) -> str:
        item_id = gid("InventoryItem", next(self._ids))
        self.items[item_id] = {"__typename": "InventoryItem", "id": item_id, "sku": sku, "tracked": tracked}
        for location, quantity in available.items():
            self.levels[item_id, gid("Location", location)] = quantity
        return item_id

    def add_fulfilment(
        self, order_id: str, units: dict[str, int], info: dict[str, Any] | None, *, status: str = "SUCCESS"
    ) -> str:
        number = next(self._ids)
        rows = [
            {"id": gid("FulfillmentLineItem", next(self._ids)), "quantity": count, "lineItem": {"id": line}}
            for line, count in units.items()
        ]
        numbers = (info or {}).get("numbers") or ([info["number"]] if info and info.get("number") else [])
        urls = (info or {}).get("urls") or [None] * len(numbers)
        tracking = [
            {"company": (info or {}).get("company"), "number": text, "url": url}
            for text, url in zip(numbers, urls, strict=False)
        ]
        self.fulfilments[order_id].append({
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", number),
            "name": f"{self.orders[order_id]['name']}.{len(self.fulfilments[order_id]) + 1}",
            "status": status,
            "displayStatus": "FULFILLED",
            "createdAt": "2026-03-02T09:00:00Z",
            "updatedAt": "2026-03-02T09:00:00Z",
            "order": {"id": order_id},
            "location": {"id": gid("Location", 1)},
            "trackingInfo": listed(tracking),
            "fulfillmentLineItems": connection(rows),
        })  # fmt: skip
        return gid("Fulfillment", number)

    def numbers(self, order_id: str) -> list[str]:
        """Tracking numbers that buyers of the order see."""
        return [info["number"] for each in self.fulfilments[order_id] for info in each["trackingInfo"](None)]

    # the wire

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
        if request.url.path != f"/admin/api/{VERSION}/graphql.json":
            return httpx.Response(404, json={"errors": "Not Found"})
        sent = json.loads(request.content)
        document = parse(sent["query"])
        variables = sent.get("variables") or {}
        problems = [error.message for error in validate(schema(), document)] + wrong_variables(document, variables)
        if problems:
            return self._answer(
                {"errors": [{"message": text, "extensions": {"code": "undefinedField"}} for text in problems]}
            )
        name = operation_of(document).name
        label = name.value if name else "anonymous"
        self.requests.append(label)
        early = self.before(label)
        if early is not None:
            return early
        cost = cost_of(document, variables)
        self.costs[label] = max(cost, self.costs.get(label, 0))
        refused = self._afford(cost)
        body = refused or self._execute(document, variables)
        self.after(label)
        body["extensions"] = {"cost": self._cost_block(cost)}
        return self._answer(body)

    def _answer(self, body: dict[str, Any]) -> httpx.Response:
        date = self.date or self.clock.now()
        headers = {"Date": format_datetime(date.astimezone(UTC), usegmt=True), "X-Shopify-API-Version": self.version}
        return httpx.Response(200, json=body, headers=headers)

    def _afford(self, cost: int) -> dict[str, Any] | None:
        passed = (self.clock.now() - self._refilled_at).total_seconds()
        self._refilled_at = self.clock.now()
        self.points = min(self.bucket, self.points + passed * self.restore)
        if cost > MAX_COST:
            return {"errors": [{"message": f"Query cost is {cost}", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        if cost > self.points:
            return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
        self.points -= min(cost, 10)
        return None

    def _cost_block(self, cost: int) -> dict[str, Any]:
        status = {"maximumAvailable": self.bucket, "currentlyAvailable": self.points, "restoreRate": self.restore}
        return {"requestedQueryCost": cost, "actualQueryCost": min(cost, 10), "throttleStatus": status}

    def _execute(self, document: DocumentNode, variables: dict[str, Any]) -> dict[str, Any]:
        result = execute(schema(), document, root_value=self._root(document, variables), variable_values=variables)
        body: dict[str, Any] = {"data": result.data}  # type: ignore[union-attr]
        if result.errors:  # type: ignore[union-attr]
            body["errors"] = [self._error(error) for error in result.errors]  # type: ignore[union-attr]
        return body

    def _error(self, error: GraphQLError) -> dict[str, Any]:
        if isinstance(error.original_error, Refusal):
            return {"message": error.message, "extensions": {"code": error.original_error.code}}
        raise AssertionError(f"the fake cannot answer: {error.message} at {error.path}")

    # what the schema's root fields do

    def _root(self, document: DocumentNode, variables: dict[str, Any]) -> dict[str, Any]:
        keys = idempotency_keys(document, variables)
        return {
            "shop": {"id": gid("Shop", 1), "name": "Acme", "myshopifyDomain": self.domain, "currencyCode": "USD"},
            "currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]},
            "orders": lambda info, query="", **page: connection(self._chosen(query))(info, **page),
            "ordersCount": lambda _info, query="", limit=10_000: {
                "count": len(self._chosen(query)),
                "precision": "AT_LEAST" if limit else "EXACT",
            },
            "order": lambda _info, id: self.orders.get(id),  # noqa: A006
            "nodes": lambda _info, ids: [self._node(each) for each in ids],
            "fulfillment": lambda _info, id: self._node(id),  # noqa: A006
            "refund": lambda _info, id: self._node(id),  # noqa: A006
            "fulfillmentOrder": lambda _info, id: self._node(id),  # noqa: A006
            "inventoryItems": self._items,
            "fulfillmentCreate": self._create_fulfilment,
            "inventorySetQuantities": lambda _info, input: self._set(input, keys.get("inventorySetQuantities")),  # noqa: A006
        }

    def _node(self, identity: str) -> dict[str, Any] | None:
        if not re.match(r"^gid://shopify/\w+/\d+$", identity):
            raise Refusal("RESOURCE_NOT_FOUND", f"Invalid global id '{identity}'")
        groups = [*self.fulfilments.values(), *self.refunds.values(), *self.work.values()]
        known = {each["id"]: each for group in groups for each in group} | self.orders | self.items
        return known.get(identity)

    def _chosen(self, query: str) -> list[dict[str, Any]]:
        name = "processedAt" if query.startswith("processed_at") else "updatedAt"
        bounds = dict(re.findall(r"_at:(>=|<=)'([^']+)'", query))
        inside = [each for each in self.orders.values() if bounds[">="] <= str(each[name]) <= bounds["<="]]
        return sorted(inside, key=lambda each: str(each[name]))

    def _items(self, _info: Any, query: str = "", first: int = 50, after: str | None = None, **_rest: Any) -> Any:
        wanted = [
            text.replace('\\"', '"').replace("\\\\", "\\") for text in re.findall(r'sku:"((?:[^"\\]|\\.)*)"', query)
        ]
        chosen = [self._item(item) for item in self.items.values() if item["sku"] in wanted]
        return connection(chosen)(_info, first, after)

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        def level(_info: Any, locationId: str, **_rest: Any) -> Any:  # noqa: N803
            held = self.levels.get((item["id"], locationId))
            if held is None:
                return None
            amount = {"id": gid("InventoryQuantity", 1), "name": "available", "quantity": held}
            return {"id": gid("InventoryLevel", 1), "quantities": lambda _info, names: [amount]}

        return item | {"inventoryLevel": level}

    def _create_fulfilment(self, _info: Any, fulfillment: dict[str, Any], message: str | None = None) -> dict[str, Any]:
        self.messages.append(message)
        parts = fulfillment["lineItemsByFulfillmentOrder"]
        wished = {part["fulfillmentOrderId"] for part in parts}
        found = [(order, work) for order, many in self.work.items() for work in many if work["id"] in wished]
        places = {work["assignedLocation"]["location"]["id"] for _, work in found}
        taken, problem = self._taken(parts, found)
        if len(found) != len(parts) or len(places) != 1:
            problem = "Fulfillment orders must exist and be assigned to one location"
        if problem:
            return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": problem}]}
        units: dict[str, int] = {}
        for entry, quantity in taken:
            entry["remainingQuantity"] -= quantity
            line = entry["lineItem"]["id"]
            units[line] = units.get(line, 0) + quantity
        for _, work in found:
            if not any(entry["remainingQuantity"] for entry in work["entries"]):
                work["status"], work["supportedActions"] = "CLOSED", []
        identity = self.add_fulfilment(found[0][0], units, fulfillment.get("trackingInfo"))
        return {"fulfillment": self._node(identity), "userErrors": []}

    def _taken(self, parts: Any, found: Any) -> tuple[list[tuple[dict[str, Any], int]], str | None]:
        works = {work["id"]: work for _, work in found}
        taken: list[tuple[dict[str, Any], int]] = []
        for part in parts:
            work = works.get(part["fulfillmentOrderId"])
            if work is None or work["status"] != "OPEN":
                return [], "The fulfillment order is not in an open state."
            for wish in part.get("fulfillmentOrderLineItems") or ():
                entry = next((each for each in work["entries"] if each["id"] == wish["id"]), None)
                if entry is None or not 0 < wish["quantity"] <= entry["remainingQuantity"]:
                    return [], "Invalid fulfillment order line item quantity requested."
                taken.append((entry, wish["quantity"]))
        return taken, None

    def _set(self, value: dict[str, Any], key: str | None) -> dict[str, Any]:
        if key is None:
            raise Refusal(
                "BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided."
            )
        content = json.dumps(value, sort_keys=True)
        if key in self.keys:
            known, result = self.keys[key]
            same = known == content
            return result if same else user_errors("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "the key was used before")
        result = self._set_once(value)
        self.keys[key] = (content, result)
        return result

    def _set_once(self, value: dict[str, Any]) -> dict[str, Any]:
        pairs = [(each["inventoryItemId"], each["locationId"]) for each in value["quantities"]]
        if len(set(pairs)) != len(pairs):
            return user_errors("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "the same level twice")
        for index, (each, pair) in enumerate(zip(value["quantities"], pairs, strict=True)):
            if "changeFromQuantity" not in each:
                raise Refusal("BAD_REQUEST", "changeFromQuantity must be given")
            if pair not in self.levels:
                return user_errors("INVALID_LOCATION", "The item is not stocked at the location.", index)
            if each["changeFromQuantity"] is not None and each["changeFromQuantity"] != self.levels[pair]:
                return user_errors("CHANGE_FROM_QUANTITY_STALE", "The quantity changed.", index)
            if not 0 <= each["quantity"] <= 10**9:
                return user_errors("INVALID_QUANTITY_TOO_HIGH", "The quantity is too high.", index)
        for each, pair in zip(value["quantities"], pairs, strict=True):
            self.levels[pair] = each["quantity"]
        group = {"id": gid("InventoryAdjustmentGroup", next(self._ids))}
        return {"inventoryAdjustmentGroup": group, "userErrors": []}


def user_errors(code: str, message: str, index: int = 0) -> dict[str, Any]:
    field = ["input", "quantities", str(index)]
    return {"inventoryAdjustmentGroup": None, "userErrors": [{"code": code, "field": field, "message": message}]}


def line_node(number: int, units: int) -> dict[str, Any]:
    return {
        "__typename": "LineItem", "id": gid("LineItem", number), "name": f"Mug {number}", "title": "Mug",
        "variantTitle": str(number), "sku": f"MUG-{number}", "quantity": units, "currentQuantity": units,
        "unfulfilledQuantity": units, "requiresShipping": True, "isGiftCard": False,
        "customAttributes": [{"key": "engraving", "value": "für Zoë"}], "originalUnitPriceSet": bag("10.00"),
        "discountAllocations": [{"allocatedAmountSet": bag("1.00")}],
        "taxLines": listed([{"title": "VAT", "rate": 0.2, "priceSet": bag("1.80")}]),
        "variant": {"id": gid("ProductVariant", number)},
    }  # fmt: skip


def order_node(shop: FakeShop, order_id: str, lines: list[dict[str, Any]], updated_at: str) -> dict[str, Any]:
    number = order_id.rsplit("/", 1)[1]
    goods = sum(line["quantity"] for line in lines) * 10
    total = f"{goods - len(lines) + 5 + 4}.00"
    place = {
        "name": "Ada Byron", "firstName": "Ada", "lastName": "Byron", "company": None, "address1": "1 Main St",
        "address2": None, "city": "Louisville", "province": "Kentucky", "provinceCode": "KY", "zip": "40202",
        "country": "United States", "countryCodeV2": "US", "phone": "+15024592181",
    }  # fmt: skip
    sale = {
        "id": gid("OrderTransaction", number), "kind": "SALE", "status": "SUCCESS", "test": False, "gateway": "bogus",
        "processedAt": "2026-03-01T10:00:05Z", "errorCode": None, "amountSet": bag(total), "parentTransaction": None,
    }  # fmt: skip
    shipping = {
        "id": gid("ShippingLine", 1), "title": "Ground", "code": "ground", "originalPriceSet": bag("5.00"),
        "discountAllocations": [], "taxLines": [],
    }  # fmt: skip
    return {
        "__typename": "Order", "id": order_id, "name": f"#{number}", "createdAt": "2026-03-01T10:00:00Z",
        "updatedAt": updated_at, "processedAt": "2026-03-01T10:00:00Z", "cancelledAt": None, "cancelReason": None,
        "closedAt": None, "test": False, "email": "ada@example.com", "phone": None, "note": "ring twice",
        "tags": ["vip"], "poNumber": None, "sourceName": "web", "currencyCode": "USD",
        "presentmentCurrencyCode": "USD", "taxesIncluded": False, "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED", "confirmationNumber": "ABC", "customerLocale": "en",
        "paymentGatewayNames": ["bogus"], "discountCodes": ["TEN"], "customAttributes": [],
        "totalPriceSet": bag(total), "subtotalPriceSet": bag(f"{goods - len(lines)}.00"),
        "totalShippingPriceSet": bag("5.00"), "totalDiscountsSet": bag(f"{len(lines)}.00"),
        "totalTaxSet": bag("4.00"), "totalOutstandingSet": bag("0.00"), "totalTipReceivedSet": bag("0.00"),
        "originalTotalDutiesSet": None, "additionalFees": [], "purchasingEntity": None,
        "taxLines": [{"title": "VAT", "rate": 0.2, "priceSet": bag("4.00")}],
        "customer": {"id": gid("Customer", 7), "firstName": "Ada", "lastName": "Byron", "tags": ["gold"]},
        "shippingAddress": place, "billingAddress": place, "shippingLines": connection([shipping]),
        "lineItems": connection(lines), "transactions": listed([sale]), "transactionsCount": {"count": 1},
        "fulfillmentsCount": lambda _info: {"count": len(shop.fulfilments[order_id])},
        "fulfillments": lambda _info, first=250, **_rest: shop.fulfilments[order_id][:first],
        "refunds": lambda _info, first=250: shop.refunds[order_id][:first],
        "fulfillmentOrders": lambda info, **rest: connection(shop.work[order_id])(info, **rest),
    }  # fmt: skip
