"""Child processes of a benchmark: the hub's own, the peer, the senders; each ended by the id that was started here."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

from bench.world import ROOT, World

HUB = "from hub.cli.main import run; run()"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Child:
    """One process; what it prints on standard output is read by the benchmark, errors are kept in a file."""

    def __init__(self, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=sink, text=True, cwd=ROOT,
                env=dict(environment) if environment else {**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process id."""
        return self.popen.pid

    def line(self) -> str:
        """The next line that it prints; an error with the end of its log where it ends instead."""
        assert self.popen.stdout is not None
        found = self.popen.stdout.readline()
        if not found:
            raise RuntimeError(f"a process ended with status {self.popen.wait()}: {self.tail()}")
        return found

    def document(self) -> Any:
        """The next JSON document that it prints, over one line or many."""
        text = self.line()
        while True:
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                text += self.line()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-1500:]

    def stop(self) -> None:
        """Ask it to end, kill it where it does not."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def hub(world: World, *arguments: str) -> Child:
    """A process of the hub."""
    log = world.settings.data_dir / f"{arguments[0]}.log"
    return Child(["-c", HUB, *arguments], log=log, environment=world.environment)


def peer(folder: Path) -> tuple[Child, str]:
    """The peer and its address."""
    folder.mkdir(parents=True, exist_ok=True)
    child = Child(["-m", "bench.peer_server"], log=folder / "peer.log")
    return child, f"http://127.0.0.1:{child.line().strip()}"


def ask(url: str, path: str) -> Any:
    """One GET."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        link.request("GET", path)
        return orjson.loads(link.getresponse().read())
    finally:
        link.close()


@dataclass(slots=True)
class Memory:
    """Resident memory of processes over a run, in MB, sampled twice a second."""

    pids: Mapping[str, int]
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def peak(self, name: str) -> float:
        """The most that a process had."""
        return max((megabytes for _, megabytes in self.samples.get(name, [])), default=0.0)

    def growth(self, name: str) -> float:
        """MB by which the last fifth of the run lies above the second: 0 is flat, the first fifth is start-up."""
        values = [megabytes for _, megabytes in self.samples.get(name, [])]
        fifth = len(values) // 5
        if fifth == 0:
            return 0.0
        return sum(values[-fifth:]) / fifth - sum(values[fifth : 2 * fifth]) / fifth

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            for name, pid in self.pids.items():
                file = Path(f"/proc/{pid}/statm")
                if file.exists():
                    resident = int(file.read_text().split()[1]) * PAGE / 1024**2
                    self.samples.setdefault(name, []).append((time.monotonic(), resident))
