"""Take in a whole table of stock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.inventory.rules.changes import Plan, plan_counts, plan_limits
from hub.inventory.rules.levels import Key, Level
from hub.inventory.rules.rows import StockRow, read_stock
from hub.inventory.service.change import apply, unknown_places
from hub.kit.errors import InvalidInput
from hub.sdk.readers.stated import MAX_FAULTS, CellFault, StatedRow, read_stated_csv


@dataclass(frozen=True, slots=True)
class StockImport:
    """The levels after an import; `faults` are of the rows that were left out."""

    levels: tuple[Level, ...]
    faults: tuple[CellFault, ...]


def import_stock(
    session: Session, *, rows: str | Sequence[Mapping[str, object]], at: datetime, actor: str,
    skip_faulty: bool = False, only: str | None = None,
) -> StockImport:  # fmt: skip
    """Set levels from CSV text or from JSON rows; columns as of `rules.rows.COLUMNS`, `on_hand` is a count.

    All faults are told at once, each by row and column (CSV: the header is row 1; JSON: the first object is row 1).
    With `only`, a row of another location is a fault too.
    Where there are faults nothing is stored and `InvalidInput` (`import_faults`) is raised; with `skip_faulty` the
    good rows are stored and the faults returned. Publishes as `apply`; a constant number of statements.
    """
    faults: list[CellFault] = []
    stated = [read_stock(cells) for cells in stated_rows(rows, faults)]
    faults.extend(_repeated(stated))
    faults.extend(_elsewhere(stated, only) if only is not None else ())
    faults.extend(
        CellFault(fault.index, fault.field, fault.message)
        for fault in unknown_places(session, [(item.row, "location", item.key) for item in stated if all(item.key)])
    )
    faults.sort(key=lambda fault: fault.row)
    if faults and not skip_faulty:
        raise InvalidInput(
            "import_faults",
            f"{len(faults)} faults in the table, nothing was stored: correct them and send it again.",
            extra={"errors": [fault.as_problem() for fault in faults[:MAX_FAULTS]]},
        )
    faulty = {fault.row for fault in faults}
    good = [item for item in stated if item.row not in faulty]
    levels = apply(
        session, keys=[(item.row, "location", item.key) for item in good], faults=(),
        plan=lambda before: _plan(before, good), at=at, actor=actor,
    )  # fmt: skip
    return StockImport(levels=tuple(levels), faults=tuple(faults))


def stated_rows(rows: str | Sequence[Mapping[str, object]], faults: list[CellFault]) -> Iterable[StatedRow]:
    """The rows of CSV text or of JSON objects; faults of their form are noted in `faults`."""
    if isinstance(rows, str):
        return read_stated_csv(rows, faults)
    return [StatedRow(number, row, faults) for number, row in enumerate(rows, start=1)]


def _repeated(stated: Sequence[StockRow]) -> Iterable[CellFault]:
    first: dict[Key, int] = {}
    for item in stated:
        row = first.setdefault(item.key, item.row)
        if row != item.row and all(item.key):
            yield CellFault(item.row, "sku", f"{item.sku!r} at {item.location!r} is in row {row} already.")


def _elsewhere(stated: Sequence[StockRow], only: str) -> Iterable[CellFault]:
    for item in stated:
        if item.location != only:
            yield CellFault(item.row, "location", f"This API key is for {only} alone: leave the row out.")


def _plan(before: dict[Key, Level], stated: Sequence[StockRow]) -> Plan:
    counted = plan_counts(before, [item.count for item in stated if item.count])
    limited = plan_limits(counted.levels, [item.limits for item in stated if item.limits])
    return Plan(levels=limited.levels, deltas=counted.deltas + limited.deltas)
