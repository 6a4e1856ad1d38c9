"""orders -> routing: gifts that would hold their orders up are let go before a plan is kept."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from hub.flows.sales_documents import Sale, queue_sales_orders
from hub.flows.services import Services
from hub.fulfilment.service.ship import complete_if_done
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges
from hub.orders.service.gifts import let_go
from hub.routing.service.gifts import plan_with_gifts
from hub.routing.service.plan import Planned, Wanted

HINDERS = "it would have held the order up, or gone alone"


def plan_gifts(
    session: Session, changes: OrderChanges, services: Services, *, wanted: Sequence[Wanted],
    plan: Callable[[Sequence[Wanted]], Planned], at: datetime,
) -> tuple[Planned, list[Wanted]]:  # fmt: skip
    """Plan locked orders, and let go for good what rules gave them where it does harm: ledgers are told the order
    without it. The plan comes back with what it is of: orders of which nothing is left to be sent are not in it.
    """
    found = plan_with_gifts(wanted, plan)
    if not found.let_go:
        return found.planned, list(found.wanted)
    let_go(session, changes, line_ids=found.let_go, reason=HINDERS)
    changes.flush(session, at=at)
    lightened = [item for item in found.wanted if item.row.order_id in found.let_go]
    queue_sales_orders(session, services, sales=[_sale(item) for item in lightened], at=at)
    done = {item.row.order_id for item in lightened if _is_over(item)}
    for order_id in sorted(done):
        complete_if_done(session, order_id, changes, at)
    left = tuple(decision for decision in found.planned.decisions if decision.order_id not in done)
    return replace(found.planned, decisions=left), [item for item in found.wanted if item.row.order_id not in done]


def _is_over(item: Wanted) -> bool:
    """Something is on its way and nothing is left: a decision about nothing would hide the one that matters."""
    is_begun = any(line.allocated or line.external_shipped for line in item.lines)
    return is_begun and not any(line.unallocated or line.backordered for line in item.lines)


def _sale(item: Wanted) -> Sale:
    row = item.row
    return Sale(row.order_id, row.number, stored_order(row), f"gift:{row.version}", fresh=False)
