"""SQL of consolidations: they are locked after orders and before shipments, in the order of their ids."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from hub.fulfilment.tables import ConsolidationRow, FulfilmentOrderLineRow, FulfilmentOrderRow, ShipmentRow
from hub.orders.tables import OrderRow

OVER = ("cancelled", "closed", "incomplete")


def open_consolidations(session: Session, keys: Sequence[str]) -> dict[str, ConsolidationRow]:
    """Those that may be joined, by key, locked."""
    statement = select(ConsolidationRow).where(ConsolidationRow.open_key.in_(keys))
    rows = session.scalars(statement.order_by(ConsolidationRow.consolidation_id).with_for_update())
    return {str(row.open_key): row for row in rows}


def forget_consignees(session: Session, *, at: datetime) -> None:
    """What nobody may join any more needs no digest of its consignee."""
    over = (
        select(ConsolidationRow.consolidation_id)
        .where(ConsolidationRow.open_key.is_not(None), ConsolidationRow.closes_at <= at)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(ConsolidationRow)
        .where(ConsolidationRow.consolidation_id.in_(over))
        .values(open_key=None)
        .execution_options(synchronize_session=False)
    )


def loads(session: Session, ids: Sequence[str]) -> dict[str, tuple[set[str], int]]:
    """Orders and grams of the open work in each; those without any are left out."""
    grams = func.sum(FulfilmentOrderLineRow.grams * FulfilmentOrderLineRow.quantity)
    statement = (
        select(FulfilmentOrderRow.consolidation_id, FulfilmentOrderRow.order_id, grams)
        .join(
            FulfilmentOrderLineRow,
            FulfilmentOrderLineRow.fulfilment_order_id == FulfilmentOrderRow.fulfilment_order_id,
        )
        .where(FulfilmentOrderRow.consolidation_id.in_(ids), FulfilmentOrderRow.state.not_in(OVER))
        .group_by(FulfilmentOrderRow.consolidation_id, FulfilmentOrderRow.order_id)
    )
    found: dict[str, tuple[set[str], int]] = {}
    for group_id, order_id, weight in session.execute(statement):
        orders, before = found.get(str(group_id), (set(), 0))
        found[str(group_id)] = ({*orders, order_id}, before + int(weight))
    return found


def consolidation_of(session: Session, shipment: ShipmentRow) -> ConsolidationRow | None:
    """That of its work, if it is in one."""
    statement = select(ConsolidationRow).join(
        FulfilmentOrderRow, FulfilmentOrderRow.consolidation_id == ConsolidationRow.consolidation_id
    )
    return session.scalars(
        statement.where(FulfilmentOrderRow.fulfilment_order_id == shipment.fulfilment_order_id)
    ).one_or_none()


def lock_consolidations(session: Session, shipment_ids: Collection[str]) -> dict[str, ConsolidationRow]:
    """Those of these shipments, locked, by id."""
    mine = (
        select(FulfilmentOrderRow.consolidation_id)
        .join(ShipmentRow, ShipmentRow.fulfilment_order_id == FulfilmentOrderRow.fulfilment_order_id)
        .where(ShipmentRow.shipment_id.in_(shipment_ids), FulfilmentOrderRow.consolidation_id.is_not(None))
    )
    statement = select(ConsolidationRow).where(ConsolidationRow.consolidation_id.in_(mine))
    statement = statement.order_by(ConsolidationRow.consolidation_id).with_for_update()
    rows = session.scalars(statement.execution_options(populate_existing=True))
    return {row.consolidation_id: row for row in rows}


def members(session: Session, group_ids: Collection[str]) -> dict[str, list[ShipmentRow]]:
    """Shipments of the work in each, locked in the order of their ids."""
    found: dict[str, list[ShipmentRow]] = {group_id: [] for group_id in group_ids}
    if not found:
        return found
    statement = (
        select(ShipmentRow, FulfilmentOrderRow.consolidation_id)
        .join(FulfilmentOrderRow, FulfilmentOrderRow.fulfilment_order_id == ShipmentRow.fulfilment_order_id)
        .where(FulfilmentOrderRow.consolidation_id.in_(group_ids))
        .order_by(ShipmentRow.shipment_id)
        .with_for_update(of=ShipmentRow)
    )
    for row, group_id in session.execute(statement.execution_options(populate_existing=True)):
        found[str(group_id)].append(row)
    return found


def in_one_parcel(session: Session, shipment: ShipmentRow) -> list[ShipmentRow]:
    """The others that are in its parcel and not voided, locked."""
    first = shipment.goes_with or shipment.shipment_id
    statement = (
        select(ShipmentRow)
        .where((ShipmentRow.goes_with == first) | (ShipmentRow.shipment_id == first))
        .where(ShipmentRow.shipment_id != shipment.shipment_id, ShipmentRow.state != "voided")
        .order_by(ShipmentRow.shipment_id)
        .with_for_update()
    )
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def parcel_ids(session: Session, shipment: ShipmentRow) -> list[str]:
    """Ids of all that share a parcel with a shipment, itself too; nothing is locked."""
    first = shipment.goes_with or shipment.shipment_id
    statement = select(ShipmentRow.shipment_id).where(
        (ShipmentRow.goes_with == first) | (ShipmentRow.shipment_id == first)
    )
    return list(session.scalars(statement))


def order_numbers(session: Session, order_ids: Sequence[str]) -> list[str]:
    """Numbers of orders, in the order of these ids, each once."""
    statement = select(OrderRow.order_id, OrderRow.number).where(OrderRow.order_id.in_(order_ids))
    names = dict(session.execute(statement).all())
    return [names[order_id] for order_id in dict.fromkeys(order_ids)]


def together(session: Session, order_id: str) -> list[tuple[str, ConsolidationRow, list[str]]]:
    """(number of the work, its consolidation, numbers of the other work) of an order's work that is not cancelled.

    The others are all that wait with it, and when nobody waits any more those that are in its parcel.
    """
    mine = select(FulfilmentOrderRow).where(
        FulfilmentOrderRow.order_id == order_id, FulfilmentOrderRow.consolidation_id.is_not(None),
        FulfilmentOrderRow.state != "cancelled",
    )  # fmt: skip
    found = []
    for work in session.scalars(mine.order_by(FulfilmentOrderRow.fulfilment_order_id)):
        group = session.get_one(ConsolidationRow, work.consolidation_id)
        others = select(FulfilmentOrderRow.number).where(
            FulfilmentOrderRow.consolidation_id == group.consolidation_id, FulfilmentOrderRow.state != "cancelled",
            FulfilmentOrderRow.fulfilment_order_id != work.fulfilment_order_id,
        )  # fmt: skip
        if group.state != "open":
            others = others.where(FulfilmentOrderRow.fulfilment_order_id.in_(_in_parcel_with(work)))
        found.append((work.number, group, list(session.scalars(others.order_by(FulfilmentOrderRow.number)))))
    return found


def _in_parcel_with(work: FulfilmentOrderRow) -> Select[str]:
    """Ids of the work in the parcels of this one."""
    first = func.coalesce(ShipmentRow.goes_with, ShipmentRow.shipment_id)
    mine = select(first).where(
        ShipmentRow.fulfilment_order_id == work.fulfilment_order_id, ShipmentRow.state != "voided"
    )
    return select(ShipmentRow.fulfilment_order_id).where(first.in_(mine), ShipmentRow.state != "voided")
