"""Processes of a chaos run: ours to start, to kill by their id, to freeze, and to start again as a supervisor would."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[3]
HUB = "tests.chaos.world.child"
"""The module of the hub's own processes."""
STOP_SECONDS = 45.0


class Process(Protocol):
    """A process of the hub, as whoever breaks things sees it."""

    name: str
    frozen: bool

    @property
    def pid(self) -> int: ...

    def alive(self) -> bool: ...

    def age(self) -> float: ...

    def kill(self) -> None: ...

    def freeze(self, *, frozen: bool) -> None: ...

    def ask_to_end(self) -> None: ...

    def restart(self) -> None: ...

    def stop(self) -> None: ...


Starts = Callable[[str, Sequence[str], Path, Mapping[str, str]], Process]
"""Makes a process of the hub from its name, arguments, folder of its log, and environment."""


class Child:
    """One process; it dies with the thread that started it where the system can do that."""

    def __init__(self, name: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._arguments, self._environment = list(arguments), dict(environment)
        self.log = folder / f"{name}.log"
        self.frozen = False
        self.popen = self._start()

    @property
    def pid(self) -> int:
        """Of the process that lives now."""
        return self.popen.pid

    def line(self) -> str:
        """The next line that it prints."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def alive(self) -> bool:
        """Whether it runs (or is frozen)."""
        return self.popen.poll() is None

    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_at

    def end(self) -> None:
        """Kill it for good."""
        self.kill()
        self._close()

    def kill(self) -> None:
        """`kill -9`, and it is gone when this returns."""
        self.popen.kill()
        self.popen.wait()
        self.frozen = False

    def freeze(self, *, frozen: bool) -> None:
        """SIGSTOP or SIGCONT."""
        self.popen.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)
        self.frozen = frozen

    def ask_to_end(self) -> None:
        """SIGTERM; what is in hand is finished first."""
        self.popen.terminate()

    def restart(self) -> None:
        """Start it again, where it has ended."""
        if not self.alive():
            self._close()
            self.popen = self._start()
            self.frozen = False

    def stop(self) -> None:
        """End it for good."""
        if self.alive():
            if self.frozen:
                self.freeze(frozen=False)
            self.ask_to_end()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def _start(self) -> subprocess.Popen[str]:
        self._started_at = time.monotonic()
        guard = shutil.which("setpriv")
        prefix = [guard, "--pdeathsig", "KILL", "--"] if guard else []
        with self.log.open("ab") as sink:
            return subprocess.Popen(
                [*prefix, sys.executable, *self._arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=sink, text=True, cwd=ROOT, env=self._environment, start_new_session=True,
            )  # fmt: skip

    def _close(self) -> None:
        if self.popen.stdout is not None:
            self.popen.stdout.close()


def own_process(name: str, arguments: Sequence[str], folder: Path, given: Mapping[str, str]) -> Process:
    """`hub` in a fresh interpreter."""
    return Child(name, ["-m", HUB, *arguments], folder=folder, environment=given)


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: none of our settings but those given."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ORDERHUB_")}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where it is gone or the system does not say (proc(5), statm)."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def pause(seconds: float) -> None:
    """Real processes need real time."""
    time.sleep(seconds)
