"""review -> routing -> fulfilment: plan approved orders, reserve their stock and open their fulfilment orders, in
one transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.adapters import load
from hub.flows.services import Services
from hub.fulfilment import repository as fulfilment_repository
from hub.fulfilment.service.assign import PlannedFulfilment, PlannedLine, allocation_deltas, assign
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.orders import repository as orders_repository
from hub.orders.rules.lifecycle import APPROVED
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.routing import repository as routing_repository
from hub.routing.rules.decision import Decision, Fulfilment
from hub.routing.rules.values import UNIT
from hub.routing.service.plan import Planned, Wanted, keep_decisions, park, plan_orders

PLAN = "routing.plan"
PLANNED_OF_LINES = (
    "order_line_id", "sku", "product_sku", "name", "grams", "ships", "allocated", "unallocated", "backordered",
)  # fmt: skip
"""What planning reads of a line."""
ROUNDS = 2
"""An order that loses a race for stock is planned again at once, with the levels locked by then."""


class PlanOrders:
    """Handler of `routing.plan`: its subjects are orders."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Orders that are held, not approved, cancelled or without side effects are left alone."""
        plan_and_assign(session, self._services, order_ids={job.subject_id or "" for job in jobs})


def plan_and_assign(session: Session, services: Services, *, order_ids: Collection[str]) -> None:
    """Plan, reserve and open fulfilment orders for what may be planned among these orders."""
    at = services.clock.now()
    changes = OrderChanges()
    ready = _ready(session, changes, order_ids)
    for _ in range(ROUNDS):
        if not ready:
            break
        planned = plan_orders(session, wanted=ready, host=services.host, adapters=services.adapters, at=at, keep=True)
        refused = _carry_out(session, changes, planned, ready, at)
        changes.flush(session, at=at)
        ready = [item for item in ready if item.row.order_id in refused]
    publish(session, [_again(item.row.order_id, at) for item in ready])


def _ready(session: Session, changes: OrderChanges, order_ids: Collection[str]) -> list[Wanted]:
    rows = lock(session, changes, order_ids)
    held = orders_repository.open_holds(session, order_ids)
    free = [
        row for row in rows.values()
        if row.lifecycle == "open" and row.review in APPROVED and row.side_effects and row.order_id not in held
    ]  # fmt: skip
    ids = [row.order_id for row in free]
    lines = lines_of(session, ids, columns=PLANNED_OF_LINES)
    connections = load(session, {row.connection_id for row in free})
    rejected = fulfilment_repository.rejections(session, ids)
    return [
        Wanted(row, lines[row.order_id], connections[row.connection_id], rejected.get(row.order_id, ()))
        for row in free
        if connections[row.connection_id].live and not _is_on_its_way(lines[row.order_id])
    ]


def _is_on_its_way(lines: Sequence[Row[Any]]) -> bool:
    """Nothing is left to plan, and something was: a decision about nothing would hide the one that matters."""
    return any(line.allocated for line in lines) and not any(line.unallocated or line.backordered for line in lines)


def _carry_out(
    session: Session, changes: OrderChanges, planned: Planned, ready: Sequence[Wanted], at: datetime
) -> frozenset[str]:
    by_order = {item.row.order_id: item for item in ready}
    decision_ids = {decision.order_id: "" for decision in planned.decisions}
    kept = keep_decisions(session, decisions=planned.decisions, rule_set_id=planned.rule_set_id, at=at)
    decision_ids.update(kept)
    work = {
        decision.order_id: _work(decision, by_order[decision.order_id], planned, decision_ids[decision.order_id])
        for decision in planned.decisions
        if decision.outcome == "planned"
    }
    result = assign(session, changes, planned=[item for items in work.values() for item in items], at=at)
    waiting = [decision for decision in planned.decisions if decision.outcome != "planned" or decision.shortages]
    settled = [decision.order_id for decision in planned.decisions if decision.order_id not in result.refused_orders]
    still = {decision.order_id for decision in waiting}
    routing_repository.unpark(session, [order_id for order_id in settled if order_id not in still])
    park(session, decisions=[decision for decision in waiting if decision.order_id in set(settled)], at=at)
    _count_loads(session, planned.decisions, result.refused_orders)
    resolve_by_key(
        session,
        dedupe_keys=[f"routing:{order_id}" for order_id in work if order_id not in result.refused_orders],
        actor="routing",
        resolution="planned",
        at=at,
    )
    for decision in planned.decisions:
        if decision.order_id not in result.refused_orders:
            _record(changes, decision, work.get(decision.order_id, []))
    publish(session, [_nothing(decision) for decision in planned.decisions if decision.reason == "nothing_to_ship"])
    publish(session, [_unplanned(decision) for decision in waiting if decision.outcome == "needs_person"])
    return result.refused_orders


