"""`POST /v1/messages/replay`: read kept messages again, after a plugin or its settings were mended."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from hub.api.state import HubServices
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import load_by_name
from hub.flows.replay import preview, replay, select_messages
from hub.intake.schemas import DifferenceOut, ReplayIn, ReplayOut
from hub.kit.web import problem_responses
from hub.kit.web_session import WriteSession

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=IdempotentRoute)
Writer = Annotated[Principal, Depends(require("messages:write"))]


@router.post("/replay", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def replay_messages(body: ReplayIn, session: WriteSession, services: HubServices, principal: Writer) -> ReplayOut:
    """Read messages again. With `dry_run` nothing is queued: the answer shows what would change.

    What a message says that is applied already changes nothing the second time.
    """
    ids = list(dict.fromkeys(body.ids)) if body.ids is not None else _selected(session, body)
    if body.dry_run:
        found = preview(session, services, ids)
        differences = [DifferenceOut.model_validate(asdict(entry)) for entry in found]
        return ReplayOut(found=len(found), queued=0, differences=differences)
    queued = replay(session, services, ids, principal.actor)
    return ReplayOut(found=len(ids), queued=queued)


def _selected(session: Session, body: ReplayIn) -> list[str]:
    connection = load_by_name(session, body.connection).connection_id if body.connection is not None else None
    return select_messages(
        session, plugin=body.plugin, state=body.state, connection=connection, error_class=body.error_class,
        limit=body.limit,
    )  # fmt: skip
