"""Plugins on the wire."""

from collections.abc import Mapping
from typing import Any, Literal

from hub.kit.web_types import Out


class PluginOut(Out):
    """A plugin; a quarantined one has a `reason` and is not used."""

    id: str
    kind: str
    version: str
    label: str
    origin: str
    state: Literal["active", "quarantined"]
    capabilities: list[str]
    hooks: list[str]
    reason: str | None
    settings_schema: Mapping[str, Any] | None
    quality_level: str | None
    quality: Mapping[str, int] | None
