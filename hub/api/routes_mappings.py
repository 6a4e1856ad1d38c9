"""`/v1/mappings`: what sources say that nobody knows the meaning of, and the one answer for all that waits for it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import load_by_name
from hub.flows.mapping_inbox import decide, list_missing
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now
from hub.reports.schemas import ConnectionName, FieldName, MappingIn, MappingOut, MissingMeaningOut

router = APIRouter(prefix="/v1/mappings", tags=["mappings"], route_class=IdempotentRoute)
Reader = Depends(require("mappings:read"))
Writer = Annotated[Principal, Depends(require("mappings:write"))]
LISTING = "mappings:unknown"


@router.get("/unknown", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422))
def list_unknown(
    session: ReadSession,
    connection: Annotated[ConnectionName | None, Query()] = None,
    field: Annotated[FieldName | None, Query(description="Only this field, e.g. `sku`.")] = None,
    ignored: Annotated[bool, Query(description="What is ignored on purpose instead.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MissingMeaningOut]:
    """Unknown SKUs and codes, each once with all that waits for it; that which waits longest first."""
    found = list_missing(
        session, connection=load_by_name(session, connection) if connection else None, field=field, ignored=ignored,
        after=decode_cursor(LISTING, cursor, datetime, str, str, str) if cursor else None, limit=limit + 1,
    )  # fmt: skip
    return page_of(
        found, limit=limit, item=MissingMeaningOut.model_validate,
        cursor=lambda missing: encode_cursor(LISTING, *missing.place),
    )  # fmt: skip


@router.post("", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def set_mapping(body: MappingIn, session: WriteSession, now: Now, principal: Writer) -> MappingOut:
    """Say what a value means, or ignore it; all orders and documents that wait for the meaning go on."""
    orders, messages = decide(
        session, connection=load_by_name(session, body.connection), field=body.field, value=body.value,
        meaning=body.meaning, by=principal.actor, at=now,
    )  # fmt: skip
    return MappingOut(
        connection=body.connection, field=body.field, value=body.value, meaning=body.meaning, ignored=body.ignore,
        orders=orders, messages=messages,
    )  # fmt: skip
