"""Calls whose outcome nobody knows: a person looks on the other side, and says what is there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.jobs.service.retry import try_again
from hub.jobs.tables import EffectRow, JobRow
from hub.kit.errors import NotFound, StateConflict

DONE = ("confirmed", "settled")


def get_effect(session: Session, key: str, *, locked: bool = False) -> EffectRow:
    """One side effect by its key; `NotFound` else."""
    row = session.get(EffectRow, key, with_for_update=locked)
    if row is None:
        raise NotFound("effect", key)
    return row


def list_doubts(session: Session, *, after: str | None, limit: int) -> list[EffectRow]:
    """Side effects of which nobody knows whether they happened, by key."""
    statement = select(EffectRow).where(EffectRow.state == "in_doubt").order_by(EffectRow.idem_key).limit(limit)
    return list(session.scalars(statement if after is None else statement.where(EffectRow.idem_key > after)))


def settle_effect(
    session: Session, *, key: str, remote_id: str, result: Mapping[str, Any], actor: str, reason: str, at: datetime
) -> EffectRow:
    """It happened: the other side holds it under `remote_id`. Its work goes on with `result`, without a call.

    Saying the same twice is saying it once; `StateConflict` where it is known to be another, or is being tried now.
    """
    row = get_effect(session, key, locked=True)
    if row.state in DONE and row.remote_id == remote_id:
        return row
    _expect_doubt(row)
    values = {"state": "settled", "remote_id": remote_id, "result": dict(result)}
    return _decide(session, row, values, actor=actor, reason=reason, at=at)


def send_effect_again(session: Session, *, key: str, actor: str, reason: str, at: datetime) -> EffectRow:
    """It surely did not happen: its work makes the call once more. Saying it twice is saying it once."""
    row = get_effect(session, key, locked=True)
    if row.state == "refused":
        return row
    _expect_doubt(row)
    return _decide(session, row, {"state": "refused"}, actor=actor, reason=reason, at=at)


def _expect_doubt(row: EffectRow) -> None:
    if row.state != "in_doubt":
        raise StateConflict(
            "effect_not_in_doubt",
            f"Effect {row.idem_key} is {row.state}: only what is in doubt can be decided by a person.",
            extra={"state": row.state},
        )


def _decide(
    session: Session, row: EffectRow, values: Mapping[str, Any], *, actor: str, reason: str, at: datetime
) -> EffectRow:
    job = session.get(JobRow, row.job_id, with_for_update=True) if row.job_id is not None else None
    if job is None or job.state in ("leased", "done"):
        raise StateConflict(
            "effect_is_tried", f"Effect {row.idem_key} is being tried at this moment: read it again in a minute."
        )
    before = {"state": row.state, "remote_id": row.remote_id, "reason": None}
    for name, value in values.items():
        setattr(row, name, value)
    row.error, row.confirmed_at = None, at if values["state"] in DONE else None
    job.finished_at = None
    session.flush()
    try_again(session, [job], actor=actor, at=at)
    record(
        session, actor=actor, action=f"effect.{row.state}", subject_kind="effect", subject_id=row.idem_key,
        before=before, after={"state": row.state, "remote_id": row.remote_id, "reason": reason}, at=at,
    )  # fmt: skip
    return row
