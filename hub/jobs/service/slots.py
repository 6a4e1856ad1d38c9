"""How many workers may call one connection at once: `max_concurrency` of its plugin, over all processes; and how many
threads of one process may wait for it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.jobs import repository

Limits = Callable[[Session, Collection[str]], Mapping[str, int]]
"""How many batches of calls these connections bear at once; one that is not in the answer bears any number."""


def unlimited(session: Session, connection_ids: Collection[str]) -> Mapping[str, int]:
    """No connection has a limit."""
    return {}


def take_slots(
    session: Session, rows: Sequence[Any], *, limits: Limits, token: str, now: datetime, until: datetime
) -> list[Any]:
    """Those of the claimed jobs that may run, in the transaction of their claim.

    The claim leaves out connections without a free slot; where the last one went to somebody else at this moment, the
    jobs are given back as if they had not been claimed. A job without a connection needs none.
    """
    wanted = sorted({row.connection_id for row in rows if row.connection_id is not None})
    allowed = limits(session, wanted) if wanted else {}
    full = {
        connection_id
        for connection_id in wanted
        if connection_id in allowed
        and not repository.take_slot(
            session, connection_id=connection_id, slots=allowed[connection_id], token=token, now=now, until=until
        )
    }
    if full:
        back = [row.job_id for row in rows if row.connection_id in full]
        repository.give_back(session, job_ids=back, token=token, at=now)
    return [row for row in rows if row.connection_id not in full]


@dataclass(frozen=True, slots=True)
class Bulkhead:
    """Keeps threads of a process free of a connection that is slow: at most `threads` work for one at a time."""

    threads: int
    _working: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def full(self) -> list[str]:
        """Connections that have all the threads that they may have."""
        with self._lock:
            return [connection_id for connection_id, count in self._working.items() if count >= self.threads]

    @contextmanager
    def working(self, connection_ids: Collection[str]) -> Iterator[None]:
        """This thread works for the connections during the block."""
        with self._lock:
            self._working.update(connection_ids)
        try:
            yield
        finally:
            with self._lock:
                self._working.subtract(connection_ids)
