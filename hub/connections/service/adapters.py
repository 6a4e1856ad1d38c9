"""From a connection's row to a live adapter: settings validated, secrets opened, http guarded."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import orjson
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from hub.connections import repository
from hub.connections.rules.faults import refusal
from hub.connections.rules.policy import ConnectionPolicy
from hub.connections.tables import ConnectionRow
from hub.host.plugins import PluginHost
from hub.kit.clock import Clock
from hub.kit.crypto import SecretBox
from hub.kit.db import Database
from hub.kit.errors import HubError, NotFound
from hub.sdk.adapters import Adapter, Carrier, Channel, Erp
from hub.sdk.http import HttpClient

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """A connection as the hub's services see it; secrets stay sealed."""

    connection_id: str
    name: str
    kind: str
    plugin: str
    account: str
    mode: str
    enabled: bool
    import_from: datetime | None
    settings: Mapping[str, Any]
    sealed: bytes | None = field(repr=False)
    policy: Mapping[str, Any]
    allow_private: bool
    version: int

    @property
    def live(self) -> bool:
        """Whether anything may go out through it."""
        return self.enabled and self.mode == "live"

    @property
    def decided(self) -> ConnectionPolicy:
        """Its policy with every default filled in."""
        return _decided(orjson.dumps(self.policy))

    def causes_side_effects(self, placed_at: datetime) -> bool:
        """Whether an order placed then may cause anything outside: not while observing, not for history."""
        return self.live and (self.import_from is None or placed_at >= self.import_from)


def describe(row: ConnectionRow) -> ConnectionInfo:
    """The value of a row."""
    return ConnectionInfo(
        connection_id=row.connection_id, name=row.name, kind=row.kind, plugin=row.plugin, account=row.account,
        mode=row.mode, enabled=row.enabled, import_from=row.import_from, settings=row.settings, sealed=row.secrets,
        policy=row.policy, allow_private=row.allow_private, version=row.version,
    )  # fmt: skip


def load(session: Session, connection_ids: Collection[str]) -> dict[str, ConnectionInfo]:
    """Connections by id, fresh from the database."""
    return {row.connection_id: describe(row) for row in repository.by_ids(session, connection_ids)}


def load_by_name(session: Session, name: str) -> ConnectionInfo:
    """One connection by name; `NotFound` else."""
    row = repository.by_name(session, name)
    if row is None:
        raise NotFound("connection", name)
    return describe(row)


def load_kind(session: Session, kind: str) -> list[ConnectionInfo]:
    """All enabled connections of a kind (there are few)."""
    rows = repository.listed(session, kind=kind, after=None, limit=500)
    return [describe(row) for row in rows if row.enabled]


class DatabaseState:
    """The persistent small state of one connection's adapter; each call is its own transaction."""

    def __init__(self, database: Database, connection_id: str) -> None:
        self._database = database
        self._connection_id = connection_id

    def get(self, key: str) -> str | None:
        """The value, or None."""
        with self._database.read() as session:
            return repository.state_get(session, self._connection_id, key)

    def put(self, key: str, value: str) -> None:
        """Store the value."""
        with self._database.write() as session:
            repository.state_put(session, self._connection_id, key, value)


