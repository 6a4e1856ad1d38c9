"""What came of orders that were planned together: measured while it is done, kept with the decisions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from hub.jobs.service.retention import Swept
from hub.kit.clock import monotonic
from hub.kit.ids import new_id
from hub.routing import repository_waves
from hub.routing.rules.decision import WaveResult
from hub.routing.rules.values import RouteStrategy
from hub.sdk.hooks import WaveAnswer, WaveRequest


class Stopwatch:
    """Strategies with a clock beside them. Seconds are no part of a decision: it must come out again the same."""

    def __init__(self, strategies: Mapping[str, RouteStrategy]) -> None:
        self._seconds: dict[int, float] = {}
        self.strategies = {name: self._timed(ask) for name, ask in strategies.items()}

    def _timed(self, ask: RouteStrategy) -> RouteStrategy:
        def timed(request: WaveRequest) -> WaveAnswer:
            began = monotonic()
            try:
                return ask(request)
            finally:
                self._seconds[id(request)] = monotonic() - began

        return timed

    def millis(self, wave: WaveResult) -> int:
        """What its strategy took; 0 where it was not asked."""
        return round(self._seconds.get(id(wave.request), 0.0) * 1000)


def keep_waves(
    session: Session, *, waves: Sequence[tuple[WaveResult, int]], rule_set_id: str, at: datetime
) -> None:  # fmt: skip
    """Store waves with the milliseconds that their strategies took."""
    repository_waves.insert_waves(
        session,
        [
            {
                "wave_id": new_id(), "digest": wave.digest, "rule_set_id": rule_set_id, "strategy": wave.use,
                "orders": wave.orders, "currency": wave.currency, "greedy_minor": wave.greedy_minor,
                "cost_minor": wave.cost_minor, "sent_more": wave.sent_more, "reason": wave.reason, "millis": millis,
                "planned_at": at,
            }
            for wave, millis in waves
        ],
    )  # fmt: skip


def sweep_waves(session: Session, *, before: datetime, limit: int, dry: bool) -> Swept:
    """Old waves; what was decided in them stays in the decisions."""
    if dry:
        return Swept(repository_waves.count_old(session, planned_before=before), "", "", more=False)
    count = repository_waves.forget_old(session, planned_before=before, limit=limit)
    return Swept(count, "", "", more=count == limit)
