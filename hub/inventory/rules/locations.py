"""Locations as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LocationKind = Literal["warehouse", "store", "vendor", "virtual"]
Handling = Literal["own", "outside"]


@dataclass(frozen=True, slots=True)
class Location:
    """A place that stock is kept at and shipped from.

    `address` is a canonical address as JSON. `handling` says who does the work there; an outside warehouse is told as
    `notify` says. `channel_refs` maps an account to what it calls this place. `rank` is a plain preference, low first.
    """

    code: str
    name: str
    kind: LocationKind = "warehouse"
    handling: Handling = "own"
    address: Mapping[str, Any] = field(default_factory=dict)
    latitude: float | None = None
    longitude: float | None = None
    capabilities: tuple[str, ...] = ()
    channel_refs: Mapping[str, str] = field(default_factory=dict)
    notify: Mapping[str, Any] = field(default_factory=dict)
    rank: int = 0
    enabled: bool = True
    version: int = 1
