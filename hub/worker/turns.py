"""Which thread of this process is on which queue: a doorbell that rings while one is at it needs no second one.

Threads that take the next few jobs of a queue each wait for one another's rows and for the interpreter; one that takes
whatever has come since its last batch does the same work in fewer, larger ones, and each job waits shorter.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from hub.kit.clock import monotonic

TURN_SECONDS = 0.25
"""How long a thread stays with a queue before it rings for the rest: arriving orders must not starve the shipping."""
LIVELY_SECONDS = 0.25
"""How long a batch may take until another thread goes on with the queue beside it: it is long, or hangs."""

Ring = Callable[[str], None]


@dataclass(slots=True)
class _Turn:
    """Who is on a queue, since when its batch runs, and whether the bell rang meanwhile."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    holder: object | None = None
    begun_at: float = 0.0
    rung: bool = False

    def begin(self, holder: object) -> bool:
        """Whether the queue is the holder's now; else whoever is on it looks again before leaving."""
        with self.lock:
            if self.holder is not None and monotonic() - self.begun_at < LIVELY_SECONDS:
                self.rung = True
                return False
            self._batch(holder)
            return True

    def go_on(self, holder: object, *, found: bool) -> bool:
        """Whether the holder takes another batch; not where another has taken its place."""
        with self.lock:
            if self.holder is not holder:
                return False
            if found or self.rung:
                self._batch(holder)
                return True
            self.holder = None
            return False

    def leave(self, holder: object) -> bool:
        """End a turn before the queue is empty; whether the bell rang for it meanwhile."""
        with self.lock:
            if self.holder is not holder:
                return False
            self.holder = None
            return self.rung

    def _batch(self, holder: object) -> None:
        self.holder, self.begun_at, self.rung = holder, monotonic(), False


class Turns:
    """Drains a queue when its doorbell rings: one lively thread a queue of the hub's own work (`own`), and in those
    that wait for answers all but one of the `threads` together, so that arriving orders always have one.

    A thread whose batch rang for one of its own queues runs a batch of that first: what it has just made waits for no
    broker. `bell` is given what to do when it rings, and gives what rings it in all processes.
    """

    def __init__(
        self, run_once: Callable[[str], int], *, bell: Callable[[Ring], Ring], stopping: Callable[[], bool],
        own: Collection[str], threads: int,
    ) -> None:  # fmt: skip
        self._run_once = run_once
        self._stopping = stopping
        self._turns = {queue: _Turn() for queue in own}
        self._calling = threading.BoundedSemaphore(max(1, threads - 1))
        self._unheard: set[str] = set()
        self._here = threading.local()
        self._ring = bell(self.take)

    def ring(self, queue: str) -> None:
        """Tell all workers that the queue has work, and remember it for this thread."""
        rung: set[str] | None = getattr(self._here, "rung", None)
        if rung is not None:
            rung.add(queue)
        self._ring(queue)

    def take(self, queue: str) -> None:
        """Run what is due in the queue, for at most a turn; returns at once where enough threads are at it."""
        if queue in self._turns:
            self._take_own(queue, self._turns[queue])
        else:
            self._take_calling(queue)

    def _take_own(self, queue: str, turn: _Turn) -> None:
        holder, ends = object(), monotonic() + TURN_SECONDS
        if not turn.begin(holder):
            return
        try:
            while turn.go_on(holder, found=self._batch(queue) > 0) and not self._stopping():
                if monotonic() > ends:
                    turn.leave(holder)
                    self._ring(queue)
                    return
        finally:
            self._leave(queue, turn, holder)

    def _take_calling(self, queue: str) -> None:
        if not self._calling.acquire(blocking=False):
            self._unheard.add(queue)  # whoever is through first rings again
            return
        ends = monotonic() + TURN_SECONDS
        try:
            while self._batch(queue) and not self._stopping():
                if monotonic() > ends:
                    self._unheard.add(queue)
                    break
        finally:
            self._calling.release()
            while self._unheard:
                self._ring(self._unheard.pop())

    def _batch(self, queue: str) -> int:
        self._here.rung = rung = set[str]()
        count = self._run_once(queue)
        for after in (rung & self._turns.keys()) - {queue}:
            holder, turn = object(), self._turns[after]
            if turn.begin(holder):
                try:
                    self._run_once(after)
                finally:
                    self._leave(after, turn, holder)
        return count

    def _leave(self, queue: str, turn: _Turn, holder: object) -> None:
        if turn.leave(holder):
            self._ring(queue)
