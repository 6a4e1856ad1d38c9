"""A person decides what became of a call whose answer was lost, and its work goes on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.cases.service.resolve import resolve_by_key
from hub.fulfilment import repository
from hub.fulfilment.purchase import settled_result
from hub.fulfilment.service.ship import LABEL
from hub.jobs.service.doubts import get_effect, send_effect_again, settle_effect
from hub.jobs.tables import EffectRow
from hub.kit.errors import InvalidInput


def settle_as_done(
    session: Session, *, key: str, remote_id: str, tracking_numbers: Sequence[str], actor: str, reason: str,
    at: datetime,
) -> EffectRow:  # fmt: skip
    """It is there, under this number of the other side; a label needs the tracking number of each parcel too."""
    row = get_effect(session, key)
    result = _result(session, row, remote_id, tracking_numbers)
    settled = settle_effect(
        session, key=key, remote_id=remote_id, result=result, actor=actor, reason=reason, at=at
    )  # fmt: skip
    _close_case(session, settled, actor, f"settled as done: {remote_id}", at)
    return settled


def try_once_more(session: Session, *, key: str, actor: str, reason: str, at: datetime) -> EffectRow:
    """It is surely not there: the call is made again."""
    row = send_effect_again(session, key=key, actor=actor, reason=reason, at=at)
    _close_case(session, row, actor, "it was not there and is sent again", at)
    return row


def _result(session: Session, row: EffectRow, remote_id: str, numbers: Sequence[str]) -> Mapping[str, Any]:
    if row.kind != LABEL:
        return {"remote_id": remote_id}
    wanted = len(repository.parcels(session, [row.subject_id])[row.subject_id])
    if len(numbers) != wanted:
        raise InvalidInput(
            "tracking_numbers_wanted",
            f"The label is of {wanted} parcel(s): give the tracking number of each, in their order.",
        )
    return settled_result(remote_id, numbers)


def _close_case(session: Session, row: EffectRow, actor: str, resolution: str, at: datetime) -> None:
    resolve_by_key(session, dedupe_keys=[f"job:{row.job_id}"], actor=actor, resolution=resolution[:500], at=at)
