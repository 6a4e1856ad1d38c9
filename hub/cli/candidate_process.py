"""A candidate version of a plugin in a process of its own: asked line by line, each answer within a deadline."""

import base64
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Literal, Self

import orjson

from hub.cli.candidate_place import Place
from hub.connections.service.adapters import ConnectionInfo
from hub.kit.errors import InvalidInput
from hub.sdk.values import Raw

FailureKind = Literal["crash", "hang", "nonsense", "exception", "settings", "not_tried"]
Lines = queue.SimpleQueue[bytes | None]
START_SECONDS = 60.0
MOST_DEATHS = 5
"""Crashes and hangs after which it is not started again: each costs a start, and a hang its whole deadline."""
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


class CandidateFailed(Exception):
    """One question was not answered; `kind` says how, the text has nothing personal in it."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Candidate:
    """Starts the process when it is needed, and again after a crash or a hang. Use it as a context manager."""

    def __init__(self, plugin: str, place: Place, *, deadline: float, folder: str) -> None:
        self._plugin = plugin
        self._place = place
        self._deadline = deadline
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: Lines = queue.SimpleQueue()
        self._answers: Lines = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open: set[str] = set()
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def start(self) -> Mapping[str, Any]:
        """Its version and kind; `InvalidInput` with the reason where it cannot be loaded."""
        try:
            ready = self._start()
        except CandidateFailed as error:
            raise InvalidInput("candidate_not_loaded", f"The candidate cannot be loaded: {error.detail}.") from error
        return ready

    def read(self, connection: ConnectionInfo, secrets: list[str], raw: Raw) -> Mapping[str, Any]:
        """Its reading of one raw document."""
        told = {
            "content_type": raw.content_type, "kind": raw.kind, "external_id": raw.external_id, "name": raw.name,
            "revision": raw.revision, "headers": dict(raw.headers), "body": base64.b64encode(raw.body).decode(),
        }  # fmt: skip
        return self._ask_about(connection, secrets, {"op": "read", "raw": told})

    def build(self, connection: ConnectionInfo, secrets: list[str], document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Its request for one document of the books."""
        return self._ask_about(connection, secrets, {"op": "build", "document": document})

    def _ask_about(
        self, connection: ConnectionInfo, secrets: list[str], request: dict[str, Any]
    ) -> Mapping[str, Any]:  # fmt: skip
        if self._deaths >= MOST_DEATHS:
            raise CandidateFailed("not_tried", f"it crashed or hung {MOST_DEATHS} times before")
        if self._process is None:
            self._start()
        name = connection.name
        if name not in self._open:
            opened = self._ask(
                {"op": "open", "connection": name, "settings": dict(connection.settings), "secrets": secrets}
            )
            if opened.get("missing") or "missing" not in opened:
                detail = f"it wants {', '.join(opened['missing'])}" if opened.get("missing") else _said(opened)
                raise CandidateFailed("settings", f"the settings of {name} do not fit: {detail}")
            self._open.add(name)
        answer = self._ask({**request, "connection": name})
        for key, kind in _FAILURES.items():
            if key in answer:
                raise CandidateFailed(kind, str(answer[key]))
        return answer

    def _start(self) -> Mapping[str, Any]:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603  this interpreter, and a plugin that the caller chose
            [sys.executable, "-P", "-m", "hub.cli.candidate", self._plugin, self._place.root, *self._place.modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self._folder,
            env={
                **environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            start_new_session=True,
        )  # fmt: skip
        self._requests, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        # each pipe has a thread: a candidate that neither listens nor answers must not stop us before its deadline
        self._threads = [
            threading.Thread(target=_tell, args=(self._process.stdin, self._requests), daemon=True),
            threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        ready = self._answer(START_SECONDS)
        if "version" not in ready:
            raise CandidateFailed("nonsense", _said(ready))
        return ready

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._process is None:
            self._start()
        self._requests.put(orjson.dumps(request) + b"\n")
        return self._answer(self._deadline)

    def _answer(self, seconds: float) -> Mapping[str, Any]:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._deaths += 1
            self._stop()
            raise CandidateFailed("hang", f"no answer within {seconds:g} seconds") from None
        if line is None:
            self._deaths += 1
            raise CandidateFailed("crash", f"its process ended {_ending(self._stop())}")
        try:
            answer = orjson.loads(line)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            self._deaths += 1
            self._stop()
            raise CandidateFailed("nonsense", "its answer is not a JSON object")
        return answer

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        self._open.clear()
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)  # how it ended by itself, where it did
        with suppress(ProcessLookupError):  # whatever it started goes with it
            os.killpg(process.pid, signal.SIGKILL)
        self._requests.put(None)
        for thread in self._threads:
            thread.join(1.0)
        return process.wait()


_FAILURES: Mapping[str, FailureKind] = {"bug": "exception", "nonsense": "nonsense", "failure": "nonsense"}
"""What a member of an answer means."""


def _listen(pipe: IO[bytes], answers: Lines) -> None:
    with pipe:
        for line in pipe:
            answers.put(line)
    answers.put(None)


def _tell(pipe: IO[bytes], requests: Lines) -> None:
    with suppress(OSError), pipe:  # where it ended, whoever waits for the answer is told
        while (line := requests.get()) is not None:
            pipe.write(line)
            pipe.flush()


def _said(answer: Mapping[str, Any]) -> str:
    told = answer.get("failure") or answer.get("bug") or (answer.get("refused") or {}).get("message")
    return str(told or "it gave no sensible answer")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with status {code}"
