"""The installed wheel works without the checkout: migrations, samples and plugins travel in it."""

import zipfile
from pathlib import Path

import pytest

from tests.e2e.installation import Installation

COMMANDS = [
    ("--help",),
    ("init",),
    ("db", "upgrade"),
    ("db", "current"),
    ("plugin", "list"),
]


def test_the_wheel_holds_what_it_needs_and_nothing_else(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as archive:
        names = archive.namelist()
    assert {"hub/_migrations/env.py", "hub/cli/main.py", "plugins/channels/webhook/__init__.py"} <= set(names)
    assert [name for name in names if name.startswith("hub/_migrations/versions/") and name.endswith(".py")]
    assert [name for name in names if name.startswith("hub/_examples/")]
    assert {"hub/api/docs_page/index.html", "hub/api/docs_page/assets/start.js"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"hub", "plugins", "orderhub"}
    assert [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".sqlite3", ".key"))] == []


def test_it_runs_from_the_wheel(installation: Installation, tmp_path: Path) -> None:
    show = "import hub, hub.kit.schema as m; print(hub.__file__); print(m.script_location())"
    places = installation.run("python", "-c", show, home=tmp_path).stdout.split()
    assert [Path(place).is_relative_to(installation.folder) for place in places] == [True, True]
    assert places[1].endswith("hub/_migrations")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_works_from_the_wheel(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, command: tuple[str, ...]
) -> None:
    home = tmp_path_factory.mktemp("home")
    if command == ("db", "current"):
        assert installation.run("hub", "db", "upgrade", home=home).returncode == 0
    outcome = installation.run("hub", *command, home=home)
    assert outcome.returncode == 0, f"{outcome.stdout[-3000:]}\n{outcome.stderr[-3000:]}"
    assert outcome.stdout.strip()
