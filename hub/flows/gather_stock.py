"""routing -> inventory -> routing: an order waits until what it needs was brought to one location."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.inventory.service.gathering import Gathering, waiting_for_transfers
from hub.inventory.service.transfers import get_transfer
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.routing.rules.decision import Decision
from hub.routing.rules.values import UNIT

TRANSFER_CHANGED = "routing.transfer_changed"


def gathering(decision: Decision, decision_id: str) -> Gathering | None:
    """What a decision wants to have moved; None where it sends from what is there."""
    part = next((part for part in decision.fulfilments if part.moves), None)
    if part is None:
        return None
    moves = {(source, sku): Decimal(quantity) / UNIT for source, sku, quantity in part.moves}
    keep: dict[str, Decimal] = {}
    for _, sku, quantity in part.lines:
        keep[sku] = keep.get(sku, Decimal(0)) + Decimal(quantity) / UNIT
    for (_, sku), moved in moves.items():
        keep[sku] -= moved
    return Gathering(
        order_id=decision.order_id, number=decision.number, key=f"routing:{decision_id}", target=part.location,
        moves=moves, keep={sku: quantity for sku, quantity in keep.items() if quantity > 0}, expected_at=part.ship_at,
    )  # fmt: skip


class TransferChanged:
    """Handler of `routing.transfer_changed`: its subjects are transfers."""

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """An order for which nothing is to be moved any more is planned again: what came in is kept for it, and what
        was lost, or was not sent, is found elsewhere.
        """
        orders = {}
        for job in jobs:
            transfer = get_transfer(session, transfer_id=job.subject_id or "")
            if transfer.for_order is not None and transfer.state in ("received", "cancelled"):
                orders[transfer.for_order] = job.job_id
        waiting = waiting_for_transfers(session, sorted(orders)) if orders else set()
        publish(
            session,
            [
                Event(
                    kind="order.replan_requested", subject_id=order_id, cause=f"moved:{job_id}",
                    lane=f"order:{order_id}",
                )
                for order_id, job_id in orders.items()
                if order_id not in waiting
            ],
        )  # fmt: skip
