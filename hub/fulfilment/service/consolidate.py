"""Put work for one consignee together: who joins what waits, which parcel is made of it, and who is in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Table
from sqlalchemy.orm import Session

from hub.canonical.order import Order
from hub.fulfilment import repository_consolidation as repository
from hub.fulfilment.repository import parcels as parcels_of
from hub.fulfilment.rules.consolidation import Merging, closing, consignee, fits, may_join, payment_kind
from hub.fulfilment.service.stops import what_stops
from hub.fulfilment.tables import ConsolidationRow, FulfilmentOrderRow, ShipmentRow
from hub.kit.bulk import insert_missing
from hub.kit.ids import new_id
from hub.orders.tables import OrderRow

CONSOLIDATIONS: Table = ConsolidationRow.__table__  # type: ignore[assignment]
Head = Mapping[str, Any]


def join(session: Session, *, wanted: Sequence[tuple[Head, Merging, int]], at: datetime) -> dict[str, str]:
    """Let new work (its row to be, how it merges, its grams) join what waits for its consignee, or begin to wait.

    Returns the consolidation by fulfilment order. Whoever comes at the same time waits for this transaction: there is
    one consolidation of a key that may be joined.
    """
    timely = [
        (head, merging, grams, until)
        for head, merging, grams in wanted
        if (until := closing(at=at, window_minutes=merging.window_minutes, ship_by=head["ship_by"])) is not None
    ]
    if not timely:
        return {}
    fresh = {merging.key: _row(head, merging, until, at) for head, merging, _, until in timely}
    insert_missing(session, CONSOLIDATIONS, [fresh[key] for key in sorted(fresh)], key=("open_key",))
    groups = repository.open_consolidations(session, sorted(fresh))
    loads = repository.loads(session, [group.consolidation_id for group in groups.values()])
    found: dict[str, str] = {}
    for head, merging, grams, until in timely:
        group = groups.get(merging.key)
        orders, weight = loads.get(group.consolidation_id, (set(), 0)) if group is not None else (set(), 0)
        if group is None or not may_join(
            group, at=at, ship_by=head["ship_by"], order_id=head["order_id"], grams=grams, orders=orders, weight=weight
        ):
            if group is not None:
                group.open_key = None
                session.flush()  # the key is free before it is taken again
            group = groups[merging.key] = ConsolidationRow(**_row(head, merging, until, at))
            session.add(group)
            orders, weight = set(), 0
        group.closes_at = min(group.closes_at, head["ship_by"])
        loads[group.consolidation_id] = ({*orders, head["order_id"]}, weight + grams)
        found[head["fulfilment_order_id"]] = group.consolidation_id
    session.flush()
    return found


def waits_until(session: Session, shipment: ShipmentRow) -> datetime | None:
    """When its label is to be bought; None: now."""
    group = repository.consolidation_of(session, shipment)
    waits = group is not None and group.state == "open" and _is_one_box(session, shipment)
    return group.closes_at if group is not None and waits else None


@dataclass(frozen=True, slots=True)
class Parcels:
    """Who else is in the parcel of a shipment, by its id; `unasked` bear a label and wait for its job yet."""

    carried: Mapping[str, Sequence[ShipmentRow]]
    unasked: Sequence[ShipmentRow]


def form_parcels(session: Session, shipment_ids: Collection[str]) -> Parcels:
    """The parcels of these shipments, whose labels are about to be bought; all locked.

    The first whose turn comes closes its consolidation: all that is packed by then, rated for one service and held by
    nothing goes under the label of the oldest, whoever asks: so that, if the database is put back to an earlier state,
    the carrier is asked about the same one. The rest goes by itself. Consolidations are locked before shipments, in one
    order.
    """
    groups = repository.lock_consolidations(session, shipment_ids)
    members = repository.members(session, groups)
    unasked = []
    for group_id, group in groups.items():
        able = [row for row in members[group_id] if _may_merge(session, row)]
        if group.state == "open" and any(row.shipment_id in shipment_ids for row in able):
            _close(session, group, able)
            if able[0].shipment_id not in shipment_ids:
                unasked.append(able[0])
    carried = {
        row.shipment_id: [other for other in found if other.goes_with == row.shipment_id and other.state != "voided"]
        for found in members.values()
        for row in found
        if row.shipment_id in shipment_ids
    }
    return Parcels(carried, unasked)


def take_apart(session: Session, carried: Sequence[ShipmentRow], *, state: Literal["open", "closed", "apart"]) -> None:
    """Nothing was bought for a parcel yet: these that were to go in it are free.

    `state` is what becomes of their consolidation: `open` where they may form another parcel.
    """
    groups = repository.lock_consolidations(session, [row.shipment_id for row in carried])
    for group in groups.values():
        group.state = state
    for row in carried:
        row.goes_with, row.version = None, row.version + 1
    session.flush()


def told_together(session: Session, order_id: str) -> list[str]:
    """In words, with which orders the parcels of this one go; empty where none waits or goes with another."""
    lines = []
    for work, group, others in repository.together(session, order_id):
        if group.state == "open":
            names = ", ".join(others) or "nothing else yet"
            until = f"{group.closes_at:%Y-%m-%d %H:%M} UTC"
            lines.append(f"{work} waits until {until} for others to its consignee (rule {group.rule}): with {names}")
        elif others:
            lines.append(f"{work} shares a parcel with {', '.join(others)} (rule {group.rule})")
    return lines


def _row(head: Head, merging: Merging, until: datetime, at: datetime) -> dict[str, Any]:
    return {
        "consolidation_id": new_id(), "open_key": merging.key, "state": "open", "location": head["location"],
        "rule": merging.rule, "max_orders": merging.max_orders, "max_grams": merging.max_grams,
        "days_apart": merging.days_apart, "ship_by": head["ship_by"], "closes_at": until, "created_at": at,
    }  # fmt: skip


def _close(session: Session, group: ConsolidationRow, able: Sequence[ShipmentRow]) -> None:
    group.state, group.open_key = "closed", None
    boxes = parcels_of(session, [row.shipment_id for row in able])
    weights = {key: sum(box.grams for box in found) for key, found in boxes.items()}
    first, *others = able
    orders, grams, receiver = {first.order_id}, weights[first.shipment_id], _receiver(session, first)
    for row in others:
        alike = (row.carrier_connection, row.service) == (first.carrier_connection, first.service)
        if not alike or _receiver(session, row) != receiver:
            continue
        if fits(group, orders=len({*orders, row.order_id}), grams=grams + weights[row.shipment_id]):
            row.goes_with = first.shipment_id
            orders.add(row.order_id)
            grams += weights[row.shipment_id]
    session.flush()


def _receiver(session: Session, row: ShipmentRow) -> tuple[object, ...]:
    """Who gets it and whether money is collected, as it is by now: both may have been changed since it was planned."""
    order = session.get_one(OrderRow, row.order_id)
    return consignee(Order.model_validate_json(orjson.dumps(order.document))), payment_kind(order.payment)


def _may_merge(session: Session, row: ShipmentRow) -> bool:
    if row.state != "rated" or row.goes_with is not None or not _is_one_box(session, row):
        return False
    return not what_stops(session, session.get_one(FulfilmentOrderRow, row.fulfilment_order_id), gone=False)


def _is_one_box(session: Session, row: ShipmentRow) -> bool:
    """Several boxes go by themselves, and so does what was sent already by whoever typed its number."""
    boxes = parcels_of(session, [row.shipment_id])[row.shipment_id]
    return len(boxes) == 1 and not boxes[0].tracking_number
