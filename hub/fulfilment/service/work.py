"""What a location does with its work: accept or reject, pick, find less than it should, pack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.fulfilment import repository
from hub.fulfilment.events import CANCEL_ACCEPTED, REJECTED, SHORT
from hub.fulfilment.rules.states import Action, supported_actions
from hub.fulfilment.service.components import by_component
from hub.fulfilment.service.withdraw import cancel_work
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow, LocationRejectionRow
from hub.inventory.service.release import release_part
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges, lock

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Picked:
    """What was found of a line. `short` is what is not there and will not come from this location."""

    fulfilment_order_line_id: str
    picked: Decimal
    short: Decimal = ZERO


def load_for(session: Session, reference: str, action: Action, *, version: int | None = None) -> FulfilmentOrderRow:
    """The locked fulfilment order, if the action is allowed now; the problem lists the actions that are."""
    row = locked(session, reference)
    expect(row, action, version=version)
    return row


def locked(session: Session, reference: str) -> FulfilmentOrderRow:
    """The locked fulfilment order, whatever may be done with it; `NotFound` else."""
    row = repository.find_fulfilment_order(session, reference)
    if row is not None:
        lock(session, OrderChanges(), [row.order_id])  # the order first, as everybody does who locks both
        row = repository.find_fulfilment_order(session, row.fulfilment_order_id, lock=True)
    if row is None:
        raise NotFound("fulfilment_order", reference)
    return row


def expect(row: FulfilmentOrderRow, action: Action, *, version: int | None = None) -> None:
    """`StateConflict` unless the action is allowed now, at this version."""
    actions = supported_actions(row.state, row.negotiation)
    if action not in actions or (version is not None and version != row.version):
        reason = "was changed meanwhile" if action in actions else f"is {row.state} ({row.negotiation})"
        raise StateConflict(
            "fulfilment_order_conflict",
            f"Fulfilment order {row.number} {reason}; allowed now: {', '.join(actions) or 'nothing'}.",
            extra={"supported_actions": list(actions), "version": row.version},
        )


def accept_work(
    session: Session, *, reference: str, actor: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """The location takes the work."""
    row = load_for(session, reference, "accept", version=version)
    row.negotiation, row.version, row.updated_at = "accepted", row.version + 1, at
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    changes.record(
        row.order_id,
        "fulfilment.accepted",
        actor=actor,
        data={"fulfilment_order": row.number, "location": row.location},
    )
    changes.flush(session, at=at)
    return row


def reject_work(
    session: Session, *, reference: str, actor: str, reason: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """The location refuses: it is not asked again for this order, and the order is planned without it."""
    row = load_for(session, reference, "reject", version=version)
    row.negotiation, row.updated_at = "rejected", at
    session.flush()
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    session.merge(LocationRejectionRow(order_id=row.order_id, location=row.location, reason=reason, at=at))
    cancel_work(session, changes, rows=[row], at=at, actor=actor, reason=reason)
    publish(
        session,
        [
            Event(
                kind=REJECTED, subject_id=row.order_id, cause=row.fulfilment_order_id, lane=f"order:{row.order_id}",
                data={"location": row.location, "reason": reason},
            )
        ],
    )  # fmt: skip
    changes.flush(session, at=at)
    session.refresh(row)
    return row


def pick(
    session: Session, *, reference: str, picked: Sequence[Picked], actor: str, at: datetime, version: int | None = None
) -> FulfilmentOrderRow:
    """Note what was picked, and what is short: the shortage goes back to be planned elsewhere."""
    row = load_for(session, reference, "pick", version=version)
    lines = _lines_by_id(session, row)
    deltas: dict[str, Deltas] = {}
    short: dict[str, Decimal] = {}
    left = {line_id: line.quantity - line.short - line.shipped for line_id, line in lines.items()}
    for entry in picked:
        line = _known(lines, entry.fulfilment_order_line_id, row)
        if entry.picked < 0 or entry.short < 0 or line.picked + entry.picked + line.short + entry.short > line.quantity:
            raise InvalidInput(
                "picked_too_much",
                f"Line {line.sku}: {line.quantity} wanted, {line.picked} picked and {line.short} short before.",
            )
        line.picked += entry.picked
        line.short += entry.short
        change = deltas.setdefault(line.order_line_id, {})
        _add(change, picked=entry.picked)
        if entry.short:
            _add(change, short=entry.short, released=-entry.short, allocated=-entry.short, unallocated=entry.short)
            short[entry.fulfilment_order_line_id] = short.get(entry.fulfilment_order_line_id, ZERO) + entry.short
    over = all(line.shipped + line.short == line.quantity for line in lines.values())
    row.state, row.version, row.updated_at = "incomplete" if over else "in_progress", row.version + 1, at
    session.flush()
    _record(session, row, "fulfilment.picked", actor, deltas, at)
    if short:
        _give_back(session, row, short, left, actor, at)
    if over and row.negotiation == "cancel_requested":  # nothing of it is left to be shipped: that is an answer too
        row.negotiation = "cancel_accepted"
        session.flush()
        publish(session, [ending(row)])
    return row


def ending(row: FulfilmentOrderRow) -> Event:
    """Nobody goes on with this work: what of it is left goes back to stock."""
    return Event(
        kind=CANCEL_ACCEPTED, subject_id=row.fulfilment_order_id, cause=str(row.version), lane=f"order:{row.order_id}",
        priority=-1,
    )  # fmt: skip


def pack(
    session: Session, *, reference: str, quantities: Mapping[str, Decimal] | None, actor: str, at: datetime
) -> FulfilmentOrderRow:
    """Note what was packed; None packs everything that was picked."""
    row = load_for(session, reference, "pack")
    lines = _lines_by_id(session, row)
    wanted = quantities if quantities is not None else {key: line.picked - line.packed for key, line in lines.items()}
    deltas: dict[str, Deltas] = {}
    for line_id, quantity in wanted.items():
        line = _known(lines, line_id, row)
        if quantity < 0 or line.packed + quantity > line.picked:
            raise InvalidInput(
                "packed_too_much", f"Line {line.sku}: {line.picked} picked, {line.packed} packed before."
            )
        if quantity:
            line.packed += quantity
            _add(deltas.setdefault(line.order_line_id, {}), packed=quantity)
    row.version, row.updated_at = row.version + 1, at
    session.flush()
    _record(session, row, "fulfilment.packed", actor, deltas, at)
    return row


def pick_and_pack_all(session: Session, *, reference: str, actor: str, at: datetime) -> FulfilmentOrderRow:
    """Everything was found and packed: what most warehouses report."""
    row = load_for(session, reference, "pick")
    rest = [
        Picked(line.fulfilment_order_line_id, line.quantity - line.picked - line.short)
        for line in _lines_by_id(session, row).values()
    ]
    pick(session, reference=row.fulfilment_order_id, picked=rest, actor=actor, at=at)
    return pack(session, reference=row.fulfilment_order_id, quantities=None, actor=actor, at=at)


def _give_back(
    session: Session, row: FulfilmentOrderRow, short: Mapping[str, Decimal], left: Mapping[str, Decimal], actor: str,
    at: datetime,
) -> None:  # fmt: skip
    parts = by_component(session, quantities=short, left=left)
    release_part(session, quantities=parts, at=at, actor=actor, reason="short pick")
    session.merge(LocationRejectionRow(order_id=row.order_id, location=row.location, reason="short pick", at=at))
    publish(
        session,
        [
            Event(
                kind=SHORT, subject_id=row.order_id, cause=f"{row.fulfilment_order_id}:{row.version}",
                lane=f"order:{row.order_id}", data={"location": row.location},
            )
        ],
    )  # fmt: skip


def _lines_by_id(session: Session, row: FulfilmentOrderRow) -> dict[str, FulfilmentOrderLineRow]:
    found = repository.lines(session, [row.fulfilment_order_id])[row.fulfilment_order_id]
    return {line.fulfilment_order_line_id: line for line in found}


def _known(
    lines: Mapping[str, FulfilmentOrderLineRow], line_id: str, row: FulfilmentOrderRow
) -> FulfilmentOrderLineRow:
    if line_id not in lines:
        raise InvalidInput("unknown_line", f"Fulfilment order {row.number} has no line {line_id!r}.")
    return lines[line_id]


def _add(deltas: Deltas, **changes: Decimal) -> None:
    for name, amount in changes.items():
        deltas[name] = deltas.get(name, ZERO) + amount


def _record(
    session: Session, row: FulfilmentOrderRow, kind: str, actor: str, deltas: Mapping[str, Deltas], at: datetime
) -> None:
    changes = OrderChanges()
    lock(session, changes, [row.order_id])
    changes.record(
        row.order_id, kind, actor=actor, data={"fulfilment_order": row.number, "location": row.location}, lines=deltas
    )
    changes.flush(session, at=at)
