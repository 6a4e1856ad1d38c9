"""Whose work an order is, and what is served before it: said by rules at each review, unless a person said it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from hub.orders.rules.lifecycle import ORDINARY
from hub.orders.service.changes import OrderChanges

REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is stored of it; `by_hand`: a person said it."""

    priority: int = ORDINARY
    priority_by_hand: bool = False
    assignee: str | None = None
    assigned_by_hand: bool = False

    @classmethod
    def of(cls, row: Row[Any]) -> "Treatment":
        """Of a stored order."""
        return cls(row.priority, row.priority_by_hand, row.assignee, row.assigned_by_hand)


UNTREATED = Treatment()


def treat(
    changes: OrderChanges, order_id: str, before: Treatment, *, priority: int | None, assignee: str | None, cause: str
) -> None:
    """Follow the rules (None: they say nothing), but for what a person said."""
    wanted = ORDINARY if priority is None else priority
    if not before.priority_by_hand and wanted != before.priority:
        _prioritise(changes, order_id, before, wanted, actor=REVIEW, cause=cause)
    if not before.assigned_by_hand and assignee != before.assignee:
        _assign(changes, order_id, before, assignee, actor=REVIEW, cause=cause)


def prioritise_order(changes: OrderChanges, stored: Row[Any], *, priority: int | None, actor: str) -> None:
    """A person serves a locked order before or after others (None: the rules say it again, from the next review on)."""
    before, wanted = Treatment.of(stored), ORDINARY if priority is None else priority
    changes.set(stored.order_id, {"priority_by_hand": priority is not None})
    if wanted != before.priority:
        _prioritise(changes, stored.order_id, before, wanted, actor=actor)


def assign_order(changes: OrderChanges, stored: Row[Any], *, assignee: str | None, actor: str) -> None:
    """A person gives a locked order to somebody (None: the rules say whose it is, from the next review on)."""
    before = Treatment.of(stored)
    changes.set(stored.order_id, {"assigned_by_hand": assignee is not None})
    if assignee != before.assignee:
        _assign(changes, stored.order_id, before, assignee, actor=actor)


def _prioritise(
    changes: OrderChanges, order_id: str, before: Treatment, priority: int, *, actor: str, cause: str | None = None
) -> None:
    changes.set(order_id, {"priority": priority})
    data = {"priority": priority, "before": before.priority}
    changes.record(order_id, "order.prioritised", actor=actor, cause=cause, data=data)


def _assign(
    changes: OrderChanges, order_id: str, before: Treatment, assignee: str | None, *, actor: str,
    cause: str | None = None,
) -> None:  # fmt: skip
    changes.set(order_id, {"assignee": assignee})
    data = {"assignee": assignee, "before": before.assignee}
    changes.record(order_id, "order.assigned", actor=actor, cause=cause, data=data)
