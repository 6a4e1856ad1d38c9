"""Goods that leave although their work was cancelled, and everybody had agreed: a fact that a person must deal with."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.kit.errors import StateConflict
from hub.orders.service.changes import OrderChanges, lock


class LeftAnyway(StateConflict):
    """A report of goods that left after their location had said that it stopped.

    The report is refused, since the stock is free again and may be planned elsewhere; `note_left_anyway` keeps it.
    """

    def __init__(self, work: FulfilmentOrderRow, numbers: Collection[str]) -> None:
        super().__init__(
            "left_after_cancel",
            f"Fulfilment order {work.number} was cancelled and {work.location} had stopped it: this cannot be booked. "
            "A person was told that the goods are on their way: stop the parcels if that is possible still.",
        )
        self.fulfilment_order_id = work.fulfilment_order_id
        self.numbers = tuple(numbers)


def refuse_left(work: FulfilmentOrderRow, numbers: Sequence[str | None]) -> None:
    """`LeftAnyway` where the work was stopped by agreement."""
    if work.negotiation == "cancel_accepted":
        raise LeftAnyway(work, [number for number in numbers if number])


def note_left_anyway(
    session: Session, *, fulfilment_order_id: str, numbers: Sequence[str], actor: str, at: datetime
) -> None:
    """Tell the order's timeline and a person; told again, the case counts it."""
    work = session.get_one(FulfilmentOrderRow, fulfilment_order_id)
    changes = OrderChanges()
    lock(session, changes, [work.order_id])
    told = {"fulfilment_order": work.number, "location": work.location, "tracking_numbers": list(numbers)}
    changes.record(work.order_id, "fulfilment.left_after_cancel", actor=actor, data=told)
    changes.flush(session, at=at)
    case = NewCase(
        kind="left_after_cancel", dedupe_key=f"left:{fulfilment_order_id}", subject_kind="order",
        subject_id=work.order_id, title=f"{work.number} is on its way from {work.location} although it was cancelled",
        what_to_do="Ask the carrier to bring the parcels back, or agree with the buyer; correct the stock of the "
        "location, and see that the goods are not sent from elsewhere too.",
        detail=told,
    )  # fmt: skip
    open_cases(session, cases=[case], at=at)
