"""What the handlers of jobs are given."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.connections.service.adapters import Adapters
from hub.flows.reference import Reference
from hub.host.plugins import PluginHost
from hub.kit.clock import Clock
from hub.kit.db import Database


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all handlers of a process."""

    clock: Clock
    host: PluginHost
    adapters: Adapters
    reference: Reference
    database: Database
    data_dir: Path
    hub_id: str
    call_seconds: float
    keep_days: Mapping[str, int]
    """How long rows are kept, by kind; 0 is for ever."""
