"""The calls to the receiver of pushed webhooks."""

import json
from datetime import datetime
from email.utils import parsedate_to_datetime

from hub.sdk.errors import Rejected, Transient
from hub.sdk.http import HttpClient, HttpResponse
from plugins.channels.webhook.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, sign

REACHED = frozenset({"http_400", "http_405", "http_406", "http_411", "http_415", "http_422"})
"""Answers to a HEAD that mean: somebody listens there, but wants a POST."""


class Receiver:
    """The other side of `push_url`."""

    def __init__(self, http: HttpClient, url: str, key: bytes, timeout: float) -> None:
        self._http = http
        self._url = url
        self._key = key
        self._timeout = timeout

    def post(self, message_id: str, body: bytes, now: datetime, operation: str) -> None:
        """Deliver one signed webhook; any 2xx that a program gave is a success.

        The id is ours and stays the same over attempts, so that the receiver drops a second delivery: sending again
        is safe. The time is that of the attempt, because receivers refuse old ones.
        """
        timestamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            ID_HEADER: message_id,
            TIME_HEADER: str(timestamp),
            SIGNATURE_HEADER: sign(self._key, message_id, timestamp, body),
        }
        answer = self._http.request(
            "POST",
            self._url,
            headers=headers,
            content=body,
            idempotent=True,
            operation=operation,
            timeout=self._timeout,
        )
        _expect_a_program(answer)

    def probe(self) -> datetime | None:
        """Ask whether somebody listens, without delivering anything; the receiver's clock where it tells."""
        try:
            answer = self._http.request("HEAD", self._url, operation="check", timeout=self._timeout)
        except Rejected as error:
            if error.code in REACHED:
                return None
            raise
        _expect_a_program(answer)
        date = answer.headers.get("date")
        if date is None:
            return None
        try:
            return parsedate_to_datetime(date)
        except ValueError:
            return None


def _expect_a_program(answer: HttpResponse) -> None:
    """A page or a cut document behind a 2xx is a proxy's, not the receiver's: nobody has processed the webhook."""
    body = answer.body.strip()
    page = body.startswith(b"<") or "text/html" in answer.headers.get("content-type", "")
    if page or (body[:1] in (b"{", b"[") and not _is_json(body)):
        raise Transient("push_url answered with a page or a cut document instead of a plain 2xx", code="not_a_receiver")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
