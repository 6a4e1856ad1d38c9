"""`hub routing types`: what rules are made of."""

from typing import Any

import click
import yaml

from hub.cli.environment import load_settings
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_table
from hub.flows.runtime import load_plugins
from hub.routing.service.types import definitions_of, rule_types

PARTS = ("facts", "filters", "actions", "rankers", "strategies")
_COLUMNS = {
    "facts": ("name", "type", "sections", "about", "example"), "filters": ("name", "source", "about"),
    "actions": ("section", "action", "about"), "rankers": ("name", "source", "about"),
    "strategies": ("name", "source", "about"),
}  # fmt: skip


@click.command()
@click.argument("part", type=click.Choice(PARTS), required=False)
@click.option("--examples", is_flag=True, help="Show how each action is written, as YAML.")
@json_option
def types(part: str | None, examples: bool, as_json: bool) -> None:
    """List what rules are made of: facts, filters, actions, rankers, strategies; plugins' own included.

    --json has the JSON Schema of every action and of a whole rule set.
    """
    found = rule_types(load_plugins(load_settings()))
    if as_json:
        emit(found if part is None else found[part])
        return
    if examples:
        for row in _actions(found):
            say(yaml.safe_dump(row["examples"], sort_keys=False, allow_unicode=True).rstrip())
        return
    for name in PARTS if part is None else (part,):
        say(f"{name.capitalize()}")
        print_table(_actions(found) if name == "actions" else found[name], _COLUMNS[name], empty="none")


def _actions(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "section": section, "action": one["properties"]["action"]["const"],
            "about": one["description"].splitlines()[0], "examples": one["examples"],
        }
        for section, schema in found["actions"].items()
        for one in definitions_of(schema)
        if "examples" in one
    ]  # fmt: skip
