"""The outermost group: lazy, complete, and quick."""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hub.cli import main as module
from hub.cli.lazy import LazyGroup
from hub.cli.main import main
from tests.peers import REPOSITORY

HEAVY = (
    "sqlalchemy",
    "alembic",
    "fastapi",
    "uvicorn",
    "dramatiq",
    "cryptography",
    "reportlab",
    "hub.flows",
    "hub.kit.db",
)


def test_help_names_every_command() -> None:
    outcome = CliRunner().invoke(main, ["--help"])
    assert outcome.exit_code == 0
    assert [name for name in module.PLACES if f"\n  {name} " not in outcome.stdout] == []


@pytest.mark.parametrize("words", [[], ["routing"], ["stock"]])
def test_help_imports_no_command(words: list[str]) -> None:
    probe = f"import sys\nfrom hub.cli.main import main\nmain({[*words, '--help']}, standalone_mode=False)\n"
    loaded = modules_after(probe)
    own = {"hub.cli.commands", *(f"hub.cli.commands.{word}" for word in words)}
    assert not any(name.startswith(("hub.cli.commands", "pydantic", "sqlalchemy")) for name in loaded - own)


def test_parse_loads_neither_a_database_nor_a_server_nor_other_plugins() -> None:
    probe = (
        "import io, sys\nsys.stdin = io.TextIOWrapper(io.BytesIO(b'{}'))\nfrom hub.cli.main import main\n"
        "try: main(['parse', 'webhook', '-', '--json'])\nexcept SystemExit: pass\n"
    )
    loaded = modules_after(probe)
    assert "plugins.channels.webhook.adapter" in loaded
    assert [name for name in loaded if name.startswith((*HEAVY, "plugins.channels.shopify", "plugins.carriers"))] == []


def modules_after(probe: str) -> set[str]:
    outcome = subprocess.run(
        [sys.executable, "-c", f"{probe}\nprint(*sys.modules, sep='\\n', file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return set(outcome.stderr.split())


@pytest.mark.parametrize("name", [name for name in module.PLACES if name != "demo"])
def test_each_command_is_where_it_is_said_to_be(name: str) -> None:
    outcome = CliRunner().invoke(main, [name, "--help"])
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.startswith(f"Usage: main {name}")


def test_each_command_below_a_group_is_where_it_is_said_to_be() -> None:
    context = click.Context(main)
    for name in ("plugin", "routing", "stock"):
        group = main.get_command(context, name)
        assert isinstance(group, LazyGroup)
        assert [below for below in group.list_commands(context) if group.get_command(context, below) is None] == []


def test_an_unknown_command_is_refused_without_importing_any() -> None:
    outcome = CliRunner().invoke(main, ["order"])
    assert outcome.exit_code == 2
    assert "No such command 'order'" in outcome.stderr
    assert "orders" in outcome.stderr


def test_a_place_that_holds_no_command_is_a_bug_and_said_so() -> None:
    group = LazyGroup("x", places={"bad": ("hub.cli.main:PLACES", "")})
    with pytest.raises(TypeError, match="not a click command"):
        group.get_command(click.Context(group), "bad")


def mentioned() -> list[tuple[str, str]]:
    """Every command line that a message, a docstring or a page quotes, with its place."""
    folders = ("hub", "docs", "plugins")
    files = [path for name in folders for kind in ("*.py", "*.md") for path in (REPOSITORY / name).rglob(kind)]
    quoted = re.compile(r"`hub ([a-z][a-z-]*(?: [a-z][a-z-]*)?)[^`\n]*`")
    return [
        (match[1], path.relative_to(REPOSITORY).as_posix())
        for path in [*files, REPOSITORY / "README.md"]
        for match in quoted.finditer(path.read_text("utf-8"))
    ]


def test_every_command_that_is_quoted_exists() -> None:
    found = mentioned()
    assert len(found) > 20
    context = click.Context(main)
    wrong = []
    for line, place in found:
        name, _, below = line.partition(" ")
        command = main.get_command(context, name) if name in module.PLACES else None
        if command is None or (
            isinstance(command, click.Group) and below and below not in command.list_commands(context)
        ):
            wrong.append(f"{place}: hub {line}")
    assert wrong == []
