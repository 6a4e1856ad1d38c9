"""Where a candidate version of a plugin lies: a folder, a file, a wheel, or what is installed."""

import configparser
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.host.loading import GROUP
from hub.kit.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Place:
    """Modules to import with `root` on the path; without a root those of what is installed."""

    root: str
    modules: tuple[str, ...]


def installed(modules: Sequence[str]) -> Place:
    """What this hub runs; `modules` are those that its settings name beside the entry points."""
    return Place("", tuple(modules))


def place_of(candidate: Path, folder: Path) -> Place:
    """The modules of a candidate; a wheel is unpacked into `folder`. `InvalidInput` says what is missing."""
    path = candidate.resolve()
    if path.suffix == ".whl":
        return _of_wheel(path, folder)
    if path.suffix == ".py":
        return Place(str(path.parent), (path.stem,))
    if (path / "__init__.py").is_file():
        return _of_package(path)
    project = path / "pyproject.toml"
    if project.is_file():
        found = tomllib.loads(project.read_text("utf-8")).get("project", {}).get("entry-points", {}).get(GROUP, {})
        if found:
            root = path / "src" if (path / "src").is_dir() else path
            return Place(str(root), tuple(found.values()))
    raise InvalidInput(
        "no_candidate", f"{candidate} is no plugin: name its package's folder (with an __init__.py), a project with "
        f"entry points of the group {GROUP}, a .py file or a wheel.",
    )  # fmt: skip


def _of_package(path: Path) -> Place:
    """A package may lie deep in others, and import itself by its whole name."""
    names = [path.name]
    while (path.parent / "__init__.py").is_file():
        path = path.parent
        names.insert(0, path.name)
    return Place(str(path.parent), (".".join(names),))


def _of_wheel(path: Path, folder: Path) -> Place:
    root = folder / "wheel"
    try:
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(root)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput("no_candidate", f"{path} cannot be unpacked: {error}") from error
    entries = configparser.ConfigParser(delimiters=("=",))
    entries.read(sorted(root.glob("*.dist-info/entry_points.txt")), "utf-8")
    if not entries.has_section(GROUP):
        raise InvalidInput("no_candidate", f"{path} has no entry points of the group {GROUP}: it is no plugin.")
    return Place(str(root), tuple(dict(entries[GROUP]).values()))
