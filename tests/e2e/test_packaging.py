"""The installed wheel works without the checkout: migrations, samples and plugins travel in it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import REPOSITORY
from tests.servers import free_port

COMMANDS = [
    ("--help",),
    ("init",),
    ("db", "upgrade"),
    ("db", "current"),
    ("plugin", "list"),
    ("demo",),
]
DEMO_SECONDS = 240


@dataclass(frozen=True)
class Installation:
    """A fresh environment that holds the wheel; its libraries are those of this environment."""

    wheel: Path
    folder: Path

    def run(self, program: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in an empty folder, with nothing of the checkout in reach."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ORDERHUB_", "PYTHON"))
        }
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=home,
            env={**inherited, "ORDERHUB_DATA_DIR": str(home / "var"), "ORDERHUB_PORT": str(free_port())},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEMO_SECONDS,
        )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place = tmp_path_factory.mktemp("packaging")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place), str(REPOSITORY)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = place.glob("*.whl")
    folder = place / "environment"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    purelib = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    # the libraries only: a path file inside a path file is not followed, so the editable checkout stays out
    (purelib / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installation(wheel, folder)


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
