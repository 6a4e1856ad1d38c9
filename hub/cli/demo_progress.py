"""What is seen while the demo runs: bars for who watches a terminal, a line a step for everybody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hub.kit.clock import monotonic


class Step:
    """One step of the day; counts from any thread."""

    def __init__(self, bar: Progress, title: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=total)
        self._lock = threading.Lock()
        self.done = 0

    def advance(self, by: int = 1) -> None:
        """So many more are done."""
        with self._lock:
            self.done += by
        self._bar.advance(self._task, by)

    def total(self, total: int) -> None:
        """So many will be done."""
        self._bar.update(self._task, total=total)

    def finish(self) -> None:
        """The step is over, whatever was expected."""
        self._bar.update(self._task, total=max(self.done, 1), completed=max(self.done, 1))


class Steps:
    """The steps of the day with their seconds. `quiet` shows nothing at all."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._watched = self._console.is_terminal and not quiet
        self._bar = Progress(
            SpinnerColumn(finished_text="[green]\N{CHECK MARK}"), TextColumn("{task.description}"),
            BarColumn(bar_width=12), MofNCompleteColumn(), TimeElapsedColumn(), console=self._console,
            disable=not self._watched,
        )  # fmt: skip
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """One step; its seconds are kept."""
        started = monotonic()
        step = Step(self._bar, title, total)
        yield step
        step.finish()
        self.seconds[title] = round(monotonic() - started, 2)
        if not self._watched:
            count = f" ({step.done})" if step.done else ""
            self._console.print(f"{self.seconds[title]:6.1f} s  {title}{count}", highlight=False)
