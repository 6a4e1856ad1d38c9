"""What review found when it looked at orders, so that other rules can be asked about the same."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from hub.connections.service.adapters import load
from hub.kit.bulk import among
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.facts import FactValue
from hub.kit.rules.order_facts import order_facts
from hub.orders import repository as orders
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import ORDERS
from hub.routing.rules.approval import Approval, Review, approval
from hub.routing.service.history import History, NotKept

REVIEWED = "order.reviewed"


def approvals(
    session: Session, order_ids: Collection[str], *, rules: CompiledRuleSet, history: History
) -> dict[str, Approval | str]:
    """For each order, whether review let it pass and would let it pass under `rules`, or why that is not known.

    Facts are those of the order as its source last stated it, which is what its last review looked at.
    """
    found: dict[str, Approval | str] = {}
    for order_id, then in reviews_of(session, order_ids).items():
        if isinstance(then, str):
            found[order_id] = then
            continue
        try:
            judged = approval(then, history.rules(then.basis["rule_set_id"]), rules)
        except NotKept as reason:
            found[order_id] = f"of its review: {reason}"
            continue
        found[order_id] = judged or "its review cannot be judged again"
    return found


def reviews_of(session: Session, order_ids: Collection[str]) -> dict[str, Review | str]:
    """The last review of each order as it was, or why that is not known."""
    events = orders.newest_of_kind(session, order_ids, kind=REVIEWED)
    rows = session.execute(select(ORDERS).where(among(session, ORDERS.c.order_id, order_ids))).all()
    connections = load(session, {row.connection_id for row in rows})
    found: dict[str, Review | str] = {}
    for row in rows:
        info, event = connections[row.connection_id], events.get(row.order_id)
        if event is None or "basis" not in event.data:
            found[row.order_id] = "its review is not kept"
            continue
        basis = event.data["basis"]
        found[row.order_id] = Review(event.at, _facts(row, info.name, info.plugin, basis["payment"]), basis)
    return found


def _facts(row: Row[Any], connection: str, channel: str, payment_state: str) -> dict[str, FactValue]:
    return order_facts(stored_order(row), connection=connection, channel=channel, payment_state=payment_state)
