"""What would have changed a stored decision, computed when somebody asks."""

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.routing.rules.flip import Flips, find_flips
from hub.routing.rules.planner import plan
from hub.routing.service.history import History, NotKept
from hub.routing.tables import RoutingDecisionRow


def flips_of(
    session: Session, *, decision: RoutingDecisionRow, location: str | None, adapters: Adapters
) -> tuple[Flips | None, str]:
    """The flips of a decision, for one location or for all that did not win; else None and why there are none.

    The order meets what it met then. Where that cannot be put together bit for bit nothing is said, because it would
    be about another decision. Reads only.
    """
    history = History(session, adapters)
    try:
        problem = history.problem(decision.inputs, history.rules(decision.rule_set_id))
    except NotKept as reason:
        return None, f"what would change it cannot be computed: {reason}"
    if plan(problem).decisions[0].inputs_hash != decision.inputs_hash:
        return None, "what would change it cannot be computed: its inputs cannot be put together again"
    return find_flips(problem, location), ""
