"""Leave a connection alone on purpose, and let it go on: everything of it stays queued meanwhile, nothing is lost."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.connections.service.adapters import load_by_name
from hub.jobs import repository as jobs_repository
from hub.jobs.service.connection_health import pause, resume
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.errors import StateConflict


def pause_connection(session: Session, *, name: str, reason: str, actor: str, at: datetime) -> ConnectionHealthRow:
    """No call goes out from here on but those that are under way; webhooks are taken in as before."""
    info = load_by_name(session, name)
    row = jobs_repository.health(session, info.connection_id)
    before = {"paused_reason": row.paused_reason}
    pause(session, connection_id=info.connection_id, reason=reason, by=actor)
    record(
        session, actor=actor, action="connection.paused", subject_kind="connection", subject_id=info.connection_id,
        before=before, after={"paused_reason": reason}, at=at,
    )  # fmt: skip
    return row


def resume_connection(session: Session, *, name: str, actor: str, at: datetime) -> ConnectionHealthRow:
    """Call it again, with all that waited, whoever or whatever stopped it; `StateConflict` where nothing did."""
    info = load_by_name(session, name)
    row = jobs_repository.health(session, info.connection_id)
    if row.paused_reason is None and row.blocked_until is None:
        raise StateConflict("connection_not_stopped", f"Connection {name!r} is neither paused nor blocked.")
    before = {"paused_reason": row.paused_reason}
    resume(session, connection_id=info.connection_id)
    record(
        session, actor=actor, action="connection.resumed", subject_kind="connection", subject_id=info.connection_id,
        before=before, after={"paused_reason": None, "resumed_at": at}, at=at,
    )  # fmt: skip
    return row
