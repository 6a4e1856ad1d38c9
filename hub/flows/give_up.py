"""What an order waits for has not come in the time that its rules give it: what is missing is cancelled."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.flows.cancel import cancel
from hub.flows.services import Services
from hub.fulfilment.service.ship import complete_if_done
from hub.jobs.events import NewJob
from hub.jobs.service.work import Job
from hub.orders.service.amend import cancel_order
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.routing.repository import is_to_be_cancelled, unpark

GIVE_UP = "order.give_up"
ACTOR = "rules"
REASON = "what is missing did not come in time"


def give_up_job(order_id: str, end: datetime) -> NewJob:
    """The work of it; one for each time that an order is to end."""
    return NewJob(
        kind=GIVE_UP, idem_key=f"{GIVE_UP}:{order_id}:{end.isoformat()}", lane=f"order:{order_id}", subject_id=order_id
    )


class GiveUp:
    """Handler of `order.give_up`: its subjects are orders. What came in the meantime, or other rules, keep them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Cancel what nobody works on; an order of which nothing is on its way is cancelled whole."""
        for job in jobs:
            self._give_up(session, job.subject_id or "", str(job.job_id))

    def _give_up(self, session: Session, order_id: str, cause: str) -> None:
        at = self._services.clock.now()
        changes = OrderChanges()
        stored = lock(session, changes, [order_id])[order_id]
        if stored.lifecycle != "open" or not is_to_be_cancelled(session, order_id, at=at):
            return
        if any(line.allocated for line in lines_of(session, [order_id])[order_id]):
            cancel_order(session, changes, stored=stored, actor=ACTOR, cause=cause, reason=REASON)
            unpark(session, [order_id])
            changes.flush(session, at=at)
            complete_if_done(session, order_id, changes, at)
        else:
            cancel(session, changes, stored=stored, actor=ACTOR, cause=cause, reason=REASON, at=at)
        changes.flush(session, at=at)
