"""The wheel in an environment of its own, with nothing of the checkout in reach."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.peers import REPOSITORY
from tests.servers import free_port

COMMAND_SECONDS = 240


@dataclass(frozen=True)
class Installation:
    """A fresh environment that holds the wheel; its libraries are those of this environment."""

    wheel: Path
    folder: Path

    @property
    def hub(self) -> Path:
        """Its `hub`."""
        return self.folder / "bin" / "hub"

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process that is to know nothing but these settings."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ORDERHUB_", "PYTHON"))
        }
        return {**inherited, **settings}

    def run(self, program: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in an empty folder, with nothing of the checkout in reach."""
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=home,
            env=self.environment({"ORDERHUB_DATA_DIR": str(home / "var"), "ORDERHUB_PORT": str(free_port())}),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )


def install(place: Path) -> Installation:
    """Build the wheel and install it in a folder."""
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
