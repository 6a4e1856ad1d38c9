"""Figures of intake."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hub.connections.tables import ConnectionRow
from hub.intake.tables import OPEN_STATES, InboundMessageRow

OPEN = ("received", "parked", "blocked")


def open_messages_by_state(session: Session) -> dict[str, int]:
    """How many messages are not settled, by state; read from the index of these states alone."""
    statement = select(InboundMessageRow.state, func.count()).where(text(OPEN_STATES))
    found = dict(session.execute(statement.group_by(InboundMessageRow.state)).all())
    return {state: found.get(state, 0) for state in OPEN}


def newest_messages(session: Session, connection_ids: Collection[str]) -> dict[str, datetime]:
    """When the newest message of each connection came in; one look at the index for each."""
    newest = (
        select(InboundMessageRow.received_at)
        .where(InboundMessageRow.connection_id == ConnectionRow.connection_id)
        .order_by(InboundMessageRow.message_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = ConnectionRow.connection_id.in_(connection_ids)
    found = session.execute(select(ConnectionRow.connection_id, newest).where(wanted))
    return {connection_id: at for connection_id, at in found if at is not None}
