"""A disk of its own for the database, small enough to be filled: a file system in memory, where the system lets us."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES = 1024


class Disk:
    """Where the database writes. Full means full: everybody who writes there is told so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    @property
    def full(self) -> bool:
        """Whether we filled it."""
        return self._filler.exists()

    def fill(self) -> None:
        """Take all the room that is left."""
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT)
        try:
            while (room := shutil.disk_usage(self.folder).free) > 0:
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, room)
        except OSError:  # somebody wrote meanwhile: it is full all the same
            return
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk | None]:
    """A disk mounted at the folder; None where we may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={MEGABYTES}m,mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
