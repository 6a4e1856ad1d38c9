"""A worker's hold on what it claimed: extended while calls are under way, and no call begins without it.

Extending makes a batch of any length safe; not beginning makes a worker safe that was frozen and lost its hold. Both
go by the monotonic clock: a call is begun in the first half of a lease only, and no call takes longer than the second.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import structlog

from hub.jobs import repository
from hub.kit.clock import Clock, monotonic
from hub.kit.db import Database
from hub.sdk.errors import Transient

NOT_SENT = "not_sent"
BEATS_A_LEASE = 3

log = structlog.get_logger()

Pause = Callable[[threading.Event, float], bool]
"""Waits so many seconds, or until the event is set, and tells whether it is: `Event.wait`."""


@dataclass(slots=True)
class Lease:
    """The hold of one claim. `taken_at` and `begun_at` are instants of `hub.kit.clock.monotonic`."""

    token: str
    seconds: float
    job_ids: frozenset[int]
    taken_at: float
    """When it was taken or last extended; measured before the database was asked."""
    claimed_at: datetime
    """When it was taken, by the hub's clock."""
    begun_at: float = field(init=False)
    """When the last call was begun."""

    def __post_init__(self) -> None:
        self.begun_at = self.taken_at

    def begin(self, job_id: int) -> None:
        """A call is about to be sent; `Transient` where somebody else may own its job, or soon will."""
        now = monotonic()
        if job_id not in self.job_ids or now > self.taken_at + self.seconds / 2:
            raise Transient("not sent: the batch took so long that somebody else may be sending it", code=NOT_SENT)
        self.begun_at = now


class Heartbeat:
    """Extends a lease from a thread of its own while the block runs: its jobs, its slots, the deadlines of its effects.

    A call that hangs is not held for ever: when none was begun for a whole lease, the lease is left to lapse.
    """

    def __init__(
        self, database: Database, clock: Clock, lease: Lease, *, effect_keys: Collection[str], pause: Pause
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._effect_keys = effect_keys
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        lease = self._lease
        while not self._pause(self._over, max(0.0, lease.taken_at + lease.seconds / BEATS_A_LEASE - monotonic())):
            if monotonic() - lease.begun_at > lease.seconds:
                log.warning("lease.call_hangs", jobs=len(lease.job_ids))
                return
            try:
                self._beat()
            except Exception as error:  # noqa: BLE001  a database that is away: no call is begun until it is back
                log.warning("lease.not_extended", error=type(error).__name__)
                if self._pause(self._over, lease.seconds / (4 * BEATS_A_LEASE)):
                    return

    def _beat(self) -> None:
        lease, moment, now = self._lease, monotonic(), self._clock.now()
        until = now + timedelta(seconds=lease.seconds)
        with self._database.write() as session:
            ours = repository.extend_leases(session, job_ids=lease.job_ids, token=lease.token, until=until)
            repository.extend_slots(session, token=lease.token, until=until)
            repository.extend_deadlines(
                session, keys=self._effect_keys, until=now + timedelta(seconds=lease.seconds / 2)
            )
        lease.job_ids, lease.taken_at = frozenset(ours), moment
