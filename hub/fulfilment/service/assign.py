"""Give planned work to locations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.fulfilment.events import SUBMITTED
from hub.fulfilment.rules.consolidation import Merging
from hub.fulfilment.service.consolidate import join
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow
from hub.inventory.rules.grants import Demand
from hub.inventory.service.release import release
from hub.inventory.service.reserve import reserve
from hub.inventory.service.soft import take_over
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.kit.bulk import among, insert_rows
from hub.kit.ids import new_id
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges

FULFILMENT_ORDERS: Table = FulfilmentOrderRow.__table__  # type: ignore[assignment]
FULFILMENT_LINES: Table = FulfilmentOrderLineRow.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A quantity of an order line; `components` are the stocked SKUs per unit where it is a bundle."""

    order_line_id: str
    sku: str
    name: str | None
    grams: int
    quantity: Decimal
    components: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedFulfilment:
    """What one location is to send of one order; `merging` where its parcel waits for others to the consignee."""

    order_id: str
    order_number: str
    location: str
    outside: bool
    lines: tuple[PlannedLine, ...]
    decision_id: str
    carrier_connection: str | None = None
    service: str | None = None
    quote: Money | None = None
    ship_by: datetime | None = None
    merging: Merging | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """Which planned work got its stock: refused orders lost a race for it and are planned again."""

    granted_orders: frozenset[str]
    refused_orders: frozenset[str]


def assign(session: Session, changes: OrderChanges, *, planned: Sequence[PlannedFulfilment], at: datetime) -> Assigned:
    """Reserve the stock, open the fulfilment orders and release them, in the caller's transaction.

    An order whose stock cannot be reserved whole gets nothing: its other grants are given back.
    """
    if not planned:
        return Assigned(frozenset(), frozenset())
    counts = _counts(session, {item.order_id for item in planned})
    heads, lines, demands = _rows(planned, counts, at)
    take_over(
        session, order_ids={item.order_id for item in planned}, keys={demand.key for demand in demands}, at=at,
        actor="routing",
    )  # fmt: skip
    granted = reserve(session, demands=demands, at=at, actor="routing").granted
    by_order: dict[str, list[Demand]] = {}
    for demand in demands:
        by_order.setdefault(demand.order_id, []).append(demand)
    refused = {
        order_id
        for order_id, wanted in by_order.items()
        if any(demand.fulfilment_order_line_id not in granted for demand in wanted)
    }
    give_back = [
        d.fulfilment_order_line_id
        for order in refused
        for d in by_order[order]
        if d.fulfilment_order_line_id in granted
    ]
    if give_back:
        release(session, fulfilment_order_line_ids=give_back, at=at, actor="routing", reason="not reserved whole")
    good = {head["fulfilment_order_id"]: head for head in heads if head["order_id"] not in refused}
    _consolidate(session, [pair for pair in zip(heads, planned, strict=True) if pair[1].order_id not in refused], at)
    insert_rows(session, FULFILMENT_ORDERS, list(good.values()))
    insert_rows(session, FULFILMENT_LINES, [line for line in lines if line["fulfilment_order_id"] in good])
    _submit_outside(session, list(good.values()))
    return Assigned(frozenset({item.order_id for item in planned} - refused), frozenset(refused))


def allocation_deltas(planned: Sequence[PlannedFulfilment]) -> dict[str, Deltas]:
    """What an assignment does to the order's line counters."""
    deltas: dict[str, Deltas] = {}
    for item in planned:
        for line in item.lines:
            change = deltas.setdefault(
                line.order_line_id, dict.fromkeys(("unallocated", "allocated", "released"), Decimal(0))
            )
            change["unallocated"] -= line.quantity
            change["allocated"] += line.quantity
            change["released"] += line.quantity
    return deltas


def _counts(session: Session, order_ids: Collection[str]) -> dict[str, int]:
    statement = (
        select(FULFILMENT_ORDERS.c.order_id, func.count())
        .where(among(session, FULFILMENT_ORDERS.c.order_id, order_ids))
        .group_by(FULFILMENT_ORDERS.c.order_id)
    )
    return dict(session.execute(statement).all())


def _rows(
    planned: Sequence[PlannedFulfilment], counts: dict[str, int], at: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Demand]]:
    heads: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    demands: list[Demand] = []
    for item in planned:
        number = counts[item.order_id] = counts.get(item.order_id, 0) + 1
        fulfilment_order_id = new_id()
        heads.append(_head(item, fulfilment_order_id, number, at))
        for line in item.lines:
            line_id = new_id()
            lines.append(
                {
                    "fulfilment_order_line_id": line_id, "fulfilment_order_id": fulfilment_order_id,
                    "order_line_id": line.order_line_id, "sku": line.sku, "name": line.name, "grams": line.grams,
                    "quantity": line.quantity,
                }
            )  # fmt: skip
            parts = line.components or ((line.sku, Decimal(1)),)
            demands.extend(
                Demand(item.order_id, line_id, item.location, sku, line.quantity * each) for sku, each in parts
            )
    return heads, lines, demands


def _head(item: PlannedFulfilment, fulfilment_order_id: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "fulfilment_order_id": fulfilment_order_id, "order_id": item.order_id,
        "number": f"{item.order_number[:110]}-F{number}", "location": item.location, "decision_id": item.decision_id,
        "state": "released", "negotiation": "unsubmitted" if item.outside else "accepted", "outside": item.outside,
        "carrier_connection": item.carrier_connection, "service": item.service,
        "quoted_minor": None if item.quote is None else item.quote.minor,
        "quoted_currency": None if item.quote is None else item.quote.currency,
        "ship_by": item.ship_by, "consolidation_id": None, "created_at": at, "updated_at": at,
    }  # fmt: skip


def _consolidate(session: Session, work: Sequence[tuple[dict[str, Any], PlannedFulfilment]], at: datetime) -> None:
    wanted = [
        (head, item.merging, int(sum(line.grams * line.quantity for line in item.lines)))
        for head, item in work
        if item.merging is not None
    ]
    found = join(session, wanted=wanted, at=at)
    for head, _, _ in wanted:
        head["consolidation_id"] = found.get(head["fulfilment_order_id"])


def _submit_outside(session: Session, heads: Sequence[dict[str, Any]]) -> None:
    publish(
        session,
        [
            Event(
                kind=SUBMITTED, subject_id=head["fulfilment_order_id"], cause="1",
                lane=f"out:{head['order_id']}:{head['location']}",
            )
            for head in heads
            if head["outside"]
        ],
    )  # fmt: skip
