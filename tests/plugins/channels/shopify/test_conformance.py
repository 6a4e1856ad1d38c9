"""The channel contract, against the fake shop."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from types import MappingProxyType

import httpx

from hub.sdk.testing.channel import REFERENCE, ChannelConformance
from hub.sdk.values import Raw, ShipmentPush, ShippedLine, StockPush, WebhookRequest
from plugins.channels.shopify.adapter import Shopify
from tests.plugins.channels.shopify.fake import TOKEN, FakeShop

SECRET = "not-a-real-secret"
BODY = {
    "id": 1001, "name": "#1001", "currency": "USD", "financial_status": "paid", "total_price": "18.00",
    "updated_at": "2026-03-02T03:00:00-05:00", "note": "für 王 🎁",
    "line_items": [{"id": 1, "name": "Mug", "quantity": 2, "price": "9.00", "discount_allocations": []}],
    "refunds": [{"id": 2, "refund_line_items": [{"line_item_id": 1, "quantity": 1, "subtotal": 9.0}]}],
}  # fmt: skip


class TestShopify(ChannelConformance):
    plugin = Shopify
    settings = MappingProxyType({
        "shop_domain": "acme.myshopify.com", "access_token": TOKEN, "webhook_secret": SECRET, "stock_location": "1",
    })  # fmt: skip
    samples = (
        Raw(body=json.dumps(BODY).encode(), kind="orders/create"),
        Raw(body=json.dumps({"orders": [BODY, {"id": None, "line_items": []}]}).encode(), name="orders.json"),
    )
    malformed = (Raw(body=b'{"order": {"name": "#1"}}'), Raw(body=b'{"shoes": [{"id": 1}]}'))
    fetch_ids = ("1001",)

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        self.shop = FakeShop(self.clock)
        for number in (1001, 1002, 1003):
            self.shop.add_order(number, {1: 2}, updated_at=f"2026-03-02T08:00:0{number % 10}Z")
        self.shop.add_item("MUG-BLUE", {1: 3})

    def server(self, request: httpx.Request) -> httpx.Response:
        return self.shop(request)

    def signed(self, body: bytes) -> WebhookRequest:
        digest = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        headers = {"x-shopify-hmac-sha256": digest, "x-shopify-topic": "orders/create", "x-shopify-webhook-id": "w-1"}
        return WebhookRequest(body=body, headers=headers, received_at=self.clock.now())

    def shipment_push(self) -> ShipmentPush:
        return ShipmentPush(
            reference=REFERENCE, order_external_id="1001", order_number="#1001", carrier="ups", service=None,
            tracking_numbers=("1Z1",), tracking_urls=(), lines=(ShippedLine("1", "1"),), shipped_at=self.clock.now(),
        )  # fmt: skip

    def stock_push(self) -> StockPush:
        return StockPush(reference=REFERENCE, sku="MUG-BLUE", available=7, observed_at=self.clock.now())
