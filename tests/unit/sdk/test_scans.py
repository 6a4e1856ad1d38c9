import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.sdk.errors import Malformed, SignatureInvalid
from hub.sdk.scans import parse_scans, receive_scans, sign
from hub.sdk.values import Raw, WebhookRequest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"events": []}'


def request(secret: str = SECRET, *, at: datetime = NOW, body: bytes = BODY, **headers: str | None) -> WebhookRequest:
    stamp = int(at.timestamp())
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(secret, "msg_1", stamp, BODY),
    }
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in (signed | changed).items() if value is not None}
    return WebhookRequest(body=body, headers=kept, received_at=NOW)


def refusal(arrived: WebhookRequest, *secrets: str) -> str:
    with pytest.raises(SignatureInvalid) as caught:
        receive_scans(arrived, secrets or (SECRET,))
    assert SECRET not in str(caught.value)
    return caught.value.code


def test_the_signature_is_that_of_standard_webhooks() -> None:
    body = b'{"test": 2432232314}'
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == wanted


def test_a_signed_report_is_handed_on_unread() -> None:
    (raw,) = receive_scans(request(), (SECRET,))
    assert (raw.body, raw.event_id, raw.kind) == (BODY, "msg_1", "tracking")


def test_while_rotating_both_secrets_hold() -> None:
    assert receive_scans(request("old-secret"), (SECRET, "old-secret"))
    both = f"v1,AAAA {sign(SECRET, 'msg_1', int(NOW.timestamp()), BODY)}"
    assert receive_scans(request(webhook_signature=both), (SECRET,))


@pytest.mark.parametrize(
    ("arrived", "code"),
    [
        (request("another"), "signature_wrong"),
        (request(body=BODY + b" "), "signature_wrong"),
        (request(webhook_id="msg_2"), "signature_wrong"),
        (request(webhook_signature="v1,é"), "signature_wrong"),
        (request(webhook_signature=None), "header_missing"),
        (request(webhook_timestamp="soon"), "timestamp_unreadable"),
        (request(at=NOW - timedelta(seconds=301)), "timestamp_old"),
        (request(at=NOW + timedelta(seconds=301)), "timestamp_old"),
    ],
)
def test_what_is_not_signed_now_by_us_is_refused(arrived: WebhookRequest, code: str) -> None:
    assert refusal(arrived) == code


def test_a_secret_that_cannot_be_read_is_told() -> None:
    assert refusal(request(), "whsec_%%%") == "secret_unreadable"
    with pytest.raises(SignatureInvalid, match="set webhook_secret"):
        receive_scans(request(), ())


def event(**changes: Any) -> dict[str, Any]:
    return {"tracking_number": "CP1", "status": "delivered", "occurred_at": "2026-03-04T15:20:00-05:00"} | changes


def report(*events: Any) -> Raw:
    return Raw(body=json.dumps({"events": list(events)}).encode())


def test_events_are_read_with_their_time_in_utc() -> None:
    (one,) = parse_scans(report(event(location="Newark NJ", description=" left at the door ", signed_by="A. E.")))
    assert (one.tracking_number, one.status, one.raw_code) == ("CP1", "delivered", "delivered")
    assert one.occurred_at == datetime(2026, 3, 4, 20, 20, tzinfo=UTC)
    assert (one.location, one.description, one.signed_by, one.correction) == (
        "Newark NJ",
        "left at the door",
        "A. E.",
        False,
    )


@pytest.mark.parametrize(
    ("change", "status", "raw_code"),
    [
        ({"status": "eaten"}, "unknown", "eaten"),
        ({"status": None, "code": "lost"}, "lost", "lost"),
        ({"status": None, "code": "X9"}, "unknown", "X9"),
        ({"status": "in_transit", "code": "X9"}, "in_transit", "X9"),
        ({"status": "Delivered"}, "delivered", "Delivered"),
    ],
)
def test_an_unknown_status_is_kept(change: dict[str, Any], status: str, raw_code: str) -> None:
    (one,) = parse_scans(report(event(**change)))
    assert (one.status, one.raw_code) == (status, raw_code)


def test_a_correction_is_stated() -> None:
    (one,) = parse_scans(report(event(correction=True)))
    assert one.correction


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (Raw(body=b"{"), None),
        (Raw(body=b"[" * 100_000), None),
        (Raw(body=b"[]"), "/events"),
        (report(), "/events"),
        (report(event(), "x"), "/events/1"),
        (report(event(), event(tracking_number=None)), "/events/1/tracking_number"),
        (report(event(tracking_number=7)), "/events/0/tracking_number"),
        (report(event(status=None)), "/events/0/status"),
        (report(event(occurred_at="2026-03-04T15:20:00")), "/events/0/occurred_at"),
        (report(event(occurred_at="yesterday")), "/events/0/occurred_at"),
        (report(event(occurred_at=None)), "/events/0/occurred_at"),
        (report(event(correction="yes")), "/events/0/correction"),
        (report(*([event()] * 1001)), "/events"),
    ],
)
def test_an_unreadable_report_names_the_field(raw: Raw, path: str | None) -> None:
    with pytest.raises(Malformed) as caught:
        parse_scans(raw)
    assert caught.value.path == path
