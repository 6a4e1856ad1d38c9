"""Whether a connection may be called: circuit, rate limits and pauses, kept where the claim reads them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.events import Event
from hub.jobs.rules.circuit import CLOSED, EARNED_BY_SUCCESS, RETRIES_SAVED, Circuit, block_seconds
from hub.jobs.service.publish import publish
from hub.jobs.tables import ConnectionHealthRow
from hub.sdk.errors import AuthFailed, RateLimited, Transient, Uncertain


def note_outcomes(
    session: Session, *, connection_id: str, errors: Sequence[Exception | None], token: str, at: datetime
) -> None:
    """What came of calls made under a lease, one entry each: open or close the circuit, wait as told, pause on refused
    credentials. Writes only in trouble and shortly after it.
    """
    troubles = [error for error in errors if error is not None]
    if not troubles and was_well(session, connection_id=connection_id):
        return
    row = repository.health(session, connection_id)
    for error in errors:
        if error is None or isinstance(error, Transient | Uncertain):
            _note_call(row, failed=error is not None, probe=row.probe_token == token, at=at)
        elif isinstance(error, RateLimited):
            _wait(row, at + timedelta(seconds=error.after), token)
        elif isinstance(error, AuthFailed) and row.paused_reason is None:
            row.paused_reason = "credentials were refused; mend them, then run the connection's check"
            _tell_paused(session, connection_id, at)
    if len(troubles) < len(errors):
        row.last_ok_at, row.renewed_at = at, None
    if troubles:
        row.last_error = str(troubles[-1])[:500]
    elif not row.opened:
        row.last_error = None


def was_well(session: Session, *, connection_id: str) -> bool:
    """Whether nothing is changed by calls that went well; it only reads."""
    return _is_well(session.get(ConnectionHealthRow, connection_id))


def afford_retry(session: Session, *, connection_id: str) -> bool:
    """Take one retry from what the connection's successes have earned; False where nothing is left of it."""
    row = repository.health(session, connection_id)
    if row.retry_budget < 1:
        return False
    row.retry_budget -= 1
    return True


def resume(session: Session, *, connection_id: str) -> None:
    """A person or a successful check says that the connection works again."""
    row = repository.health(session, connection_id)
    row.paused_reason, row.paused_by, row.renewed_at = None, None, None
    _close(row)


def pause(session: Session, *, connection_id: str, reason: str, by: str | None = None) -> None:
    """Keep everything of the connection queued until it is resumed; what a person paused, only a person resumes."""
    row = repository.health(session, connection_id)
    row.paused_reason, row.paused_by = reason, by


def _is_well(row: ConnectionHealthRow | None) -> bool:
    return row is not None and (
        row.last_ok_at is not None
        and row.blocked_until is None
        and row.renewed_at is None
        and not (row.opened or row.recent_failures)
        and row.retry_budget >= RETRIES_SAVED
    )


def _note_call(row: ConnectionHealthRow, *, failed: bool, probe: bool, at: datetime) -> None:
    before = Circuit(row.failures_in_row, row.recent_failures, row.opened)
    after = before.after(failed=failed, probe=probe)
    row.failures_in_row, row.recent_failures, row.opened = after.failures_in_row, after.recent, after.opened
    if not failed:
        row.retry_budget = min(RETRIES_SAVED, row.retry_budget + EARNED_BY_SUCCESS)
        if not after.opened and (before.opened or (row.blocked_until is not None and row.blocked_until <= at)):
            _close(row, after)
    elif after.opened > before.opened:
        row.blocked_until, row.probe_token = at + timedelta(seconds=block_seconds(after.opened)), None


def _wait(row: ConnectionHealthRow, until: datetime, token: str) -> None:
    """The other side asked for a pause: also of the probe, whose place is for the next one then."""
    if row.probe_token == token:
        row.probe_token, row.blocked_until = None, until
    elif row.blocked_until is None or row.blocked_until < until:
        row.blocked_until = until


def _close(row: ConnectionHealthRow, circuit: Circuit = CLOSED) -> None:
    row.failures_in_row, row.recent_failures, row.opened = circuit.failures_in_row, circuit.recent, circuit.opened
    row.blocked_until, row.probe_token = None, None


def _tell_paused(session: Session, connection_id: str, at: datetime) -> None:
    publish(
        session,
        [
            Event(
                kind="connection.paused", subject_id=connection_id, cause=at.isoformat(),
                lane=f"connection:{connection_id}",
            )
        ],
    )  # fmt: skip
