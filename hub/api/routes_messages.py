"""`POST /v1/messages/replay`: read kept messages again, after a plugin or its settings were mended."""

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from hub.api.state import HubServices
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import load_by_name
from hub.flows.replay import preview, replay
from hub.intake.rules.tally import Tally
from hub.intake.schemas import DifferenceOut, ReplayIn, ReplayOut, SummaryOut
from hub.intake.service.selecting import Selection, count_messages, select_messages
from hub.kit.web import problem_responses
from hub.kit.web_session import WriteSession
from hub.kit.web_state import id_after, id_cursor

router = APIRouter(prefix="/v1/messages", tags=["messages"], route_class=IdempotentRoute)
Writer = Annotated[Principal, Depends(require("messages:write"))]
REPLAYING = "messages:replay"


@router.post("/replay", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def replay_messages(body: ReplayIn, session: WriteSession, services: HubServices, principal: Writer) -> ReplayOut:
    """Read messages again, up to `limit` of them; repeat with `next_cursor` until it is null.

    With `dry_run` nothing is queued: the answer shows what would change, message by message and in sum. What a message
    says that is applied already changes nothing the second time, and no order is thrown back to where it was.
    """
    step = _selected(session, body)
    if not body.dry_run:
        queued = replay(session, services, step.ids, principal.actor)
        return ReplayOut(matched=step.matched, found=len(step.ids), queued=queued, next_cursor=step.next_cursor)
    found, tally = preview(session, services, step.ids), Tally()
    for entry in found:
        tally.add(entry.message_id, entry.reading, entry.changes)
    return ReplayOut(
        matched=step.matched, found=len(found), queued=0, next_cursor=step.next_cursor,
        differences=[DifferenceOut.model_validate(asdict(entry)) for entry in found],
        summary=SummaryOut.model_validate(tally.document()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    ids: list[str]
    matched: int
    next_cursor: str | None = None


def _selected(session: Session, body: ReplayIn) -> _Step:
    if body.ids is not None:
        ids = list(dict.fromkeys(body.ids))
        return _Step(ids, len(ids))
    chosen = body.chosen
    name = chosen.pop("connection")
    connection_id = load_by_name(session, name).connection_id if name is not None else None
    selection, after = Selection(**chosen, connection_id=connection_id), id_after(REPLAYING, body.cursor)
    ids = select_messages(session, selection, after=after, limit=body.limit)
    more = id_cursor(REPLAYING, ids[-1]) if len(ids) == body.limit else None
    return _Step(ids, count_messages(session, selection, after=after), more)
