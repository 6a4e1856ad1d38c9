"""A small trading world, and calls to its hub over real HTTP."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import httpx

from hub.auth.service.keys import create_key
from hub.catalog.rules.products import NewProduct
from hub.catalog.service.upsert import upsert_products
from hub.connections.service.manage import add_connection
from hub.flows.runtime import Runtime
from hub.inventory.rules.levels import StockEntry
from hub.inventory.rules.locations import Location
from hub.inventory.service.change import stocktake
from hub.inventory.service.locations import create_location

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
HAND = {"name": "By hand", "services": [{"code": "van", "name": "Van", "price": "90.00"}], "webhook_secret": SECRET}
FLAT = {
    "name": "Flat Parcel", "currency": "USD", "time_zone": "America/Los_Angeles", "number_prefix": "FP",
    "zones": [{"name": "all", "destinations": [{"country": "US"}]}],
    "services": [
        {
            "code": "std", "name": "Standard",
            "tables": [{"zone": "all", "transit_days": [1, 2], "steps": [{"up_to_grams": 30000, "price": "5.00"}]}],
        }
    ],
}  # fmt: skip
QUEUES = ("intake", "flow", "outward", "bulk")
_numbers = itertools.count(1)


class Hub:
    """The hub as its callers see it, and `work` for what its worker would do meanwhile."""

    def __init__(self, runtime: Runtime, url: str, token: str) -> None:
        self.runtime = runtime
        self.url = url
        self.token = token
        self.client = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def __call__(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """One call; underscores in the names of headers become hyphens. A POST without a key of its own gets one."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("authorization", f"Bearer {token or self.token}")
        if method == "POST":
            sent.setdefault("idempotency-key", f"test-{next(_numbers)}")
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("content-type", "application/json")
        return self.client.request(method, path, content=content, headers=sent)

    def key(self, *scopes: str, location: str | None = None) -> str:
        """The token of a new key with these scopes."""
        clock, name = self.runtime.clock, f"key-{next(_numbers)}"
        with self.runtime.database.write() as session:
            return create_key(session, name=name, scopes=scopes, clock=clock, location=location)[1]

    def work(self) -> None:
        """Do everything that is due, until nothing is."""
        while sum(self.runtime.runner.drain(queue) for queue in QUEUES):
            pass

    def webhook(self, body: bytes, *, message_id: str, key: bytes = KEY, connection: str = "portal") -> httpx.Response:
        """One signed delivery."""
        return self.client.post(f"/hooks/{connection}", content=body, headers=self.signed(body, message_id, key))

    def signed(self, body: bytes, message_id: str, key: bytes = KEY) -> dict[str, str]:
        """The headers of a signed delivery."""
        return sign(body, message_id, self.runtime.clock.now(), key)

    def post_orders(self, *orders: dict[str, Any], **headers: str) -> list[str]:
        """Send orders in bulk and have them worked on; the ids of the orders."""
        answer = self("POST", "/v1/orders", {"connection": "portal", "orders": list(orders)}, **headers)
        assert answer.status_code == 202, answer.text
        self.work()
        found = [self("GET", f"/v1/orders?external_id={order['id']}").json()["items"] for order in orders]
        return [items[0]["order_id"] for items in found]

    def shipped(self, order_id: str) -> str:
        """Pick, pack, ship and label an accepted order with one fulfilment order; the shipment's id."""
        work = self("GET", f"/v1/orders/{order_id}").json()["fulfilment_orders"][0]["fulfilment_order_id"]
        for step in ("pick", "pack"):
            answer = self("POST", f"/v1/fulfilment-orders/{work}/{step}", {})
            assert answer.status_code == 200, answer.text
        answer = self("POST", f"/v1/fulfilment-orders/{work}/shipments", {})
        assert answer.status_code == 201, answer.text
        self.work()
        return str(answer.json()["shipment_id"])


def sign(body: bytes, message_id: str, at: datetime, key: bytes = KEY) -> dict[str, str]:
    """Standard Webhooks headers, written from the specification and not with the plugin's own code."""
    timestamp = str(int(at.timestamp()))
    text = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def order(identity: str | None = None, *, sku: str = "MUG", quantity: int = 1, **more: Any) -> dict[str, Any]:
    """An order that passes review and can be sent."""
    identity = identity or f"order-{next(_numbers)}"
    total = f"{10 * quantity}.00"
    document: dict[str, Any] = {
        "id": identity, "number": f"N-{identity}", "currency": "USD", "grand_total": total,
        "buyer": {"name": "Ada Buyer", "email": f"{identity}@buyer.example"},
        "ship_to": {
            "name": "Ada Buyer", "lines": [f"1 {identity} Street"], "city": "Portland", "region_code": "OR",
            "postal_code": "97201", "country": "US", "phone": "+1 503 555 0100",
        },
        "lines": [{"id": "1", "sku": sku, "name": "Mug", "quantity": quantity, "unit_price": "10.00", "total": total}],
        "payment": {"state": "paid", "method": "card"},
    }  # fmt: skip
    return document | more


def event(kind: str, data: dict[str, Any]) -> bytes:
    """The body of an event."""
    return json.dumps({"type": kind, "data": data}).encode()


def set_up(runtime: Runtime) -> None:
    """Two warehouses with stock, a catalogue, a webhook channel, a rate-card carrier."""
    at = runtime.clock.now()
    with runtime.database.write() as session:
        upsert_products(
            session, at=at,
            products=[NewProduct(sku="MUG", name="Mug", grams=400), NewProduct(sku="TEE", name="Tee", grams=200)],
        )  # fmt: skip
        for code, region, city, postal_code in (("W1", "OR", "Portland", "97203"), ("W2", "NY", "New York", "10001")):
            address = {
                "name": "OrderHub", "lines": ["5 Dock Road"], "city": city, "region_code": region,
                "postal_code": postal_code, "country": "US",
            }  # fmt: skip
            create_location(session, location=Location(code=code, name=code, address=address), at=at, actor="test")
        entries = [
            StockEntry(location=code, sku=sku, quantity=Decimal(20)) for code in ("W1", "W2") for sku in ("MUG", "TEE")
        ]
        stocktake(session, entries=entries, at=at, actor="test")
    with runtime.database.write() as session:
        for name, kind, plugin, given in (
            ("portal", "channel", "webhook", {"secret": SECRET}),
            ("hand", "carrier", "manual", HAND),
            ("flat", "carrier", "rate_card", FLAT),
        ):
            add_connection(
                session, adapters=runtime.adapters, secrets=runtime.secrets, name=name, kind=kind, plugin=plugin,
                account=name, settings=given, mode="live", at=at,
            )  # fmt: skip
