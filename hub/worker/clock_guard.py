"""What a worker does when the machine's clock is set: a lease that seems to have ended may be somebody's who is well.

Leases are instants of the clock, so that any process can see them end. A clock that is set forward ends them all at
once, while their owners are still calling others; each of them extends its own within a third of a lease. So whoever
sees the jump claims nothing for a lease. A clock that is set back only makes what is due later.
"""

import threading
from collections.abc import Callable

import structlog

from hub.jobs.service.lease import BEATS_A_LEASE
from hub.kit.clock import Clock, monotonic

log = structlog.get_logger()


class ClockGuard:
    """Compares the clock with the one that never jumps, at every claim of a process. Safe over threads."""

    def __init__(self, clock: Clock, *, lease_seconds: float, moment: Callable[[], float] = monotonic) -> None:
        self._clock, self._moment = clock, moment
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._seen = (clock.now(), moment())
        self._until: float | None = None

    def holds_back(self) -> bool:
        """Whether nothing may be claimed now. A jump too small to end a lease that is extended in time is none."""
        with self._lock:
            (then, since), (now, moment) = self._seen, (self._clock.now(), self._moment())
            self._seen = (now, moment)
            ahead = (now - then).total_seconds() - (moment - since)
            if ahead > self._lease_seconds / BEATS_A_LEASE:
                self._until = moment + self._lease_seconds
                log.warning("clock.set_forward", seconds=round(ahead, 1), pause_seconds=self._lease_seconds)
            if self._until is not None and moment >= self._until:
                self._until = None
            return self._until is not None

    def guarded(self, run_once: Callable[[str], int]) -> Callable[[str], int]:
        """`run_once` that claims nothing while that is not safe; the sweep rings again."""

        def run(queue: str) -> int:
            return 0 if self.holds_back() else run_once(queue)

        return run
