"""Decisions about orders: the last one with its reasons, and a preview that writes nothing."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from hub.api.state import HubServices
from hub.auth.api import require
from hub.fulfilment import repository as fulfilment
from hub.fulfilment.service.consolidate import told_together
from hub.inventory.service.gathering import told_transfers
from hub.kit.errors import NotFound
from hub.kit.web import problem_responses
from hub.kit.web_session import ReadSession
from hub.kit.web_state import Now
from hub.orders.service.changes import ORDERS, lines_of
from hub.orders.service.holding import find_order
from hub.routing import repository
from hub.routing.rules.explain import explain, explain_flips, explain_location
from hub.routing.schemas import DecisionOut, FlipsOut, PreviewIn, PreviewOut
from hub.routing.service.gifts import plan_with_gifts, told_gifts
from hub.routing.service.plan import Planned, Wanted, plan_orders
from hub.routing.service.why import flips_of

router = APIRouter()


@router.get(
    "/v1/orders/{order}/routing", tags=["orders"], dependencies=[Depends(require("orders:read"))],
    responses=problem_responses(401, 403, 404, 409),
)  # fmt: skip
def latest_decision(
    order: str, session: ReadSession, services: HubServices,
    why: Annotated[str | None, Query(max_length=40, description="Code of a location: why it, or why not.")] = None,
    flips: Annotated[bool, Query(description="Tell what would have let each other location win.")] = False,
) -> DecisionOut:  # fmt: skip
    """The last decision about an order, and in words why each location won or lost.

    With `why` or `flips` it is also computed which smallest change would have sent it elsewhere: the order is planned
    again up to some thousand times, which takes up to some seconds.
    """
    row = find_order(session, order)
    decision = repository.latest_decision(session, row.order_id)
    if decision is None:
        raise NotFound("decision", row.number)
    asked = flips or why is not None
    found = flips_of(session, decision=decision, location=why, adapters=services.adapters) if asked else None
    return DecisionOut(
        decision_id=decision.decision_id, order_id=row.order_id, outcome=decision.outcome,
        decided_at=decision.decided_at, rule_set_id=decision.rule_set_id,
        explanation=[
            *explain(decision.body), *told_transfers(session, row.order_id), *told_together(session, row.order_id),
        ],
        why=explain_location(decision.body, why) + explain_flips(*found) if why is not None and found else None,
        flips=FlipsOut.of(*found) if found else None, decision=decision.body,
    )  # fmt: skip


@router.post(
    "/v1/routing/preview", tags=["routing"], dependencies=[Depends(require("routing:read"))],
    responses=problem_responses(400, 401, 403, 422),
)  # fmt: skip
def preview(body: PreviewIn, session: ReadSession, services: HubServices, now: Now) -> PreviewOut:
    """What would be decided about these orders now, planned together; nothing is written or reserved. Gifts that would
    do harm are left out, as they would be let go.

    The pure planner cannot write, so an Idempotency-Key is of no consequence.
    """
    statement = select(ORDERS).where(ORDERS.c.order_id.in_(body.order_ids)).order_by(ORDERS.c.order_id)
    rows = session.execute(statement).all()
    ids = [row.order_id for row in rows]
    lines, rejected = lines_of(session, ids), fulfilment.rejections(session, ids)
    known = services.reference.of(session)
    wanted = [
        Wanted(row, lines[row.order_id], known.connections[row.connection_id], rejected.get(row.order_id, ()))
        for row in rows
    ]

    def plan(items: Sequence[Wanted]) -> Planned:
        return plan_orders(
            session, wanted=items, host=services.host, rule_set_id=known.rule_set_id, rules=known.rules,
            standing=services.reference.standing(session, at=now), at=now, keep=False,
        )  # fmt: skip

    found = plan_with_gifts(wanted, plan)
    gifts = {item.row.order_id: told_gifts(item, found.let_go.get(item.row.order_id, ())) for item in wanted}
    return PreviewOut(
        decisions=[
            DecisionOut(
                decision_id=None, order_id=decision.order_id, outcome=decision.outcome, decided_at=None,
                rule_set_id=found.planned.rule_set_id, explanation=[*explain(decision), *gifts[decision.order_id]],
                why=explain_location(decision, body.why) if body.why is not None else None, decision=decision.to_dict(),
            )
            for decision in found.planned.decisions
        ]
    )  # fmt: skip
