"""An invoice: its number, its row, its entry on the timeline, and the document for the ledgers."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository as billing_repository
from hub.billing.rules import documents as build
from hub.billing.rules.documents import ShippedQuantity
from hub.billing.service.documents import Wanted, invoice_numbers
from hub.canonical.order import Order
from hub.kit.ids import new_id
from hub.orders.service.changes import OrderChanges, lines_of

ZERO = Decimal(0)


def issue_invoice(
    session: Session,
    changes: OrderChanges,
    *,
    row: Row[Any],
    order: Order,
    source_id: str,
    shipped: Mapping[str, ShippedQuantity],
    at: datetime,
) -> Wanted:
    """Invoice these quantities of a locked order; its first invoice also takes the charges and what needs no sending.

    `source_id` is the shipment's id, or the order's own where nothing is sent. Returns the ledgers' document.
    """
    first = not billing_repository.invoices_of(session, row.order_id)
    units = {**_unsent(session, row.order_id), **shipped} if first else dict(shipped)
    number = invoice_numbers(session, 1)[0]
    wanted = Wanted(
        "invoice",
        row.order_id,
        row.number,
        order,
        number,
        partial(build.invoice, shipped=units, with_charges=first),
        part=source_id,
    )
    document = wanted.build(order, build.Heading("-", number, row.order_id, row.number, at))
    tax = sum(line.tax.minor for line in document.lines) + sum(charge.tax.minor for charge in document.charges)
    billing_repository.insert_invoices(
        session,
        [
            {
                "invoice_id": new_id(),
                "order_id": row.order_id,
                "source_id": source_id,
                "kind": "invoice",
                "number": number,
                "currency": document.currency,
                "net_minor": document.total.minor - tax,
                "tax_minor": tax,
                "total_minor": document.total.minor,
                "body": document.model_dump(mode="json", exclude_defaults=True),
                "issued_at": at,
            }
        ],
    )
    changes.record(
        row.order_id, "invoice.issued", actor="hub", data={"number": number, "total_minor": document.total.minor}
    )
    return wanted


def _unsent(session: Session, order_id: str) -> dict[str, ShippedQuantity]:
    """Digital goods and services: delivered by being sold."""
    return {
        line.external_id: ShippedQuantity(ZERO, line.not_stocked)
        for line in lines_of(session, [order_id])[order_id]
        if line.not_stocked
    }
