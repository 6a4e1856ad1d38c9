"""Waves on the wire."""

from datetime import datetime

from hub.kit.web_types import Out
from hub.routing.tables import RoutingWaveRow


class WaveOut(Out):
    """What came of one wave. Costs are freight and penalties in minor units of `currency`; 0 where there was none, or
    more than one. `digest` names the wave in its decisions; `fell_back` says that greedy decided, `reason` why.
    `sent_more` orders are sent that greedy would have left: they cost too, so what is saved may be below zero.
    """

    wave_id: str
    digest: str
    rule_set_id: str
    strategy: str
    planned_at: datetime
    orders: int
    currency: str | None
    greedy_minor: int
    cost_minor: int
    saved_minor: int
    sent_more: int
    millis: int
    fell_back: bool
    reason: str

    @classmethod
    def of(cls, row: RoutingWaveRow) -> "WaveOut":
        """A stored wave."""
        kept = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls(**kept, saved_minor=row.greedy_minor - row.cost_minor, fell_back=bool(row.reason))
