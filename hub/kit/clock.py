"""The only place that reads the time or sleeps."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the hub takes the present from; tests hand in a fixed one."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


SYSTEM = SystemClock()


def monotonic() -> float:
    """Seconds of a clock that never goes back: for durations only."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Pause this thread."""
    time.sleep(seconds)
