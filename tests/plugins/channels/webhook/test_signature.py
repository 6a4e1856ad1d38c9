"""The vectors were made with the reference library of Standard Webhooks (Python), an independent oracle."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.sdk.errors import SignatureInvalid
from hub.sdk.values import WebhookRequest
from plugins.channels.webhook.signature import key_of, sign, verify

KEY = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = key_of("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
BODY = b'{"test": 2432232314}'
SENT = datetime.fromtimestamp(1614265330, UTC)


def delivery(signature: str, at: datetime = SENT, body: bytes = BODY) -> WebhookRequest:
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(SENT.timestamp())), "webhook-signature": signature}
    return WebhookRequest(body=body, headers=headers, received_at=at)


def signed(key: bytes = KEY) -> str:
    return sign(key, "msg_1", int(SENT.timestamp()), BODY)


def refusal(request: WebhookRequest, keys: Sequence[bytes] = (KEY,)) -> SignatureInvalid:
    with pytest.raises(SignatureInvalid) as caught:
        verify(request, keys, 300)
    return caught.value


@pytest.mark.parametrize(
    ("key", "message_id", "timestamp", "body", "expected"),
    [
        (KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            OTHER,
            "evt_1",
            1772442000,
            '{"id":"A-1","lines":[],"notes":{"buyer":"谢谢 🎁"}}'.encode(),
            "v1,mLVJs+3wwsfVn1MZbx3u2M6DFotfnQUGL6T2WbfRN44=",
        ),
    ],
)
def test_signatures_equal_those_of_the_reference(
    key: bytes, message_id: str, timestamp: int, body: bytes, expected: str
) -> None:
    assert sign(key, message_id, timestamp, body) == expected


def test_one_of_several_signatures_is_enough() -> None:
    assert verify(delivery(f"v1,{'A' * 43}= v1a,ed25519 {signed()}"), [KEY], 300) == "msg_1"


@pytest.mark.parametrize("keys", [[KEY, OTHER], [OTHER, KEY]])
def test_either_secret_passes_while_rotating(keys: list[bytes]) -> None:
    assert verify(delivery(signed(KEY)), keys, 300) == "msg_1"
    assert verify(delivery(signed(OTHER)), keys, 300) == "msg_1"


def test_a_dropped_secret_is_refused() -> None:
    assert refusal(delivery(signed(OTHER))).code == "wrong_signature"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    request = delivery(signed())
    error = refusal(replace(request, headers={key: value for key, value in request.headers.items() if key != name}))
    assert error.path == name
    assert name in error.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "yesterday"),
        ("webhook-timestamp", "-5"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-timestamp", "１６１４２６５３３０"),
        ("webhook-signature", "v2,abc"),
        ("webhook-signature", "签名"),
        ("webhook-id", "two words"),
        ("webhook-id", "x" * 256),
    ],
)
def test_a_header_of_another_form_is_named(name: str, value: str) -> None:
    request = delivery(signed())
    assert refusal(replace(request, headers={**request.headers, name: value})).path == name


def test_id_time_and_body_are_all_signed() -> None:
    request = delivery(signed())
    later = str(int(SENT.timestamp()) + 1)
    changed = [
        replace(request, body=BODY + b" "),
        replace(request, headers={**request.headers, "webhook-id": "msg_2"}),
        replace(request, headers={**request.headers, "webhook-timestamp": later}),
    ]
    assert [refusal(bad).code for bad in changed] == ["wrong_signature"] * 3


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_within_the_window_it_passes(seconds: int) -> None:
    assert verify(delivery(signed(), SENT + timedelta(seconds=seconds)), [KEY], 300) == "msg_1"


@pytest.mark.parametrize(("seconds", "side"), [(301, "old"), (-301, "future")])
def test_outside_the_window_it_is_refused_by_both_sides(seconds: int, side: str) -> None:
    error = refusal(delivery(signed(), SENT + timedelta(seconds=seconds)))
    assert error.code == "outside_window"
    assert side in error.message


def test_without_a_secret_nothing_passes() -> None:
    assert refusal(delivery(signed(b"")), []).code == "no_secret"


@pytest.mark.parametrize(
    "secret", ["hunter2", "whsec_", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode(), "whsec_" + "A" * 400]
)
def test_a_bad_secret_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        key_of(secret)
    assert secret.removeprefix("whsec_") not in str(caught.value) or secret == "whsec_"
