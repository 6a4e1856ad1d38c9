"""`/v1/routing/waves`: what came of orders that were planned together."""

from fastapi import APIRouter

from hub.kit.web import Cursor, Limit, Page, page_of, problem_responses
from hub.kit.web_session import ReadSession
from hub.kit.web_state import id_after, id_cursor
from hub.routing.api import Reader
from hub.routing.repository_waves import newest_waves
from hub.routing.schemas_waves import WaveOut

router = APIRouter(prefix="/v1/routing/waves", tags=["routing"])
WAVES = "routing_waves"


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403))
def waves(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[WaveOut]:
    """Live waves, the newest first.

    Each tells what greedy would have cost, what it cost, what was saved, how long it took, and whether greedy decided.
    """
    rows = newest_waves(session, before=id_after(WAVES, cursor), limit=limit + 1)
    return page_of(rows, limit=limit, item=WaveOut.of, cursor=lambda row: id_cursor(WAVES, row.wave_id))
