"""SQLite has one serving process: a lock beside the database file says who it is.

The lock is the kernel's (flock): it goes with the process, however that ends, so a file that is left behind means
nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from hub.kit.clock import sleep
from hub.kit.errors import HubError

_TRIES = 4
_PAUSE_SECONDS = 0.05


class AlreadyServed(HubError):
    """Another process serves the same SQLite database; the detail says what to do for more than one."""

    def __init__(self, file: Path, other: str) -> None:
        super().__init__(
            409, "already_served",
            f"Another hub serves {file} already ({other}). SQLite has one serving process: stop that one, or, for "
            "several, set ORDERHUB_DATABASE_URL to PostgreSQL (postgresql://user@host/orderhub) and run "
            "`hub db upgrade`.",
        )  # fmt: skip


def lock_file(database: Path) -> Path:
    """Where the lock of a database file is."""
    return database.with_name(database.name + ".serving")


@contextmanager
def sole_serving_process(database: Path | None, what: str) -> Iterator[None]:
    """Hold the lock of a SQLite file for the block; None is a server, which takes any number of processes."""
    if database is None:
        yield
        return
    path = lock_file(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not any(_locked(file) for _ in range(_TRIES)):
            raise AlreadyServed(database, _read(path))
        file.truncate(0)
        file.write(f"process {os.getpid()}, {what}\n")
        file.flush()
        yield


def serving_process(database: Path) -> str | None:
    """Who serves a SQLite file, in words; None where nobody does."""
    path = lock_file(database)
    if not path.exists():
        return None
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _read(path)
    return None


def _locked(file: TextIO) -> bool:
    """Take the lock; a command that only asks who serves holds it for an instant, so it is tried more than once."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sleep(_PAUSE_SECONDS)
        return False
    return True


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace").strip() or "it is just starting"
