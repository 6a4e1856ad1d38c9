"""What time itself brings: holds that lift themselves, reservations that end, regular pulls."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.connections.service.adapters import load_kind
from hub.flows.census import CENSUS_DUE
from hub.flows.compare_stock import COMPARE_STOCK
from hub.flows.continue_orders import release_and_continue
from hub.flows.give_up import give_up_job
from hub.flows.proof import PROOF_WATCH
from hub.flows.pull_channel import PULL
from hub.flows.pull_stock import PULL_STOCK
from hub.flows.push_stock import PUSH_STOCK
from hub.flows.refresh_tracking import REFRESH_TRACKING
from hub.flows.retention import HOUSEKEEPING, RETENTION, RETENTION_CRON
from hub.flows.services import Services
from hub.flows.sweep_labels import SWEEP_CRON, SWEEP_LABELS, is_swept
from hub.flows.watch_stock import STOCK_WATCH, STOCK_WATCH_CRON
from hub.flows.watch_waiting import WAIT_WATCH
from hub.fulfilment.repository_consolidation import forget_consignees
from hub.inventory.service.query import available
from hub.inventory.service.release import expire
from hub.inventory.service.soft import expire_softly
from hub.jobs.events import Event, NewJob
from hub.jobs.service.publish import enqueue, publish
from hub.jobs.service.schedules import Schedule, keep_schedules
from hub.jobs.service.work import Job
from hub.kit.errors import HubError
from hub.orders import repository as orders_repository
from hub.routing import repository as routing_repository
from hub.sdk.adapters import Carrier

HOLD_DUE = "hold.due"
REPLAN = "routing.replan"
EVERY_MINUTE = "* * * * *"
EVERY_HOUR = "7 * * * *"
AT_MOST = 200
KINDS = ("channel", "carrier", "erp")


class Housekeeping:
    """Handler of `housekeeping`, every minute."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """A bounded amount of each; the next minute goes on."""
        at = self._services.clock.now()
        holds = orders_repository.holds_due(session, at=at, limit=AT_MOST)
        enqueue(session, [_release_job(order_id, reasons, at) for order_id, reasons in holds.items()])
        expire(session, at=at)
        due = routing_repository.due_preorders(session, at=at, limit=AT_MOST)
        publish(session, [_due(order_id, day) for day, order_id in due])
        ends = routing_repository.due_cancellations(session, at=at, limit=AT_MOST)
        enqueue(session, [give_up_job(order_id, end) for end, order_id in ends])
        expire_softly(session, at=at)
        forget_consignees(session, at=at)
        self._look_for_stock(session, at)

    def _look_for_stock(self, session: Session, at: datetime) -> None:
        """Stock that came while somebody was just being parked rang for nobody: look again every ten minutes."""
        waited = routing_repository.waited_skus(session, limit=AT_MOST)
        there = {sku for (_, sku), quantity in available(session, skus=waited).items() if quantity > 0}
        turn = int(at.timestamp()) // 600
        enqueue(
            session,
            [
                NewJob(
                    kind=REPLAN,
                    idem_key=f"{REPLAN}:{sku}:sweep:{turn}"[:250],
                    lane=f"sku:{sku}"[:250],
                    subject_id=sku[:80],
                    args={"sku": sku},
                )
                for sku in sorted(there)
            ],
        )


def _due(order_id: str, day: datetime) -> Event:
    return Event(
        kind="order.replan_requested", subject_id=order_id, cause=f"due:{day.isoformat()}", lane=f"order:{order_id}"
    )


class ReleaseTimed:
    """Handler of `hold.due`: the time of an order's holds is over."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One job an order: what goes wrong with one holds up no other."""
        for job in jobs:
            release_and_continue(
                session,
                self._services,
                order_ids=[job.subject_id or ""],
                reason_codes=job.args["reasons"],
                actor="timer",
                at=self._services.clock.now(),
            )


def _release_job(order_id: str, reasons: Sequence[str], at: datetime) -> NewJob:
    return NewJob(
        kind=HOLD_DUE,
        idem_key=f"{HOLD_DUE}:{order_id}:{at.isoformat()}",
        lane=f"order:{order_id}",
        subject_id=order_id,
        args={"reasons": list(reasons)},
    )


def ensure_schedules(session: Session, services: Services, *, at: datetime) -> None:
    """Schedules that must be there: housekeeping, and what the policies of connections say: pulls, censuses, stock
    both ways, tracking. Those of a connection whose policy says never go; a connection that rests keeps its own.
    """
    wanted = [
        Schedule(HOUSEKEEPING, HOUSEKEEPING, EVERY_MINUTE), Schedule(PROOF_WATCH, PROOF_WATCH, EVERY_HOUR),
        Schedule(RETENTION, RETENTION, RETENTION_CRON), Schedule(WAIT_WATCH, WAIT_WATCH, EVERY_HOUR),
        Schedule(STOCK_WATCH, STOCK_WATCH, STOCK_WATCH_CRON),
    ]  # fmt: skip
    unwanted = []
    for schedule, needed in _of_connections(session, services):
        if needed:
            wanted.append(schedule)
        else:
            unwanted.append(schedule.schedule_id)
    keep_schedules(session, wanted, at=at, unwanted=unwanted)


def _of_connections(session: Session, services: Services) -> Iterator[tuple[Schedule, bool]]:
    """Every schedule that a connection may have, and whether it shall."""
    for connection in (one for kind in KINDS for one in load_kind(session, kind)):
        policy = connection.decided
        kinds: dict[str, tuple[str, str | None, str]] = {
            PULL: ("pull", policy.pull_cron, "list_changes"),
            PUSH_STOCK: ("stock", policy.stock_cron, "push_stock"),
            COMPARE_STOCK: ("stock_compare", policy.stock_cron and policy.stock_compare_cron, "list_stock"),
            CENSUS_DUE: ("census", policy.census_cron, "census"),
        }
        if connection.kind == "carrier":
            kinds = {REFRESH_TRACKING: ("track", policy.track_cron, "track")}
        if connection.kind == "erp":
            kinds = {PULL_STOCK: ("stock_pull", policy.stock_pull_cron, "pull")}
        try:
            adapter = services.adapters.adapter(connection)
        except HubError:
            continue  # its plugin is gone, or its settings do not fit: that is one connection's trouble
        if isinstance(adapter, Carrier):
            sweep = Schedule(f"sweep:{connection.connection_id}", SWEEP_LABELS, SWEEP_CRON, connection.connection_id)
            yield sweep, is_swept(adapter)
        for kind, (lane, cron, capability) in kinds.items():
            schedule = Schedule(f"{lane}:{connection.connection_id}", kind, cron or "", connection.connection_id)
            yield schedule, bool(cron) and adapter.offers(capability)
