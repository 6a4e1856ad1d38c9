"""The only place that makes identifiers and random values."""

import hashlib
import os
import random
import re
import secrets
import time
from datetime import UTC, datetime

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


_last_tick = 0


def new_id() -> str:
    """A UUIDv7 as text (RFC 9562, method 3): unique, ordered by time, so that index pages fill from one side.

    48 bits of milliseconds, 12 bits of the millisecond's fraction, 60 random bits. Within this process each id is
    greater than the one before; ids made in a burst never run ahead of the clock by more than the burst lasts.
    """
    global _last_tick  # noqa: PLW0603  one sequence a process
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    tick = _last_tick = max(_last_tick + 1, (milliseconds << 12) | (rest << 12) // 1_000_000)
    stamp, noise = f"{tick:015x}", os.urandom(8).hex()
    return f"{stamp[:8]}-{stamp[8:12]}-7{stamp[12:]}-8{noise[1:4]}-{noise[4:]}"


def made_at(text: str) -> datetime | None:
    """When `new_id` made an id, to the millisecond; None for a text that is none of ours."""
    if not is_id(text):
        return None
    return datetime.fromtimestamp(int(text[:8] + text[9:13], 16) / 1000, UTC)


def new_token() -> str:
    """An unguessable token (lease tokens, keys), URL safe."""
    return secrets.token_urlsafe(24)


def stable_reference(*parts: str) -> str:
    """32 characters that are the same for the same parts, for ever: the key of an outward call."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def digest(body: bytes) -> str:
    """The SHA-256 of a document, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def jitter(low: float, high: float) -> float:
    """A uniform random number, so that retries of many do not meet."""
    return random.uniform(low, high)  # noqa: S311  not a secret


def is_id(text: str) -> bool:
    """Whether a text has the form of an id of ours: PostgreSQL refuses to compare its ids with anything else."""
    return _ID.fullmatch(text) is not None
