"""Every step that a worker takes: a statement, a commit, a call to others and its answer. At one of them it stops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.event import listen

from hub.jobs.service import lease, run
from hub.jobs.service.work import Call
from hub.kit.clock import monotonic
from hub.kit.db import Database
from tests import doubles

OUTSIDE = (
    (doubles.Book, "take"), (doubles.Book, "ask"), (doubles.FakeCarrier, "void"), (doubles.FakeErp, "cancel"),
)  # fmt: skip


class Killed(BaseException):
    """The process is gone: nobody catches this."""


@dataclass(slots=True)
class Steps:
    """Counts steps while it is armed, and acts at the `stop`-th (0: never), once."""

    count: int = 0
    stop: int = 0
    act: Callable[[], None] = lambda: None
    armed: bool = False
    writing: bool = False
    """Whether a transaction that writes is open: SQLite has one at a time."""
    where: str = ""
    error: Exception | None = None
    """What went wrong in the act itself."""
    passed: list[tuple[str, bool]] = field(default_factory=list)
    """Name of each step, and whether a writing transaction was open."""

    @contextmanager
    def taken(self, stop: int = 0, act: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Count within the block."""
        self.count, self.stop, self.act, self.where = 0, stop, act, ""
        self.armed, self.writing, self.passed = True, False, []
        try:
            yield
        finally:
            self.armed = False
        if self.error is not None:
            raise self.error

    def step(self, name: str) -> None:
        """One more."""
        if not self.armed:
            return
        self.count += 1
        self.passed.append((name, self.writing))
        if self.count == self.stop:
            self.armed, self.where = False, name
            try:
                self.act()
            except Exception as error:  # the work that was stopped must not take it for its own
                self.error = error

    def watch(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        """Number what this process does with its database, and all calls."""

        def executing(_: Any, __: Any, statement: str, *___: Any) -> None:
            self.step(" ".join(statement.split())[:70])
            self.writing = self.writing or statement == "BEGIN IMMEDIATE"

        def committing(_: Any) -> None:
            self.step("COMMIT")
            self.writing = False

        def rolled_back(_: Any) -> None:
            self.writing = False

        listen(database.engine, "before_cursor_execute", executing)
        listen(database.engine, "commit", committing)
        listen(database.engine, "rollback", rolled_back)
        for owner, name in OUTSIDE:
            self._watch_answer(owner, name, monkeypatch)
        guard = Call.refuse_late

        def before_call(call: Call) -> None:
            self.step(f"call {call.job.kind}")
            guard(call)

        monkeypatch.setattr(Call, "refuse_late", before_call)

    def _watch_answer(self, owner: type[Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            answer = original(*arguments)
            self.step(f"answer of {owner.__name__}.{name}")
            return answer

        monkeypatch.setattr(owner, name, watched)


@dataclass(slots=True)
class Monotonic:
    """The machine's clock as a process sees it that stood still for a while."""

    ahead: float = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return monotonic() + self.ahead

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For workers and their leases."""
        monkeypatch.setattr(lease, "monotonic", self)
        monkeypatch.setattr(run, "monotonic", self)
