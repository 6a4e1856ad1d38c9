"""`hub` for the tests of its commands: one data folder, run in this process or as a process of its own."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner

from hub.cli.main import main
from tests.servers import free_port

HUB = Path(sys.executable).with_name("hub")
STOP_SECONDS = 60
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"
ORDERS = """order,sku,quantity,unit_price,currency,ship_name,ship_line1,ship_city,ship_postal_code,ship_country
S-1,MUG-BLUE,2,12.50,EUR,Mia Muster,Hauptstr. 1,Berlin,10115,DE
S-2,MUG-BLUE,x,12.50,EUR,Max Muster,Hauptstr. 2,Berlin,10115,DE
"""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Hub:
    """A data folder and what the environment says."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "var"

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ORDERHUB_"))}
        return {**kept, "ORDERHUB_DATA_DIR": str(self.data), "NO_COLOR": "1", **self.settings}

    def process(self, *arguments: str) -> Outcome:
        """Run a process as a person does."""
        done = subprocess.run(
            [str(HUB), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str) -> Outcome:
        """Run a command in this process: the same code without the second that its start takes."""
        unset: dict[str, str | None] = {key: None for key in os.environ if key.startswith("ORDERHUB_")}
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            with chdir(self.folder):
                done = CliRunner().invoke(main, list(arguments), env={**unset, **self.environment}, prog_name="hub")
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            structlog.reset_defaults()
        return Outcome(done.exit_code, done.stdout, done.stderr)

    def ok(self, *arguments: str) -> str:
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, f"{arguments}\n{outcome.stdout}\n{outcome.stderr}"
        return outcome.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str, status: int = 1) -> str:
        outcome = self.run(*arguments)
        assert outcome.returncode == status, f"{arguments}\n{outcome.stdout}\n{outcome.stderr}"
        assert "Traceback" not in outcome.stderr
        return outcome.stderr

    @contextmanager
    def serving(self, *options: str) -> Iterator[str]:
        """The address of a running server."""
        port = free_port()
        with self.running("serve", "--port", str(port), *options) as process:
            self.wait_until_ready(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process that runs until it is told to stop, and must end well then; its output is in `<command>.log`."""
        path = self.folder / f"{arguments[0]}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [str(HUB), *arguments], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0, path.read_text()

    def wait_until_said(self, command: str, text: str) -> None:
        """A running process has printed this."""
        deadline = time.monotonic() + STOP_SECONDS
        while text not in (printed := (self.folder / f"{command}.log").read_text()):
            assert time.monotonic() < deadline, printed
            time.sleep(0.05)

    def wait_for(self, arguments: tuple[str, ...]) -> Any:
        """What a command says as soon as it says anything but an empty list."""
        deadline = time.monotonic() + STOP_SECONDS
        while not (found := self.json(*arguments)):
            assert time.monotonic() < deadline, arguments
        return found

    def wait_until_ready(self, url: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while True:
            assert process.poll() is None, (self.folder / "serve.log").read_text()
            assert time.monotonic() < deadline, (self.folder / "serve.log").read_text()
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)


def connect_folder(hub: Hub) -> None:
    """A live connection to a folder with one file: one good order and one bad row."""
    (hub.folder / "inbox").mkdir()
    file = hub.folder / "inbox" / "orders.csv"
    file.write_text(ORDERS)
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 60))
    settings = json.dumps({"folder": str(hub.folder / "inbox"), "settle_seconds": 0})
    add = ("connection", "add", "files", "--kind", "channel", "--plugin", "spreadsheet", "--account", "partner")
    hub.ok(*add, "--settings", settings, "--mode", "live", "--import-from", "2020-01-01")


def post(url: str, key: str, body: dict[str, Any]) -> int:
    """The status of the answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(error.read().decode()) from error
