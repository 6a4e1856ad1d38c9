"""A worker process: Dramatiq's threads drain the queues, the beat sweeps and starts what is scheduled."""

import threading
from collections.abc import Callable, Collection

import structlog
from dramatiq import Worker
from dramatiq.broker import Broker

from hub.flows.runtime import Runtime
from hub.jobs import repository
from hub.kit.clock import monotonic
from hub.kit.memory import settle
from hub.worker.broker import QUEUES, declare_work, make_broker
from hub.worker.clock_guard import ClockGuard
from hub.worker.turns import Turns

log = structlog.get_logger()

BEAT_SECONDS = 10
"""How long the beat may take after the signal to stop."""


class WorkerProcess:
    """Runs the queues of one process. Used by `hub worker`, and inside `hub serve` when embedded.

    Without `beat` another process sweeps: a `hub beat` or a worker that has one.
    """

    def __init__(
        self, runtime: Runtime, broker: Broker, *, queues: Collection[str] = QUEUES, beat: bool = True
    ) -> None:
        self._runtime = runtime
        self._worker = Worker(
            broker, queues=set(queues), worker_threads=runtime.settings.worker_threads, worker_timeout=100
        )
        self._beat = Beat(runtime, ring=runtime.ring_queue) if beat else None

    def start(self) -> None:
        """Start the threads; returns at once. On SQLite nobody else can own a lease: those of a dead process end."""
        if self._runtime.database.is_sqlite:
            with self._runtime.database.write() as session:
                repository.end_leases(session, at=self._runtime.clock.now())
        self._runtime.stopping.clear()
        settle()
        self._worker.start()
        if self._beat is not None:
            self._beat.start()

    def beats(self) -> bool:
        """Whether the beat's thread lives: without it, work whose doorbell was lost would wait for ever."""
        return self._beat is not None and self._beat.alive()

    def stop(self) -> None:
        """Finish what is running, take no more, and return; after `drain_seconds` in any case. What is not finished by
        then goes on elsewhere when its lease has lapsed.
        """
        self._runtime.stopping.set()
        if self._beat is not None:
            self._beat.stop()
        limit = self._runtime.settings.drain_seconds
        self._worker.stop(timeout=round(limit * 1000))
        busy = sum(thread.is_alive() for thread in self._worker.workers)
        if busy:
            log.warning("worker.not_drained", threads=busy, seconds=limit)


class Beat:
    """Rings for whatever is due and was never rung for, and enqueues schedules whose time has come."""

    def __init__(self, runtime: Runtime, *, ring: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._ring = ring
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it, and wait until it has."""
        self._stop.set()
        self._thread.join(timeout=BEAT_SECONDS)

    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        lost = False
        while not self._stop.is_set():
            try:
                self._runtime.tick(self._ring)
                if lost:
                    log.info("beat.recovered")
                lost = False
            except Exception as error:  # noqa: BLE001  a broker or database that is away must not end the beat
                if not lost:
                    log.warning("beat.lost", error=f"{type(error).__name__}: {error}")
                lost = True
            self._stop.wait(self._runtime.settings.sweep_seconds)


def connect(runtime: Runtime, url: str, *, queues: Collection[str] = QUEUES) -> Broker:
    """Make the broker, declare the work on it and give the runtime its doorbell; `queues` are those worked on here."""
    broker = make_broker(url)
    settings = runtime.settings
    calls_others = {work.queue for work in runtime.work.outward.values()}
    guard = ClockGuard(runtime.clock, lease_seconds=settings.lease_seconds)
    turns = Turns(
        guard.guarded(runtime.runner.run_once),
        bell=lambda take: Doorbell(declare_work(broker, take), pause_seconds=settings.sweep_seconds),
        stopping=runtime.stopping.is_set, own=set(queues) - calls_others, threads=settings.worker_threads,
    )  # fmt: skip
    runtime.ring = turns.ring
    return broker


class Doorbell:
    """Rings, and never fails: the work is committed when it is called, and the sweep finds what nobody heard of.

    A broker that is away is left alone for `pause_seconds`, so that nobody waits for it at every commit; its loss and
    its return are each logged once.
    """

    def __init__(self, ring: Callable[[str], None], *, pause_seconds: float) -> None:
        self._ring = ring
        self._pause_seconds = pause_seconds
        self._quiet_until: float | None = None

    def __call__(self, queue: str) -> None:
        """Tell the workers that the queue has work."""
        if self._quiet_until is not None and monotonic() < self._quiet_until:
            return
        try:
            self._ring(queue)
        except Exception as error:  # noqa: BLE001  each broker's client has errors of its own
            if self._quiet_until is None:
                log.warning("doorbell.lost", queue=queue, error=type(error).__name__)
            self._quiet_until = monotonic() + self._pause_seconds
            return
        if self._quiet_until is not None:
            log.info("doorbell.recovered", queue=queue)
            self._quiet_until = None
