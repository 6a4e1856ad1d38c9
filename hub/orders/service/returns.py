"""What buyers want to send back, as their channel tells it: before the goods left, after, or again with more."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import LineQuantity
from hub.orders.repository import events_of
from hub.orders.rules.counters import Deltas, LineState
from hub.orders.service.changes import OrderChanges, line_state, lines_of

REQUESTED, COUNTED = "return.requested", "return.counted"
Quantities = Mapping[str, Decimal]
"""By the line's id at the channel."""


def request_return(
    session: Session, changes: OrderChanges, *, stored: Row[Any], external_id: str | None,
    lines: Sequence[LineQuantity], reason: str | None, actor: str, cause: str,
) -> None:  # fmt: skip
    """Count what a buyer wants to send back, as far as it has left; the rest is counted when it leaves. The same return
    told again adds what it says more.
    """
    name = external_id or cause
    told, counted = _told(session, stored.order_id).get(name), _counted(session, stored.order_id).get(name, {})
    asked = _sum(lines)
    if told is not None and all(quantity <= told.get(line, Decimal(0)) for line, quantity in asked.items()):
        return
    deltas = _fresh(_states(session, stored.order_id), asked, counted)
    data = {"return": name, "reason": reason, "lines": {line: str(quantity) for line, quantity in asked.items()}}
    changes.record(stored.order_id, REQUESTED, actor=actor, cause=cause, lines=deltas, data=data)


def count_told_returns(session: Session, changes: OrderChanges, *, order_id: str, actor: str, cause: str) -> None:
    """Units left whose return was announced before: they are counted now. The order is locked and flushed."""
    told = _told(session, order_id)
    if not told:
        return
    counted, states = _counted(session, order_id), _states(session, order_id)
    for name, asked in told.items():
        deltas = _fresh(states, asked, counted.get(name, {}))
        if not deltas:
            continue
        changes.record(order_id, COUNTED, actor=actor, cause=cause, lines=deltas, data={"return": name})
        for state in states.values():
            state.add(deltas.get(state.order_line_id, {}))


def _fresh(states: Mapping[str, "_Line"], asked: Quantities, counted: Quantities) -> dict[str, Deltas]:
    """What of a return is not counted yet and has left."""
    deltas: dict[str, Deltas] = {}
    for external_id, quantity in asked.items():
        line = states.get(external_id)
        if line is None:
            continue
        fresh = min(quantity - counted.get(line.order_line_id, Decimal(0)), line.may_return)
        if fresh > 0:
            deltas[line.order_line_id] = {"return_requested": fresh}
    return deltas


class _Line:
    """A line with how many of its units may still come back."""

    def __init__(self, state: LineState) -> None:
        self.order_line_id = state.order_line_id
        self.may_return = state["shipped"] + state["external_shipped"] - state["return_requested"]

    def add(self, deltas: Deltas) -> None:
        """These are announced now."""
        self.may_return -= deltas.get("return_requested", Decimal(0))


def _states(session: Session, order_id: str) -> dict[str, _Line]:
    return {row.external_id: _Line(line_state(row)) for row in lines_of(session, [order_id])[order_id]}


def _sum(lines: Sequence[LineQuantity]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for part in lines:
        total[part.line_external_id] = total.get(part.line_external_id, Decimal(0)) + part.quantity
    return total


def _told(session: Session, order_id: str) -> dict[str, dict[str, Decimal]]:
    """The most that was told of each line, by return."""
    told: dict[str, dict[str, Decimal]] = {}
    for row in events_of(session, order_id, kind=REQUESTED):
        lines = told.setdefault(str(row.data["return"]), {})
        for line, quantity in row.data["lines"].items():
            lines[line] = max(lines.get(line, Decimal(0)), Decimal(quantity))
    return told


def _counted(session: Session, order_id: str) -> dict[str, dict[str, Decimal]]:
    """What is counted of each return, by our id of the line."""
    counted: dict[str, dict[str, Decimal]] = {}
    for kind in (REQUESTED, COUNTED):
        for row in events_of(session, order_id, kind=kind):
            lines = counted.setdefault(str(row.data["return"]), {})
            for line, deltas in row.lines.items():
                quantity = Decimal(deltas.get("return_requested", 0)).scaleb(-3)
                lines[line] = lines.get(line, Decimal(0)) + quantity
    return counted
