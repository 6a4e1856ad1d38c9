"""Make a golden order from an order that was decided about: its inputs as they were, without its people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.kit.errors import NotFound, StateConflict
from hub.orders.service.accept import stored_order
from hub.orders.service.holding import find_order
from hub.orders.tables import OrderRow
from hub.routing import repository
from hub.routing.rules.approval import judge_again
from hub.routing.rules.differences import changes
from hub.routing.rules.golden import read_golden
from hub.routing.rules.golden_made import Source, as_golden, made_document
from hub.routing.rules.golden_run import OF_REVIEW
from hub.routing.service.golden_orders import add_golden
from hub.routing.service.golden_runs import GoldenRunner
from hub.routing.service.history import History, NotKept
from hub.routing.service.reviews import reviews_of
from hub.routing.tables import GoldenOrderRow, RoutingDecisionRow

EXPECTED = ("review", "holds", "tags", "outcome", "reason", "locations", "services")
"""What is expected where nobody says so: what orders of that kind have in common."""


def make_golden(
    session: Session, *, order: str, name: str, about: str, members: Sequence[str], adapters: Adapters, author: str,
    at: datetime,
) -> GoldenOrderRow:  # fmt: skip
    """Keep a golden order of what was decided about `order` (number or id), expecting those `members` of it.

    409 where what was around the decision is not kept any more, or where it is not decided again as it was.
    """
    row = find_order(session, order)
    decision = repository.latest_decision(session, row.order_id)
    if decision is None:
        raise NotFound("decision", order)
    history = History(session, adapters)
    try:
        document, reviewed = _document(session, history, row, decision, name, about)
        runner = GoldenRunner(session, rules=history.rules(decision.rule_set_id), adapters=adapters, at=at)
        came = runner.came(read_golden({**document, "expect": {}}))
    except NotKept as reason:
        raise StateConflict("decision_not_kept", f"Order {row.number} cannot become golden: {reason}.") from reason
    differing = changes(as_golden(decision.body, decision.inputs["order"]), came.decision)
    if differing:
        raise StateConflict(
            "not_decided_again",
            f"Order {row.number} cannot become golden: from what may be kept of it, its own rules decide "
            f"{', '.join(differing)} otherwise than they did. Write a golden order by hand.",
        )
    wanted = [member for member in members or EXPECTED if members or reviewed or member not in OF_REVIEW]
    found = came.found()
    expect = {member: _stated(found[member]) for member in wanted}
    (made,) = add_golden(
        session, documents=[{**document, "expect": expect}], replace=False, adapters=adapters, author=author, at=at
    )
    return made


def _document(
    session: Session, history: History, row: OrderRow, decision: RoutingDecisionRow, name: str, about: str
) -> tuple[dict[str, Any], bool]:
    """The golden order without what is expected, and whether its review is known."""
    then = reviews_of(session, [row.order_id]).get(row.order_id)
    review = None if isinstance(then, str) else then
    put = judge_again(review, history.rules(review.basis["rule_set_id"])).tags if review else ()
    places = [(place, known.address.get("city") or "") for known, place in history.places(decision.inputs).values()]
    source = Source(stored_order(row), decision.inputs, places, review, put)
    return made_document(name, about, source), review is not None


def _stated(value: Any) -> Any:
    """Locations without a service have none to expect."""
    return {code: one for code, one in value.items() if one is not None} if isinstance(value, dict) else value
