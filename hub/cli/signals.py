"""The signals TERM and INT: the first lets a process finish what it has in hand, a second one ends it at once.

Ending at once harms nothing: leases lapse and others go on. It is for people who will not wait.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Listens from the moment it is made, so that a signal while a process starts ends it well too."""

    def __init__(self, first: Callable[[], None] = lambda: None) -> None:
        self._first = first
        self._told = threading.Event()
        for number in STOPPING:
            signal.signal(number, self.on_signal)

    def wait(self) -> None:
        """Until the first signal."""
        self._told.wait()

    def on_signal(self, number: int, _: FrameType | None) -> None:
        """What the process does when it is told to stop."""
        if self._told.is_set():
            end_at_once(number)
        self._told.set()
        self._first()


def end_at_once(number: int) -> None:
    """End without finishing anything, with the exit status that shells know for the signal."""
    sys.stderr.write("Told to stop again: ended at once. Work in hand goes on elsewhere when its lease has lapsed.\n")
    sys.stderr.flush()
    os._exit(128 + number)
