"""Connections by name for the intake doors, remembered for less than a second so that a storm of webhooks asks once."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool

from hub.connections import repository
from hub.connections.service.adapters import Adapters, ConnectionInfo, describe
from hub.connections.service.check import open_adapter
from hub.kit.clock import monotonic
from hub.kit.db import Database
from hub.kit.errors import NotFound, StateConflict
from hub.sdk.adapters import Adapter

REMEMBERED_SECONDS = 0.8
MOST_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection and its adapter."""

    info: ConnectionInfo
    adapter: Adapter[Any]
    capabilities: frozenset[str]


class OpenConnections:
    """Asks the database once for any number of requests; used from one event loop."""

    def __init__(self, database: Database, adapters: Adapters) -> None:
        self._database = database
        self._adapters = adapters
        self._known: dict[str, tuple[float, asyncio.Task[Opened | None]]] = {}

    async def get(self, name: str) -> Opened:
        """The connection; 404 where there is none, 409 where a person has disabled it."""
        found = self._known.get(name)
        if found is None or found[0] < monotonic():
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            found = monotonic() + REMEMBERED_SECONDS, asyncio.ensure_future(run_in_threadpool(self._load, name))
            self._known[name] = found
        try:
            opened = await asyncio.shield(found[1])
        except Exception:
            self._known.pop(name, None)
            raise
        if opened is None:
            raise NotFound("connection", name)
        if not opened.info.enabled:
            raise StateConflict("connection_disabled", f"Connection {name!r} is disabled: enable it, then send again.")
        return opened

    def _load(self, name: str) -> Opened | None:
        with self._database.read() as session:
            row = repository.by_name(session, name)
            if row is None:
                return None
            info = describe(row)
        adapter = open_adapter(self._adapters, info)
        return Opened(info, adapter, adapter.capabilities())
