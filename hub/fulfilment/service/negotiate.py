"""Stop one fulfilment order: ask the location that has it, and take its answer, whatever that is."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.fulfilment.events import CANCEL_REFUSED
from hub.fulfilment.rules.states import may_withdraw, must_ask
from hub.fulfilment.service.withdraw import ask_to_stop, cancel_work
from hub.fulfilment.service.work import ending, expect, locked
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.service.changes import OrderChanges, lock


def cancel_one(
    session: Session, *, reference: str, actor: str, reason: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """Take one fulfilment order back, so that its order is planned anew; asking twice is asking once.

    At once where nobody has begun it; a location outside that has it is asked; what your own people have begun is put
    back by the worker.
    """
    row = locked(session, reference)
    if row.state == "cancelled" or row.negotiation in ("cancel_requested", "cancel_accepted"):
        return row
    expect(row, "cancel", version=version)
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    if must_ask(row.negotiation, outside=row.outside):
        ask_to_stop(session, changes, rows=[row], at=at, actor=actor, reason=reason)
    elif may_withdraw(row.state, row.negotiation, outside=row.outside):
        cancel_work(session, changes, rows=[row], at=at, actor=actor, reason=reason)
        publish(session, [replan(row)])
    else:
        _end(session, changes, row, actor=actor, reason=reason, at=at)
    changes.flush(session, at=at)
    session.refresh(row)
    return row


def accept_cancel(
    session: Session, *, reference: str, actor: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """The location has stopped: the worker ends the work, and what is reserved and counted for it is given back."""
    row = locked(session, reference)
    if row.negotiation == "cancel_accepted":
        return row
    expect(row, "accept_cancel", version=version)
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    _end(session, changes, row, actor=actor, reason=row.reason or "", at=at)
    changes.flush(session, at=at)
    return row


def refuse_cancel(
    session: Session, *, reference: str, actor: str, reason: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """It is too late: the location ships, and a person is told."""
    row = locked(session, reference)
    if row.negotiation == "cancel_refused":
        return row
    expect(row, "refuse_cancel", version=version)
    it_ships(session, row, actor=actor, reason=reason, at=at)
    return row


def it_ships(session: Session, row: FulfilmentOrderRow, *, actor: str, reason: str, at: datetime) -> None:
    """Locked work that was to be stopped leaves all the same: said by its location, or seen by what it reports."""
    row.negotiation, row.version, row.updated_at = "cancel_refused", row.version + 1, at
    session.flush()
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    told = {"fulfilment_order": row.number, "location": row.location, "reason": reason}
    changes.record(row.order_id, "fulfilment.cancel_refused", actor=actor, data=told)
    changes.flush(session, at=at)
    event = Event(
        kind=CANCEL_REFUSED, subject_id=row.fulfilment_order_id, cause=str(row.version), lane=f"order:{row.order_id}",
        data={**told, "order_id": row.order_id}, priority=-1,
    )  # fmt: skip
    publish(session, [event])


def replan(row: FulfilmentOrderRow) -> Event:
    """The units of work that has ended are to be planned again."""
    return Event(
        kind="order.replan_requested", subject_id=row.order_id, cause=f"withdrawn:{row.fulfilment_order_id}",
        lane=f"order:{row.order_id}",
    )  # fmt: skip


def _end(
    session: Session, changes: OrderChanges, row: FulfilmentOrderRow, *, actor: str, reason: str, at: datetime
) -> None:
    row.negotiation, row.reason, row.version, row.updated_at = "cancel_accepted", reason, row.version + 1, at
    session.flush()
    changes.record(
        row.order_id, "fulfilment.cancel_accepted", actor=actor,
        data={"fulfilment_order": row.number, "location": row.location},
    )  # fmt: skip
    publish(session, [ending(row)])
