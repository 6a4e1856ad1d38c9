"""The folder: lists its files and takes them, and nothing outside of it."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from hub.sdk.errors import Rejected, Transient
from hub.sdk.values import Log, Raw, Window
from plugins.channels.spreadsheet.mapping import MODIFIED, REFUSED

PAGE_BYTES = 64 * 1024 * 1024
"""A page holds whole files in memory: it ends early rather than growing beyond this."""
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One file of the folder, in the order in which files are taken; times are nanoseconds since 1970.

    `arrived_ns` is when it came to be here (a copy keeps the modification time of its original).
    """

    modified_ns: int
    name: str
    arrived_ns: int
    size: int

    @property
    def position(self) -> str:
        """The place after which the next page begins."""
        return f"{self.modified_ns}:{self.name}"


class Folder:
    """A folder that trading partners drop files into."""

    def __init__(self, path: Path | None, patterns: tuple[str, ...], max_bytes: int, log: Log) -> None:
        self._path = path
        self._patterns = patterns
        self._max_bytes = max_bytes
        self._log = log

    def scan(self) -> list[Entry]:
        """The matching files, oldest first; links and whatever is no plain file are left out, with a warning.

        Raises `Rejected` where no folder is set or it is none, `Transient` where it cannot be read now.
        """
        if self._path is None:
            raise Rejected("no folder is set: set `folder` to where the files are", code="no_folder")
        try:
            with os.scandir(self._path) as found:
                return sorted(self._entries(found))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Rejected("the folder does not exist: create it, or correct `folder`", code="no_folder") from error
        except OSError as error:
            message = f"the folder cannot be read now ({error.strerror})"
            raise Transient(message, code="folder_unreadable") from error

    def _entries(self, found: Iterator[os.DirEntry[str]]) -> Iterator[Entry]:
        for item in found:
            if item.name.startswith(".") or not any(fnmatch(item.name, pattern) for pattern in self._patterns):
                continue
            try:
                about = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # Taken away since it was listed.
            if stat.S_ISREG(about.st_mode):
                arrived = max(about.st_mtime_ns, about.st_ctime_ns)
                yield Entry(about.st_mtime_ns, item.name, arrived, about.st_size)
            elif not stat.S_ISDIR(about.st_mode):
                self._log.warning("spreadsheet.not_taken", name=item.name, reason="a link or a special file")

    def page(self, window: Window, limit: int, settled_ns: int, overlap_ns: int) -> tuple[list[Raw], str | None]:
        """At most `limit` files that have been unchanged since `settled_ns`, and where the next page begins.

        A file belongs to every window in which it changed or arrived; `overlap_ns` lets a window look back, so that a
        file that was not settled in an earlier one is taken in this.
        """
        until = min(_nanoseconds(window.until), settled_ns)
        since = _nanoseconds(window.since) - overlap_ns
        after = None if window.page is None else _position(window.page)
        waiting = [entry for entry in self.scan() if entry.modified_ns <= until and entry.arrived_ns >= since]
        if after is not None:
            waiting = [entry for entry in waiting if (entry.modified_ns, entry.name) > after]
        taken: list[Raw] = []
        size = 0
        for index, entry in enumerate(waiting):
            if len(taken) == limit or (taken and size + entry.size > PAGE_BYTES):
                return taken, waiting[index - 1].position
            raw = self._take(entry)
            if raw is not None:
                taken.append(raw)
                size += len(raw.body)
        return taken, None

    def _take(self, entry: Entry) -> Raw | None:
        """The whole file; None where it changed or went away meanwhile (it comes again in a later window)."""
        if entry.size > self._max_bytes:
            return _refused(entry, f"the file is larger than {self._max_bytes // 1024} KiB: split it (max_file_bytes)")
        try:
            handle = os.open(self._file(entry), os.O_RDONLY | NO_FOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            return _refused(entry, f"the file cannot be read ({error.strerror}): give the hub the right to")
        with open(handle, "rb") as file:  # noqa: PTH123 - opened by its descriptor, so that no link is followed
            before = os.fstat(file.fileno())
            body = file.read(self._max_bytes + 1)
            after = os.fstat(file.fileno())
        unchanged = (before.st_mtime_ns, len(body)) == (after.st_mtime_ns, after.st_size) and stat.S_ISREG(
            after.st_mode
        )
        return _raw(entry, body) if unchanged and before.st_mtime_ns == entry.modified_ns else None

    def _file(self, entry: Entry) -> Path:
        return (self._path or Path()) / entry.name


def _raw(entry: Entry, body: bytes) -> Raw:
    return Raw(
        body=body,
        content_type="application/octet-stream",
        kind="file",
        external_id=entry.name,
        revision=hashlib.sha256(body).hexdigest(),
        headers={MODIFIED: _iso(entry.modified_ns)},
        name=entry.name,
    )


def _refused(entry: Entry, reason: str) -> Raw:
    """A file that cannot be taken is told as a document that says why, so that it is seen and not passed over."""
    return Raw(
        body=f"{entry.name}\n{entry.size}\n{reason}\n".encode(),
        content_type="text/plain",
        kind="file",
        external_id=entry.name,
        revision=f"refused-{entry.modified_ns}-{entry.size}",
        headers={MODIFIED: _iso(entry.modified_ns), REFUSED: reason},
        name=entry.name,
    )


def _position(page: str) -> tuple[int, str]:
    modified, _, name = page.partition(":")
    if not modified.isdigit():
        raise Rejected("the stored position in the folder is damaged: read the folder from the start", code="bad_page")
    return int(modified), name


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000) * 1_000


def _iso(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    instant = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
