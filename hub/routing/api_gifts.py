"""`/v1/routing/gifts`: what rules have given away."""

from fastapi import APIRouter

from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_session import ReadSession
from hub.orders.rules.gifts import GiftKey
from hub.routing.api import Reader
from hub.routing.schemas_gifts import GiftOut
from hub.routing.service.given import list_given

router = APIRouter(prefix="/v1/routing/gifts", tags=["routing"])
GIFTS = "routing_gifts"


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403))
def gifts(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[GiftOut]:
    """What each rule has given of each product, what its caps are and what is left, by rule and SKU.

    What was taken back or cancelled is not counted.
    """
    after = GiftKey(*(part or "" for part in decode_cursor(GIFTS, cursor, str, str))) if cursor else None
    found = list_given(session, after=after, limit=limit + 1)
    return page_of(found, limit=limit, item=GiftOut.of, cursor=lambda gift: encode_cursor(GIFTS, *gift.key))
