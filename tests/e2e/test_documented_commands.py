"""Every command in the README, the docs and the plugins' pages works.

A shell block is run where the line before it says so, in a folder and with a database of the page's own:

- `<!-- run -->`: run the block; the blocks of a page share one folder and one data folder, in order
- `<!-- serve -->`: start the block's one command, wait until the hub is ready, stop it at the end of the page
- `<!-- file: NAME -->`: a block of any language that is written to a file first
- `<!-- not run: REASON -->`: never run, with the reason why

Blocks that only clone the repository or call `make` need no mark: their targets are looked up in the Makefile.
Addresses in `.example` domains and the default port stand for what the test starts instead.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.markdown import SHELLS, Block, blocks, pages
from tests.e2e.warm_hub import warm_hub
from tests.peers import REPOSITORY, require_peer
from tests.servers import PostgresServer, free_port

DATABASE = "postgresql://orderhub:secret@db.example/orderhub"
BROKER = "amqp://orderhub:secret@mq.example:5672"
DEFAULT_PORT = "8400"
READY_SECONDS = 60
TOOLS = ("curl", "openssl")
"""What pages call beside `hub`: on most machines, not on all."""
TUTORIAL = "docs/tutorials/first-channel-plugin.md"
"""Has a test of its own: it also makes a package."""

SHELL_BLOCKS = [block for page in pages() for block in blocks(page) if block.language in SHELLS]
RUN_PAGES = sorted({block.page for block in SHELL_BLOCKS if block.mark in ("run", "serve")} - {TUTORIAL})


def is_setup(command: list[str]) -> bool:
    """Cloning, or a target of the Makefile."""
    if command[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
        named = {word for word in command[1:] if "=" not in word}
        return bool(named) and named <= targets
    return command[:2] == ["git", "clone"] or command[0] == "cd"


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=lambda block: block.where)
def test_no_command_escapes_the_tests(block: Block) -> None:
    marked = re.fullmatch(r"run|serve|file: \S+|not run: .{10,}", block.mark) is not None
    commands = block.commands()
    only_setup = bool(commands) and all(is_setup(command) for command in commands)
    assert marked or only_setup, f"{block.where}: {commands or 'no command'}: mark it, see {Path(__file__).name}"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a `hub` that starts at once."""
    with warm_hub(tmp_path_factory.mktemp("warm")) as folder:
        yield folder


@pytest.mark.parametrize("page", RUN_PAGES)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path, programs: Path, request: pytest.FixtureRequest) -> None:
    for tool in TOOLS:
        if any(block.page == page and re.search(rf"\b{tool} ", block.text) for block in SHELL_BLOCKS):
            require_peer(tool, shutil.which(tool) is not None, f"{page} calls it, install {tool}")
    port = str(free_port())
    stand_ins = {DEFAULT_PORT: port, **servers_for(page, request)}
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "ORDERHUB_"))},
        "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"])),
        "ORDERHUB_DATA_DIR": str(tmp_path / "var"),
        "ORDERHUB_PORT": port,
        "NO_COLOR": "1",
    }
    with ExitStack() as running:
        for block in blocks(REPOSITORY / page):
            text = block.text
            for documented, real in stand_ins.items():
                text = text.replace(documented, real)
            if block.mark.startswith("file: "):
                (tmp_path / block.mark.removeprefix("file: ")).write_text(text, "utf-8")
            elif block.mark == "run":
                assert_runs(script(block, text), block.where, tmp_path, environment)
            elif block.mark == "serve":
                running.enter_context(serving(script(block, text), block.where, tmp_path, environment))


def servers_for(page: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Real servers for the made-up addresses that a page names."""
    text = (REPOSITORY / page).read_text("utf-8")
    found = {}
    if DATABASE in text:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = re.sub(r"\W", "_", page)
        server.drop_database(name)
        found[DATABASE] = server.create_database(name)
    if BROKER in text:
        found[BROKER] = request.getfixturevalue("rabbitmq_url")
    return found


def script(block: Block, text: str) -> str:
    """The lines that a reader would type."""
    lines = text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return "\n".join(lines)


def assert_runs(commands: str, where: str, folder: Path, environment: dict[str, str]) -> None:
    outcome = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert outcome.returncode == 0, f"{where}\n{commands}\n{outcome.stdout[-2000:]}\n{outcome.stderr[-2000:]}"


@contextmanager
def serving(commands: str, where: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    log = folder / "serve.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"exec {commands}"],
            cwd=folder,
            env=environment,
            stdout=sink,
            stderr=sink,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"http://127.0.0.1:{environment['ORDERHUB_PORT']}/readyz"):
            assert process.poll() is None, f"{where}: ended\n{log.read_text(errors='replace')[-2000:]}"
            assert time.monotonic() < deadline, f"{where}: not ready\n{log.read_text(errors='replace')[-2000:]}"
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
