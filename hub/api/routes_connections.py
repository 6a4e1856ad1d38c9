"""`/v1/connections/{name}/pull` and `/proof`: ask a channel for its changes now; what proves that none is missing."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hub.api.state import HubServices
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.schemas import QueuedOut
from hub.connections.service.adapters import load_by_name
from hub.flows.proof import load_channel, proof_of
from hub.flows.pull_channel import PULL, pull_job
from hub.intake.schemas import CensusRunOut, ProofOut, runs_after, runs_cursor
from hub.intake.service.census import list_runs
from hub.jobs.service.publish import enqueue
from hub.kit.errors import StateConflict
from hub.kit.ids import new_id
from hub.kit.web import problem_responses
from hub.kit.web_paging import Cursor, Limit, page_of
from hub.kit.web_session import ReadSession, WriteSession

router = APIRouter(prefix="/v1/connections", tags=["connections"], route_class=IdempotentRoute)
Reader = Depends(require("connections:read"))
Writer = Annotated[Principal, Depends(require("connections:write"))]


@router.post(
    "/{name}/pull",
    status_code=202,
    dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)
def pull(
    name: Annotated[str, Path(min_length=1, max_length=60)], session: WriteSession, services: HubServices, _: Writer
) -> QueuedOut:
    """Queue a pull up to now; the worker goes on from where the last one ended."""
    info = load_by_name(session, name)
    able = info.kind == "channel" and "list_changes" in services.adapters.channel(info).capabilities()
    if not able:
        raise StateConflict("cannot_pull", f"Connection {name!r} ({info.plugin}) cannot be asked for changes.")
    if not info.enabled:
        raise StateConflict("connection_disabled", f"Connection {name!r} is disabled: enable it first.")
    enqueue(session, [pull_job(info.connection_id, new_id())])
    return QueuedOut(queued=PULL)


@router.get("/{name}/proof", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 409, 422))
def proof(
    name: Annotated[str, Path(min_length=1, max_length=60)],
    session: ReadSession,
    services: HubServices,
    day: Annotated[date | None, Query(description="Only the runs of this day (UTC).")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ProofOut:
    """Up to when everything that a channel holds is known to be here, and what each census found, newest day first."""
    info = load_channel(session, name)
    known = proof_of(session, services, info)
    runs = list_runs(
        session, connection_id=info.connection_id, day=day, after=runs_after(cursor), limit=limit + 1
    )  # fmt: skip
    page = page_of(runs, limit=limit, item=CensusRunOut.model_validate, cursor=runs_cursor)
    return ProofOut(
        items=page.items, next_cursor=page.next_cursor, provable=known.provable, reason=known.reason,
        proven_until=known.proven_until, age_seconds=known.age_seconds, limit_hours=known.limit_hours,
        too_old=known.too_old,
    )  # fmt: skip
