"""The changelog's fragments are in order, and a release moves them into the changelog."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.peers import REPOSITORY

SCRIPT = REPOSITORY / "changelog.d" / "release.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("changelog_release", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_fragments_of_this_tree_are_in_order(script: ModuleType) -> None:
    script.fragments(SCRIPT.parent)
    assert (REPOSITORY / "CHANGELOG.md").read_text("utf-8").startswith(script.HEAD)


def test_a_release_moves_the_fragments(script: ModuleType, tmp_path: Path) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"{script.HEAD}\n## 0.1.0 (2026-03-01)\n\n### Added\n\n- The first thing.\n")
    (tmp_path / "labels.fixed.md").write_text("Labels no longer\nbleed.\n")
    (tmp_path / "tea.added.md").write_text("Tea.\n")
    found = script.fragments(tmp_path / "nothing")
    assert all(paths == [] for paths in found.values())
    folder = tmp_path / "fragments"
    folder.mkdir()
    for name in ("labels.fixed.md", "tea.added.md"):
        (tmp_path / name).rename(folder / name)
    script.release("0.2.0", "2026-05-01", folder, changelog)
    assert list(folder.iterdir()) == []
    assert changelog.read_text() == (
        f"{script.HEAD}\n## 0.2.0 (2026-05-01)\n\n### Added\n\n- Tea.\n\n### Fixed\n\n- Labels no longer bleed.\n\n"
        "## 0.1.0 (2026-03-01)\n\n### Added\n\n- The first thing.\n"
    )


@pytest.mark.parametrize(("name", "text"), [("labels.md", "x"), ("labels.mended.md", "x"), ("labels.fixed.md", " \n")])
def test_a_wrong_fragment_is_refused_by_name(script: ModuleType, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(script.FragmentError, match=name):
        script.fragments(tmp_path)
