"""The units, their settings and the container file name only what there is, and stop no sooner than the hub does."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest

from hub.cli.commands.serve import DRAIN_SECONDS
from hub.cli.main import main
from hub.kit.settings import Settings
from hub.worker.broker import QUEUES
from hub.worker.run import BEAT_SECONDS
from tests.e2e.command_line import HUB, Hub
from tests.peers import REPOSITORY, require_peer
from tests.servers import free_port

DEPLOY = REPOSITORY / "examples" / "deploy"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/orderhub/bin/hub"
EXPOSURE = 2.0
"""Of 10, as `systemd-analyze security` weighs what a unit may do."""


def unit(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def started(path: Path) -> list[str]:
    """The command of a unit, for the first queue, with systemd's folders in place."""
    program, *arguments = shlex.split(unit(path)["Service"]["ExecStart"])
    assert program == PROGRAM
    return [word.replace("%i", QUEUES[0]).replace("%S", "/var/lib") for word in arguments]


def settings_of(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_each_unit_starts_a_command_that_there_is(path: Path) -> None:
    command: click.Command = main
    context = click.Context(main)
    arguments = started(path)
    while isinstance(command, click.Group):
        found = command.get_command(context, arguments.pop(0))
        assert found is not None
        command = found
    command.make_context(path.stem, arguments)  # raises where an option is unknown or its value does not fit


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.env")), ids=lambda path: path.name)
def test_each_setting_is_one(path: Path) -> None:
    given = settings_of(path)
    names = {f"ORDERHUB_{name.upper()}" for name in Settings.model_fields}
    assert given
    assert set(given) <= names
    Settings.model_validate({name.removeprefix("ORDERHUB_").lower(): value for name, value in given.items()})


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_the_files_of_settings_are_here(path: Path) -> None:
    named = re.findall(r"^EnvironmentFile=-?/etc/orderhub/(\S+)$", path.read_text("utf-8"), re.MULTILINE)
    assert "hub.env" in named
    for name in named:
        assert list(DEPLOY.glob(name.replace("%i", "*"))), name


def test_units_wait_for_what_is_in_hand() -> None:
    needed = {
        "hub-api": DRAIN_SECONDS,
        "hub-worker": BEAT_SECONDS + Settings().drain_seconds,
        "hub-worker@": BEAT_SECONDS + Settings().drain_seconds,
        "hub": DRAIN_SECONDS + BEAT_SECONDS + Settings().drain_seconds,
    }
    for name, seconds in needed.items():
        service = unit(DEPLOY / "systemd" / f"{name}.service")["Service"]
        assert int(service["TimeoutStopSec"]) > seconds, name
        assert (service["Restart"], service["KillSignal"], service["User"]) == ("always", "SIGTERM", "orderhub")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """The program they start is elsewhere on this machine; all else is as it is written."""
    tool = shutil.which("systemd-analyze")
    require_peer("systemd-analyze", tool is not None, "install the package systemd")
    for path in (DEPLOY / "systemd").iterdir():
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace(PROGRAM, str(HUB)))
    (tmp_path / f"hub-worker@{QUEUES[2]}.service").write_text((tmp_path / "hub-worker@.service").read_text())
    units = [str(path) for path in sorted(tmp_path.iterdir()) if not path.stem.endswith("@")]
    checked = subprocess.run([str(tool), "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    for path in tmp_path.glob("*.service"):
        weighed = subprocess.run(
            [str(tool), "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert weighed.returncode == 0, (path.name, weighed.stdout[-300:])


def steps() -> list[tuple[str, str]]:
    """(instruction, rest) of the container file, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, " ".join(rest.split())) for name, _, rest in (line.partition(" ") for line in lines)]


def test_what_the_container_file_copies_is_enough_to_build(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for words in [rest.split() for name, rest in steps() if name == "COPY" and "--from" not in rest]:
        target = tmp_path / words[-1].lstrip("/")
        for word in words[:-1]:
            if (REPOSITORY / word).is_dir():
                shutil.copytree(REPOSITORY / word, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.mkdir(exist_ok=True)
                shutil.copy(REPOSITORY / word, target)
    (install,) = [rest for name, rest in steps() if name == "RUN" and " pip install " in rest]
    assert install.endswith("--constraint /source/constraints.txt /source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert list(tmp_path.glob("orderhub-*.whl"))


def test_the_container_starts_serves_and_is_found_well(tmp_path: Path) -> None:
    """Its entry, its command, its settings and its question after its health, on this machine's folders."""
    told = {name: rest for name, rest in steps() if name in ("ENTRYPOINT", "CMD", "ENV", "HEALTHCHECK", "EXPOSE")}
    environment = dict(word.split("=", 1) for word in shlex.split(told["ENV"]))
    assert told["EXPOSE"] == environment["ORDERHUB_PORT"] == str(Settings.model_fields["port"].default)
    port = str(free_port())
    moved = {"ORDERHUB_DATA_DIR": str(tmp_path / "var"), "ORDERHUB_PORT": port, "ORDERHUB_HOST": "127.0.0.1"}
    kept = {name: value for name, value in environment.items() if name.startswith("ORDERHUB_")}
    assert kept.keys() >= moved.keys()
    hub = Hub(tmp_path, {**kept, **moved})
    hub.ok("init")
    assert json.loads(told["ENTRYPOINT"]) == [HUB.name]
    command = json.loads(told["CMD"])
    health = json.loads(told["HEALTHCHECK"].partition("CMD ")[2])
    with hub.running(*command) as process:
        hub.wait_until_ready(f"http://127.0.0.1:{port}", process)
        asked = [sys.executable, *health[1:]]
        assert subprocess.run(asked, env={**os.environ, **hub.settings}, check=False).returncode == 0
    assert subprocess.run(asked, env={**os.environ, **hub.settings}, check=False, capture_output=True).returncode != 0
