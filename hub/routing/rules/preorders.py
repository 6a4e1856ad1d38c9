"""Lines whose goods are expected later: when they are planned, and in which turn."""

from collections.abc import Sequence
from datetime import datetime

from hub.routing.rules.values import PlanLine, PlanOrder

Turn = tuple[int, bool, datetime, datetime, str]


def turn(order: PlanOrder) -> Turn:
    """The order's place in the queue: by priority, then pre-orders by the day that was promised, then the rest.

    Who ordered before there was anything was promised the first of it.
    """
    promised = promised_at(order.lines)
    return order.priority, promised is None, promised or order.placed_at, order.placed_at, order.order_id


def promised_at(lines: Sequence[PlanLine]) -> datetime | None:
    """The first day on which goods of a pre-order are expected; None where nothing was ordered before it was there."""
    return min([line.due_at for line in lines if line.due_at is not None], default=None)


def not_yet(lines: Sequence[PlanLine], now: datetime) -> tuple[PlanLine, ...]:
    """The lines that are expected later than now."""
    return tuple([line for line in lines if line.due_at is not None and line.due_at > now and line.ships])
