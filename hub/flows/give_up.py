"""What an order waits for has not come in the time that its rules give it: what is missing is cancelled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.flows.cancel import cancel
from hub.flows.services import Services
from hub.flows.stock_short import replan_requested
from hub.fulfilment.service.ship import complete_if_done
from hub.jobs.events import NewJob
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.orders.service.amend import cancel_waiting
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.routing.repository import is_to_be_cancelled, latest_decision, unpark
from hub.routing.rules.shortage import of_line

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
        """Cancel what is nowhere; the rest is planned again, and an order of which nothing is left is cancelled."""
        for job in jobs:
            self._give_up(session, job.subject_id or "", str(job.job_id))

    def _give_up(self, session: Session, order_id: str, cause: str) -> None:
        at = self._services.clock.now()
        changes = OrderChanges()
        stored = lock(session, changes, [order_id])[order_id]
        if stored.lifecycle != "open" or not is_to_be_cancelled(session, order_id, at=at):
            return
        lines = lines_of(session, [order_id])[order_id]
        short = _short(session, order_id, lines)
        if all(_is_settled(line, short) for line in lines if line.gift_rule is None):  # no gift goes alone
            cancel(session, changes, stored=stored, actor=ACTOR, cause=cause, reason=REASON, at=at)
        elif cancel_waiting(session, changes, stored=stored, wanted=short, actor=ACTOR, cause=cause, reason=REASON):
            changes.flush(session, at=at)
            self._go_on(session, changes, order_id, cause, at)
        changes.flush(session, at=at)

    def _go_on(self, session: Session, changes: OrderChanges, order_id: str, cause: str, at: datetime) -> None:
        """What is left of it waits no longer for the rest."""
        if any(line.unallocated or line.backordered for line in lines_of(session, [order_id])[order_id]):
            publish(session, [replan_requested(order_id, cause=f"given_up:{cause}")])
        else:
            unpark(session, [order_id])
            complete_if_done(session, order_id, changes, at)


def _short(session: Session, order_id: str, lines: Sequence[Row[Any]]) -> dict[str, Decimal]:
    """What the decision for which the order waits found nowhere, by line."""
    decision = latest_decision(session, order_id)
    short = decision.body.get("unfillable", {}).get("short", {}) if decision is not None else {}
    return {
        line.order_line_id: of_line(short, line.order_line_id, line.unallocated + line.backordered) for line in lines
    }


def _is_settled(line: Row[Any], short: Mapping[str, Decimal]) -> bool:
    """Whether nothing is left of a line without what is short."""
    return bool(line.ordered - line.cancelled == short[line.order_line_id])
