"""What time itself brings: holds that lift themselves, reservations and kept answers that end, regular pulls."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hub.auth.service.idempotency import forget_answers
from hub.connections.service.adapters import load_kind
from hub.flows.census import CENSUS_DUE
from hub.flows.continue_orders import release_and_continue
from hub.flows.proof import PROOF_WATCH
from hub.flows.pull_channel import PULL
from hub.flows.push_stock import PUSH_STOCK
from hub.flows.services import Services
from hub.flows.sweep_labels import SWEEP_CRON, SWEEP_LABELS, is_swept
from hub.flows.watch_waiting import WAIT_WATCH
from hub.inventory.service.query import available
from hub.inventory.service.release import expire
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.schedules import ensure_schedule
from hub.jobs.service.work import Job
from hub.orders import repository as orders_repository
from hub.routing import repository as routing_repository

HOUSEKEEPING = "housekeeping"
HOLD_DUE = "hold.due"
REPLAN = "routing.replan"
EVERY_MINUTE = "* * * * *"
EVERY_HOUR = "7 * * * *"
ANSWERS_KEPT = timedelta(days=2)
AT_MOST = 200


class Housekeeping:
    """Handler of `housekeeping`, every minute."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """A bounded amount of each; the next minute goes on."""
        at = self._services.clock.now()
        due = orders_repository.holds_due(session, at=at, limit=AT_MOST)
        enqueue(session, [_release_job(order_id, reasons, at) for order_id, reasons in due.items()])
        expire(session, at=at)
        forget_answers(session, before=at - ANSWERS_KEPT)
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
    """Schedules that must be there: housekeeping, looking for labels bought twice, and what the policies of
    connections say: pulls, censuses, stock.
    """
    ensure_schedule(session, schedule_id=HOUSEKEEPING, kind=HOUSEKEEPING, cron=EVERY_MINUTE, at=at)
    ensure_schedule(session, schedule_id=PROOF_WATCH, kind=PROOF_WATCH, cron=EVERY_HOUR, at=at)
    ensure_schedule(session, schedule_id=WAIT_WATCH, kind=WAIT_WATCH, cron=EVERY_HOUR, at=at)
    for connection in load_kind(session, "carrier"):
        if is_swept(services.adapters.carrier(connection)):
            ensure_schedule(
                session, schedule_id=f"sweep:{connection.connection_id}", kind=SWEEP_LABELS, cron=SWEEP_CRON, at=at,
                connection_id=connection.connection_id,
            )  # fmt: skip
    for connection in load_kind(session, "channel"):
        channel, policy = services.adapters.channel(connection), connection.decided
        wanted = {
            PULL: ("pull", policy.pull_cron, "list_changes"),
            PUSH_STOCK: ("stock", policy.stock_cron, "push_stock"),
            CENSUS_DUE: ("census", policy.census_cron, "census"),
        }
        for kind, (lane, cron, capability) in wanted.items():
            if cron and channel.offers(capability):
                ensure_schedule(
                    session,
                    schedule_id=f"{lane}:{connection.connection_id}",
                    kind=kind,
                    cron=cron,
                    at=at,
                    connection_id=connection.connection_id,
                )
