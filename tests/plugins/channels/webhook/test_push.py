import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from pydantic import ValidationError

from hub.sdk.errors import AuthFailed, RateLimited, Rejected, Transient
from hub.sdk.testing.kit import START, FakeClock, Server, open_adapter
from hub.sdk.values import ShipmentPush, ShippedLine, StockPush, WebhookRequest
from plugins.channels.webhook.adapter import Webhook
from plugins.channels.webhook.settings import WebhookSettings
from plugins.channels.webhook.signature import key_of, verify

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PUSH_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = {"secret": SECRET, "push_secret": PUSH_SECRET, "push_url": "https://shop.example/hooks"}
SHIPMENT = ShipmentPush(
    reference="ship-ref-1", order_external_id="A-1", order_number="1001", carrier="rate_card", service="standard",
    tracking_numbers=("OH1", "OH2"), tracking_urls=("https://t.example/OH1",),
    lines=(ShippedLine(line_external_id="1", quantity="1.5"),), shipped_at=START - timedelta(hours=1),
)  # fmt: skip
STOCK = StockPush(reference="stock-ref-1", sku="MUG", available=0, observed_at=START)


class Shop:
    """A receiver that keeps what it accepted."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0) if self.statuses else 202)


def adapter(server: Server, clock: FakeClock | None = None, **changes: object) -> Webhook:
    return open_adapter(Webhook, {**SETTINGS, **changes}, server, clock)


def received(request: httpx.Request, clock: FakeClock) -> WebhookRequest:
    return WebhookRequest(body=request.content, headers=dict(request.headers), received_at=clock.now())


def test_a_shipment_goes_out_signed_under_our_reference() -> None:
    shop, clock = Shop(), FakeClock()
    (result,) = adapter(shop, clock).push_shipments([SHIPMENT])
    assert result.ok
    (request,) = shop.requests
    assert verify(received(request, clock), [key_of(PUSH_SECRET)], 1) == "ship-ref-1"
    assert json.loads(request.content) == {
        "type": "shipment.created",
        "timestamp": "2026-03-02T08:00:00Z",
        "data": {
            "reference": "ship-ref-1", "order_id": "A-1", "order_number": "1001", "carrier": "rate_card",
            "service": "standard", "tracking_numbers": ["OH1", "OH2"], "tracking_urls": ["https://t.example/OH1"],
            "lines": [{"line_id": "1", "quantity": "1.5"}], "shipped_at": "2026-03-02T08:00:00Z",
        },
    }  # fmt: skip


def test_a_second_attempt_has_the_same_id_and_body_but_the_present_time() -> None:
    shop, clock = Shop(500), FakeClock()
    channel = adapter(shop, clock)
    assert not channel.push_stock([STOCK])[0].ok
    clock.advance(3600)
    assert channel.push_stock([STOCK])[0].ok
    first, second = shop.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "stock-ref-1"
    assert first.content == second.content
    assert verify(received(second, clock), [key_of(PUSH_SECRET)], 1) == "stock-ref-1"


def test_one_refused_item_leaves_the_others() -> None:
    shop = Shop(202, 422, 200)
    items = [replace(STOCK, reference=f"r{index}") for index in range(3)]
    results = adapter(shop).push_stock(items)
    assert [result.ok for result in results] == [True, False, True]
    assert isinstance(results[1].error, Rejected)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b'{"ok": tr'])
def test_a_page_or_a_cut_document_behind_a_2xx_is_no_success(body: bytes) -> None:
    (result,) = adapter(lambda _: httpx.Response(200, content=body)).push_stock([STOCK])
    assert isinstance(result.error, Transient)


@pytest.mark.parametrize("body", [b"", b"ok", b'{"ok": true}', b"null"])
def test_any_2xx_of_a_program_is_a_success(body: bytes) -> None:
    assert adapter(lambda _: httpx.Response(200, content=body)).push_stock([STOCK])[0].ok


@pytest.mark.parametrize(("status", "error"), [(401, AuthFailed), (429, RateLimited)])
def test_a_refused_key_or_a_pause_stops_the_batch(status: int, error: type[Exception]) -> None:
    shop = Shop(202, status)
    results = adapter(shop).push_stock([replace(STOCK, reference=f"r{index}") for index in range(4)])
    assert [result.ok for result in results] == [True, False, False, False]
    assert all(isinstance(result.error, error) for result in results[1:])
    assert len(shop.requests) == 2


def test_without_an_address_nothing_is_pushed_and_it_says_so() -> None:
    shop = Shop()
    (result,) = adapter(shop, push_url=None).push_shipments([SHIPMENT])
    assert result.error is not None
    assert result.error.code == "unsupported"
    assert "push_url" in result.error.message
    assert shop.requests == []


def test_check_asks_without_delivering_anything() -> None:
    shop = Shop(405)
    assert adapter(shop).check().ok
    assert [request.method for request in shop.requests] == ["HEAD"]


def test_check_names_what_is_wrong() -> None:
    late = format_datetime(START - timedelta(minutes=10))
    assert "404" in adapter(lambda _: httpx.Response(404)).check().problems[0]
    assert (
        "clock differs by 600 s" in adapter(lambda _: httpx.Response(200, headers={"Date": late})).check().problems[0]
    )
    problems = adapter(Shop(), secret=None, push_secret=None, push_url=None).check().problems
    assert ["secret" in problem for problem in problems] == [True]


def test_settings_refuse_what_cannot_work_without_telling_secrets() -> None:
    for bad in (
        {"secret": "hunter2hunter2"},
        {"push_url": "ftp://x"},
        {"push_url": "https://u:hunter2@x/"},
        {"sekret": 1},
    ):
        with pytest.raises(ValidationError) as caught:
            WebhookSettings.model_validate(bad)
        assert "hunter2" not in str(caught.value)
