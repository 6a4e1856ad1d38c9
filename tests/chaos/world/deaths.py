"""The twelve boundaries between the steps of the hub's work, and a process that kills itself at one of them.

A death is `kill -9` by its own hand, written down before: nothing of the process runs afterwards. Steps of calls count
only where the call has an effect on the other side.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hub.flows.runtime import Runtime
from hub.jobs.service.lease import Lease
from hub.jobs.service.run import Runner
from hub.jobs.service.work import Call, Job, LocalWork, Outcome, OutwardWork, Prepared
from hub.kit.http_guard import DeadlineStream

POINTS = {
    "claimed": "jobs are leased, nothing is done",
    "decided": "a decision is written, not committed",
    "decision_kept": "a decision is committed, nobody is told of the work that follows",
    "intent_written": "the intent of a call is written, not committed",
    "intent_kept": "the intent is committed, nothing is sent",
    "sent": "the request is sent, nothing is answered",
    "answered": "the answer begins, nothing of it is read",
    "answer_read": "the answer is read, nothing of it is kept",
    "result_written": "the result is written, not committed",
    "result_kept": "the result is committed, nobody is told of the work that follows",
    "asked": "the other side is asked what became of a call, nothing is answered",
    "found": "it says what became of it, nothing of that is kept",
}
ASKING = (b"/labels?", b"/documents/")
"""Parts of the paths under which the lying sides are asked what became of a call."""
IMPATIENT_SECONDS = 6.0
"""A process that has not come to its step by then dies at the next one where deaths are wanted."""


class Death:
    """Where and how this process dies: at the `after`-th time that it comes to `at`."""

    def __init__(self, given: str) -> None:
        spec = json.loads(given)
        self._at, self._others, self._after = spec["at"], frozenset(spec["others"]), spec["after"]
        self._book = os.open(spec["book"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self._here = threading.local()

    def step(self, name: str) -> None:
        """The process comes to a step."""
        with self._lock:
            late = time.monotonic() - self._since > IMPATIENT_SECONDS
            if name != self._at and not (late and name in self._others):
                return
            self._after -= 1
            if self._after > 0 and not late:
                return
            os.write(self._book, f"{name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()  # the signal comes at once; until then nothing goes on

    @contextmanager
    def ringing(self, name: str) -> Any:
        """What is rung for within the block follows from this step."""
        self._here.ringing = name
        try:
            yield
        finally:
            self._here.ringing = None

    def rung(self) -> None:
        """Somebody is about to be told of work."""
        name = getattr(self._here, "ringing", None)
        if name is not None:
            self.step(name)

    def writing(self, buffer: bytes) -> None:
        """Part of a request goes out."""
        line = buffer.split(b"\r\n", 1)[0]
        if line.endswith(b"HTTP/1.1"):
            asks = line.startswith(b"GET")
            wanted = not asks or any(part in line for part in ASKING)
            self._here.call = ("asked", "found") if asks else ("sent", "answered")
            if not wanted:
                self._here.call = None

    def reading(self, *, after: bool) -> None:
        """The answer to it is waited for, or its first bytes have come."""
        steps = getattr(self._here, "call", None)
        if steps is not None:
            self.step(steps[after])


class _Watched:
    """Outward work that says how far it is."""

    def __init__(self, work: OutwardWork, death: Death) -> None:
        self._work, self._death = work, death

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def prepare(self, session: Any, jobs: Sequence[Job]) -> Prepared:
        """As it is; then the intents are written."""
        prepared = self._work.prepare(session, jobs)
        if any(call.effect_key for call in prepared.calls):
            self._death.step("intent_written")
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """As it is; before, the intents are committed, after, the answers are read."""
        has_effect = any(call.effect_key for call in calls)
        if has_effect:
            self._death.step("intent_kept")
        outcomes = self._work.perform(calls)
        if has_effect:
            self._death.step("answer_read")
        return outcomes

    def settle(self, session: Any, outcomes: Sequence[Outcome]) -> None:
        """As it is; then the results are written."""
        self._work.settle(session, outcomes)
        if any(outcome.call.effect_key for outcome in outcomes):
            self._death.step("result_written")


def install(given: str) -> None:
    """Die as told."""
    death = Death(given)
    run_claimed, run_local, run_outward = Runner._run_claimed, Runner._run_local, Runner._run_outward
    ring, write, read = Runtime.ring_queue, DeadlineStream.write, DeadlineStream.read

    def claimed(self: Runner, jobs: Sequence[Job], lease: Lease) -> None:
        if jobs:
            death.step("claimed")
        run_claimed(self, jobs, lease)

    def local(self: Runner, work: LocalWork, jobs: Sequence[Job], token: str) -> None:
        def run(session: Any, mine: Sequence[Job]) -> None:
            work.run(session, mine)
            death.step("decided")

        with death.ringing("decision_kept"):
            run_local(self, replace(work, run=run), jobs, token)

    def outward(self: Runner, work: OutwardWork, jobs: Sequence[Job], lease: Lease) -> None:
        with death.ringing("result_kept"):
            run_outward(self, _Watched(work, death), jobs, lease)

    def told(self: Runtime, queue: str) -> None:
        death.rung()
        ring(self, queue)

    def written(self: DeadlineStream, buffer: bytes, timeout: float | None = None) -> None:
        death.writing(buffer)
        write(self, buffer, timeout)

    def answered(self: DeadlineStream, max_bytes: int, timeout: float | None = None) -> bytes:
        death.reading(after=False)
        found = read(self, max_bytes, timeout)
        death.reading(after=True)
        return found

    for owner, name, changed in (
        (Runner, "_run_claimed", claimed), (Runner, "_run_local", local), (Runner, "_run_outward", outward),
        (Runtime, "ring_queue", told), (DeadlineStream, "write", written), (DeadlineStream, "read", answered),
    ):  # fmt: skip
        setattr(owner, name, changed)
