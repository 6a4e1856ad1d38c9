"""Scans that a person or a warehouse reports about parcels of a carrier that reports none itself.

The body is JSON: `{"events": [{"tracking_number", "status" or "code", "occurred_at", "description", "location",
"signed_by", "correction"}]}`. It is signed as Standard Webhooks (https://www.standardwebhooks.com) lays down: the
headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, the last one holding `v1,<base64 of HMAC-SHA256>`
over `id.timestamp.body`, several of them with blanks between while secrets are rotated.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic_core import from_json

from hub.canonical.shipping import TrackingEvent, TrackingStatus
from hub.sdk.errors import Malformed, SignatureInvalid
from hub.sdk.values import Raw, WebhookRequest

STATUSES: Mapping[str, TrackingStatus] = {status: status for status in get_args(TrackingStatus)}
TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that marks a secret, not one
MOST_EVENTS = 1000


def signing_key(secret: str) -> bytes:
    """The key of a secret: base64 after `whsec_`, else the text itself."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise SignatureInvalid(
            "the webhook secret is not base64 after whsec_: store it again as it was issued", code="secret_unreadable"
        ) from error


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for one secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(signing_key(secret), content, hashlib.sha256).digest()).decode()


def receive_scans(request: WebhookRequest, secrets: Sequence[str]) -> list[Raw]:
    """Verify a report against any of the secrets and hand it on unread; `SignatureInvalid` says what is wrong.

    The time in the header must be within five minutes of the request's arrival: an old report cannot be played again.
    """
    if not secrets:
        raise SignatureInvalid(
            "reported scans are not accepted without a secret: set webhook_secret in the connection's settings",
            code="secret_missing",
        )
    missing = [
        name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not request.headers.get(name)
    ]
    if missing:
        raise SignatureInvalid(
            f"header {missing[0]} is missing: sign the report", code="header_missing", path=missing[0]
        )
    message_id, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    if not (stamp.isascii() and stamp.isdigit()):
        raise SignatureInvalid("webhook-timestamp must be seconds since 1970", code="timestamp_unreadable")
    if abs(request.received_at.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureInvalid("webhook-timestamp is more than five minutes off: check the clock", code="timestamp_old")
    given = request.headers["webhook-signature"].split()
    wanted = [sign(secret, message_id, int(stamp), request.body) for secret in secrets]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in wanted):
        raise SignatureInvalid("webhook-signature fits none of the secrets", code="signature_wrong")
    return [Raw(body=request.body, kind="tracking", event_id=message_id)]


def parse_scans(raw: Raw) -> list[TrackingEvent]:
    """PURE: the events of a report. An unknown status stays as `raw_code` with status `unknown`.

    `Malformed` names the field. A report is taken whole or not at all: a replay tells every scan once.
    """
    try:
        document = from_json(raw.body, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed("the report is not JSON", code="not_json") from error
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not events:
        raise Malformed(
            "the report needs a list 'events' with at least one event", code="events_missing", path="/events"
        )
    if len(events) > MOST_EVENTS:
        raise Malformed(f"at most {MOST_EVENTS} events in one report", code="too_many_events", path="/events")
    return [_event(item, f"/events/{index}") for index, item in enumerate(events)]


def _event(item: Any, path: str) -> TrackingEvent:
    if not isinstance(item, dict):
        raise Malformed("an event must be an object", code="event_unreadable", path=path)
    status, code = _text(item, "status", path), _text(item, "code", path)
    number = _text(item, "tracking_number", path)
    if not number:
        raise Malformed("tracking_number is missing", code="tracking_number_missing", path=f"{path}/tracking_number")
    known = status or code
    if not known:
        raise Malformed("give a status or a code", code="status_missing", path=f"{path}/status")
    correction = item.get("correction")
    if correction not in (None, True, False):
        raise Malformed("correction must be true or false", code="wrong_type", path=f"{path}/correction")
    return TrackingEvent(
        tracking_number=number,
        status=STATUSES.get(known.lower(), "unknown"),
        occurred_at=_instant(item, path),
        raw_code=code or known,
        description=_text(item, "description", path),
        location=_text(item, "location", path),
        signed_by=_text(item, "signed_by", path),
        correction=correction is True,
    )


def _text(item: Mapping[str, Any], name: str, path: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{name} must be text", code="wrong_type", path=f"{path}/{name}")
    return value.strip() or None if value is not None else None


def _instant(item: Mapping[str, Any], path: str) -> datetime:
    stated = _text(item, "occurred_at", path)
    place = f"{path}/occurred_at"
    if stated is None:
        raise Malformed("occurred_at is missing", code="time_missing", path=place)
    try:
        instant = datetime.fromisoformat(stated)
    except ValueError as error:
        raise Malformed("occurred_at is no ISO 8601 time", code="time_unreadable", path=place) from error
    if instant.tzinfo is None:
        raise Malformed("occurred_at needs an offset such as Z or +02:00", code="offset_missing", path=place)
    return instant.astimezone(UTC)
