"""A backup of the database: one file that the database's own tools read, and beside it a manifest to check it by.

It shows one moment, however much is written meanwhile: the rows of the manifest are counted in the very snapshot that
is copied. Each database has a module of its own (`backup_sqlite`, `backup_postgresql`).
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.kit.clock import Clock
from hub.kit.errors import HubError
from hub.kit.schema import revisions

_CHUNK = 1 << 20
Told = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


class BackupError(HubError):
    """A backup that cannot be made, or used; the detail says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(409, code, detail)


class Snapshot(BaseModel):
    """What was copied: the schema's revision, and the rows of each table."""

    model_config = ConfigDict(frozen=True)

    revision: str
    rows: Mapping[str, int]


class Manifest(Snapshot):
    """What a backup holds. `taken_at` is before the copy began: what was committed by then is in it."""

    database: str
    taken_at: datetime
    hub: str
    bytes: int
    sha256: str


class Store(Protocol):
    """One kind of database."""

    name: str

    def copy(self, target: Path, told: Told) -> Snapshot:
        """Write one moment of the database to a file that is there and empty, and read it back."""
        ...

    def refuse_to_overwrite(self) -> None:
        """Raise `BackupError` where there is anything in the database."""
        ...

    def restored(self, file: Path) -> AbstractContextManager[str]:
        """The URL of a database with what a file holds, to be made ready within the block. At its end that is the
        database; on an error the database is what it was before.
        """
        ...

    def contents(self, url: str) -> Snapshot:
        """What a database holds."""
        ...


def manifest_path(file: Path) -> Path:
    """Where the manifest of a backup is."""
    return file.with_name(f"{file.name}.json")


def back_up(store: Store, file: Path, *, clock: Clock, overwrite: bool, told: Told) -> Manifest:
    """Write a backup, read it back, and only then give it its name. Both files are for their owner alone."""
    if file.exists() and not overwrite:
        raise BackupError("backup_exists", f"{file} is there already: name another file, or say --overwrite.")
    if not file.parent.is_dir():
        raise BackupError("no_folder", f"There is no folder {file.parent}: make it first.")
    taken_at = clock.now()
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        snapshot = store.copy(part, told)
        manifest = Manifest(
            **snapshot.model_dump(), database=store.name, taken_at=taken_at, hub=version("orderhub"),
            bytes=part.stat().st_size, sha256=_digest(part),
        )  # fmt: skip
        beside = manifest_path(file)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(manifest.model_dump_json(indent=2) + "\n")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def read_manifest(store: Store, file: Path) -> Manifest:
    """The manifest of a backup that is whole and that this hub can use; `BackupError` says why it is not."""
    beside = manifest_path(file)
    if not file.is_file() or not beside.is_file():
        raise BackupError(
            "no_backup", f"A backup is two files, {file.name} and {beside.name} beside it: one is missing."
        )
    try:
        manifest = Manifest.model_validate_json(beside.read_bytes())
    except ValidationError as error:
        raise BackupError("bad_manifest", f"{beside} is no manifest of a backup: fetch the file again.") from error
    if (file.stat().st_size, _digest(file)) != (manifest.bytes, manifest.sha256):
        raise BackupError("damaged_backup", f"{file} is not what was written: fetch it again, or take another backup.")
    if manifest.database != store.name:
        raise BackupError(
            "other_database",
            f"{file} is a backup of {manifest.database}, and ORDERHUB_DATABASE_URL names {store.name}: a backup goes "
            "back to the kind of database that it came from.",
        )
    if manifest.revision not in revisions().known:
        raise BackupError(
            "backup_too_new",
            f"{file} was made by hub {manifest.hub} at revision {manifest.revision}, which this version does not know: "
            "install that version (`pip install --upgrade orderhub`), then restore.",
        )
    return manifest


def compare(found: Snapshot, manifest: Manifest) -> None:
    """Raise `BackupError` where something is not as the manifest says."""
    tables = {*found.rows, *manifest.rows}
    other = sorted(table for table in tables if found.rows.get(table) != manifest.rows.get(table))
    if found.revision != manifest.revision or other:
        named = ", ".join(other[:5]) or f"revision {found.revision}"
        raise BackupError("differs", f"What was copied is not what was there ({named}): take another backup.")


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
