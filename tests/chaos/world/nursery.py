"""Processes that are forked from one that has imported everything: a life costs a tenth of a second, not two.

What runs in them is the command line of the hub, as in any other process; they are killed as any other.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from hub.cli.commands import serve, worker
from hub.cli.main import main
from tests.chaos.world import child, plugins
from tests.chaos.world.processes import ROOT, STOP_SECONDS

PRELOADED = ("__main__", __name__)
READY = (child, plugins, serve, worker)
"""What every life needs, imported once."""
DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(list(PRELOADED))


def live(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """In the new process: become `hub`."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sink = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(sink, 2)
    sys.argv = ["hub", *arguments]
    child.prepare()
    main()


class Forked:
    """As `processes.Child`, for the hub's own processes only."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        self.frozen = False
        self.environment = dict(environment)
        self._arguments = list(arguments)
        self._process = self._start()

    @property
    def pid(self) -> int:
        """Of the process that lives now."""
        return self._process.pid or 0

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_at

    def kill(self) -> None:
        """`kill -9`, and it is gone when this returns."""
        self._process.kill()
        self._process.join()

    def freeze(self, *, frozen: bool) -> None:
        """SIGSTOP or SIGCONT."""
        os.kill(self.pid, signal.SIGSTOP if frozen else signal.SIGCONT)
        self.frozen = frozen

    def ask_to_end(self) -> None:
        """SIGTERM; what is in hand is finished first."""
        self._process.terminate()

    def restart(self) -> None:
        """Start it again, where it has ended."""
        if not self.alive():
            self._process.close()
            self._process = self._start()
            self.frozen = False

    def stop(self) -> None:
        """End it for good."""
        if self.alive():
            self.ask_to_end()
            self._process.join(STOP_SECONDS)
            if self.alive():
                self.kill()
        self._process.close()

    def _start(self) -> ForkServerProcess:
        self._started_at = time.monotonic()
        process = _forking.Process(target=live, args=(self._arguments, self.environment, str(self.log)))
        process.start()
        return process
