"""The tutorial works as written: its files, its tests and its commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.markdown import Block, blocks
from tests.peers import REPOSITORY

PAGE = REPOSITORY / "docs" / "tutorials" / "first-channel-plugin.md"


@pytest.fixture(scope="module")
def tutorial() -> list[Block]:
    return list(blocks(PAGE))


@pytest.fixture
def project(tutorial: list[Block], tmp_path: Path) -> Path:
    """The folder that a reader has made."""
    folder = tmp_path / "orderhub-acme"
    for block in tutorial:
        if block.mark.startswith("file: "):
            path = folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
    return folder


def run(command: list[str], folder: Path) -> str:
    """Run a command of the page with the tools of this environment; installs go to `site/` instead of into it."""
    program, *arguments = command
    if (program, arguments[:1]) == ("pip", ["install"]):
        arguments += ["--quiet", "--disable-pip-version-check", "--target", str(folder / "site")]
    tool = Path(sys.executable).with_name(program)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ORDERHUB_"))}
    environment = {**inherited, "PYTHONPATH": str(folder / "site"), "ORDERHUB_DATA_DIR": str(folder / "var")}
    outcome = subprocess.run(
        [str(tool), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, f"{' '.join(command)}\n{outcome.stdout}\n{outcome.stderr}"
    return outcome.stdout


def commands_of(tutorial: list[Block], program: str) -> list[list[str]]:
    return [
        command for block in tutorial if block.mark == "run" for command in block.commands() if command[0] == program
    ]


def test_every_code_block_is_used(tutorial: list[Block]) -> None:
    assert [block.where for block in tutorial if not block.mark] == []


def test_the_plugin_passes_its_own_tests(tutorial: list[Block], project: Path) -> None:
    (command,) = commands_of(tutorial, "pytest")
    report = run(command, project)
    assert "passed" in report
    assert "skipped" not in report


def test_the_plugin_keeps_the_rules_of_the_house(project: Path) -> None:
    tools = Path(sys.executable).parent
    style = ["check", "--config", str(REPOSITORY / "pyproject.toml"), "--ignore", "I,INP", "acme"]
    for command in (["ruff", *style], ["mypy", "--strict", "acme"]):
        environment = {**os.environ, "MYPYPATH": str(REPOSITORY)}
        outcome = subprocess.run(
            [str(tools / command[0]), *command[1:]],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_hub_finds_and_uses_the_installed_plugin(tutorial: list[Block], project: Path) -> None:
    (install,) = commands_of(tutorial, "pip")
    run(install, project)
    listing, parse = commands_of(tutorial, "hub")
    assert "acme" in run(listing, project)
    (file,) = json.loads(run(parse, project))
    assert file["refused"] is None
    (document,) = file["documents"]
    found = {key: document[key] for key in ("kind", "number", "grand_total", "paid", "tax_total")}
    assert found == {"kind": "order", "number": "A-2001", "grand_total": "17.40", "paid": False, "tax_total": None}
