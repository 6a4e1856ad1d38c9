"""Standard Webhooks signatures, made and verified; pure.

Source: the Standard Webhooks specification 1.0 (standardwebhooks.com), symmetric signatures `v1`: the base64 text of
HMAC-SHA256 over `id.timestamp.body`, the key being the bytes behind the prefix `whsec_`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence

from hub.sdk.errors import SignatureInvalid
from hub.sdk.values import WebhookRequest

ID_HEADER = "webhook-id"
TIME_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
PREFIX = "whsec_"
VERSION = "v1,"
MIN_KEY, MAX_KEY = 24, 64

_ID = re.compile(r"[\x21-\x7e]{1,255}")
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)


def key_of(secret: str) -> bytes:
    """The key behind a `whsec_` secret; raises `ValueError` (which never repeats the secret) where it is none."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"must begin with {PREFIX}")
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be base64 text behind {PREFIX}") from None
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ValueError(f"must hold {MIN_KEY} to {MAX_KEY} bytes behind {PREFIX}, has {len(key)}")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature header of one message; `timestamp` is in whole seconds since 1970."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return VERSION + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verify(request: WebhookRequest, keys: Sequence[bytes], tolerance_seconds: int) -> str:
    """The id of a delivery that was surely signed with one of the keys, within the window around `received_at`.

    Raises `SignatureInvalid` with what to do about it; the body is not read before it is verified.
    """
    if not keys:
        message = "this connection has no secret: set `secret` to what the sender signs with"
        raise SignatureInvalid(message, code="no_secret")
    message_id, timestamp, signatures = (_header(request, name) for name in (ID_HEADER, TIME_HEADER, SIGNATURE_HEADER))
    if not _ID.fullmatch(message_id):
        raise _bad(ID_HEADER, "must be 1 to 255 visible ASCII characters")
    if not _TIME.fullmatch(timestamp):
        raise _bad(TIME_HEADER, "must be whole seconds since 1970, e.g. 1767225600")
    _expect_recent(int(timestamp), request, tolerance_seconds)
    given = [part.encode() for part in signatures.split(" ") if part.startswith(VERSION)]
    if not given:
        raise _bad(SIGNATURE_HEADER, f"has no {VERSION}<base64> signature")
    expected = [sign(key, message_id, int(timestamp), request.body).encode() for key in keys]
    # Every pair is compared, each in constant time: neither a key's place nor a near miss shows in the timing.
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    if not any(matches):
        raise SignatureInvalid(
            f"header {SIGNATURE_HEADER} fits none of this connection's secrets: sign `id.timestamp.body` over the exact"
            " bytes of the body, with the secret of this connection",
            code="wrong_signature",
            path=SIGNATURE_HEADER,
        )
    return message_id


def _header(request: WebhookRequest, name: str) -> str:
    value = request.headers.get(name, "").strip()
    if not value:
        message = f"header {name} is missing: sign deliveries by Standard Webhooks"
        raise SignatureInvalid(message, code="no_header", path=name)
    return value


def _bad(name: str, what: str) -> SignatureInvalid:
    return SignatureInvalid(f"header {name} {what}", code="bad_header", path=name)


def _expect_recent(timestamp: int, request: WebhookRequest, tolerance_seconds: int) -> None:
    age = request.received_at.timestamp() - timestamp
    if abs(age) <= tolerance_seconds:
        return
    side = "old" if age > 0 else "in the future"
    raise SignatureInvalid(
        f"header {TIME_HEADER} is {abs(age):.0f} s {side}, at most {tolerance_seconds} s are allowed: set the sender's"
        " clock, and sign anew for each attempt",
        code="outside_window",
        path=TIME_HEADER,
    )
