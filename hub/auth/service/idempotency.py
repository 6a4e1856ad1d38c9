"""Requests that may be repeated: the first answer is kept with what it did, and given again to the same request.

The kept answer and the effects of the request are one transaction, so that there is never one without the other.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.auth import repository
from hub.kit.errors import HubError, InvalidInput
from hub.kit.ids import digest

LONGEST_KEY = 200
KEPT_HEADERS = frozenset({"content-type", "location", "etag"})


@dataclass(frozen=True, slots=True)
class RequestMark:
    """What makes a request the same: who asks, under which key, for what. `request_hash` is of the body and query."""

    principal: str
    key: str
    method: str
    path: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that was given before."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def mark_request(*, principal: str, key: str, method: str, path: str, query: str, body: bytes) -> RequestMark:
    """The mark of a request; 400 for a key that is empty, too long or not printable ASCII."""
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise HubError(
            400, "bad_idempotency_key", f"Idempotency-Key must have 1 to {LONGEST_KEY} printable ASCII characters."
        )
    return RequestMark(
        principal=principal, key=key, method=method, path=path, request_hash=digest(query.encode() + b"\n" + body)
    )


def find_answer(session: Session, mark: RequestMark) -> KeptAnswer | None:
    """The answer of the same request; None the first time.

    Raises 422 where the key was used for another request, 409 where the first one is still running elsewhere.
    """
    if not repository.try_lock(session, _lock_number(mark)):
        raise in_flight()
    kept = repository.request_kept(session, mark.principal, mark.key)
    if kept is None:
        return None
    if (kept.method, kept.path, kept.request_hash) != (mark.method, mark.path, mark.request_hash):
        raise InvalidInput(
            "idempotency_key_reused",
            f"This Idempotency-Key was used for another request ({kept.method} {kept.path}, or with other content): "
            "use a new key for a new request, and repeat a request unchanged.",
        )
    return KeptAnswer(status=kept.status, headers=kept.headers, body=kept.body)


def keep_answer(session: Session, mark: RequestMark, answer: KeptAnswer, *, at: datetime) -> None:
    """Keep the answer in the transaction of what the request did."""
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() in KEPT_HEADERS}
    repository.keep_request(
        session,
        {
            "principal": mark.principal, "key": mark.key, "method": mark.method, "path": mark.path,
            "request_hash": mark.request_hash, "status": answer.status, "headers": headers, "body": answer.body,
            "created_at": at,
        },
    )  # fmt: skip


def forget_answers(session: Session, *, before: datetime, limit: int) -> int:
    """Drop the oldest answers that were given earlier; a repeated request then counts as new. Returns how many."""
    return repository.forget_requests(session, before, limit)


def count_answers(session: Session, *, before: datetime) -> int:
    """How many answers were given earlier."""
    return repository.count_requests(session, before)


class InFlight:
    """The keyed requests that this process is working on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[tuple[str, str]] = set()

    @contextmanager
    def running(self, principal: str, key: str) -> Iterator[None]:
        """Hold the key for a block; 409 where it is held already."""
        pair = (principal, key)
        with self._lock:
            if pair in self._running:
                raise in_flight()
            self._running.add(pair)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(pair)


def in_flight() -> HubError:
    """The refusal of a request whose first sending is not answered yet."""
    return HubError(
        409,
        "idempotency_in_flight",
        "A request with this Idempotency-Key is being worked on: repeat this one, unchanged, in a moment.",
        extra={"retry_after": 1},
    )


def _lock_number(mark: RequestMark) -> int:
    """A signed 64-bit number for PostgreSQL's advisory locks."""
    return int(digest(f"idempotency\n{mark.principal}\n{mark.key}".encode())[:16], 16) - (1 << 63)
