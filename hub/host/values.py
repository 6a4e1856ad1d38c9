"""What the host tells others about plugins and about the outcome of hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin as `hub plugin list` and `/v1/plugins` show it.

    `kind` is channel, carrier, erp or hooks. A quarantined plugin has a `reason` and the end of its `trace`; it may
    have no manifest, then `id` is the name it was found under. `settings_schema` is JSON schema. `quality` counts the
    grades of its `quality.toml`. `origin` is the module.
    """

    id: str
    kind: str
    version: str
    label: str
    origin: str
    state: Literal["active", "quarantined"] = "active"
    capabilities: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    reason: str | None = None
    trace: str | None = None
    settings_schema: Mapping[str, Any] | None = None
    quality_level: str | None = None
    quality: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class HookFailure:
    """One implementation of a hook failed; the others were called all the same.

    `summary` says what and where without the error's message, which may quote personal data.
    """

    plugin: str
    hook: str
    error: Exception = field(repr=False)

    @property
    def summary(self) -> str:
        """The kind of error and the innermost place in the code."""
        frames = extract_tb(self.error.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{self.plugin}: {self.hook} raised {type(self.error).__name__}{place}"


@dataclass(frozen=True, slots=True)
class HookResults(Generic[T]):
    """What the implementations of a hook gave, each value with its plugin, and which of them failed."""

    results: tuple[tuple[str, T], ...]
    failures: tuple[HookFailure, ...]
