"""How routing does over the hub's own history: what came of the last orders, and whether their records hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.kit.clock import monotonic
from hub.routing import repository
from hub.routing.rules.backtest import Comparison
from hub.routing.rules.report import WaveFigures
from hub.routing.service.backtest import backtest, newest
from hub.routing.service.rule_sets import active_rules


@dataclass(frozen=True, slots=True)
class Report:
    """`decided` orders were planned or could not be, as their timelines say; `recorded` of them have a decision.

    `found` compares the last orders with the rules that decide now; `seconds` is what that took.
    """

    found: Comparison
    decided: int
    recorded: int
    seconds: float
    waves: WaveFigures

    def to_dict(self) -> dict[str, Any]:
        """JSON; shares are in thousandths, None where nothing counts."""
        found = self.found
        looked_at = found.before.orders + sum(found.skipped.values())
        return {
            "orders": looked_at,
            "figures": found.before.to_dict(),
            "reproduced": found.reproduced,
            "reproduced_permille": _permille(found.reproduced, looked_at),
            "skipped": dict(sorted(found.skipped.items())),
            "changed_by_active_rules": len(found.differences),
            "decided": self.decided,
            "recorded": self.recorded,
            "recorded_permille": _permille(self.recorded, self.decided),
            "decisions_a_second": round(2 * found.before.orders / self.seconds) if self.seconds else None,
            "waves": self.waves.to_dict(),
        }


def report(session: Session, *, adapters: Adapters, last: int, tell: Callable[[int], None]) -> Report:
    """The figures over the newest decisions of the `last` orders, in a transaction that cannot write.

    `tell` is called with the number of orders looked at so far.
    """
    waves = WaveFigures()
    for page in newest(session, last):
        for row in page:
            waves.add(row.body)
    _, rules = active_rules(session)
    began = monotonic()
    found = backtest(session, rules=rules, adapters=adapters, last=last, tell=tell)
    seconds = monotonic() - began
    decided, recorded = repository.decided_orders(session)
    return Report(found, decided, recorded, seconds, waves)


def _permille(some: int, whole: int) -> int | None:
    return 1000 * some // whole if whole else None
