"""`/v1/schedules`: work that comes again, when it runs next and what came of its last run."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.jobs.schemas import ScheduleOut
from hub.jobs.service import schedules
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now

router = APIRouter(prefix="/v1/schedules", tags=["jobs"], route_class=IdempotentRoute)
Reader = Depends(require("jobs:read"))
Writer = Annotated[Principal, Depends(require("jobs:write"))]
ScheduleId = Annotated[str, Path(min_length=1, max_length=120)]
LISTING = "schedules"


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_all(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[ScheduleOut]:
    """Schedules in the order of their ids."""
    after = decode_cursor(LISTING, cursor, str)[0] if cursor else None
    rows = schedules.list_schedules(session, after=after, limit=limit + 1)
    return page_of(
        rows, limit=limit, item=ScheduleOut.model_validate, cursor=lambda row: encode_cursor(LISTING, row.schedule_id)
    )


@router.get("/{schedule_id}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_one(schedule_id: ScheduleId, session: ReadSession) -> ScheduleOut:
    """One with its last run."""
    return ScheduleOut.model_validate(schedules.get_schedule(session, schedule_id))


@router.post("/{schedule_id}/run", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def run(schedule_id: ScheduleId, session: WriteSession, principal: Writer, now: Now) -> ScheduleOut:
    """Run it now, beside its times and also where it is disabled; 409 while a run is under way."""
    return ScheduleOut.model_validate(
        schedules.run_now(session, schedule_id=schedule_id, actor=principal.actor, at=now)
    )


@router.post(
    "/{schedule_id}/enable", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422)
)
def enable(schedule_id: ScheduleId, session: WriteSession, principal: Writer, now: Now) -> ScheduleOut:
    """Let it run at its times again; what was missed meanwhile is not made up."""
    return ScheduleOut.model_validate(schedules.enable(session, schedule_id=schedule_id, actor=principal.actor, at=now))


@router.post(
    "/{schedule_id}/disable", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422)
)
def disable(schedule_id: ScheduleId, session: WriteSession, principal: Writer, now: Now) -> ScheduleOut:
    """Let it rest until it is enabled; a run that is under way goes on."""
    return ScheduleOut.model_validate(
        schedules.disable(session, schedule_id=schedule_id, actor=principal.actor, at=now)
    )
