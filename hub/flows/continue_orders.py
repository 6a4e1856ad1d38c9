"""Let orders go on: a person or an event released what held them."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from hub.cases.service.resolve import resolve_by_key
from hub.flows.sales_documents import Sale, queue_sales_orders
from hub.flows.services import Services
from hub.fulfilment import repository as fulfilment_repository
from hub.fulfilment.service.ship import queue_label
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.rules.lifecycle import APPROVED
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holds import release_holds


def release_and_continue(
    session: Session,
    services: Services,
    *,
    order_ids: Collection[str],
    reason_codes: Collection[str] | None,
    actor: str,
    at: datetime,
    note: str | None = None,
) -> set[str]:
    """Release holds; orders with none left are approved, planned and posted, and waiting labels are bought.

    Returns the orders that are free now.
    """
    changes = OrderChanges()
    rows = lock(session, changes, order_ids)
    free = release_holds(
        session, changes, order_ids=list(rows), reason_codes=reason_codes, actor=actor, at=at, note=note
    )
    approved = []
    for order_id in sorted(free):
        row = rows[order_id]
        if row.lifecycle != "open":
            continue
        if row.review not in APPROVED:
            changes.set(order_id, {"review": "approved"})
            changes.record(order_id, "order.approved", actor=actor, data={"note": note})
        approved.append(row)
    changes.flush(session, at=at)
    effective = [row for row in approved if row.side_effects]
    sales = [
        Sale(row.order_id, row.number, stored_order(row), f"released:{row.version}", fresh=False) for row in effective
    ]
    queue_sales_orders(session, services, sales=sales, at=at)
    publish(
        session,
        [
            Event(
                kind="order.approved", subject_id=row.order_id, cause=f"released:{row.version}",
                lane=f"order:{row.order_id}",
            )
            for row in effective
        ],
    )  # fmt: skip
    resolve_by_key(
        session,
        dedupe_keys=[f"review:{order_id}" for order_id in free],
        actor=actor,
        resolution=note or "released",
        at=at,
    )
    for row in effective:
        for shipment in fulfilment_repository.shipments_of(session, row.order_id):
            if shipment.state in ("draft", "rated"):
                shipment.version += 1
                session.flush()
                queue_label(session, shipment, rated=shipment.state == "rated")
    return free
