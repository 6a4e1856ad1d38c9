"""Stocktake: a sheet for one location, counts as they come, and one approval that corrects the ledger.

What moves while people count is accounted for: a line keeps what the ledger said at the moment of its count, and the
approval moves the level by the difference alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Row, Table, func, select
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.inventory import repository
from hub.inventory.rules.counts import (
    Counted,
    CountLine,
    CountRow,
    StockCount,
    plan_differences,
    read_count,
    time_faults,
)
from hub.inventory.rules.levels import ZERO, EntryFault, Level, quantity_fault
from hub.inventory.service.change import apply, unknown_places
from hub.inventory.service.importing import stated_rows
from hub.inventory.tables import StockCountLineRow, StockCountRow, StockLevelRow, StockMovementRow
from hub.kit.bulk import among, insert_new, put_rows
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id
from hub.sdk.readers.stated import MAX_FAULTS, CellFault

LINES: Table = StockCountLineRow.__table__  # type: ignore[assignment]
MOVEMENTS: Table = StockMovementRow.__table__  # type: ignore[assignment]
COUNT_LINE = ("counted", "expected", "counted_at", "counted_by")


def open_count(
    session: Session, *, location: str, skus: Sequence[str] | None, reference: str, at: datetime, actor: str
) -> StockCount:
    """A new sheet for a location: of these SKUs, else of all that it ever had. Audited. Raises `InvalidInput`
    (`count_faults`) with all faults at once.
    """
    listed = list(session.scalars(select(StockLevelRow.sku).where(StockLevelRow.location == location)))
    wanted = sorted(set(listed if skus is None else skus))
    _refuse(unknown_places(session, [(index, "skus", (location, sku)) for index, sku in enumerate(wanted)]))
    if not repository.locations(session, codes=[location]):
        _refuse([EntryFault(0, "location", f"There is no location {location!r}: add it first.")])
    row = StockCountRow(
        count_id=new_id(), location=location, state="open", reference=reference, reason=None, created_by=actor,
        created_at=at, closed_by=None, closed_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    lines = [{"count_id": row.count_id, "sku": sku, **dict.fromkeys(COUNT_LINE)} for sku in wanted]
    insert_new(session, LINES, lines, key=("count_id", "sku"))
    return _noted(session, row, "stock_count.opened", before=None, at=at, actor=actor)


def enter_counts(
    session: Session, *, count_id: str, counted: Sequence[Counted], at: datetime, actor: str
) -> StockCount:
    """Write counts on an open sheet; a SKU counted again is overwritten, one that is not on it is added.

    Raises `NotFound`, `StateConflict` (`count_state`), `InvalidInput` (`count_faults`) with all faults at once.
    """
    row = _open(session, count_id)
    faults = [
        EntryFault(index, "counted", message)
        for index, one in enumerate(counted)
        if (message := quantity_fault(one.quantity, least=ZERO))
    ]
    faults += time_faults(counted, since=row.created_at, until=at)
    faults += _twice(one.sku for one in counted)
    faults += unknown_places(session, [(index, "sku", (row.location, one.sku)) for index, one in enumerate(counted)])
    _refuse(faults)
    _write(session, row, counted, at=at, actor=actor)
    return _described(session, row)


def import_counts(
    session: Session, *, count_id: str, rows: str | Sequence[Mapping[str, object]], at: datetime, actor: str,
    skip_faulty: bool = False,
) -> tuple[StockCount, tuple[CellFault, ...]]:  # fmt: skip
    """Counts from CSV text or JSON rows (`rules.counts.COLUMNS`), as `importing.import_stock` takes levels: all faults
    at once by row and column, nothing is stored unless `skip_faulty`. Returns the sheet and what was left out.
    """
    row = _open(session, count_id)
    faults: list[CellFault] = []
    stated = [read_count(cells) for cells in stated_rows(rows, faults)]
    faults.extend(_row_faults(session, row, stated, at))
    faults.sort(key=lambda fault: fault.row)
    if faults and not skip_faulty:
        raise InvalidInput(
            "import_faults",
            f"{len(faults)} faults in the table, nothing was stored: correct them and send it again.",
            extra={"errors": [fault.as_problem() for fault in faults[:MAX_FAULTS]]},
        )
    faulty = {fault.row for fault in faults}
    good = [item.counted for item in stated if item.row not in faulty]
    _write(session, row, good, at=at, actor=actor)
    return _described(session, row), tuple(faults)


def approve_count(session: Session, *, count_id: str, reason: str, at: datetime, actor: str) -> StockCount:
    """Correct the ledger by what was counted; lines without a count stay as they are. Audited.

    Less than what is reserved publishes `inventory.stock_short`. Raises `NotFound`, `StateConflict` (`count_state`,
    `nothing_counted`), `InvalidInput` (`stock_faults`) where a line must be counted again.
    """
    row = _open(session, count_id)
    before = _described(session, row)
    lines = [line for line in _lines(session, count_id) if line.counted is not None]
    if not lines:
        raise StateConflict("nothing_counted", "Nothing is counted on the sheet yet: enter counts, or cancel it.")
    apply(
        session, keys=[(index, "sku", (row.location, line.sku)) for index, line in enumerate(lines)], faults=(),
        plan=lambda levels: plan_differences(levels, row.location, lines, f"{row.reference} {reason}"), at=at,
        actor=actor, batch="lines",
    )  # fmt: skip
    row.state, row.reason, row.closed_at, row.closed_by = "approved", reason, at, actor
    return _noted(session, row, "stock_count.approved", before=before, at=at, actor=actor)


def cancel_count(session: Session, *, count_id: str, at: datetime, actor: str) -> StockCount:
    """Throw a sheet away; audited. Raises `NotFound`, `StateConflict` (`count_state`)."""
    row = _open(session, count_id)
    before = _described(session, row)
    row.state, row.closed_at, row.closed_by = "cancelled", at, actor
    return _noted(session, row, "stock_count.cancelled", before=before, at=at, actor=actor)


def get_count(session: Session, *, count_id: str) -> StockCount:
    """One sheet without its lines; raises `NotFound`."""
    row = session.get(StockCountRow, count_id)
    if row is None:
        raise NotFound("count", count_id)
    return _described(session, row)


def list_counts(
    session: Session, *, state: str | None = None, location: str | None = None, before: str | None = None,
    limit: int = 50,
) -> list[StockCount]:  # fmt: skip
    """Sheets, the newest first; those made before one's id."""
    statement = select(StockCountRow).order_by(StockCountRow.count_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(StockCountRow.state == state)
    if location is not None:
        statement = statement.where(StockCountRow.location == location)
    if before is not None:
        statement = statement.where(StockCountRow.count_id < before)
    return [_described(session, row) for row in session.scalars(statement)]


def list_lines(session: Session, *, count_id: str, after: str | None = None, limit: int = 50) -> list[CountLine]:
    """Lines of a sheet in the order of their SKUs, after a SKU."""
    return _lines(session, count_id, after=after, limit=limit)


def _write(session: Session, row: StockCountRow, counted: Sequence[Counted], *, at: datetime, actor: str) -> None:
    keys = [(row.location, one.sku) for one in counted]
    repository.add_missing_levels(session, keys=keys, at=at)
    levels = repository.lock_levels(session, keys=keys)
    moved = _moved_since(session, row, counted)
    rows = [
        {
            "count_id": row.count_id, "sku": one.sku, "counted": one.quantity,
            "expected": _expected(levels[row.location, one.sku], moved.get(one.sku, ()), one.at),
            "counted_at": one.at or at, "counted_by": actor,
        }
        for one in counted
    ]  # fmt: skip
    put_rows(session, LINES, rows, key=("count_id", "sku"))


def _expected(level: Level, moved: Iterable[Row[str, datetime, Decimal]], counted_at: datetime | None) -> Decimal:
    """What the ledger said then: what it says now, less what moved since."""
    if counted_at is None:
        return level.on_hand
    return level.on_hand - sum((line.on_hand_delta for line in moved if line.at > counted_at), ZERO)


def _moved_since(
    session: Session, row: StockCountRow, counted: Sequence[Counted]
) -> dict[str, list[Row[str, datetime, Decimal]]]:
    past = [one for one in counted if one.at is not None]
    if not past:
        return {}
    statement = select(MOVEMENTS.c.sku, MOVEMENTS.c.at, MOVEMENTS.c.on_hand_delta).where(
        MOVEMENTS.c.location == row.location, MOVEMENTS.c.at > row.created_at,
        among(session, MOVEMENTS.c.sku, [one.sku for one in past]),
    )  # fmt: skip
    found: dict[str, list[Row[str, datetime, Decimal]]] = {}
    for line in session.execute(statement):
        found.setdefault(line.sku, []).append(line)
    return found


def _row_faults(session: Session, row: StockCountRow, stated: Sequence[CountRow], at: datetime) -> Iterable[CellFault]:
    first: dict[str, int] = {}
    for item in stated:
        if item.location not in (None, row.location):
            yield CellFault(item.row, "location", f"The sheet is for {row.location!r}: leave the row out.")
        if first.setdefault(item.counted.sku, item.row) != item.row:
            yield CellFault(item.row, "sku", f"{item.counted.sku!r} is in row {first[item.counted.sku]} already.")
    for fault in time_faults((item.counted for item in stated), since=row.created_at, until=at):
        yield CellFault(stated[fault.index].row, fault.field, fault.message)
    named = [(item.row, "sku", (row.location, item.counted.sku)) for item in stated if item.counted.sku]
    for fault in unknown_places(session, named):
        yield CellFault(fault.index, fault.field, fault.message)


def _open(session: Session, count_id: str) -> StockCountRow:
    row = session.get(StockCountRow, count_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("count", count_id)
    if row.state != "open":
        raise StateConflict(
            "count_state", f"The sheet is {row.state} already: open a new one.", extra={"state": row.state}
        )
    return row


def _lines(session: Session, count_id: str, *, after: str | None = None, limit: int | None = None) -> list[CountLine]:
    statement = select(LINES.c.sku, *(LINES.c[name] for name in COUNT_LINE)).where(LINES.c.count_id == count_id)
    if after is not None:
        statement = statement.where(LINES.c.sku > after)
    rows = session.execute(statement.order_by(LINES.c.sku).limit(limit))
    return [CountLine(**row._mapping) for row in rows]


def _described(session: Session, row: StockCountRow) -> StockCount:
    statement = select(func.count(), func.count(LINES.c.counted)).where(LINES.c.count_id == row.count_id)
    lines, counted = session.execute(statement).one()
    return StockCount(
        count_id=row.count_id, location=row.location, state=row.state,  # type: ignore[arg-type]
        reference=row.reference, reason=row.reason, created_by=row.created_by, created_at=row.created_at,
        closed_by=row.closed_by, closed_at=row.closed_at, lines=lines, counted=counted,
    )  # fmt: skip


def _noted(
    session: Session, row: StockCountRow, action: str, *, before: StockCount | None, at: datetime, actor: str
) -> StockCount:
    session.flush()
    count = _described(session, row)
    record(
        session, actor=actor, action=action, subject_kind="stock_count", subject_id=row.count_id,
        before={"state": before.state} if before else None,
        after={"state": count.state, "location": count.location, "reason": count.reason, "counted": count.counted},
        at=at,
    )  # fmt: skip
    return count


def _twice(skus: Iterable[str]) -> list[EntryFault]:
    seen: set[str] = set()
    faults = []
    for index, sku in enumerate(skus):
        if sku in seen:
            faults.append(EntryFault(index, "sku", f"{sku!r} is stated twice: add the quantities up."))
        seen.add(sku)
    return faults


def _refuse(faults: Sequence[EntryFault]) -> None:
    if faults:
        raise InvalidInput(
            "count_faults",
            f"{len(faults)} faults, nothing was stored: correct the lines and send all of them again.",
            extra={"errors": [fault.as_problem("lines") for fault in faults]},
        )
