"""review -> routing -> fulfilment: plan approved orders, reserve their stock and open their fulfilment orders, in
one transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.cases.service.resolve import resolve_by_key
from hub.flows.gather_stock import gathering
from hub.flows.plan_gifts import plan_gifts
from hub.flows.services import Services
from hub.fulfilment import repository as fulfilment_repository
from hub.fulfilment.rules.consolidation import Merging, consignee, merging_key, payment_kind
from hub.fulfilment.service.assign import PlannedFulfilment, PlannedLine, allocation_deltas, assign
from hub.inventory.service.gathering import gather, waiting_for_transfers
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.jobs.service.work import Job
from hub.kit.ids import new_id
from hub.orders import repository as orders_repository
from hub.orders.rules.counters import Deltas
from hub.orders.rules.lifecycle import APPROVED
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.routing import repository as routing_repository
from hub.routing.rules.decision import Decision, Fulfilment
from hub.routing.rules.shortage import of_line
from hub.routing.rules.values import UNIT
from hub.routing.service.plan import Planned, Wanted, keep_decisions, park, plan_orders
from hub.routing.service.shadow import observe
from hub.routing.service.waves import keep_waves

PLAN = "routing.plan"
PLANNED_OF_LINES = (
    "order_line_id", "external_id", "sku", "product_sku", "name", "grams", "ships", "gift_rule", "external_shipped",
    "allocated", "unallocated", "backordered",
)  # fmt: skip
"""What planning reads of a line."""
BACKORDER = "backorder"
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
    plan = partial(_plan, session, services, at)
    ready = _ready(session, changes, services, order_ids)
    for _ in range(ROUNDS):
        if not ready:
            break
        planned, ready = plan_gifts(session, changes, services, wanted=ready, plan=plan, at=at)
        refused = _carry_out(session, changes, planned, ready, at)
        changes.flush(session, at=at)
        ready = [item for item in ready if item.row.order_id in refused]
    publish(session, [_again(item.row.order_id, at) for item in ready])


def _plan(session: Session, services: Services, at: datetime, wanted: Sequence[Wanted]) -> Planned:
    known = services.reference.of(session)
    return plan_orders(
        session, wanted=wanted, host=services.host, rule_set_id=known.rule_set_id, rules=known.rules,
        standing=services.reference.standing(session, at=at), at=at, keep=True,
    )  # fmt: skip


def _ready(session: Session, changes: OrderChanges, services: Services, order_ids: Collection[str]) -> list[Wanted]:
    rows = lock(session, changes, order_ids)
    held = orders_repository.open_holds(session, order_ids)
    free = [
        row for row in rows.values()
        if row.lifecycle == "open" and row.review in APPROVED and row.side_effects and row.order_id not in held
    ]  # fmt: skip
    ids = [row.order_id for row in free]
    lines = lines_of(session, ids, columns=PLANNED_OF_LINES)
    connections = services.reference.of(session).connections
    moving = waiting_for_transfers(session, ids)
    rejected = fulfilment_repository.rejections(session, ids)
    return [
        Wanted(row, lines[row.order_id], connections[row.connection_id], rejected.get(row.order_id, ()))
        for row in free
        if connections[row.connection_id].live
        and row.order_id not in moving
        and not _is_on_its_way(lines[row.order_id])
    ]


def _is_on_its_way(lines: Sequence[Row[Any]]) -> bool:
    """Nothing is left to plan, and something was: a decision about nothing would hide the one that matters."""
    return any(line.allocated for line in lines) and not any(line.unallocated or line.backordered for line in lines)


def _carry_out(
    session: Session, changes: OrderChanges, planned: Planned, ready: Sequence[Wanted], at: datetime
) -> frozenset[str]:
    by_order = {item.row.order_id: item for item in ready}
    decision_ids = {decision.order_id: new_id() for decision in planned.decisions}
    moving = {
        decision.order_id: found
        for decision in planned.decisions
        if (found := gathering(decision, decision_ids[decision.order_id])) is not None
    }
    late = gather(session, wanted=list(moving.values()), at=at, actor="routing")
    work = {
        decision.order_id: _work(decision, by_order[decision.order_id], planned, decision_ids[decision.order_id])
        for decision in planned.decisions
        if decision.outcome == "planned" and decision.order_id not in moving
    }
    result = assign(session, changes, planned=[item for items in work.values() for item in items], at=at)
    refused = result.refused_orders | late
    keep_decisions(
        session, decisions=planned.decisions, ids=decision_ids, rule_set_id=planned.rule_set_id, at=at
    )  # fmt: skip
    keep_waves(session, waves=planned.waves, rule_set_id=planned.rule_set_id, at=at)
    waiting = [
        decision
        for decision in planned.decisions
        if decision.outcome != "planned" or decision.shortages or decision.order_id in moving
    ]
    settled = [decision.order_id for decision in planned.decisions if decision.order_id not in refused]
    still = {decision.order_id for decision in waiting}
    routing_repository.unpark(session, [order_id for order_id in settled if order_id not in still])
    park(session, decisions=[decision for decision in waiting if decision.order_id in set(settled)], at=at)
    _count_loads(session, planned.decisions, refused)
    resolve_by_key(
        session,
        dedupe_keys=[f"routing:{order_id}" for order_id in work if order_id not in refused],
        actor="routing",
        resolution="planned",
        at=at,
    )
    for decision in planned.decisions:
        if decision.order_id not in refused:
            _record(changes, decision, work.get(decision.order_id, []))
            _record_backorder(changes, decision, by_order[decision.order_id], work.get(decision.order_id, []))
    observe(session, [decision_ids[order_id] for order_id in settled])
    publish(session, [_nothing(decision) for decision in planned.decisions if decision.reason == "nothing_to_ship"])
    publish(session, [_unplanned(decision) for decision in waiting if decision.outcome == "needs_person"])
    return refused


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
            quote=_quote(share), ship_by=share.ship_at, merging=_merging(share, item, planned),
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


def _merging(share: Fulfilment, item: Wanted, planned: Planned) -> Merging | None:
    """What waits for others to its consignee; a location outside makes its own parcels."""
    policy = share.merge
    if policy is None or planned.around.known[share.location].handling == "outside":
        return None
    who = consignee(stored_order(item.row))
    if who is None:
        return None
    limits = (policy.window_minutes, policy.max_orders, policy.max_grams, policy.days_apart)
    key = merging_key(
        who, share.location, *_carrier(share), payment_kind(item.row.payment), item.row.currency, policy.rule,
        repr(limits),
    )  # fmt: skip
    return Merging(key, policy.rule, *limits)


def _count_loads(session: Session, decisions: Sequence[Decision], refused: Collection[str]) -> None:
    loads: dict[tuple[str, object], int] = {}
    for decision in decisions:
        if decision.outcome == "planned" and decision.order_id not in refused:
            for share in decision.fulfilments:
                if share.moves:
                    continue  # it is counted when the goods are there
                key = (share.location, share.ship_day)
                loads[key] = loads.get(key, 0) + 1
    routing_repository.add_loads(session, loads)  # type: ignore[arg-type]


def _record(changes: OrderChanges, decision: Decision, work: Sequence[PlannedFulfilment]) -> None:
    moving = any(share.moves for share in decision.fulfilments)
    kind = "order.waits_for_transfer" if moving else "order.planned" if work else f"order.{decision.outcome}"
    changes.record(
        decision.order_id, kind, actor="routing",
        data={
            "reason": decision.reason, "message": decision.message, "locations": [item.location for item in work],
            "services": [f"{item.carrier_connection}/{item.service}" for item in work if item.service],
        },
        lines=allocation_deltas(work),
    )  # fmt: skip


def _record_backorder(
    changes: OrderChanges, decision: Decision, item: Wanted, work: Sequence[PlannedFulfilment]
) -> None:
    """Tell what is on backorder from now on, and what is not any more."""
    deltas = _backorder(decision, item, work)
    if deltas:
        more = any(change["backordered"] > 0 for change in deltas.values())
        changes.record(
            decision.order_id, "order.backordered" if more else "order.backorder_ended", actor="routing",
            data={"skus": sorted({line.sku for line in item.lines if line.order_line_id in deltas})}, lines=deltas,
        )  # fmt: skip


def _backorder(decision: Decision, item: Wanted, work: Sequence[PlannedFulfilment]) -> dict[str, Deltas]:
    """Moves what is nowhere onto backorder where the rules say so, and back what is not on backorder any more."""
    short = decision.unfillable["short"] if decision.unfillable.get("do") == BACKORDER else {}
    deltas: dict[str, Deltas] = {}
    for line in item.lines:
        planned = sum(
            (one.quantity for part in work for one in part.lines if one.order_line_id == line.order_line_id), Decimal(0)
        )
        wanted = of_line(short, line.order_line_id, line.unallocated + line.backordered - planned)
        if wanted != line.backordered:
            moved = wanted - line.backordered
            deltas[line.order_line_id] = {"unallocated": -moved, "backordered": moved}
    return deltas


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