class Adapters:
    """Opens adapters and keeps one for each version of a connection."""

    def __init__(
        self,
        *,
        host: PluginHost,
        database: Database,
        secrets: SecretBox | None,
        clock: Clock,
        http_for: Callable[[ConnectionInfo, type[Adapter[Any]]], HttpClient],
    ) -> None:
        self._host = host
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._http_for = http_for
        self._open: dict[str, tuple[int, Adapter[Any]]] = {}
        self._lock = Lock()

    @property
    def host(self) -> PluginHost:
        """The plugins that adapters are made from."""
        return self._host

    def channel(self, info: ConnectionInfo) -> Channel[Any]:
        """The channel adapter of a connection."""
        return cast("Channel[Any]", self._get(info))

    def carrier(self, info: ConnectionInfo) -> Carrier[Any]:
        """The carrier adapter of a connection."""
        return cast("Carrier[Any]", self._get(info))

    def carrier_as_of(self, info: ConnectionInfo, settings: Mapping[str, Any]) -> Carrier[Any]:
        """The carrier adapter of a connection with earlier settings, for its pure functions; it is not kept."""
        return cast("Carrier[Any]", self._build(replace(info, settings=settings)))

    def erp(self, info: ConnectionInfo) -> Erp[Any]:
        """The ERP adapter of a connection."""
        return cast("Erp[Any]", self._get(info))

    def adapter_class(self, kind: str, plugin: str) -> type[Adapter[Any]]:
        """The class behind a plugin's id."""
        finders: dict[str, Callable[[str], type[Adapter[Any]]]] = {
            "channel": self._host.channel, "carrier": self._host.carrier, "erp": self._host.erp,
        }  # fmt: skip
        return finders[kind](plugin)

    def concurrency(self, session: Session, connection_ids: Collection[str]) -> dict[str, int]:
        """How many workers may call these connections at once: `max_concurrency` of the connection's policy, else of
        its plugin. A connection whose plugin is gone is not in the answer.
        """
        found = {}
        for connection_id, info in load(session, connection_ids).items():
            try:
                plugin = self.adapter_class(info.kind, info.plugin)
                found[connection_id] = info.decided.max_concurrency or plugin.manifest.max_concurrency
            except HubError:
                continue
        return found

    def plugin_of(self, session: Session, connection_id: str) -> tuple[str, str] | None:
        """Id and version of the plugin behind a connection; None where one of them is gone."""
        info = load(session, [connection_id]).get(connection_id)
        try:
            return None if info is None else (info.plugin, self.adapter_class(info.kind, info.plugin).manifest.version)
        except HubError:
            return None

    def renew_credentials(self, connection_id: str) -> bool:
        """Let the adapter get new credentials; False where it cannot. Call it with no transaction open."""
        with self._database.read() as session:
            info = load(session, [connection_id]).get(connection_id)
        if info is None:
            return False
        try:
            adapter = self._get(info)
            if not adapter.offers("renew_credentials"):
                return False
            adapter.renew_credentials()
        except Exception as error:  # noqa: BLE001  whatever went wrong, the connection is paused as if it could not
            log.warning("credentials.not_renewed", connection=info.name, error=type(error).__name__)
            return False
        log.info("credentials.renewed", connection=info.name)
        return True

    def _get(self, info: ConnectionInfo) -> Adapter[Any]:
        with self._lock:
            known = self._open.get(info.connection_id)
            if known is not None and known[0] == info.version:
                return known[1]
            adapter = self._build(info)
            self._open[info.connection_id] = (info.version, adapter)
            return adapter

    def _build(self, info: ConnectionInfo) -> Adapter[Any]:
        plugin = self.adapter_class(info.kind, info.plugin)
        secrets = self._secrets.open(info.sealed) if info.sealed and self._secrets else {}
        return plugin(
            settings=validate_settings(plugin, {**info.settings, **secrets}),
            http=self._http_for(info, plugin),
            clock=self._clock,
            log=structlog.get_logger().bind(connection=info.name),
            state=DatabaseState(self._database, info.connection_id),
        )


def validate_settings(plugin: type[Adapter[Any]], values: Mapping[str, Any]) -> BaseModel:
    """The plugin's settings model of these values; every fault at once, without the values themselves."""
    try:
        return plugin.settings_model.model_validate(values)
    except ValidationError as error:
        raise refusal("invalid_settings", f"The settings do not fit {plugin.manifest.id}", error) from error


@lru_cache(maxsize=256)
def _decided(policy: bytes) -> ConnectionPolicy:
    """Read once, however many batches ask: a policy changes seldom."""
    return validate_policy(orjson.loads(policy))


def validate_policy(values: Mapping[str, Any]) -> ConnectionPolicy:
    """The policy of these values with every default filled in; every fault at once, without the values themselves."""
    try:
        return ConnectionPolicy.model_validate(values)
    except ValidationError as error:
        raise refusal("invalid_policy", "The policy cannot be used", error) from error
