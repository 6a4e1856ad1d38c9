"""`/v1/connections/{name}/pause` and `/resume`: leave an account alone on purpose, and let it go on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.schemas import HealthOut, PauseIn
from hub.connections.service.pause import pause_connection, resume_connection
from hub.kit.web import problem_responses
from hub.kit.web_session import WriteSession
from hub.kit.web_state import Now

router = APIRouter(prefix="/v1/connections", tags=["connections"], route_class=IdempotentRoute)
Writer = Annotated[Principal, Depends(require("connections:write"))]
NamePath = Annotated[str, Path(min_length=1, max_length=60)]
ANSWERS = problem_responses(400, 401, 403, 404, 409, 422)


@router.post("/{name}/pause", dependencies=[Idempotent], responses=ANSWERS)
def pause(name: NamePath, body: PauseIn, session: WriteSession, principal: Writer, now: Now) -> HealthOut:
    """Make no more calls to it until a person resumes it: its work stays queued, its webhooks are still taken in."""
    row = pause_connection(session, name=name, reason=body.reason, actor=principal.actor, at=now)
    return HealthOut.model_validate(row)


@router.post("/{name}/resume", dependencies=[Idempotent], responses=ANSWERS)
def resume(name: NamePath, session: WriteSession, principal: Writer, now: Now) -> HealthOut:
    """Call it again, with all that waited; 409 where nothing stops it."""
    return HealthOut.model_validate(resume_connection(session, name=name, actor=principal.actor, at=now))
