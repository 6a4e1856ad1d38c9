"""What becomes of work that failed: decided by the class of the error alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hub.sdk.errors import (
    AuthFailed,
    Conflict,
    Duplicate,
    Malformed,
    NeedsAck,
    PluginError,
    RateLimited,
    Rejected,
    SignatureInvalid,
    Transient,
    Uncertain,
)

BASE_SECONDS = 15.0
CAP_SECONDS = 6 * 3600.0
MAX_ATTEMPTS = 20
MAX_CRASHES = 3

Verdict = Literal["retry", "park", "wait_connection", "pause_connection"]

VERDICTS: tuple[tuple[type[Exception], Verdict], ...] = (
    (RateLimited, "wait_connection"),
    (AuthFailed, "pause_connection"),
    (Transient, "retry"),
    (Uncertain, "retry"),
    (Conflict, "retry"),
    (Duplicate, "retry"),
    (Rejected, "park"),
    (Malformed, "park"),
    (NeedsAck, "park"),
    (SignatureInvalid, "park"),
    (PluginError, "park"),
)
"""First match wins; anything else is a bug, which is parked at once with its traceback."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What to write on a job that failed. `due_at` None parks it."""

    error_class: str
    error: str
    verdict: Verdict
    due_at: datetime | None
    counts: bool = True


def backoff_ceiling(attempts: int) -> float:
    """Seconds: `min(6 h, 15 s * 2^n)`; equal jitter takes a uniform value from its upper half."""
    return min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 20))


def judge(error: Exception, *, attempts: int, now: datetime, jittered: float) -> Failure:
    """What to do about an error after so many attempts; `jittered` is the delay drawn for a retry, in seconds."""
    verdict = next((verdict for kind, verdict in VERDICTS if isinstance(error, kind)), None)
    name = type(error).__name__
    if verdict is None:
        return Failure("Bug", f"{name}: {error}", "park", None)
    text = f"{error}"
    if verdict == "wait_connection" and isinstance(error, RateLimited):
        return Failure(name, text, verdict, now + timedelta(seconds=error.after), counts=False)
    if verdict == "pause_connection":
        return Failure(name, text, verdict, now, counts=False)
    if verdict == "retry" and attempts < MAX_ATTEMPTS:
        return Failure(name, text, verdict, now + timedelta(seconds=jittered))
    return Failure(name, text, "park", None)
