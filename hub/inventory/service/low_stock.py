"""Reorder points, and which levels are low by them.

A level is low when what is free of it (on hand less reserved) is at or below its reorder point, and is no more when
that is above `clears_above`: around the point it neither comes nor goes. Levels are looked at by the clock, so that
a reservation costs nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Row, Select, Table, and_, delete, func, or_, select, tuple_, type_coerce
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from hub.audit.service.record import record
from hub.inventory import events, repository
from hub.inventory.rules.levels import ZERO, EntryFault, Key, plain, quantity_fault
from hub.inventory.rules.promise import ALL
from hub.inventory.tables import LowStockRow, ReorderPointRow, StockLevelRow
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.kit.bulk import insert_new, put_rows
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.types import FixedDecimal

POINTS: Table = ReorderPointRow.__table__  # type: ignore[assignment]
LOW: Table = LowStockRow.__table__  # type: ignore[assignment]
AT_MOST = 2000
"""Levels that change sides in one look; the next goes on."""


@dataclass(frozen=True, slots=True)
class ReorderPoint:
    """From which quantity on a level is low, and above which it is no more; `ALL` stands for every location or SKU."""

    location: str
    sku: str
    quantity: Decimal
    clears_above: Decimal

    @property
    def key(self) -> Key:
        """(location, SKU)."""
        return self.location, self.sku


@dataclass(frozen=True, slots=True)
class LowLevel:
    """A level that is low, since when, and what is free of it now."""

    location: str
    sku: str
    free: Decimal
    inbound: Decimal
    reorder_point: Decimal
    since: datetime


def set_points(session: Session, *, points: Sequence[ReorderPoint], at: datetime, actor: str) -> list[ReorderPoint]:
    """Set reorder points, all or none; audited. Raises `InvalidInput` (`reorder_faults`) with all faults at once."""
    faults = _faults(session, points)
    if faults:
        raise InvalidInput(
            "reorder_faults",
            f"{len(faults)} faults, nothing was stored: correct the points and send all of them again.",
            extra={"errors": [fault.as_problem("points") for fault in faults]},
        )
    before = _points(session)
    put_rows(session, POINTS, [asdict(point) for point in points], key=("location", "sku"))
    _audit(session, before, before | {point.key: point for point in points}, at=at, actor=actor)
    return list(points)


def remove_point(session: Session, *, location: str, sku: str, at: datetime, actor: str) -> None:
    """Take one reorder point away; audited. Raises `NotFound`."""
    before = _points(session)
    if (location, sku) not in before:
        raise NotFound("reorder_point", f"{location or '*'}/{sku or '*'}")
    mine = (ReorderPointRow.location == location, ReorderPointRow.sku == sku)
    session.execute(delete(ReorderPointRow).where(*mine))
    _audit(session, before, {key: one for key, one in before.items() if key != (location, sku)}, at=at, actor=actor)


def list_points(session: Session, *, after: Key | None = None, limit: int = 50) -> list[ReorderPoint]:
    """Reorder points in the order of location and SKU, after one."""
    statement = select(*POINTS.c).order_by(POINTS.c.location, POINTS.c.sku).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(POINTS.c.location, POINTS.c.sku) > after)
    return [ReorderPoint(**row._mapping) for row in session.execute(statement)]


def list_low(
    session: Session, *, location: str | None = None, after: Key | None = None, limit: int = 50
) -> list[LowLevel]:
    """Levels that are low, in the order of location and SKU, after one."""
    level = StockLevelRow
    statement = (
        select(LOW, _free().label("free"), level.inbound)
        .join(level, and_(level.location == LOW.c.location, level.sku == LOW.c.sku))
        .order_by(LOW.c.location, LOW.c.sku)
        .limit(limit)
    )
    if location is not None:
        statement = statement.where(LOW.c.location == location)
    if after is not None:
        statement = statement.where(tuple_(LOW.c.location, LOW.c.sku) > after)
    return [LowLevel(**row._mapping) for row in session.execute(statement)]


def low_counts(session: Session) -> dict[str, int]:
    """How many levels are low, by location."""
    counted = select(LOW.c.location, func.count()).group_by(LOW.c.location)
    return dict(session.execute(counted).all())


def look_for_low(session: Session, *, at: datetime) -> int:
    """Note which levels became low, and which recovered; called by the clockwork. Publishes `inventory.low_stock` and
    `inventory.stock_recovered` once for each crossing, also where two look at once. Returns how many crossed.
    """
    cause = at.isoformat()
    fallen = {(row.location, row.sku): row for row in session.execute(_crossing(fallen=True))}
    rows = [
        {"location": row.location, "sku": row.sku, "reorder_point": row.point, "since": at} for row in fallen.values()
    ]
    new = sorted(insert_new(session, LOW, rows, key=("location", "sku")))
    risen = [(row.location, row.sku) for row in session.execute(_crossing(fallen=False))]
    gone: Sequence[Row[str, str]] = ()
    if risen:
        statement = delete(LowStockRow).where(tuple_(LowStockRow.location, LowStockRow.sku).in_(risen))
        gone = session.execute(statement.returning(LowStockRow.location, LowStockRow.sku)).all()
    publish(session, [_fell(fallen[location, sku], cause) for location, sku in new])
    publish(session, [events.stock_recovered(sku=row.sku, location=row.location, cause=cause) for row in sorted(gone)])
    return len(new) + len(gone)


def _fell(row: Row[str, str, Decimal, Decimal], cause: str) -> Event:
    return events.low_stock(sku=row.sku, location=row.location, free=row.free, reorder_point=row.point, cause=cause)


def _crossing(*, fallen: bool) -> Select[str, str, Decimal, Decimal]:
    """Levels that are low and not known to be (`fallen`), or the other way round; the nearest point counts."""
    level, low = StockLevelRow, LowStockRow
    own, of_sku, of_place, of_all = (aliased(ReorderPointRow) for _ in range(4))
    point = func.coalesce(own.quantity, of_sku.quantity, of_place.quantity, of_all.quantity)
    clears = func.coalesce(own.clears_above, of_sku.clears_above, of_place.clears_above, of_all.clears_above)
    free = _free()
    crossed = and_(low.since.is_(None), free <= point)
    if not fallen:
        crossed = and_(low.since.is_not(None), or_(point.is_(None), free > clears))
    return (
        select(level.location, level.sku, free.label("free"), point.label("point"))
        .join(own, and_(own.location == level.location, own.sku == level.sku), isouter=True)
        .join(of_sku, and_(of_sku.location == ALL, of_sku.sku == level.sku), isouter=True)
        .join(of_place, and_(of_place.location == level.location, of_place.sku == ALL), isouter=True)
        .join(of_all, and_(of_all.location == ALL, of_all.sku == ALL), isouter=True)
        .join(low, and_(low.location == level.location, low.sku == level.sku), isouter=True)
        .where(crossed)
        .order_by(level.location, level.sku)
        .limit(AT_MOST)
    )


def _free() -> ColumnElement[Decimal]:
    return type_coerce(StockLevelRow.on_hand - StockLevelRow.reserved, FixedDecimal(3))


def _points(session: Session) -> dict[Key, ReorderPoint]:
    return {(row.location, row.sku): ReorderPoint(**row._mapping) for row in session.execute(select(*POINTS.c))}


def _faults(session: Session, points: Sequence[ReorderPoint]) -> list[EntryFault]:
    codes = repository.locations(session, codes={one.location for one in points})
    skus = repository.known_skus(session, skus={one.sku for one in points})
    faults = []
    seen: set[Key] = set()
    for index, one in enumerate(points):
        if one.location != ALL and one.location not in codes:
            faults.append(EntryFault(index, "location", f"There is no location {one.location!r}: add it first."))
        if one.sku != ALL and one.sku not in skus:
            faults.append(EntryFault(index, "sku", f"There is no product {one.sku!r}: add it first."))
        if message := quantity_fault(one.quantity, least=ZERO):
            faults.append(EntryFault(index, "quantity", message))
        elif message := quantity_fault(one.clears_above, least=one.quantity):
            faults.append(EntryFault(index, "clears_above", f"{message} It is at least the reorder point."))
        if one.key in seen:
            faults.append(EntryFault(index, "sku", "This location and SKU is in the batch twice."))
        seen.add(one.key)
    return faults


def _audit(
    session: Session, before: Mapping[Key, ReorderPoint], after: Mapping[Key, ReorderPoint], *, at: datetime, actor: str
) -> None:
    record(
        session, actor=actor, action="stock.reorder_points_changed", subject_kind="stock", subject_id="reorder_points",
        before=_document(before), after=_document(after), at=at,
    )  # fmt: skip


def _document(points: Mapping[Key, ReorderPoint]) -> dict[str, str]:
    return {
        f"{location or '*'}/{sku or '*'}": f"{plain(point.quantity)}..{plain(point.clears_above)}"
        for (location, sku), point in sorted(points.items())
    }
