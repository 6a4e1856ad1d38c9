"""fulfilment -> billing -> ERP and channel: what follows when parcels left."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository as billing_repository
from hub.billing.rules import documents as build
from hub.billing.rules.documents import ShippedQuantity
from hub.billing.service.documents import Wanted, queue_documents
from hub.canonical.order import Order
from hub.connections.service.adapters import load, load_kind
from hub.flows.invoicing import issue_invoice
from hub.flows.services import Services
from hub.fulfilment import repository
from hub.fulfilment.service.notices import queue_notice
from hub.fulfilment.tables import ShipmentRow
from hub.jobs.service.work import Job
from hub.orders.repository_gifts import gift_lines
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.orders.service.gifts import with_gifts
from hub.orders.service.returns import count_told_returns


class ShipmentConsequences:
    """Handler of `shipment.consequences`: delivery and invoice for the ledgers, a notice for the channel."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Shipments of orders without side effects cause nothing."""
        ledgers = load_kind(session, "erp")
        at = self._services.clock.now()
        changes = OrderChanges()
        ids = [job.subject_id or "" for job in jobs]
        repository.lock_orders_of(session, ids)
        shipments = repository.shipments(session, ids)
        orders = lock(session, changes, {shipment.order_id for shipment in shipments.values()})
        gifts = gift_lines(session, list(orders))
        channels = load(session, {row.connection_id for row in orders.values()})
        for shipment in shipments.values():
            row = orders[shipment.order_id]
            count_told_returns(session, changes, order_id=row.order_id, actor="hub", cause=shipment.shipment_id)
            if not row.side_effects or billing_repository.invoice_exists(session, "invoice", shipment.shipment_id):
                continue
            given = gifts.get(row.order_id, [])
            shipped = _shipped(session, shipment)
            order = with_gifts(stored_order(row), given)
            wanted = self._documents(session, changes, shipment, row, order, shipped)
            queue_documents(session, wanted=wanted, ledgers=ledgers, hub_id=self._services.hub_id, at=at)
            channel = channels[row.connection_id]
            only_gifts = bool(given) and shipped.keys() <= {line.external_id for line in given}
            wanted_there = not only_gifts and channel.live and channel.decided.notify_shipments
            if wanted_there and self._services.adapters.channel(channel).offers("push_shipments"):
                queue_notice(
                    session, shipment=shipment, connection_id=channel.connection_id, hub_id=self._services.hub_id, at=at
                )
        changes.flush(session, at=at)

    def _documents(
        self, session: Session, changes: OrderChanges, shipment: ShipmentRow, row: Row[Any], order: Order,
        shipped: Mapping[str, ShippedQuantity],
    ) -> list[Wanted]:  # fmt: skip
        parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
        numbers = [parcel.tracking_number for parcel in parcels if parcel.tracking_number]
        delivery = Wanted(
            "delivery",
            row.order_id,
            row.number,
            order,
            shipment.number,
            partial(build.delivery, shipped=shipped, location=shipment.location, tracking_numbers=numbers),
            part=shipment.shipment_id,
        )
        at = self._services.clock.now()
        invoice = issue_invoice(
            session, changes, row=row, order=order, source_id=shipment.shipment_id, shipped=shipped, at=at
        )
        return [delivery, invoice]


class NothingToShip:
    """Handler of `billing.nothing_to_ship`: an order of digital goods or services is invoiced and completed."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Orders that have been invoiced or cancelled meanwhile are left alone."""
        at = self._services.clock.now()
        changes = OrderChanges()
        rows = lock(session, changes, {job.subject_id or "" for job in jobs})
        ledgers = load_kind(session, "erp")
        for row in rows.values():
            if row.lifecycle != "open" or billing_repository.invoice_exists(session, "invoice", row.order_id):
                continue
            invoice = issue_invoice(
                session, changes, row=row, order=stored_order(row), source_id=row.order_id, shipped={}, at=at
            )
            queue_documents(session, wanted=[invoice], ledgers=ledgers, hub_id=self._services.hub_id, at=at)
            changes.set(row.order_id, {"lifecycle": "completed"})
            changes.record(row.order_id, "order.completed", actor="hub")
        changes.flush(session, at=at)


def _shipped(session: Session, shipment: ShipmentRow) -> dict[str, ShippedQuantity]:
    """Units of each line that this shipment adds to what was shipped before it."""
    earlier = [
        row.shipment_id
        for row in repository.shipments_of(session, shipment.order_id)
        if row.handed_over_at is not None
        and shipment.handed_over_at is not None
        and (row.handed_over_at, row.shipment_id) < (shipment.handed_over_at, shipment.shipment_id)
    ]
    names = {line.order_line_id: line.external_id for line in lines_of(session, [shipment.order_id])[shipment.order_id]}
    before = _by_line(session, earlier, names)
    mine = _by_line(session, [shipment.shipment_id], names)
    zero = Decimal(0)
    return {
        line: ShippedQuantity(before.get(line, zero), before.get(line, zero) + units) for line, units in mine.items()
    }


def _by_line(session: Session, shipment_ids: Sequence[str], names: dict[str, str]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for shipment in repository.shipments(session, shipment_ids).values():
        work = repository.lines(session, [shipment.fulfilment_order_id])[shipment.fulfilment_order_id]
        lines = {line.fulfilment_order_line_id: names[line.order_line_id] for line in work}
        for parcel in repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]:
            for line_id, quantity in parcel.contents.items():
                total[lines[line_id]] = total.get(lines[line_id], Decimal(0)) + Decimal(quantity)
    return total
