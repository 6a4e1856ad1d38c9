"""Refused credentials: renewed once, by one worker, before the connection is paused."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from hub.jobs import repository

Renew = Callable[[str], bool]
"""Renews the credentials of a connection; False where its plugin cannot, or was refused."""


def cannot_renew(connection_id: str) -> bool:
    """No connection can."""
    return False


def begin_renewal(
    session: Session, *, connection_id: str, claimed_at: datetime, at: datetime, until: datetime
) -> Literal["renew", "again", "pause"]:
    """What to do about refused credentials: renew them now, with nobody calling until it is over; try again where they
    were renewed after these calls were claimed; pause where they are refused although they are new.
    """
    row = repository.health(session, connection_id)
    if row.paused_reason is not None:
        return "pause"
    if row.renewed_at is not None:
        return "again" if claimed_at < row.renewed_at else "pause"
    row.renewed_at, row.blocked_until = at, until
    return "renew"


def end_renewal(session: Session, *, connection_id: str, at: datetime) -> None:
    """Renewed or not, the connection may be called; what was claimed before this instant had the old credentials."""
    row = repository.health(session, connection_id)
    row.renewed_at, row.blocked_until = at, None
