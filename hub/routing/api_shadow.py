"""`/v1/routing/rule-sets/{reference}/shadow`: ask a version about live orders before it decides any."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.kit.web import Cursor, Limit, Page, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.routing import repository_shadow
from hub.routing.schemas_shadow import DisagreementOut, ShadowOut
from hub.routing.service.shadow import find_shadow, start_shadow, stop_shadow

router = APIRouter(
    prefix="/v1/routing/rule-sets/{reference}/shadow", tags=["routing"], route_class=IdempotentRoute
)  # fmt: skip
Reader = Depends(require("routing:read"))
Writer = Annotated[Principal, Depends(require("routing:write"))]
Reference = Annotated[str, Path(pattern=r"^([0-9]{1,9}|[0-9a-f-]{36}|active)$", description="Id, version or `active`.")]
DISAGREEMENTS = "shadow_disagreements"


@router.post("", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def start(reference: Reference, session: WriteSession, principal: Writer, now: Now) -> ShadowOut:
    """Ask a version about every live order from now on; it decides nothing.

    One version at a time is asked. It ends by itself when the version is activated.
    """
    start_shadow(session, reference=reference, actor=principal.actor, at=now)
    return ShadowOut.of(*find_shadow(session, reference))


@router.post("/stop", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def stop(reference: Reference, session: WriteSession, principal: Writer, now: Now) -> ShadowOut:
    """Ask it no more; what it said is kept."""
    stop_shadow(session, reference=reference, actor=principal.actor, at=now)
    return ShadowOut.of(*find_shadow(session, reference))


@router.get("", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def show(reference: Reference, session: ReadSession) -> ShadowOut:
    """How often the version agreed with what was decided, the last time that it was asked."""
    return ShadowOut.of(*find_shadow(session, reference))


@router.get("/disagreements", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422))
def disagreements(
    reference: Reference, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[DisagreementOut]:
    """The decisions that the version would have made otherwise, the newest first."""
    _, shadow = find_shadow(session, reference)
    rows = repository_shadow.disagreements(
        session, shadow.shadow_id, before=id_after(DISAGREEMENTS, cursor), limit=limit + 1
    )
    return page_of(
        rows, limit=limit, item=DisagreementOut.model_validate,
        cursor=lambda row: id_cursor(DISAGREEMENTS, row.disagreement_id),
    )  # fmt: skip
