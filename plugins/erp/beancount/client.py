"""The file store of a ledger: entries are appended once a key, safely over threads, processes and crashes.

All writers hold one lock file; an append is one write and one fsync a file; the index of keys is kept in memory and
reads only what was added since. Needs a POSIX file system with working `flock` (a local disk, not every network share).
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from hub.sdk.errors import AuthFailed, PluginError, Transient, Uncertain
from plugins.erp.beancount.reader import Entry, complete_length, headers, read_entry, repaired

MAIN = "main.beancount"
BOOKS = "books"
ACCOUNTS = "accounts.beancount"
LOCK = ".orderhub.lock"
FINGERPRINT = 64
"""Bytes before the known end that must be unchanged for an appended file to be read from there on."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One entry to append: `link` is unique in the ledger, `month` is `YYYY-MM`, `text` ends with a blank line."""

    link: str
    month: str
    text: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new ledger begins with."""

    title: str
    currencies: tuple[str, ...]
    open_accounts: bool


@dataclass(slots=True)
class _File:
    identity: tuple[int, int, int]
    """Inode, size and time of change at the last look."""
    scanned: int = 0
    ending: bytes = b""
    links: dict[str, int] = field(default_factory=dict)


@lru_cache(maxsize=64)
def ledger_at(folder: Path) -> "Ledger":
    """The one `Ledger` of a folder in this process, so that its index is read once."""
    return Ledger(folder)


class Ledger:
    """The books in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._books = folder / BOOKS
        self._threads = threading.Lock()
        self._files: dict[str, _File] = {}
        self._opened: tuple[tuple[int, int, int], frozenset[str]] | None = None

    def exists(self) -> bool:
        """Whether the ledger was begun."""
        return (self.folder / MAIN).is_file()

    def find(self, link: str) -> Entry | None:
        """The entry under a link; raises `Transient` or `AuthFailed` where the books cannot be read."""
        if not self._books.is_dir():
            return None
        with _told("read"), self._locked():
            self._refresh()
            return self._read(link)

    def append(self, entries: Sequence[Posted], opening: Opening) -> list[PluginError | bool]:
        """Append what is not there yet: True for written, False for known already, else the error, one for each entry.

        Returns after the entries are on the disk. Raises `Transient` or `AuthFailed` where nothing could be begun.
        """
        with _told("write"):
            self._books.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._begin(opening)
                self._refresh()
                fresh = self._fresh(entries)
                if opening.open_accounts:
                    self._open_accounts({account for index in fresh for account in entries[index].accounts})
                return self._append_fresh(entries, fresh)

    def _fresh(self, entries: Sequence[Posted]) -> list[int]:
        taken: set[str] = set()
        fresh = []
        for index, entry in enumerate(entries):
            if entry.link not in taken and self._place(entry.link) is None:
                fresh.append(index)
            taken.add(entry.link)
        return fresh

    def _append_fresh(self, entries: Sequence[Posted], fresh: Sequence[int]) -> list[PluginError | bool]:
        months: dict[str, list[int]] = {}
        for index in fresh:
            months.setdefault(entries[index].month, []).append(index)
        results: list[PluginError | bool] = [False] * len(entries)
        for month, indexes in months.items():
            outcome: PluginError | bool = True
            try:
                self._write(f"{month}.beancount", "".join(entries[index].text for index in indexes).encode())
            except PluginError as error:
                outcome = error
            for index in indexes:
                results[index] = outcome
        return results

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads:
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    def _begin(self, opening: Opening) -> None:
        accounts = self._books / ACCOUNTS
        if not accounts.exists():
            _replace(accounts, b"; Accounts that the hub posts to.\n\n")
        if not self.exists():
            lines = [f'option "title" "{_plain(opening.title)}"']
            lines += [f'option "operating_currency" "{currency}"' for currency in opening.currencies]
            lines.append(f'include "{BOOKS}/*.beancount"')
            _replace(self.folder / MAIN, ("\n".join(lines) + "\n").encode())

    def _open_accounts(self, accounts: set[str]) -> None:
        path = self._books / ACCOUNTS
        if self._opened is None or self._opened[0] != _identity(path):
            words = [line.split() for line in path.read_text("utf-8").splitlines()]
            known = frozenset(parts[2] for parts in words if len(parts) > 2 and parts[1] == "open")
            self._opened = (_identity(path), known)
        missing = sorted(accounts - self._opened[1])
        if missing:
            text = path.read_text("utf-8") + "".join(f"1970-01-01 open {account}\n" for account in missing)
            _replace(path, text.encode())
            self._opened = (_identity(path), self._opened[1] | set(missing))

    def _refresh(self) -> None:
        """Bring the index up to what is on the disk, repairing an end that a crash has torn."""
        present = {}
        with os.scandir(self._books) as found:
            for item in found:
                if item.name.endswith(".beancount") and item.name != ACCOUNTS:
                    status = item.stat()
                    present[item.name] = (status.st_ino, status.st_size, status.st_mtime_ns)
        for gone in self._files.keys() - present.keys():
            del self._files[gone]
        for name, identity in present.items():
            known = self._files.get(name)
            if known is None or known.identity != identity:
                self._look(name, known, identity)

    def _look(self, name: str, known: _File | None, identity: tuple[int, int, int]) -> None:
        path = self._books / name
        start = 0
        with path.open("rb") as file:
            if known is not None and known.identity[0] == identity[0] and known.identity[1] < identity[1]:
                file.seek(known.scanned - len(known.ending))
                start = known.scanned if file.read(len(known.ending)) == known.ending else 0
            file.seek(start)
            data = file.read()
            os.fsync(file.fileno())
        if b"\0" in data or complete_length(data) != len(data):
            _replace(path, repaired(path.read_bytes()))
            start, data = 0, path.read_bytes()
        entry = known if start and known is not None else _File(identity)
        self._note(entry, data, start)
        entry.identity = _identity(path)
        self._files[name] = entry

    @staticmethod
    def _note(entry: _File, data: bytes, start: int) -> None:
        for link, offset in headers(data):
            entry.links.setdefault(link, start + offset)
        entry.scanned = start + len(data)
        entry.ending = (entry.ending + data)[-FINGERPRINT:]

    def _write(self, name: str, data: bytes) -> None:
        path = self._books / name
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, data)
            except OSError as error:
                os.ftruncate(descriptor, before)
                self._files.pop(name, None)
                raise Transient(
                    f"the ledger could not be written: {error.strerror}; nothing was posted", code="disk"
                ) from error
            try:
                os.fsync(descriptor)
            except OSError as error:
                self._files.pop(name, None)
                raise Uncertain(
                    f"the disk did not confirm the entry: {error.strerror}; check the disk", code="fsync"
                ) from error
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self._books)
        entry = self._files.get(name) or _File((0, 0, 0))
        self._note(entry, data, before)
        entry.identity = _identity(path)
        self._files[name] = entry

    def _place(self, link: str) -> tuple[str, int] | None:
        for name, file in self._files.items():
            if link in file.links:
                return name, file.links[link]
        return None

    def _read(self, link: str) -> Entry | None:
        place = self._place(link)
        if place is None:
            return None
        with (self._books / place[0]).open("rb") as file:
            file.seek(place[1])
            data = file.read(8192)
            while complete_length(data) == 0 and (more := file.read(8192)):
                data += more
        return read_entry(data)


@contextmanager
def _told(verb: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise AuthFailed(
            f"may not {verb} the ledger: give the hub's user access to {error.filename}", code="permission"
        ) from error
    except OSError as error:
        raise Transient(
            f"cannot {verb} the ledger at {error.filename}: {error.strerror}; check the disk and the mount", code="disk"
        ) from error


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _replace(path: Path, data: bytes) -> None:
    """Write a whole file so that a crash leaves the old or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(title: str) -> str:
    return " ".join(title.split()).replace("\\", "").replace('"', "'")
