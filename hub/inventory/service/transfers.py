"""Stock that goes from one location to another: reserved as a draft, on its way, received, or cancelled.

    draft -> in_transit -> received
      |          |
      +----------+------> cancelled

A draft has its stock reserved at the source. Shipped, it has left the source's `on_hand` and is `inbound` at the
target; what comes in raises the target's `on_hand`, what is lost is a ledger line of its own there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.inventory import events, repository
from hub.inventory.rules.changes import Plan
from hub.inventory.rules.grants import Demand
from hub.inventory.rules.levels import ZERO, EntryFault, Key, Level, plain
from hub.inventory.rules.transfers import (
    Arrival,
    SentLine,
    StockTransfer,
    TransferLine,
    arrival_faults,
    line_faults,
)
from hub.inventory.service.change import apply, unknown_places
from hub.inventory.service.closing import Closing, close, movement
from hub.inventory.service.release import release
from hub.inventory.service.reserve import reserve
from hub.inventory.service.soft import keep_arrivals
from hub.inventory.tables import StockTransferLineRow, StockTransferRow
from hub.jobs.service.publish import publish
from hub.kit.bulk import insert_new, insert_rows
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id

TRANSFERS: Table = StockTransferRow.__table__  # type: ignore[assignment]
TRANSFER_LINES: Table = StockTransferLineRow.__table__  # type: ignore[assignment]


def create_transfer(
    session: Session, *, source: str, target: str, lines: Sequence[TransferLine], reason: str, actor: str, at: datetime,
    key: str, expected_at: datetime | None = None, for_order: str | None = None,
) -> StockTransfer:  # fmt: skip
    """Make a draft and reserve its stock at the source, all of it or nothing.

    `key` (at most 200 characters) is the caller's: asked again with it, the first transfer is the answer. What comes in
    is kept for the order `for_order`. Locks the
    source's levels, as `reserve` does: call it last. Audited, and publishes `inventory.transfer_changed`. Raises
    `InvalidInput` (`transfer_faults`) with all faults at once, `StateConflict`: `transfer_short` where the source
    cannot give it (`errors` say what is missing), `transfer_differs` where the key stands for another transfer.
    """
    faults = [*line_faults(source, target, lines), *_unknown(session, source, target, lines)]
    if faults or not lines:
        _refuse(faults or [EntryFault(0, "sku", "At least one line is required.")])
    transfer_id = new_id()
    head = {
        "transfer_id": transfer_id, "source": source, "target": target, "state": "draft", "reason": reason[:200],
        "idem_key": key, "for_order": for_order, "expected_at": expected_at, "created_by": actor, "created_at": at,
        "shipped_at": None, "closed_at": None,
    }  # fmt: skip
    if not insert_new(session, TRANSFERS, [head], key=("idem_key",)):
        return _made_before(session, key, source, target, lines)
    sent = [SentLine(new_id(), line.sku, line.quantity) for line in lines]
    insert_rows(
        session,
        TRANSFER_LINES,
        [
            {"line_id": one.line_id, "transfer_id": transfer_id, "sku": one.sku, "quantity": one.quantity}
            for one in sent
        ],
    )
    demands = [Demand(transfer_id, one.line_id, source, one.sku, one.quantity) for one in sent]
    refused = reserve(session, demands=demands, at=at, actor=actor).refused
    if refused:
        missing = [(index, one, refused[one.line_id]) for index, one in enumerate(sent) if refused.get(one.line_id)]
        raise StateConflict(
            "transfer_short",
            f"{source!r} cannot give all of it, nothing was stored: lower the quantities, or take another source.",
            extra={"errors": [_missing(index, one, short) for index, one, short in missing]},
        )
    transfer = get_transfer(session, transfer_id=transfer_id)
    _tell(session, transfer, "transfer.created", before=None, actor=actor, at=at)
    return transfer


def ship_transfer(
    session: Session, *, transfer_id: str, at: datetime, actor: str, expected_at: datetime | None = None
) -> StockTransfer:
    """Note that a draft has left its source; `expected_at` is when the target counts on it. Raises `NotFound`,
    `StateConflict` (`transfer_state`).
    """
    row, before = _locked(session, transfer_id, {"draft"})
    targets = [(row.target, line.sku) for line in before.lines]
    repository.add_missing_levels(session, keys=targets, at=at)
    repository.lock_levels(session, keys=[*targets, *((row.source, line.sku) for line in before.lines)])
    reservations = repository.lock_reservations(
        session, fulfilment_order_line_ids=[line.line_id for line in before.lines]
    )
    close(
        session,
        [
            Closing(
                item, "consumed", item.quantity,
                (
                    movement(
                        item, kind="transferred_out", on_hand=-item.quantity, reserved=-item.quantity, at=at,
                        actor=actor, reference=transfer_id,
                    ),
                ),
            )
            for item in reservations
        ],
        at=at,
    )  # fmt: skip
    levels = repository.lock_levels(session, keys=targets)
    coming = {(row.target, line.sku): line.quantity for line in before.lines}
    raised = [replace(level, inbound=level.inbound + coming[key]) for key, level in levels.items()]
    repository.save_levels(session, levels=raised, at=at)
    row.state, row.shipped_at, row.expected_at = "in_transit", at, expected_at or row.expected_at
    return _stored(session, before, "transfer.shipped", actor=actor, at=at)


def receive_transfer(
    session: Session, *, transfer_id: str, arrivals: Sequence[Arrival] | None, at: datetime, actor: str
) -> StockTransfer:
    """Note what came in and what was lost of a transfer under way, in parts or (None) all that is open.

    It is `received` when nothing is open any more. Publishes `inventory.stock_increased` too. Raises `NotFound`,
    `StateConflict` (`transfer_state`), `InvalidInput` (`transfer_faults`) with all faults at once.
    """
    row, before = _locked(session, transfer_id, {"in_transit"})
    lines = {line.sku: line for line in before.lines}
    if arrivals is None:
        arrivals = [Arrival(line.sku, line.open) for line in before.lines if line.open]
    faults = arrival_faults(lines, arrivals)
    if faults:
        _refuse(faults)
    _apply(session, row.target, arrivals, lambda levels: _plan_arrivals(levels, row, arrivals), at=at, actor=actor)
    _note_arrivals(session, transfer_id, arrivals)
    if row.for_order is not None:
        keep_arrivals(
            session, order_id=row.for_order, location=row.target, at=at, actor=actor,
            reference=f"transfer {transfer_id}", quantities={arrival.sku: arrival.received for arrival in arrivals},
        )  # fmt: skip
    came = {arrival.sku: arrival.received + arrival.lost for arrival in arrivals}
    if all(line.open == came.get(line.sku, ZERO) for line in before.lines):
        row.state, row.closed_at = "received", at
    return _stored(session, before, "transfer.received", actor=actor, at=at)


def cancel_transfer(session: Session, *, transfer_id: str, at: datetime, actor: str, reason: str) -> StockTransfer:
    """Give a draft's stock free, or note that what is still under way came back to the source.

    Raises `NotFound`, `StateConflict` (`transfer_state`).
    """
    row, before = _locked(session, transfer_id, {"draft", "in_transit"})
    if row.state == "draft":
        lines = [line.line_id for line in before.lines]
        release(session, fulfilment_order_line_ids=lines, at=at, actor=actor, reason="transfer cancelled")
    else:
        back = [line for line in before.lines if line.open]
        keys = [(place, line.sku) for line in back for place in (row.source, row.target)]
        apply(
            session, keys=[(0, "sku", key) for key in keys], faults=(),
            plan=lambda levels: _plan_return(levels, row, back), at=at, actor=actor,
        )  # fmt: skip
    row.state, row.closed_at, row.reason = "cancelled", at, f"{row.reason}; {reason}"[:200]
    return _stored(session, before, "transfer.cancelled", actor=actor, at=at)


def cancel_short_drafts(session: Session, *, keys: Iterable[Key], at: datetime) -> int:
    """Less is there than was promised: drafts that would take of it are cancelled, the youngest first, as many as it
    needs. Returns how many.
    """
    cancelled = 0
    for location, sku in sorted(keys):
        statement = (
            select(StockTransferRow.transfer_id)
            .join(StockTransferLineRow, StockTransferLineRow.transfer_id == StockTransferRow.transfer_id)
            .where(StockTransferRow.state == "draft", StockTransferRow.source == location)
            .where(StockTransferLineRow.sku == sku)
            .order_by(StockTransferRow.transfer_id.desc())
        )
        for transfer_id in session.scalars(statement).all():
            level = repository.lock_levels(session, keys=[(location, sku)]).get((location, sku))
            if level is None or level.short <= 0:
                break
            cancel_transfer(
                session, transfer_id=transfer_id, at=at, actor="inventory", reason="less is there than promised"
            )
            cancelled += 1
    return cancelled


def get_transfer(session: Session, *, transfer_id: str) -> StockTransfer:
    """One transfer with its lines; raises `NotFound`."""
    row = session.get(StockTransferRow, transfer_id, populate_existing=True)
    if row is None:
        raise NotFound("transfer", transfer_id)
    return _with_lines(session, [row])[0]


def list_transfers(
    session: Session, *, state: str | None = None, location: str | None = None, before: str | None = None,
    limit: int = 50,
) -> list[StockTransfer]:  # fmt: skip
    """Transfers, the newest first, of a state, from or to a location; those made before one's id."""
    statement = select(StockTransferRow).order_by(StockTransferRow.transfer_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(StockTransferRow.state == state)
    if location is not None:
        statement = statement.where((StockTransferRow.source == location) | (StockTransferRow.target == location))
    if before is not None:
        statement = statement.where(StockTransferRow.transfer_id < before)
    return _with_lines(session, session.scalars(statement).all())


def list_for(session: Session, *, order_id: str) -> list[StockTransfer]:
    """Transfers that were made for an order, the first first."""
    statement = select(StockTransferRow).where(StockTransferRow.for_order == order_id)
    return _with_lines(session, session.scalars(statement.order_by(StockTransferRow.transfer_id)).all())


def _locked(session: Session, transfer_id: str, allowed: set[str]) -> tuple[StockTransferRow, StockTransfer]:
    row = session.get(StockTransferRow, transfer_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("transfer", transfer_id)
    if row.state not in allowed:
        raise StateConflict(
            "transfer_state",
            f"Transfer {transfer_id} is {row.state}, this needs {' or '.join(sorted(allowed))}: read it again.",
            extra={"state": row.state},
        )
    return row, _with_lines(session, [row])[0]


def _made_before(session: Session, key: str, source: str, target: str, lines: Sequence[TransferLine]) -> StockTransfer:
    row = session.scalars(select(StockTransferRow).where(StockTransferRow.idem_key == key)).one()
    made = _with_lines(session, [row])[0]
    asked = {line.sku: line.quantity for line in lines}
    if (made.source, made.target, {line.sku: line.quantity for line in made.lines}) != (source, target, asked):
        raise StateConflict(
            "transfer_differs", f"The key stands for transfer {made.transfer_id}, which is another one: use a new key."
        )
    return made


def _unknown(session: Session, source: str, target: str, lines: Sequence[TransferLine]) -> list[EntryFault]:
    return unknown_places(
        session,
        [
            place
            for index, line in enumerate(lines)
            for place in ((index, "source", (source, line.sku)), (index, "target", (target, line.sku)))
        ],
    )


def _apply(
    session: Session, place: str, arrivals: Iterable[Arrival], plan: Callable[[dict[Key, Level]], Plan], *,
    at: datetime, actor: str,
) -> None:  # fmt: skip
    keys = [(index, "sku", (place, arrival.sku)) for index, arrival in enumerate(arrivals)]
    apply(session, keys=keys, faults=(), plan=plan, at=at, actor=actor)


def _plan_arrivals(levels: Mapping[Key, Level], row: StockTransferRow, arrivals: Iterable[Arrival]) -> Plan:
    """What is lost comes in and goes at once: the ledger names it, and all ledgers together still add up."""
    plan = Plan(dict(levels))
    for arrival in arrivals:
        key, whole = (row.target, arrival.sku), arrival.received + arrival.lost
        plan.levels[key] = _less_inbound(plan.levels[key], whole)
        plan.move(key, "transferred_in", whole, row.transfer_id)
        if arrival.lost:
            plan.move(key, "lost", -arrival.lost, row.transfer_id)
    return plan


def _plan_return(levels: Mapping[Key, Level], row: StockTransferRow, back: Iterable[SentLine]) -> Plan:
    plan = Plan(dict(levels))
    for line in back:
        target = (row.target, line.sku)
        plan.levels[target] = _less_inbound(plan.levels[target], line.open)
        plan.move((row.source, line.sku), "transferred_in", line.open, row.transfer_id)
    return plan


def _less_inbound(level: Level, quantity: Decimal) -> Level:
    return replace(level, inbound=max(ZERO, level.inbound - quantity))


def _note_arrivals(session: Session, transfer_id: str, arrivals: Iterable[Arrival]) -> None:
    rows = session.scalars(select(StockTransferLineRow).where(StockTransferLineRow.transfer_id == transfer_id))
    by_sku = {row.sku: row for row in rows}
    for arrival in arrivals:
        by_sku[arrival.sku].received += arrival.received
        by_sku[arrival.sku].lost += arrival.lost


def _stored(session: Session, before: StockTransfer, action: str, *, actor: str, at: datetime) -> StockTransfer:
    session.flush()
    transfer = get_transfer(session, transfer_id=before.transfer_id)
    _tell(session, transfer, action, before=before, actor=actor, at=at)
    return transfer


def _tell(
    session: Session, transfer: StockTransfer, action: str, *, before: StockTransfer | None, actor: str, at: datetime
) -> None:
    record(
        session, actor=actor, action=action, subject_kind="transfer", subject_id=transfer.transfer_id,
        before=_document(before) if before else None, after=_document(transfer), at=at,
    )  # fmt: skip
    event = events.transfer_changed(
        transfer_id=transfer.transfer_id, state=transfer.state, source=transfer.source, target=transfer.target,
        cause=new_id(),
    )  # fmt: skip
    publish(session, [event])


def _document(transfer: StockTransfer) -> dict[str, Any]:
    lines = {line.sku: f"{plain(line.quantity)}/{plain(line.received)}/{plain(line.lost)}" for line in transfer.lines}
    instants = {name: getattr(transfer, name) for name in ("expected_at", "created_at", "shipped_at", "closed_at")}
    told = {name: moment.isoformat() if moment else None for name, moment in instants.items()}
    return {**asdict(transfer), **told, "lines": lines}


def _with_lines(session: Session, rows: Sequence[StockTransferRow]) -> list[StockTransfer]:
    ids = [row.transfer_id for row in rows]
    statement = select(StockTransferLineRow).where(StockTransferLineRow.transfer_id.in_(ids))
    lines: dict[str, list[SentLine]] = {transfer_id: [] for transfer_id in ids}
    for line in session.scalars(statement.order_by(StockTransferLineRow.sku)):
        sent = SentLine(line.line_id, line.sku, line.quantity, line.received, line.lost)
        lines[line.transfer_id].append(sent)
    return [
        StockTransfer(
            transfer_id=row.transfer_id, source=row.source, target=row.target, state=row.state,  # type: ignore[arg-type]
            reason=row.reason, expected_at=row.expected_at, created_by=row.created_by, created_at=row.created_at,
            shipped_at=row.shipped_at, closed_at=row.closed_at, lines=tuple(lines[row.transfer_id]),
            for_order=row.for_order,
        )
        for row in rows
    ]  # fmt: skip


def _missing(index: int, line: SentLine, short: Decimal) -> dict[str, Any]:
    return EntryFault(index, "quantity", f"{plain(short)} of {line.sku!r} are missing.").as_problem("lines")


def _refuse(faults: Sequence[EntryFault]) -> None:
    raise InvalidInput(
        "transfer_faults",
        f"{len(faults)} faults, nothing was stored: correct the lines and send all of them again.",
        extra={"errors": [fault.as_problem("lines") for fault in faults]},
    )
