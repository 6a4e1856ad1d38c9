"""`/v1/cases`: what a person must decide."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.cases.rules.cases import Case, CaseState
from hub.cases.schemas import CaseOut, ResolutionIn
from hub.cases.service import query
from hub.cases.service.resolve import resolve
from hub.kit.errors import InvalidInput
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession, WriteSession


def present(request: Request) -> datetime:
    """The instant of the request, by the process's clock."""
    now: datetime = request.app.state.runtime.clock.now()
    return now


Now = Annotated[datetime, Depends(present)]
Reader = Depends(require("cases:read"))
Writer = Annotated[Principal, Depends(require("cases:write"))]
Subject = Annotated[str | None, Query(max_length=80)]

router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=IdempotentRoute)


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_cases(
    session: ReadSession,
    state: CaseState | None = None,
    kind: Annotated[str | None, Query(max_length=60)] = None,
    subject_kind: Subject = None,
    subject_id: Subject = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CaseOut]:
    """Cases, newest first."""
    before = decode_cursor("cases", cursor, str)[0] if cursor else None
    found = query.list_cases(
        session, state=state, kind=kind, subject=_subject(subject_kind, subject_id), before=before, limit=limit + 1
    )
    return page_of(found, limit=limit, item=CaseOut.of, cursor=_cursor)


@router.get("/{case_id}", dependencies=[Reader], responses=problem_responses(401, 403, 404))
def get_case(case_id: str, session: ReadSession) -> CaseOut:
    """One case."""
    return CaseOut.of(query.get(session, case_id=case_id))


@router.post("/{case_id}/resolve", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def resolve_case(case_id: str, body: ResolutionIn, session: WriteSession, now: Now, principal: Writer) -> CaseOut:
    """Close a case and say what was done."""
    case = resolve(session, case_id=case_id, actor=principal.actor, resolution=body.resolution, at=now)
    return CaseOut.of(case)


def _cursor(case: Case) -> str:
    return encode_cursor("cases", case.case_id)


def _subject(kind: str | None, subject_id: str | None) -> tuple[str, str] | None:
    if kind is not None and subject_id is not None:
        return kind, subject_id
    if kind is None and subject_id is None:
        return None
    raise InvalidInput("half_a_subject", "Name subject_kind and subject_id together, or neither.")
