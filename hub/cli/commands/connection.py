"""`hub connection`: accounts of shops, carriers and ledgers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.cli.bootstrap import open_runtime, reading, tell_about_work, writing
from hub.cli.environment import actor
from hub.cli.options import INSTANT, JSON_OBJECT, JsonObject
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_facts, print_table
from hub.connections import repository
from hub.connections.service.adapters import ConnectionInfo, describe, load_by_name, validate_policy
from hub.connections.service.check import check_connection
from hub.connections.service.manage import add_connection, change_connection
from hub.connections.service.manage import rotate_secrets as seal_anew
from hub.connections.service.pause import pause_connection, resume_connection
from hub.flows.pull_channel import pull_job
from hub.jobs.service.publish import enqueue
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.errors import HubError, InvalidInput
from hub.kit.ids import new_id
from hub.sdk.values import Health

KINDS = ("channel", "carrier", "erp")
MODES = ("observe", "live")
_MANY = 10_000
_COLUMNS = ("name", "kind", "plugin", "account", "mode", "enabled", "import_from", "paused")


class Policy(JsonObject):
    """A connection's policy: a JSON object of the members that there are, or a usage error that names each fault."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """The policy as it was given."""
        found = super().convert(value, param, ctx)
        try:
            validate_policy(found)
        except InvalidInput as refused:
            self.fail(refused.detail, param, ctx)
        return found


POLICY = Policy()


@click.group()
def connection() -> None:
    """Connect shops, carriers and ledgers. A connection only observes until it is set live."""


@connection.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What it is.")
@click.option("--plugin", required=True, help="Which plugin speaks its language; see `hub plugin list`.")
@click.option("--account", required=True, help="The platform's own id of the shop, seller or contract.")
@click.option(
    "--settings", type=JSON_OBJECT, default="{}", help="Settings of the plugin as JSON or @file, secrets too."
)
@click.option(
    "--mode", type=click.Choice(MODES), default="observe", show_default=True, help="Whether anything goes out."
)
@click.option("--import-from", type=INSTANT, help="Orders placed before cause nothing outside.")
@click.option(
    "--policy", type=POLICY, default="{}", help="What is decided for this connection alone, as JSON or @file."
)
@click.option("--allow-private", is_flag=True, help="Its calls may go to private and loopback addresses.")
@json_option
def add(
    name: str, kind: str, plugin: str, account: str, settings: dict[str, Any], mode: str, import_from: datetime | None,
    policy: dict[str, Any], allow_private: bool, as_json: bool,
) -> None:  # fmt: skip
    """Add the connection NAME. Its secrets are encrypted and never shown again.

    A live channel that can be asked for its history begins now, unless --import-from says otherwise.

    Adding a shop again under the same --account finds its orders again instead of importing them twice.
    """
    with writing() as (runtime, session):
        at = runtime.clock.now()
        info = add_connection(
            session, adapters=runtime.adapters, secrets=runtime.secrets, name=name, kind=kind, plugin=plugin,
            account=account, settings=settings, mode=mode, at=at, import_from=import_from,
            policy=policy, allow_private=allow_private,
        )  # fmt: skip
        _note(session, "connection.created", None, info, at)
        _show(_document(info, None), as_json)
    if not as_json:
        note(
            f"Next: `hub connection check {name}`."
            + ("" if mode == "live" else f" Later: `hub connection set {name} --mode live`.")
        )


@connection.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@json_option
def list_connections(kind: str | None, as_json: bool) -> None:
    """List all connections in the order of their names."""
    with reading() as (_, session):
        rows = repository.listed(session, kind=kind, after=None, limit=_MANY)
        documents = [_document(describe(row), session.get(ConnectionHealthRow, row.connection_id)) for row in rows]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no connections: add one with `hub connection add`.")


@connection.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show one connection: its settings without the secrets, its policy, its health."""
    with reading() as (_, session):
        info = load_by_name(session, name)
        _show(_document(info, session.get(ConnectionHealthRow, info.connection_id)), as_json)


@connection.command()
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> None:
    """Ask the other side whether credentials and rights suffice; writes nothing there. Exits with 1 where they do not.

    A connection that was paused because its credentials were refused goes on after a good check.
    """
    with open_runtime() as runtime:
        found = check_connection(runtime.database, runtime.adapters, name=name).health
    _say_health(name, found, as_json)


@connection.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why, for whoever looks at it.")
@json_option
def pause(name: str, reason: str, as_json: bool) -> None:
    """Make no more calls to the connection NAME until `hub connection resume`; its work stays queued."""
    with writing() as (runtime, session):
        pause_connection(session, name=name, reason=reason, actor=actor(), at=runtime.clock.now())
    if as_json:
        emit({"connection": name, "paused": reason})
        return
    say(f"{name} is paused. Its work stays queued until `hub connection resume {name}`.")


@connection.command()
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Call the connection NAME again, with all that waited."""
    with writing() as (runtime, session):
        resume_connection(session, name=name, actor=actor(), at=runtime.clock.now())
    if as_json:
        emit({"connection": name, "paused": None})
        return
    say(f"{name} goes on, with all that waited.")


