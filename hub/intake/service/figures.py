"""Figures of intake."""

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hub.intake.tables import OPEN_STATES, InboundMessageRow

OPEN = ("received", "parked", "blocked")


def open_messages_by_state(session: Session) -> dict[str, int]:
    """How many messages are not settled, by state; read from the index of these states alone."""
    statement = select(InboundMessageRow.state, func.count()).where(text(OPEN_STATES))
    found = dict(session.execute(statement.group_by(InboundMessageRow.state)).all())
    return {state: found.get(state, 0) for state in OPEN}
