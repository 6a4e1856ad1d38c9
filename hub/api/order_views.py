"""Orders as the API shows them, put together from the domains that know their parts; a page costs a few statements."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository as billing
from hub.billing.schemas import DocumentSummary, InvoiceSummary, TransactionOut
from hub.connections.service.adapters import load
from hub.fulfilment import repository as fulfilment
from hub.fulfilment.api import work_out
from hub.fulfilment.schemas import ParcelOut, ShipmentSummary, WorkOut
from hub.fulfilment.service.listing import parcel_states
from hub.orders import repository as orders
from hub.orders.rules.phase import Standing, headline
from hub.orders.schemas import HoldOut, LineOut, OrderSummary
from hub.orders.service.changes import lines_of
from hub.orders.tables import COUNTERS, OrderHoldRow, OrderRow
from hub.routing.service.waiting import parked_reasons


class ShipmentWithParcels(ShipmentSummary):
    """A shipment of an order."""

    parcels: list[ParcelOut]


class OrderOut(OrderSummary):
    """An order with everything that belongs to it. `document` is the canonical order as its channel stated it."""

    parked_reason: str | None
    lines: list[LineOut]
    open_holds: list[HoldOut]
    fulfilment_orders: list[WorkOut]
    shipments: list[ShipmentWithParcels]
    transactions: list[TransactionOut]
    invoices: list[InvoiceSummary]
    documents: list[DocumentSummary]
    document: dict[str, Any]


def summaries(session: Session, rows: Sequence[OrderRow]) -> list[OrderSummary]:
    """A page of orders with their phases: five statements for any number of them."""
    ids = [row.order_id for row in rows]
    lines = lines_of(session, ids)
    holds = orders.open_holds(session, ids)
    parcels = parcel_states(session, ids)
    parked = parked_reasons(session, ids)
    names = {key: info.name for key, info in load(session, {row.connection_id for row in rows}).items()}
    return [
        OrderSummary(
            **_columns(row), connection=names.get(row.connection_id, ""),
            holds=sorted({hold.reason_code for hold in holds.get(row.order_id, [])}),
            phase=_phase(
                row, lines[row.order_id], holds.get(row.order_id, []), parcels.get(row.order_id, []),
                parked=row.order_id in parked,
            ),
        )
        for row in rows
    ]  # fmt: skip


def detail(session: Session, row: OrderRow) -> OrderOut:
    """One order with all its parts."""
    [summary] = summaries(session, [row])
    work = fulfilment.of_orders(session, [row.order_id])[row.order_id]
    work_lines = fulfilment.lines(session, [item.fulfilment_order_id for item in work])
    shipments = fulfilment.shipments_of(session, row.order_id)
    parcels = fulfilment.parcels(session, [shipment.shipment_id for shipment in shipments])
    holds = orders.open_holds(session, [row.order_id]).get(row.order_id, [])
    return OrderOut(
        **summary.model_dump(),
        parked_reason=parked_reasons(session, [row.order_id]).get(row.order_id),
        lines=[_line(line) for line in lines_of(session, [row.order_id])[row.order_id]],
        open_holds=[HoldOut.model_validate(hold) for hold in holds],
        fulfilment_orders=[work_out(item, work_lines[item.fulfilment_order_id]) for item in work],
        shipments=[
            ShipmentWithParcels(
                **ShipmentSummary.model_validate(shipment).model_dump(),
                parcels=[ParcelOut.model_validate(parcel) for parcel in parcels[shipment.shipment_id]],
            )
            for shipment in shipments
        ],
        transactions=[TransactionOut.model_validate(entry) for entry in billing.transactions(session, row.order_id)],
        invoices=[InvoiceSummary.model_validate(invoice) for invoice in billing.invoices_of(session, row.order_id)],
        documents=[DocumentSummary.model_validate(found) for found in billing.documents_of(session, row.order_id)],
        document=row.document,
    )


def _columns(row: OrderRow) -> dict[str, Any]:
    derived = ("connection", "holds", "phase")
    return {name: getattr(row, name) for name in OrderSummary.model_fields if name not in derived}


def _phase(
    row: OrderRow, lines: Sequence[Row[Any]], holds: Sequence[OrderHoldRow], parcels: Sequence[str], *, parked: bool
) -> str:
    standing = Standing(
        lifecycle=row.lifecycle, review=row.review, holds={hold.reason_code for hold in holds},
        lines=[{name: getattr(line, name) for name in COUNTERS} for line in lines], parcels=parcels, parked=parked,
    )  # fmt: skip
    return headline(standing)


def _line(line: Row[Any]) -> LineOut:
    columns = {name: getattr(line, name) for name in LineOut.model_fields if name != "counters"}
    counters = {name: getattr(line, name) for name in COUNTERS}
    return LineOut(**columns, counters={name: value for name, value in counters.items() if value})
