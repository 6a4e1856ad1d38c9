"""Less is there than was promised: what is kept for no order gives way first (soft reservations, drafts of transfers),
then the youngest who have not been begun; what is being picked needs a person.

A count below what is reserved is the truth and is stored as such; here is what follows from it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.flows.services import Services
from hub.fulfilment.service.shortage import Holder, Shortage, find_shortage, give_way
from hub.inventory.events import stock_short
from hub.inventory.rules.levels import plain
from hub.inventory.service.query import get_level
from hub.inventory.service.soft import yield_softly
from hub.inventory.service.transfers import cancel_short_drafts
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.orders.service.changes import OrderChanges, lock

STOCK_SHORT = "stock.short"
SHOWN = 20


class GiveWay:
    """Handler of `stock.short`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Those who give way are planned again: elsewhere, or they wait. All orders are locked before any level."""
        at = self._services.clock.now()
        cause = f"short:{max(job.job_id for job in jobs)}"
        if _yielded(session, jobs, at):
            return
        shortages = _shortages(session, jobs)
        free = {holder.fulfilment_order_id: holder for shortage in shortages for holder in shortage.free}
        begun = [holder for shortage in shortages for holder in shortage.begun]
        changes = OrderChanges()
        lock(session, changes, {holder.order_id for holder in (*free.values(), *begun)})
        withdrawn, missed = give_way(
            session, changes, holders=free.values(), at=at, actor="inventory", reason="less is there than promised"
        )
        for shortage in shortages:
            _tell_begun(changes, shortage)
        changes.flush(session, at=at)
        publish(session, [replan_requested(free[work].order_id, cause=cause) for work in sorted(withdrawn)])
        publish(session, [_again(shortage, cause) for shortage in shortages if _is_unfinished(shortage, missed)])
        open_cases(session, cases=[_case(shortage) for shortage in shortages if shortage.begun], at=at)


def _yielded(session: Session, jobs: Sequence[Job], at: datetime) -> bool:
    """Something that is no order's gave way: orders must be locked before any level is, so they are looked at in the
    next transaction, where that was not enough.
    """
    keys = {(str(job.args["location"]), str(job.args["sku"])) for job in jobs}
    if not yield_softly(session, keys=keys, at=at) and not cancel_short_drafts(session, keys=keys, at=at):
        return False
    left = [level for key in sorted(keys) if (level := get_level(session, location=key[0], sku=key[1])) is not None]
    cause = f"yielded:{max(job.job_id for job in jobs)}"
    publish(
        session,
        [
            stock_short(sku=level.sku, location=level.location, short=level.short, cause=cause)
            for level in left
            if level.short > 0
        ],
    )
    return True


def _shortages(session: Session, jobs: Sequence[Job]) -> list[Shortage]:
    taken: set[str] = set()
    found = []
    for key in sorted({(str(job.args["location"]), str(job.args["sku"])) for job in jobs}):
        shortage = find_shortage(session, key=key, taken=taken)
        if shortage is not None:
            found.append(shortage)
            taken |= {holder.fulfilment_order_id for holder in shortage.free}
    return found


def _tell_begun(changes: OrderChanges, shortage: Shortage) -> None:
    location, sku = shortage.key
    for holder in shortage.begun:
        changes.record(
            holder.order_id, "fulfilment.stock_short", actor="inventory",
            data={
                "fulfilment_order": holder.number, "location": location, "sku": sku,
                "reason": "less is there than promised, and work on it has begun",
            },
        )  # fmt: skip


def _is_unfinished(shortage: Shortage, missed: set[str]) -> bool:
    """More holders are there than were looked at, or one was begun at this moment: the next transaction goes on."""
    return shortage.more or any(holder.fulfilment_order_id in missed for holder in shortage.free)


def _again(shortage: Shortage, cause: str) -> Event:
    return stock_short(sku=shortage.key[1], location=shortage.key[0], short=shortage.missing, cause=cause)


def replan_requested(order_id: str, *, cause: str) -> Event:
    """`order.replan_requested`: what an order waits for, or had, is another by now."""
    return Event(kind="order.replan_requested", subject_id=order_id, cause=cause, lane=f"order:{order_id}")


def _case(shortage: Shortage) -> NewCase:
    location, sku = shortage.key
    missing = shortage.missing - sum(holder.quantity for holder in shortage.free)
    return NewCase(
        kind="stock_short", dedupe_key=f"stock:{location}:{sku}", subject_kind="stock", subject_id=f"{location}:{sku}",
        title=f"{plain(missing)} of {sku} at {location} are missing for work that has begun",
        what_to_do="Count again and correct the stock, or note what is not found as short where it is being picked: "
        "that is planned again elsewhere.",
        detail={"missing": plain(missing), "fulfilment_orders": _numbers(shortage.begun)},
    )  # fmt: skip


def _numbers(holders: Sequence[Holder]) -> list[str]:
    return list(dict.fromkeys(holder.number for holder in holders))[:SHOWN]