def _work(decision: Decision, item: Wanted, planned: Planned, decision_id: str) -> list[PlannedFulfilment]:
    lines = {line.order_line_id: line for line in item.lines}
    bundles = {line_id: (sku, parts) for (line_id, sku), parts in planned.components.items()}
    return [
        PlannedFulfilment(
            order_id=decision.order_id, order_number=decision.number, location=share.location,
            outside=planned.around.known[share.location].handling == "outside",
            lines=tuple(
                _line(lines[line_id], sku, quantity, bundles.get(line_id))
                for line_id, sku, quantity in _one_a_bundle(share, bundles)
            ),
            decision_id=decision_id, carrier_connection=_carrier(share)[0], service=_carrier(share)[1],
            quote=_quote(share), ship_by=share.ship_at,
        )
        for share in decision.fulfilments
    ]  # fmt: skip


def _one_a_bundle(
    share: Fulfilment, bundles: dict[str, tuple[str, tuple[tuple[str, Decimal], ...]]]
) -> list[tuple[str, str, int]]:
    """A bundle is planned as its components, and is one line of work again here."""
    seen: set[str] = set()
    lines = []
    for line_id, sku, quantity in share.lines:
        bundle = bundles.get(line_id)
        if bundle is None:
            lines.append((line_id, sku, quantity))
        elif line_id not in seen:
            seen.add(line_id)
            each = dict(bundle[1])[sku]
            lines.append((line_id, bundle[0], int(Decimal(quantity) / each)))
    return lines


def _line(
    row: object, sku: str, quantity: int, bundle: tuple[str, tuple[tuple[str, Decimal], ...]] | None
) -> PlannedLine:
    return PlannedLine(
        order_line_id=row.order_line_id, sku=sku, name=row.name, grams=row.grams,  # type: ignore[attr-defined]
        quantity=Decimal(quantity) / UNIT, components=bundle[1] if bundle else (),
    )  # fmt: skip


def _carrier(share: Fulfilment) -> tuple[str | None, str | None]:
    quote = share.service.quote if share.service else None
    return (quote.connection, quote.service) if quote else (None, None)


def _quote(share: Fulfilment) -> Money | None:
    quote = share.service.quote if share.service else None
    return Money(minor=quote.total_minor, currency=quote.currency) if quote else None


def _count_loads(session: Session, decisions: Sequence[Decision], refused: Collection[str]) -> None:
    loads: dict[tuple[str, object], int] = {}
    for decision in decisions:
        if decision.outcome == "planned" and decision.order_id not in refused:
            for share in decision.fulfilments:
                key = (share.location, share.ship_day)
                loads[key] = loads.get(key, 0) + 1
    routing_repository.add_loads(session, loads)  # type: ignore[arg-type]


def _record(changes: OrderChanges, decision: Decision, work: Sequence[PlannedFulfilment]) -> None:
    changes.record(
        decision.order_id, "order.planned" if work else f"order.{decision.outcome}", actor="routing",
        data={
            "reason": decision.reason, "message": decision.message, "locations": [item.location for item in work],
            "services": [f"{item.carrier_connection}/{item.service}" for item in work if item.service],
        },
        lines=allocation_deltas(work),
    )  # fmt: skip


def _again(order_id: str, at: datetime) -> Event:
    return Event(
        kind="order.replan_requested", subject_id=order_id, cause=f"race:{at.isoformat()}", lane=f"order:{order_id}"
    )


def _nothing(decision: Decision) -> Event:
    return Event(
        kind="order.nothing_to_ship", subject_id=decision.order_id, cause="1", lane=f"order:{decision.order_id}"
    )


def _unplanned(decision: Decision) -> Event:
    return Event(
        kind="order.needs_person", subject_id=decision.order_id, cause=decision.inputs_hash[:32],
        lane=f"case:order:{decision.order_id}",
        data={"number": decision.number, "reason": decision.reason, "message": decision.message},
    )  # fmt: skip