@connection.command("set")
@click.argument("name")
@click.option("--mode", type=click.Choice(MODES), help="Whether anything goes out.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it is used at all.")
@click.option("--settings", type=JSON_OBJECT, help="New settings as JSON or @file; secrets left out stay as they are.")
@click.option("--merge", is_flag=True, help="Change only the settings that --settings names.")
@click.option("--policy", type=POLICY, help="New policy as JSON or @file.")
@click.option("--import-from", type=INSTANT, help="Orders placed before cause nothing outside.")
@click.option("--allow-private/--refuse-private", default=None, help="Whether calls may go to private addresses.")
@json_option
def set_connection(
    name: str, mode: str | None, enabled: bool | None, settings: dict[str, Any] | None, merge: bool,
    policy: dict[str, Any] | None, import_from: datetime | None, allow_private: bool | None, as_json: bool,
) -> None:  # fmt: skip
    """Change the connection NAME; what is not named stays as it is."""
    given = {
        "mode": mode, "enabled": enabled, "settings": settings, "policy": policy, "import_from": import_from,
        "allow_private": allow_private,
    }  # fmt: skip
    values = {key: value for key, value in given.items() if value is not None}
    if not values:
        raise click.UsageError(
            "Say what to change: --mode, --enable, --settings, --policy, --import-from, --allow-private."
        )
    with writing() as (runtime, session):
        before = load_by_name(session, name)
        if merge and settings is not None:
            values["settings"] = {**before.settings, **settings}
        at = runtime.clock.now()
        info = change_connection(
            session, adapters=runtime.adapters, secrets=runtime.secrets, name=name, expected_version=before.version,
            values=values, at=at,
        )  # fmt: skip
        _note(session, "connection.changed", before, info, at)
        _show(_document(info, session.get(ConnectionHealthRow, info.connection_id)), as_json)


@connection.command()
@click.argument("name")
@json_option
def pull(name: str, as_json: bool) -> None:
    """Ask a channel for what changed since the last time; the worker does it."""
    with writing() as (runtime, session):
        info = load_by_name(session, name)
        if (
            info.kind != "channel"
            or "list_changes" not in runtime.adapters.adapter_class(info.kind, info.plugin).capabilities()
        ):
            raise InvalidInput(
                "cannot_pull", f"{info.plugin} cannot be pulled: it sends by itself, or it is no channel."
            )
        if not info.enabled:
            raise InvalidInput("disabled", f"{name} is disabled: `hub connection set {name} --enable` first.")
        enqueue(session, [pull_job(info.connection_id, f"{actor()}:{new_id()}")])
    if as_json:
        emit({"connection": name, "queued": True})
        return
    say(f"{name} will be asked for what changed.")
    tell_about_work(runtime)


@connection.command("rotate-secrets")
@json_option
def rotate_secrets(as_json: bool) -> None:
    """Encrypt all secrets anew under the newest key.

    Put the new key first (in ORDERHUB_SECRET_KEYS or on a line above the old one in the key file), run this, then take
    the old key out.
    """
    with writing() as (runtime, session):
        count = seal_anew(session, secrets=runtime.secrets)
    if as_json:
        emit({"rotated": count})
        return
    say(f"The secrets of {count} connections are encrypted under the newest key.")


def _note(session: Session, action: str, before: ConnectionInfo | None, after: ConnectionInfo, at: datetime) -> None:
    record(
        session, actor=actor(), action=action, subject_kind="connection", subject_id=after.connection_id,
        before=_document(before, None) if before else None, after=_document(after, None), at=at,
    )  # fmt: skip


def _say_health(name: str, found: Health, as_json: bool) -> None:
    if not found.ok:
        raise HubError(
            409, "check_failed", f"{name} does not work: {'; '.join(found.problems) or 'the plugin gives no reason'}",
            extra={"ok": False, "problems": list(found.problems), "details": dict(found.details)},
        )  # fmt: skip
    if as_json:
        emit({"connection": name, "ok": True, "problems": list(found.problems), "details": dict(found.details)})
        return
    say(f"{name} works.")
    print_facts(found.details)
    for problem in found.problems:
        say(f"but: {problem}")


def _document(info: ConnectionInfo, state: ConnectionHealthRow | None) -> dict[str, Any]:
    """The connection without its secrets."""
    return {
        "name": info.name, "kind": info.kind, "plugin": info.plugin, "account": info.account, "mode": info.mode,
        "enabled": info.enabled, "import_from": info.import_from, "allow_private": info.allow_private,
        "settings": dict(info.settings), "has_secrets": info.sealed is not None, "policy": dict(info.policy),
        "paused": state.paused_reason if state else None, "last_ok_at": state.last_ok_at if state else None,
        "connection_id": info.connection_id, "version": info.version,
    }  # fmt: skip


def _show(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        emit(document)
        return
    print_facts(document)
