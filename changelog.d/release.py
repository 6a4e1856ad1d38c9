"""Moves the fragments in this folder into a new section at the top of `CHANGELOG.md`.

Usage: `python changelog.d/release.py VERSION DATE`. Refuses a fragment whose name or kind is wrong.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CHANGELOG = FOLDER.parent / "CHANGELOG.md"
KINDS = ("added", "changed", "fixed", "removed", "security")
HEAD = """# Changelog

What users notice, newest first. Versions follow semantic versioning.

Changes since the last release are in [changelog.d](changelog.d/README.md), one file each.
"""


class FragmentError(ValueError):
    """A fragment that cannot be released; the message says how to mend it."""


def fragments(folder: Path) -> dict[str, list[Path]]:
    """The fragments by kind, in the order of their names."""
    found: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        parts = path.name.split(".")
        if len(parts) != 3 or parts[1] not in KINDS:
            raise FragmentError(f"{path.name}: name it what-it-is-about.KIND.md, where KIND is {', '.join(KINDS)}")
        if not path.read_text("utf-8").strip():
            raise FragmentError(f"{path.name} is empty: say what users notice, in one or two sentences")
        found[parts[1]].append(path)
    return found


def section(version: str, date: str, found: dict[str, list[Path]]) -> str:
    """The text of one release."""
    lines = [f"## {version} ({date})", ""]
    for kind, paths in found.items():
        if paths:
            lines += [f"### {kind.capitalize()}", ""]
            lines += [f"- {' '.join(path.read_text('utf-8').split())}" for path in paths]
            lines.append("")
    return "\n".join(lines)


def release(version: str, date: str, folder: Path = FOLDER, changelog: Path = CHANGELOG) -> None:
    """Write the new section above the older ones and remove the fragments."""
    found = fragments(folder)
    older = changelog.read_text("utf-8").removeprefix(HEAD).strip() if changelog.exists() else ""
    changelog.write_text("\n".join([HEAD, section(version, date, found), older]).rstrip() + "\n", "utf-8")
    for paths in found.values():
        for path in paths:
            path.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("Usage: python changelog.d/release.py VERSION DATE")
    release(sys.argv[1], sys.argv[2])
