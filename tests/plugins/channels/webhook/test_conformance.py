import json
from typing import Any, ClassVar

import httpx

from hub.sdk.testing.channel import ChannelConformance
from hub.sdk.values import Raw, WebhookRequest
from plugins.channels.webhook.adapter import Webhook
from plugins.channels.webhook.signature import key_of, sign

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ORDER = {
    "id": "A-1001", "revision": 3, "placed_at": "2026-03-01T10:00:00+08:00", "currency": "EUR",
    "ship_to": {"name": "张伟", "lines": ["中山路 1 号"], "city": "上海", "country": "CN"},
    "buyer": {"id": "c-7", "phones": ["1"]},
    "lines": [{"id": "1", "sku": "MUG", "quantity": 2, "unit_price": "12.50", "total": "25.00",
               "taxes": [{"rate": "0.19", "amount": "3.99"}], "properties": {"gift": "🎁"}}],
    "charges": [{"kind": "shipping", "amount": {"minor": 490, "currency": "EUR"}}], "grand_total": "33.89",
    "payment": {"state": "bitcoin", "transactions": [{"id": "t1", "amount": "33.89"}]}, "extra": {"shelf": [1, 2]},
}  # fmt: skip
CANCELLED = {"type": "order.cancelled", "data": {"order_id": "A-1001", "reason": "changed mind"}}


def document(value: Any, kind: str | None = None) -> Raw:
    return Raw(body=json.dumps(value).encode(), kind=kind)


class TestWebhook(ChannelConformance):
    plugin = Webhook
    settings: ClassVar[dict[str, Any]] = {"secret": SECRET, "push_url": "https://shop.example/hooks"}
    samples = (document(ORDER, "order"), document(CANCELLED), document([ORDER, CANCELLED]))
    malformed = (document({**ORDER, "grand_totl": "1"}), document({**ORDER, "grand_total": 33.89}))
    replay_window = 300
    judges_bodies = False

    def signed(self, body: bytes) -> WebhookRequest:
        now = self.clock.now()
        signature = sign(key_of(SECRET), "evt_1", int(now.timestamp()), body)
        headers = {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return WebhookRequest(body=body, headers=headers, received_at=now)

    def server(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(204)
