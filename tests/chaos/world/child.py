"""A process of the hub as the chaos runs start it: `hub`, on a clock that can be set, with an end at a named step.

Usage: python -m tests.chaos.world.child ARGUMENTS OF HUB. CHAOS_CLOCK names a file with the seconds by which the clock
is ahead; CHAOS_DEATH says at which step to die (see `deaths`). Without them it is `hub` and nothing else.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.cli.main import run
from hub.kit.clock import SystemClock
from tests.chaos.world import deaths

CLOCK, DEATH = "CHAOS_CLOCK", "CHAOS_DEATH"


class SetClock:
    """The machine's clock after somebody set it; read again whenever the file changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at, self._ahead = -1, timedelta()

    def now(self, _: SystemClock) -> datetime:
        """The present as this machine tells it."""
        changed = self._file.stat().st_mtime_ns
        if changed != self._read_at:
            self._read_at, self._ahead = changed, timedelta(seconds=float(self._file.read_text()))
        return datetime.now(UTC) + self._ahead


def prepare() -> None:
    """Do what the environment asks for."""
    if CLOCK in os.environ:
        clock = SetClock(Path(os.environ[CLOCK]))
        SystemClock.now = lambda self: clock.now(self)  # type: ignore[method-assign]
    if os.environ.get(DEATH):
        deaths.install(os.environ[DEATH])


if __name__ == "__main__":
    prepare()
    run()
