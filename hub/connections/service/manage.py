"""Add and change connections; secrets are sealed here and never leave."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy.orm import Session

from hub.connections import repository
from hub.connections.events import carrier_changed
from hub.connections.service.adapters import Adapters, ConnectionInfo, describe, validate_policy, validate_settings
from hub.connections.tables import ConnectionRow
from hub.jobs.service.publish import publish
from hub.kit.crypto import SecretBox
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id
from hub.sdk.adapters import Adapter


def add_connection(
    session: Session,
    *,
    adapters: Adapters,
    secrets: SecretBox,
    name: str,
    kind: str,
    plugin: str,
    account: str,
    settings: Mapping[str, Any],
    mode: str,
    at: datetime,
    import_from: datetime | None = None,
    policy: Mapping[str, Any] | None = None,
    allow_private: bool = False,
) -> ConnectionInfo:
    """A new account of an adapter. `settings` may hold secrets: those fields are sealed, the others are readable.

    A live channel that can be pulled begins at `at` unless `import_from` is stated: connecting a shop never ships its
    history.
    """
    if repository.by_name(session, name) is not None:
        raise StateConflict("connection_exists", f"There is a connection {name!r} already; choose another name.")
    adapter = adapters.adapter_class(kind, plugin)
    validate_settings(adapter, settings)
    validate_policy(policy or {})
    if mode == "live":
        import_from = _import_from(adapter, import_from, at)
    open_part, secret_part = split_secrets(adapter, settings)
    row = ConnectionRow(
        connection_id=new_id(), name=name, kind=kind, plugin=plugin, account=account, mode=mode, enabled=True,
        import_from=import_from, settings=open_part, secrets=secrets.seal(secret_part) if secret_part else None,
        policy=dict(policy or {}), cursor={}, allow_private=allow_private, version=1, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _tell(session, row)
    return describe(row)


def change_connection(
    session: Session,
    *,
    adapters: Adapters,
    secrets: SecretBox,
    name: str,
    expected_version: int,
    values: Mapping[str, Any],
    at: datetime,
) -> ConnectionInfo:
    """Change mode, settings, policy, import date or enabled.

    Secrets that are not given stay as they are; one that is given as None is removed. A channel that goes live begins
    at `at` as a new one does.
    """
    row = repository.by_name(session, name)
    if row is None:
        raise NotFound("connection", name)
    changed = dict(values)
    validate_policy(changed.get("policy", {}))
    goes_live = changed.get("mode") == "live" and row.mode != "live"
    if goes_live and "import_from" not in changed:
        changed["import_from"] = _import_from(adapters.adapter_class(row.kind, row.plugin), row.import_from, at)
    if "settings" in changed:
        adapter = adapters.adapter_class(row.kind, row.plugin)
        kept = secrets.open(row.secrets) if row.secrets else {}
        validate_settings(adapter, {**kept, **changed["settings"]})
        open_part, secret_part = split_secrets(adapter, changed["settings"])
        gone = {name for name in secret_fields(adapter) if changed["settings"].get(name, "") is None}
        left = {name: value for name, value in {**kept, **secret_part}.items() if name not in gone}
        changed["settings"] = open_part
        changed["secrets"] = secrets.seal(left) if left else None
    if not repository.change(session, row.connection_id, expected_version=expected_version, values=changed):
        raise StateConflict("version_conflict", f"Connection {name!r} was changed meanwhile; read it again.")
    session.expire(row)
    _tell(session, row)
    return describe(row)


def _tell(session: Session, row: ConnectionRow) -> None:
    """Orders may wait for what a carrier offers."""
    if row.kind == "carrier":
        publish(session, [carrier_changed(connection_id=row.connection_id, version=row.version)])


def _import_from(adapter: type[Adapter[Any]], stated: datetime | None, at: datetime) -> datetime | None:
    """From when on the orders of a live connection count: as stated, else now where old ones may come by themselves."""
    return at if stated is None and "list_changes" in adapter.capabilities() else stated


def rotate_secrets(session: Session, *, secrets: SecretBox) -> int:
    """Encrypt all secrets anew under the newest key; returns how many."""
    rows = [row for row in repository.listed(session, kind=None, after=None, limit=10_000) if row.secrets]
    for row in rows:
        row.secrets = secrets.rotate(row.secrets or b"")
        row.version += 1
    return len(rows)


def split_secrets(adapter: type[Adapter[Any]], settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings apart from the values of `SecretStr` fields."""
    names = secret_fields(adapter)
    found = {name: value for name, value in settings.items() if name in names and value is not None}
    for name, value in found.items():
        if not isinstance(value, str):
            raise InvalidInput("invalid_settings", f"{name}: must be text")
    return {name: value for name, value in settings.items() if name not in names}, found


def secret_fields(adapter: type[Adapter[Any]]) -> frozenset[str]:
    """Names of the settings that are secrets."""
    return frozenset(
        name
        for name, field in adapter.settings_model.model_fields.items()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    )
