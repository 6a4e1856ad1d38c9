"""The hub as a process of its own, and the supervisor that starts it again whenever it dies."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO

import httpx

from hub.cli.bootstrap import is_in_process
from hub.kit.clock import monotonic, sleep
from hub.kit.errors import HubError
from hub.kit.settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.1
MOST_RESTARTS = 20
LEASE_SECONDS = "30"
CLAIM_BATCH, WORKER_THREADS = "20", "4"
"""Small batches under a short lease: what a killed process held is taken up again after half a minute at most."""


class Server:
    """`hub serve` (and `hub worker`, where a broker carries the doorbell), kept alive until `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data_dir.absolute()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.restarts = 0
        self._wanted = threading.Event()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._watch = threading.Thread(target=self._supervise, name="demo-supervisor", daemon=True)
        self._log: IO[bytes] | None = None

    def start(self) -> None:
        """Start the processes and wait until the API answers."""
        self._log = (self._folder / "server.log").open("ab")
        self._wanted.set()
        for name in self._commands():
            self._spawn(name)
        self._watch.start()
        self._await_ready()

    def stop(self) -> None:
        """Stop the processes as a service manager would, and wait for them."""
        self._wanted.clear()
        if self._watch.is_alive():
            self._watch.join(timeout=STOP_SECONDS)
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self._log is not None:
            self._log.close()

    def wait(self) -> None:
        """Block until somebody interrupts."""
        while self._wanted.is_set():
            sleep(0.5)

    def _commands(self) -> dict[str, list[str]]:
        hub = [sys.executable, "-c", "from hub.cli.main import run; run()"]
        commands = {"serve": [*hub, "serve", "--host", HOST, "--port", str(self.port)]}
        if not is_in_process(self._settings.broker_url):
            commands["worker"] = [*hub, "worker"]
        return commands

    def _environment(self) -> Mapping[str, str]:
        mine = {
            "ORDERHUB_DATA_DIR": str(self._folder),
            "ORDERHUB_WORKER_THREADS": WORKER_THREADS, "ORDERHUB_LEASE_SECONDS": LEASE_SECONDS,
            "ORDERHUB_CLAIM_BATCH": CLAIM_BATCH, "ORDERHUB_SWEEP_SECONDS": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        return {**os.environ, **mine}

    def _spawn(self, name: str) -> None:
        # a session of its own: Ctrl-C in the terminal is for the demo, which then stops its processes in order
        child = subprocess.Popen(  # noqa: S603  our own command
            self._commands()[name], stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL,
            env=dict(self._environment()), start_new_session=True,
        )  # fmt: skip
        self._children[name] = child
        if name == "serve":
            about = {"pid": child.pid, "url": self.url, "restarts": self.restarts}
            (self._folder / "server.json").write_text(json.dumps(about), encoding="utf-8")

    def _supervise(self) -> None:
        while self._wanted.is_set():
            for name, child in list(self._children.items()):
                if child.poll() is not None and self._wanted.is_set() and self.restarts < MOST_RESTARTS:
                    self.restarts += 1
                    self._spawn(name)
            sleep(LOOK_SECONDS)

    def _await_ready(self) -> None:
        end = monotonic() + START_SECONDS
        while monotonic() < end and self.restarts < 3:
            if _answers(f"{self.url}/readyz"):
                return
            sleep(LOOK_SECONDS)
        tail = (self._folder / "server.log").read_text("utf-8", errors="replace").strip().splitlines()[-5:]
        raise HubError(500, "server_did_not_start", "The server did not start:\n" + "\n".join(tail))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as door:
        port: int = door.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).is_success
    except httpx.TransportError:
        return False
