"""`hub plugin`: what is installed. Needs no database, but for the rehearsal of another version."""

from dataclasses import asdict
from typing import Any

import click

from hub.cli.environment import load_settings
from hub.cli.lazy import LazyGroup
from hub.cli.output import emit, json_option, say
from hub.cli.tables import print_facts, print_table
from hub.host.plugins import PluginHost
from hub.host.values import PluginInfo
from hub.kit.errors import NotFound
from hub.kit.log import configure_logging

_HERE = "hub.cli.commands.plugin"
_PLACES = {
    "list": (f"{_HERE}:list_plugins", "List all plugins; a quarantined one has a reason and harms nobody."),
    "show": (f"{_HERE}:show", "Show one plugin with its settings."),
    "rehearse": ("hub.cli.commands.rehearse:rehearse_command", "Compare another version with what is stored."),
}


@click.group(cls=LazyGroup, places=_PLACES)
def plugin() -> None:
    """See which plugins are installed, what they can do and why one is out of use; rehearse an upgrade."""


@click.command("list")
@json_option
def list_plugins(as_json: bool) -> None:
    """List all plugins; a quarantined one has a reason and harms nobody."""
    infos = _infos()
    if as_json:
        emit([_document(info) for info in infos])
        return
    rows = [asdict(info) for info in infos]
    print_table(rows, ("id", "kind", "version", "state", "label", "capabilities"), empty="No plugin is installed.")
    for info in infos:
        if info.reason is not None:
            say(f"{info.id} is quarantined: {info.reason}")


@click.command()
@click.argument("plugin_id", metavar="ID")
@json_option
def show(plugin_id: str, as_json: bool) -> None:
    """Show one plugin with its settings."""
    info = next((info for info in _infos() if info.id == plugin_id), None)
    if info is None:
        raise NotFound("plugin", plugin_id)
    if as_json:
        emit(_document(info))
        return
    facts = _document(info)
    schema, trace = facts.pop("settings_schema") or {}, facts.pop("trace")
    print_facts({name: value for name, value in facts.items() if value})
    required = schema.get("required", ())
    rows = [
        {"setting": name, "type": _kind(field), "required": name in required, "meaning": field.get("description")}
        for name, field in schema.get("properties", {}).items()
    ]
    if rows:
        say("")
        print_table(rows, ("setting", "type", "required", "meaning"), empty="")
    if trace:
        say(f"\n{trace}")


def _infos() -> list[PluginInfo]:
    settings = load_settings()
    # the list itself tells what is quarantined; the same as a log line would only repeat it
    configure_logging(form=settings.log_format, level="error")
    return [info for info in PluginHost.load(modules=settings.plugin_modules).plugins() if info.origin != "hub"]


def _document(info: PluginInfo) -> dict[str, Any]:
    return {**asdict(info), "settings_schema": info.settings_schema}


def _kind(field: dict[str, Any]) -> str:
    several = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    found = several[0] if several else field
    if found.get("format") == "password":
        return "secret"
    return str(found.get("type") or ("choice" if "enum" in found else "object"))
