"""`/v1/messages`: what came in, byte for byte, and what became of it. Replay is in `hub.api.routes_messages`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from hub.auth.api import require
from hub.intake.schemas import MessageFull, MessageOut, MessageState
from hub.intake.service.listing import get_document, get_message, list_messages
from hub.kit.web import Cursor, Limit, Page, page_of, problem_responses
from hub.kit.web_files import attachment, file_responses
from hub.kit.web_session import ReadSession
from hub.kit.web_state import id_after, id_cursor

router = APIRouter(prefix="/v1/messages", tags=["messages"], dependencies=[Depends(require("messages:read"))])
Text = Annotated[str | None, Query(min_length=1, max_length=200)]
LISTING = "messages"
RAW = file_responses("application/octet-stream")


@router.get("", responses=problem_responses(400, 401, 403, 404, 422))
def list_all(
    session: ReadSession,
    state: MessageState | None = None,
    connection: Text = None,
    plugin: Text = None,
    error_class: Annotated[str | None, Query(max_length=40, description="Without `state`: of blocked ones.")] = None,
    external_id: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """Messages, the newest first, without their bodies."""
    rows = list_messages(
        session, state=state, connection=connection, plugin=plugin, error_class=error_class, external_id=external_id,
        after=id_after(LISTING, cursor), limit=limit + 1,
    )  # fmt: skip
    return page_of(
        rows, limit=limit, item=MessageOut.model_validate, cursor=lambda row: id_cursor(LISTING, row.message_id)
    )


@router.get("/{message_id}", responses=problem_responses(401, 403, 404))
def get_one(message_id: str, session: ReadSession) -> MessageFull:
    """One with its headers; its bytes are at `/raw`."""
    row = get_message(session, message_id)
    return MessageFull(**MessageOut.model_validate(row).model_dump(), headers=row.headers, size=len(row.body))


@router.get("/{message_id}/raw", response_class=Response, responses={**RAW, **problem_responses(401, 403, 404, 410)})
def get_raw(message_id: str, session: ReadSession) -> Response:
    """Exactly the bytes that came, as a file to save: they are another system's, so no browser may interpret them."""
    row = get_document(session, message_id)
    return attachment(row.body, row.name or f"{row.message_id}.raw", row.content_type)
