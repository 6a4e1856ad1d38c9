"""From a module to a checked plugin: every fault is a reason in words, and none leaves this module as an error."""

import inspect
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from traceback import format_exception
from typing import Any

import pluggy
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from hub.host.rules.manifest import fault_of
from hub.host.values import PluginInfo
from hub.sdk.adapters import Adapter, Carrier, Channel, Erp
from hub.sdk.manifest import Manifest

GROUP = "hub.plugins"
REGISTRATION: Mapping[str, tuple[str, type[Adapter[Any]]]] = {
    "hub_channels": ("channel", Channel), "hub_carriers": ("carrier", Carrier), "hub_erps": ("erp", Erp),
}  # fmt: skip
"""Hooks that register adapters, with the kind and the base class of what they give."""
_TRACE_LINES = 12


class PluginFault(Exception):
    """Why one plugin is quarantined."""


@dataclass(slots=True)
class Found:
    """A plugin on its way in: `plugin` is what pluggy registers."""

    name: str
    origin: str
    plugin: Any = None
    own: bool = False
    adapters: list[type[Adapter[Any]]] = field(default_factory=list)
    hooks: tuple[str, ...] = ()
    reason: str | None = None
    trace: str | None = None

    def refuse(self, error: BaseException, reason: str | None = None) -> None:
        """Quarantine it for an error."""
        self.reason = reason or " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, PluginFault):
            self.trace = short_trace(error)


def discover(modules: Iterable[str]) -> list[Found]:
    """Plugins of the entry points and of further modules, each imported; the hub's own come first, then by name."""
    candidates = [(entry.name, entry.value) for entry in entry_points(group=GROUP)]
    candidates.extend((module, module) for module in modules)
    ordered = sorted(candidates, key=lambda item: (not item[1].startswith("plugins."), item[0]))
    once: dict[str, str] = {}
    for name, module in ordered:
        once.setdefault(module, name)
    return [_imported(name, module) for module, name in once.items()]


def _imported(name: str, module: str) -> Found:
    found = Found(name=name, origin=module)
    path, _, attribute = module.partition(":")
    try:
        imported = import_module(path)
        found.plugin = getattr(imported, attribute) if attribute else imported
    except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may fail in any way, and must not stop the hub
        found.refuse(error, f"it cannot be imported: {type(error).__name__}: {error}")
    return found


def ask_for_adapters(found: Found, hook: str, implementation: pluggy.HookImpl) -> None:
    """Call one registering hook of the plugin and check what it gives; `PluginFault` names the first fault."""
    kind, base = REGISTRATION[hook]
    given = implementation.function()
    if not isinstance(given, Iterable):
        raise PluginFault(f"{hook} must return a list of adapter classes, not {type(given).__name__}")
    for adapter in given:
        _check(adapter, kind, base)
        found.adapters.append(adapter)


def _check(adapter: Any, kind: str, base: type[Adapter[Any]]) -> None:
    if not (isinstance(adapter, type) and issubclass(adapter, base)):
        raise PluginFault(f"{getattr(adapter, '__name__', adapter)!r} is not a subclass of hub.sdk's {base.__name__}")
    fault = fault_of(getattr(adapter, "manifest", None), kind=kind)
    if fault is not None:
        raise PluginFault(f"{adapter.__name__}: {fault}")
    missing = sorted(getattr(adapter, "__abstractmethods__", ()))
    if missing:
        raise PluginFault(f"{adapter.__name__} does not implement {', '.join(missing)}")
    model = getattr(adapter, "settings_model", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise PluginFault(f"{adapter.__name__}: settings_model must be a pydantic model")
    try:
        model.model_json_schema()
    except PydanticUserError as error:
        raise PluginFault(f"{adapter.__name__}: no form can be made of its settings: {error.message}") from error


def describe(found: Found) -> list[PluginInfo]:
    """One entry for each adapter, or one for a plugin that has hooks only or is quarantined."""
    manifest = getattr(found.plugin, "MANIFEST", None)
    if found.reason is None and found.adapters:
        return [_of_adapter(found, adapter) for adapter in found.adapters]
    stated = manifest if isinstance(manifest, Manifest) else None
    if stated is None and found.adapters:
        stated = found.adapters[0].manifest
    return [
        PluginInfo(
            id=stated.id if stated else found.name,
            kind=stated.kind if stated else "hooks",
            version=stated.version if stated else "",
            label=stated.label if stated else found.name,
            origin=found.origin,
            state="quarantined" if found.reason else "active",
            hooks=found.hooks,
            reason=found.reason,
            trace=found.trace,
        )
    ]


def _of_adapter(found: Found, adapter: type[Adapter[Any]]) -> PluginInfo:
    level, grades = _quality(found.plugin)
    return PluginInfo(
        id=adapter.manifest.id,
        kind=adapter.manifest.kind,
        version=adapter.manifest.version,
        label=adapter.manifest.label,
        origin=found.origin,
        capabilities=tuple(sorted(adapter.capabilities())),
        hooks=found.hooks,
        settings_schema=adapter.settings_model.model_json_schema(),
        quality_level=level,
        quality=grades,
    )


def _quality(plugin: Any) -> tuple[str | None, dict[str, int] | None]:
    """The level and the number of rules of each grade that the plugin's `quality.toml` states."""
    file = getattr(plugin, "__file__", None) or inspect.getsourcefile(type(plugin))
    path = Path(file).parent / "quality.toml" if file else None
    if path is None or not path.is_file():
        return None, None
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return "unreadable", None
    rules = document.get("rules")
    grades = Counter(
        str(rule.get("status", "todo") if isinstance(rule, dict) else rule)
        for rule in (rules.values() if isinstance(rules, dict) else ())
    )
    level = document.get("level")
    return (str(level) if level else None), dict(grades) or None


def short_trace(error: BaseException) -> str:
    """The end of a traceback: enough to find the line, short enough for a list."""
    lines = "".join(format_exception(error, limit=-4, chain=False)).splitlines()
    return "\n".join(lines[-_TRACE_LINES:])
