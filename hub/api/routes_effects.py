"""`/v1/effects`: calls whose outcome nobody knows, and what a person found out about them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.flows.settle_effects import settle_as_done, try_once_more
from hub.jobs.service.doubts import get_effect, list_doubts
from hub.kit.web import Cursor, Limit, Page, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.kit.web_types import In, Out

router = APIRouter(prefix="/v1/effects", tags=["jobs"], route_class=IdempotentRoute)
Reader = Depends(require("jobs:read"))
Writer = Annotated[Principal, Depends(require("jobs:write"))]
Key = Annotated[str, Path(min_length=1, max_length=32, description="The reference that the other side was given.")]
LISTING = "effects"
_CHANGES = problem_responses(400, 401, 403, 404, 409, 422)


class EffectOut(Out):
    """One call to another system. `idem_key` is the reference that the other side was given, `remote_id` its own."""

    idem_key: str
    kind: str
    connection_id: str
    subject_id: str
    state: str
    remote_id: str | None
    attempts: int
    error: str | None
    job_id: int | None
    created_at: datetime
    confirmed_at: datetime | None


class SettleIn(In):
    """What was found on the other side; a label needs the tracking number of each of its parcels, in their order."""

    remote_id: str = Field(min_length=1, max_length=200, description="The other side's own number of it.")
    tracking_numbers: list[Annotated[str, Field(min_length=1, max_length=80)]] = Field(
        default_factory=list, max_length=100
    )
    reason: str = Field(min_length=1, max_length=500, description="How it is known, for the audit trail.")


class AgainIn(In):
    """Why it is sure that the other side does not have it."""

    reason: str = Field(min_length=1, max_length=500)


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_all(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[EffectOut]:
    """Calls that are in doubt."""
    rows = list_doubts(session, after=id_after(LISTING, cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, item=EffectOut.model_validate, cursor=lambda row: id_cursor(LISTING, row.idem_key)
    )


@router.get("/{effect}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_one(effect: Key, session: ReadSession) -> EffectOut:
    """One call."""
    return EffectOut.model_validate(get_effect(session, effect))


@router.post("/{effect}/settle", dependencies=[Idempotent], responses=_CHANGES)
def settle(effect: Key, body: SettleIn, session: WriteSession, principal: Writer, now: Now) -> EffectOut:
    """It is there: the work goes on with these numbers, without another call. Saying it twice changes nothing."""
    row = settle_as_done(
        session, key=effect, remote_id=body.remote_id, tracking_numbers=body.tracking_numbers, actor=principal.actor,
        reason=body.reason, at=now,
    )  # fmt: skip
    return EffectOut.model_validate(row)


@router.post("/{effect}/again", dependencies=[Idempotent], responses=_CHANGES)
def again(effect: Key, body: AgainIn, session: WriteSession, principal: Writer, now: Now) -> EffectOut:
    """It is surely not there: the call is made once more. Saying it twice changes nothing."""
    row = try_once_more(session, key=effect, actor=principal.actor, reason=body.reason, at=now)
    return EffectOut.model_validate(row)
