"""Webhooks: the signature over the raw body first, then filing by id, topic and revision."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from hub.sdk.errors import SignatureInvalid
from hub.sdk.testing.kit import open_adapter
from hub.sdk.values import Raw, WebhookRequest
from plugins.channels.shopify.adapter import Shopify, signature

SETTINGS = {
    "shop_domain": "acme.myshopify.com", "access_token": "shpat_x", "webhook_secret": "new",
    "previous_webhook_secret": "old",
}  # fmt: skip
BODY = b'{"id": 820982911946154508, "updated_at": "2026-03-02T03:00:00-05:00", "line_items": []}'


def delivery(body: bytes, secret: str | None, **headers: str) -> WebhookRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if secret is not None:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        named["x-shopify-hmac-sha256"] = base64.b64encode(digest).decode()
    return WebhookRequest(body=body, headers=named, received_at=datetime(2026, 3, 2, tzinfo=UTC))


def receive(request: WebhookRequest, **settings: Any) -> Raw:
    adapter: Shopify = open_adapter(Shopify, SETTINGS | settings)
    (raw,) = adapter.receive(request)
    return raw


def test_the_published_vector() -> None:
    assert signature(b"{}", SecretStr("s")) == b"FDyo1Re6GxgQJdcysc8nXZAQT8pXuwKlZVQpeKoYxLY="


def test_a_delivery_is_filed_under_its_ids() -> None:
    headers = {
        "x_shopify_topic": "orders/create",
        "x_shopify_webhook_id": "w-1",
        "x_shopify_shop_domain": "acme.myshopify.com",
    }
    raw = receive(delivery(BODY, "new", **headers))
    assert (raw.kind, raw.event_id, raw.external_id) == ("orders/create", "w-1", "820982911946154508")
    assert raw.revision == "2026-03-02T08:00:00.000000Z"
    assert raw.body == BODY
    assert "x-shopify-hmac-sha256" not in raw.headers


def test_both_secrets_pass_while_rotating() -> None:
    assert receive(delivery(BODY, "old")).body == BODY
    with pytest.raises(SignatureInvalid):
        receive(delivery(BODY, "old"), previous_webhook_secret=None)


def test_what_cannot_be_read_is_stored_all_the_same() -> None:
    raw = receive(delivery(b"<html>", "new", x_shopify_topic="orders/create", x_shopify_webhook_id="w-2"))
    assert (raw.kind, raw.external_id, raw.revision, raw.event_id) == ("orders/create", None, None, "w-2")


@pytest.mark.parametrize("secret", [None, "other", ""])
def test_a_missing_or_wrong_signature_is_refused(secret: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        receive(delivery(BODY, secret))


def test_another_shop_of_the_same_app_is_refused() -> None:
    with pytest.raises(SignatureInvalid) as caught:
        receive(delivery(BODY, "new", x_shopify_shop_domain="other.myshopify.com"))
    assert caught.value.code == "other_shop"
