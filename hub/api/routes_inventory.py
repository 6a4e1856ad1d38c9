"""The order that a soft reservation becomes."""

from typing import Annotated

from fastapi import APIRouter, Depends

from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.flows.soft_reservations import keep_for_order
from hub.inventory.schemas_moving import OrderIn, SoftReservationOut
from hub.kit.web import problem_responses
from hub.kit.web_session import WriteSession
from hub.kit.web_state import Now
from hub.kit.web_types import IdText

router = APIRouter(prefix="/v1/inventory", tags=["inventory"], route_class=IdempotentRoute)


@router.post(
    "/reservations/{reservation_id}/order", dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def assign_to_order(
    reservation_id: IdText, body: OrderIn, session: WriteSession, now: Now,
    principal: Annotated[Principal, Depends(require("stock:write"))],
) -> SoftReservationOut:  # fmt: skip
    """Say which order it becomes: planning that order takes the stock over."""
    kept = keep_for_order(session, soft_id=reservation_id, order=body.order, at=now, actor=principal.actor)
    return SoftReservationOut.model_validate(kept)
