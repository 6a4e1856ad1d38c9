"""Ask whether a connection works, with no transaction open while the other side is asked."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters, ConnectionInfo, load_by_name
from hub.jobs.service.connection_health import resume
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.db import Database
from hub.sdk.adapters import Adapter
from hub.sdk.errors import PluginError
from hub.sdk.values import Health


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `resumed` tells that the connection was paused and goes on now."""

    health: Health
    resumed: bool = False


def open_adapter(adapters: Adapters, info: ConnectionInfo) -> Adapter[Any]:
    """The adapter of a connection of any kind."""
    openers = {"channel": adapters.channel, "carrier": adapters.carrier, "erp": adapters.erp}
    adapter: Adapter[Any] = openers[info.kind](info)
    return adapter


def check_connection(database: Database, adapters: Adapters, *, name: str) -> Checked:
    """Run the adapter's own check; a good one lets a paused connection go on.

    Opens its own two transactions: the call between them may take its time.
    """
    with database.read() as session:
        info = load_by_name(session, name)
    try:
        health = open_adapter(adapters, info).check()
    except PluginError as error:
        health = Health(ok=False, problems=(error.message,))
    if not health.ok:
        return Checked(health)
    with database.write() as session:
        return Checked(health, resumed=resume_if_stopped(session, info.connection_id))


def resume_if_stopped(session: Session, connection_id: str) -> bool:
    """Let a connection go on whose credentials were refused or whose breaker is open; whether it was. What a person
    paused stays so: that the other side works says nothing of the person's reason.
    """
    row = session.get(ConnectionHealthRow, connection_id)
    if row is None or row.paused_by is not None:
        return False
    if row.paused_reason is None and row.blocked_until is None and not row.failures_in_row:
        return False
    resume(session, connection_id=connection_id)
    return True
