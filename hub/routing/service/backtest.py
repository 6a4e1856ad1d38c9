"""Let other rules decide about the last orders, with everything as it was then. It reads and writes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing import repository
from hub.routing.rules.backtest import Comparison
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.planner import plan
from hub.routing.rules.values import PlanningProblem
from hub.routing.service.history import History, NotKept
from hub.routing.service.hooks import Ranks, hooks_for

PAGE = 500


def backtest(
    session: Session, *, rules: CompiledRuleSet, adapters: Adapters, last: int, tell: Callable[[int], None]
) -> Comparison:
    """Compare `rules` with what decided, over the newest decisions of the `last` orders that were planned.

    Each order meets the stock, capacity, calendars and prices that it met then, and the answers that hooks gave then;
    only a ranker that was not asked then is asked now.
    `tell` is called with the number of decisions looked at so far.
    """
    history, found = History(session, adapters), Comparison()
    ranks = hooks_for(adapters.host, rules)[1]
    for count, row in enumerate(_newest(session, last), 1):
        try:
            again = plan(history.problem(row.inputs, history.rules(row.rule_set_id))).decisions[0]
            other = plan(_with_ranks(history.problem(row.inputs, rules), ranks)).decisions[0]
        except NotKept as reason:
            found.skip(str(reason))
        else:
            found.add(row.body, row.inputs, again=as_stored(again.to_dict()), other=as_stored(other.to_dict()))
        tell(count)
    return found


def _with_ranks(problem: PlanningProblem, ranks: Ranks) -> PlanningProblem:
    answered = {name for name, _ in problem.ranks}
    return replace(problem, ranks=(*problem.ranks, *(pair for pair in ranks if pair[0] not in answered)))


def _newest(session: Session, last: int) -> Iterator[Any]:
    """The newest decision of each order, the newest order first."""
    seen: set[str] = set()
    before: str | None = None
    while len(seen) < last:
        rows = repository.newest_decisions(session, before=before, limit=PAGE)
        for row in rows:
            if row.order_id not in seen and len(seen) < last:
                seen.add(row.order_id)
                yield row
        if len(rows) < PAGE:
            return
        before = rows[-1].decision_id
