"""Work that is to end after it had begun: take back labels that are not on their way, then what is left of it; and what
follows where its location ships all the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.flows.services import Services
from hub.flows.watch_waiting import stop_key
from hub.fulfilment import repository
from hub.fulfilment.rules.states import STOPPING
from hub.fulfilment.service.listing import OPEN_WORK
from hub.fulfilment.service.negotiate import replan
from hub.fulfilment.service.ship import complete_if_done, queue_label
from hub.fulfilment.service.unwind import unwind, void_labels
from hub.fulfilment.service.work import locked
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.orders import repository as orders_repository
from hub.orders.service.amend import cancel_order, cancel_surplus
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.orders.service.external import count_told_shipments
from hub.orders.service.holds import CANCEL_REQUESTED, release_holds


class StopShipments:
    """Handler of `fulfilment.stop`: an order was cancelled after work on it had begun."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """What has left stays shipped: its return is another matter. The rest goes back to stock.

        A location outside is waited for: the hold stays, and its answer brings us here again.
        """
        at = self._services.clock.now()
        for job in jobs:
            order_id = job.subject_id or ""
            lock(session, OrderChanges(), [order_id])
            works = repository.open_work(session, order_id)
            ours = [work for work in works if work.negotiation not in (*STOPPING, "cancel_refused")]
            void_labels(session, order_id=order_id, works=ours, actor="hub", at=at)
            changes = OrderChanges()
            stored = lock(session, changes, [order_id])[order_id]
            stopped = unwind(
                session, changes, order_id=order_id, works=ours, actor="hub", reason="order cancelled", at=at
            )
            changes.flush(session, at=at)
            if not stopped or any(work.negotiation in STOPPING for work in works):
                continue  # a label is asked for or in doubt, or a location is: the answer brings us here again
            release_holds(session, changes, order_ids=[order_id], reason_codes=[CANCEL_REQUESTED], actor="hub", at=at)
            if stored.lifecycle == "open" and _cancel_rest(session, changes, stored, job, at):
                publish(session, [_cancelled(order_id, job)])
            elif any(row.shipped for row in lines_of(session, [order_id])[order_id]):
                open_cases(session, cases=[_too_late(stored)], at=at)
            changes.flush(session, at=at)


class EndWork:
    """Handler of `fulfilment.end`: nobody goes on with a fulfilment order that was to be cancelled."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Stock and counters are given back; then its order is cancelled or planned anew, whichever was wanted."""
        at = self._services.clock.now()
        for job in jobs:
            work = locked(session, job.subject_id or "")
            if work.negotiation != "cancel_accepted":
                continue  # it was shipped meanwhile
            _close_reminder(session, work, at)
            if work.state in OPEN_WORK and not self._end(session, work, job, at):
                continue  # a label is asked for or in doubt: its answer brings us here again
            publish(session, [_go_on_cancelling(session, work, job) or replan(work)])

    def _end(self, session: Session, work: FulfilmentOrderRow, job: Job, at: datetime) -> bool:
        void_labels(session, order_id=work.order_id, works=[work], actor="hub", at=at)
        changes = OrderChanges()
        stored = lock(session, changes, [work.order_id])[work.order_id]
        reason = work.reason or "cancelled"
        ended = unwind(session, changes, order_id=work.order_id, works=[work], actor="hub", reason=reason, at=at)
        changes.flush(session, at=at)
        if ended:
            self._settle_source(session, changes, stored, str(job.job_id), at)
        return ended

    def _settle_source(
        self, session: Session, changes: OrderChanges, stored: Row[Any], cause: str, at: datetime
    ) -> None:
        """What the channel said of units while they were bound here: it shipped them itself, or wants fewer."""
        shipped = count_told_shipments(session, changes, stored=stored, actor="hub", cause=cause, at=at)
        cancel_surplus(session, changes, stored=stored, actor="hub", cause=cause)
        changes.flush(session, at=at)
        if shipped and stored.lifecycle == "open":
            complete_if_done(session, stored.order_id, changes, at)


class ShipOn:
    """Handler of `fulfilment.ship_on`: a location ships although it was asked to stop."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Labels that waited for its answer are bought, and what is left of a cancelled order is cancelled."""
        for job in jobs:
            work = locked(session, job.subject_id or "")
            _close_reminder(session, work, self._services.clock.now())
            for shipment in repository.shipments_of(session, work.order_id):
                waits = shipment.fulfilment_order_id == work.fulfilment_order_id and shipment.state in (
                    "draft",
                    "rated",
                )
                if waits:
                    shipment.version += 1
                    session.flush()
                    queue_label(session, shipment, rated=shipment.state == "rated")
            event = _go_on_cancelling(session, work, job)
            publish(session, [event] if event else [])


def _close_reminder(session: Session, work: FulfilmentOrderRow, at: datetime) -> None:
    keys = [stop_key(work.fulfilment_order_id)]
    resolve_by_key(session, dedupe_keys=keys, actor="hub", resolution=f"{work.location} has answered.", at=at)


def _go_on_cancelling(session: Session, work: FulfilmentOrderRow, job: Job) -> Event | None:
    """The whole order was to be cancelled and waited for this answer."""
    holds = orders_repository.open_holds(session, [work.order_id]).get(work.order_id, [])
    if all(hold.reason_code != CANCEL_REQUESTED for hold in holds):
        return None
    return Event(
        kind="order.cancel_requested", subject_id=work.order_id, cause=f"answered:{job.job_id}",
        lane=f"order:{work.order_id}", priority=-1,
    )  # fmt: skip


def _cancel_rest(session: Session, changes: OrderChanges, stored: Row[Any], job: Job, at: datetime) -> bool:
    whole = cancel_order(session, changes, stored=stored, actor="hub", cause=str(job.job_id), reason="stopped")
    changes.flush(session, at=at)
    if not whole:
        complete_if_done(session, stored.order_id, changes, at)
    return whole


def _too_late(stored: Row[Any]) -> NewCase:
    return NewCase(
        kind="cancelled_too_late", dedupe_key=f"too_late:{stored.order_id}", subject_kind="order",
        subject_id=stored.order_id, title=f"Order {stored.number} was cancelled after goods of it had left",
        what_to_do="Ask the carrier to bring the parcels back, or agree with the buyer on a return.", detail={},
    )  # fmt: skip


def _cancelled(order_id: str, job: Job) -> Event:
    return Event(kind="order.cancelled", subject_id=order_id, cause=f"stopped:{job.job_id}", lane=f"order:{order_id}")
