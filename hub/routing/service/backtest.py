"""Let other rules decide about the last orders, with everything as it was then. It reads, and cannot write."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.kit.db import cannot_write
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing import repository
from hub.routing.rules.backtest import Comparison
from hub.routing.rules.differences import Body
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.planner import plan
from hub.routing.rules.transfer import moves_stock
from hub.routing.service.history import History, NotKept
from hub.routing.service.hooks import Ranks, hooks_for
from hub.routing.service.reviews import approvals

PAGE = 500


def backtest(
    session: Session, *, rules: CompiledRuleSet, adapters: Adapters, last: int, tell: Callable[[int], None]
) -> Comparison:
    """Compare `rules` with what decided, over the newest decisions of the `last` orders that were planned.

    Each order meets the stock, capacity, calendars and prices that it met then, and the answers that hooks gave then;
    only a ranker that was not asked then is asked now. Review is asked about what its checks had found then.
    `tell` is called with the number of decisions looked at so far. The session must be one in which the database
    refuses to write (`Database.read_only`): code of plugins runs in here. Raises `WouldWrite` for any other.
    """
    if not cannot_write(session):
        raise WouldWrite("a backtest was given a transaction that may write: open it with Database.read_only()")
    history, found, count = History(session, adapters), Comparison(), 0
    ranks = hooks_for(adapters.host, rules)[1]
    for page in newest(session, last):
        approved = approvals(session, [row.order_id for row in page], rules=rules, history=history)
        for row in page:
            try:
                again = plan(history.problem(row.inputs, history.rules(row.rule_set_id))).decisions[0]
                other = otherwise(history, row.inputs, rules, ranks)
            except NotKept as reason:
                found.skip(str(reason))
            else:
                found.add(
                    row.body, row.inputs, again=as_stored(again.to_dict()), other=other,
                    approved=approved[row.order_id],
                )  # fmt: skip
            count += 1
            tell(count)
    return found


class WouldWrite(Exception):
    """The database would let this transaction write."""


def otherwise(history: History, inputs: Body, rules: CompiledRuleSet, ranks: Ranks) -> dict[str, Any]:
    """What `rules` decide about stored inputs, as it would be stored; `ranks` are asked where they were not then, and
    stock is moved where these rules would.
    """
    problem = history.problem(inputs, rules)
    answered = {name for name, _ in problem.ranks}
    asked = (*problem.ranks, *(pair for pair in ranks if pair[0] not in answered))
    return as_stored(plan(replace(problem, ranks=asked, may_transfer=moves_stock(rules))).decisions[0].to_dict())


def newest(session: Session, last: int) -> Iterator[list[Any]]:
    """The newest decision of each order, the newest order first, page by page."""
    seen: set[str] = set()
    before: str | None = None
    while len(seen) < last:
        rows = repository.newest_decisions(session, before=before, limit=PAGE)
        page = []
        for row in rows:
            if row.order_id not in seen and len(seen) < last:
                seen.add(row.order_id)
                page.append(row)
        yield page
        if len(rows) < PAGE:
            return
        before = rows[-1].decision_id
