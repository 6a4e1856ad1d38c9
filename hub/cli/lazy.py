"""A click group whose commands are imported when they are called: `hub --help` and `hub parse` load nothing else."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

JSON_WANTED = "hub.json"
"""Key in the context's `meta`: the command line asks for machine output, of errors too."""


class LazyGroup(click.Group):
    """Knows of each command its place (`module:attribute`) and one line of help."""

    def __init__(
        self, name: str | None = None, *, places: Mapping[str, tuple[str, str]] | None = None, **options: Any
    ) -> None:
        super().__init__(name, **options)
        self._places = dict(places or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands in the order in which they are declared."""
        return [*self._places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is none of that name."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._places[cmd_name][0].partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}:{attribute} is not a click command")
        if not gc.isenabled():  # the script `hub`: what is imported stays, and is not looked through again at its end
            gc.freeze()
            gc.enable()
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but without importing every command to suggest a near name."""
        if args and args[0] not in self._places and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}. There are {', '.join(self._places)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the declared lines, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._places.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether machine output is wanted, before anything can go wrong."""
        ctx.meta[JSON_WANTED] = "--json" in args
        return super().parse_args(ctx, args)
