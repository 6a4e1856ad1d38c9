"""The half-open circuit: of all workers, one may make one call to a connection that was left alone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.jobs import repository


def take_probes(
    session: Session, rows: Sequence[Any], *, token: str, now: datetime, until: datetime
) -> tuple[list[Any], set[str]]:
    """Those of the claimed jobs that may run, in the transaction of their claim, and the connections that they probe.

    Whoever is first blocks the connection for all others until its lease ends, and keeps one job of it; the rest is
    given back as if it had not been claimed.
    """
    wanted = sorted({row.connection_id for row in rows if row.connection_id is not None})
    closed_to_us: set[str] = set()
    probed: set[str] = set()
    for health in repository.open_circuits(session, wanted):
        if health.blocked_until is not None and health.blocked_until > now:
            closed_to_us.add(health.connection_id)
        else:
            health.blocked_until, health.probe_token = until, token
            probed.add(health.connection_id)
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.connection_id, row.job_id)
    kept = [
        row
        for row in rows
        if row.connection_id not in closed_to_us
        and (row.connection_id not in probed or first[row.connection_id] == row.job_id)
    ]
    back = {row.job_id for row in rows} - {row.job_id for row in kept}
    if back:
        repository.give_back(session, job_ids=sorted(back), token=token, at=now)
    return kept, probed


def end_probes(session: Session, connection_ids: Collection[str], *, token: str, at: datetime) -> None:
    """A probe that ended without an answer of the connection leaves its place to the next at once."""
    for health in repository.open_circuits(session, sorted(connection_ids)):
        if health.probe_token == token:
            health.blocked_until, health.probe_token = at, None
