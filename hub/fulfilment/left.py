"""What is reported of cancelled work is refused, and all the same not forgotten."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from hub.auth.api import authenticated
from hub.auth.service.keys import Principal
from hub.fulfilment.service.left_anyway import LeftAnyway, note_left_anyway

Asking = Annotated[Principal, Depends(authenticated)]


def keeps_what_left(request: Request, principal: Asking) -> Iterator[None]:
    """Comes before the session of a route, so that its own transaction begins when that one was rolled back."""
    try:
        yield
    except LeftAnyway as error:
        state = request.app.state
        with state.database.write() as session:
            note_left_anyway(
                session, fulfilment_order_id=error.fulfilment_order_id, numbers=error.numbers, actor=principal.actor,
                at=state.clock.now(),
            )  # fmt: skip
        raise


KEPT = Depends(keeps_what_left, scope="function")
"""For routes that report goods which left."""
