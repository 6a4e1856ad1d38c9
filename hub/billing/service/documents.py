"""Build ERP documents and queue them: each one once for each ledger, under a key that never changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.billing import repository
from hub.billing.rules.documents import Heading
from hub.canonical.erp import ErpDocument
from hub.canonical.order import Order
from hub.connections.service.adapters import ConnectionInfo
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.kit.ids import new_id, stable_reference

POST = "erp.post"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to be posted to every ledger. `part` tells several of one kind and order apart (shipment,
    transaction).
    """

    kind: str
    order_id: str
    order_number: str
    order: Order
    number: str
    build: Callable[[Order, Heading], ErpDocument] = field(compare=False)
    part: str = ""


def queue_documents(
    session: Session, *, wanted: Sequence[Wanted], ledgers: Sequence[ConnectionInfo], hub_id: str, at: datetime
) -> int:
    """Write the documents that are not there yet, and the work of posting them; returns how many are new."""
    rows = [
        _row(item, ledger, hub_id, at)
        for item in wanted
        for ledger in ledgers
        if ledger.live and item.order.currency is not None
    ]
    fresh = repository.insert_documents(session, rows)
    enqueue(
        session,
        [
            NewJob(
                kind=POST,
                idem_key=f"{POST}:{row['document_id']}",
                lane=f"out:{row['order_id']}:{row['connection_id']}",
                subject_id=row["document_id"],
                connection_id=row["connection_id"],
            )
            for row in rows
            if (row["connection_id"], row["key"]) in fresh
        ],
    )
    return len(fresh)


def invoice_numbers(session: Session, count: int) -> list[str]:
    """Consecutive numbers of the invoice series, without gaps."""
    first = repository.take_numbers(session, "invoice", count)
    return [f"INV-{number:07d}" for number in range(first, first + count)]


def _row(item: Wanted, ledger: ConnectionInfo, hub_id: str, at: datetime) -> dict[str, Any]:
    key = stable_reference(hub_id, ledger.connection_id, item.kind, item.order_id, item.part)
    heading = Heading(
        key=key, number=item.number, order_ref=item.order_id, order_number=item.order_number, issued_at=at
    )
    document = item.build(item.order, heading)
    return {
        "document_id": new_id(), "connection_id": ledger.connection_id, "order_id": item.order_id, "kind": item.kind,
        "key": key, "number": item.number[:120], "state": "pending", "currency": document.currency,
        "total_minor": document.total.minor, "body": document.model_dump(mode="json", exclude_defaults=True),
        "created_at": at,
    }  # fmt: skip
