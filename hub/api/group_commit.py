"""Group commit at the intake doors: many waiting requests, one writer thread, one transaction.

A request's answer goes out after the commit that holds its messages, never before; what could not be stored is answered
as such, and one bad delivery never takes others with it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from hub.intake.service.store import Delivery, Stored, store_messages
from hub.kit.clock import Clock
from hub.kit.db import Database, after_commit
from hub.kit.db_errors import will_pass

MAX_BATCH = 500
MAX_BATCH_BYTES = 16 * 1024 * 1024
MAX_WAITING = 5_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
RETRY_AFTER = 1
"""Seconds after which a refused sender may try again."""

log = structlog.get_logger()


class Busy(Exception):
    """Nothing was stored: more is waiting than the writer takes in, or the database is away. Try again in a moment."""


@dataclass(slots=True, eq=False)
class _Waiting:
    deliveries: Sequence[Delivery]
    size: int
    answer: asyncio.Future[list[Stored]]


_Outcome = tuple[_Waiting, list[Stored] | Exception]


class GroupCommitWriter:
    """Stores what is waiting, all of it at once; nothing lingers: a lone request is stored alone."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_waiting_bytes = max_waiting_bytes
        self._queue: deque[_Waiting] = deque()
        self._count = 0
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; called within the event loop that the requests run in."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="intake-writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Store what is waiting, take no more, and return."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def store(self, deliveries: Sequence[Delivery]) -> list[Stored]:
        """Store the deliveries of one request, all or none; answers after the commit.

        Raises `Busy` where they were surely not stored or nobody knows (a lost commit): sending again is safe, because
        what is known already is not stored twice. Any other error means that these deliveries cannot be stored.
        """
        size = sum(len(delivery.raw.body) for delivery in deliveries)
        waiting = _Waiting(deliveries, size, asyncio.get_running_loop().create_future())
        with self._changed:
            full = self._count + len(deliveries) > self._max_waiting or self._bytes + size > self._max_waiting_bytes
            if self._stopping or self._thread is None or (full and self._queue):
                raise Busy
            self._queue.append(waiting)
            self._count += len(deliveries)
            self._bytes += waiting.size
            self._changed.notify()
        return await waiting.answer

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping:
                    self._changed.wait()
                if not self._queue:
                    return
                batch = self._take()
            outcomes = self._store(batch)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(_answer, outcomes)

    def _take(self) -> list[_Waiting]:
        """The next batch: at least one request, and as many as fit."""
        batch: list[_Waiting] = []
        count = size = 0
        while self._queue:
            entry = self._queue[0]
            if batch and (count + len(entry.deliveries) > self._max_batch or size + entry.size > MAX_BATCH_BYTES):
                break
            batch.append(self._queue.popleft())
            count, size = count + len(entry.deliveries), size + entry.size
        self._count -= count
        self._bytes -= size
        return batch

    def _store(self, batch: list[_Waiting]) -> list[_Outcome]:
        """Store a batch in one transaction; halve it where that fails, so that only the bad ones are refused."""
        try:
            return self._write(batch)
        except Exception as error:
            if will_pass(error):
                # the database is away, not the deliveries bad: halving would only ask it 500 times
                log.warning("intake.store_lost", requests=len(batch), error=type(error).__name__)
                return [(entry, Busy()) for entry in batch]
            if len(batch) == 1:
                log.exception("intake.store_refused", connection=batch[0].deliveries[0].connection.name)
                return [(batch[0], error)]
            middle = len(batch) // 2
            return [*self._store(batch[:middle]), *self._store(batch[middle:])]

    def _write(self, batch: list[_Waiting]) -> list[_Outcome]:
        committed: list[_Outcome] = []
        outcomes: list[_Outcome] = []
        try:
            with self._database.write() as session:
                after_commit(session, "group_commit", lambda: committed.extend(outcomes))
                flat = [delivery for entry in batch for delivery in entry.deliveries]
                stored = iter(store_messages(session, deliveries=flat, at=self._clock.now()))
                outcomes.extend((entry, [next(stored) for _ in entry.deliveries]) for entry in batch)
        except Exception as error:
            if not committed:
                raise
            # it is stored: only the doorbell did not ring, and the sweep finds the work
            log.warning("doorbell.lost", error=type(error).__name__)
        return outcomes


def _answer(outcomes: Sequence[_Outcome]) -> None:
    for entry, outcome in outcomes:
        if entry.answer.done():
            continue  # the client has gone
        if isinstance(outcome, Exception):
            entry.answer.set_exception(outcome)
        else:
            entry.answer.set_result(outcome)
