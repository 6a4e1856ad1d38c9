"""SQL of levels, reservations and the ledger. Sets travel as one JSON parameter, so a statement's text never grows.

Levels are always locked in the order (location, SKU), and a reservation only together with its level: whoever holds a
level's lock owns everything that is reserved on it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ScalarSelect, String, Table, bindparam, func, literal, select, text, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement, TextClause
from sqlalchemy.sql.selectable import TextualSelect

from hub.inventory.rules.levels import Drift, Key, Level, Movement
from hub.inventory.rules.locations import Location
from hub.inventory.tables import (
    LocationRow,
    ReservationRow,
    SoftReservationLineRow,
    SoftReservationRow,
    StockLevelRow,
    StockMovementRow,
)
from hub.kit.bulk import among, insert_new, insert_rows, update_rows
from hub.kit.types import FixedDecimal, Id, UtcDateTime, scale_up

LEVELS: Table = StockLevelRow.__table__  # type: ignore[assignment]
RESERVATIONS: Table = ReservationRow.__table__  # type: ignore[assignment]
MOVEMENTS: Table = StockMovementRow.__table__  # type: ignore[assignment]
LOCATIONS: Table = LocationRow.__table__  # type: ignore[assignment]

_MOVEMENT_COLUMNS = tuple(column.name for column in fields(Movement) if column.name != "movement_id")
_QUANTITY = FixedDecimal(3)
_KEYS = {
    "postgresql": "json_to_recordset(CAST(:rows AS json)) AS r(location text, sku text, quantity bigint)",
    "sqlite": """(SELECT json_extract(value, '$.location') AS location, json_extract(value, '$.sku') AS sku,
                  json_extract(value, '$.quantity') AS quantity FROM json_each(:rows)) AS r""",
}
_WORDS = {
    "postgresql": "(SELECT value AS word FROM json_array_elements_text(CAST(:rows AS json))) AS r",
    "sqlite": "(SELECT value AS word FROM json_each(:rows)) AS r",
}
_IDS = {
    "postgresql": "(SELECT CAST(value AS uuid) AS id FROM json_array_elements_text(CAST(:rows AS json))) AS r",
    "sqlite": "(SELECT value AS id FROM json_each(:rows)) AS r",
}
_LOCK_LEVELS = """
    SELECT l.* FROM {keys}
    JOIN stock_levels AS l ON l.location = r.location AND l.sku = r.sku
    ORDER BY l.location, l.sku {lock}"""
_AVAILABLE = """
    SELECT l.location, l.sku, l.on_hand - l.reserved - l.safety + l.oversell_allowance AS available FROM {words}
    JOIN stock_levels AS l ON l.sku = r.word"""
_LYING_SINCE = """
    SELECT l.location, l.sku, (
        SELECT MAX(w.at) FROM (
            SELECT m.at, SUM(m.on_hand_delta) OVER (ORDER BY m.movement_id DESC) AS come FROM stock_movements AS m
            WHERE m.location = l.location AND m.sku = l.sku AND m.on_hand_delta > 0
        ) AS w WHERE w.come >= l.on_hand - l.reserved
    ) AS since FROM {words}
    JOIN stock_levels AS l ON l.sku = r.word AND l.on_hand > l.reserved"""
_GRANT = """
    UPDATE stock_levels AS l SET reserved = l.reserved + r.quantity, updated_at = :at FROM {keys}
    WHERE l.location = r.location AND l.sku = r.sku
    AND l.reserved + r.quantity <= l.on_hand - l.safety + l.oversell_allowance"""
_LOCK_RESERVATIONS = """
    SELECT v.reservation_id, v.order_id, v.fulfilment_order_line_id, v.quantity, v.state, l.* FROM {ids}
    JOIN reservations AS v ON v.{by} = r.id
    JOIN stock_levels AS l ON l.location = v.location AND l.sku = v.sku
    ORDER BY l.location, l.sku, v.reservation_id {lock}"""
_RESERVED_FOR = """
    SELECT v.reservation_id, v.fulfilment_order_line_id, v.sku, v.location, v.quantity, v.state FROM {ids}
    JOIN reservations AS v ON v.fulfilment_order_line_id = r.id"""
_KNOWN_SKUS = "SELECT p.sku FROM {words} JOIN products AS p ON p.sku = r.word"
_DRIFT = """
    SELECT location, sku, SUM(on_hand) AS on_hand, SUM(ledger_on_hand) AS ledger_on_hand, SUM(reserved) AS reserved,
           SUM(ledger_reserved) AS ledger_reserved, SUM(held) AS held
    FROM (
        SELECT location, sku, on_hand, 0 AS ledger_on_hand, reserved, 0 AS ledger_reserved, 0 AS held FROM stock_levels
        UNION ALL
        SELECT location, sku, 0, SUM(on_hand_delta), 0, SUM(reserved_delta), 0 FROM stock_movements
        GROUP BY location, sku
        UNION ALL
        SELECT location, sku, 0, 0, 0, 0, SUM(quantity) FROM reservations WHERE state = 'held' GROUP BY location, sku
    ) AS figures
    GROUP BY location, sku
    HAVING SUM(on_hand) <> SUM(ledger_on_hand) OR SUM(reserved) <> SUM(ledger_reserved) OR SUM(reserved) <> SUM(held)
    ORDER BY location, sku"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reservation as it is stored, with the level that it is on."""

    reservation_id: str
    order_id: str
    fulfilment_order_line_id: str
    quantity: Decimal
    state: str
    level: Level


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """A reservation of a fulfilment order line, as far as asking for it again must know it."""

    reservation_id: str
    location: str
    quantity: Decimal
    state: str


def available(session: Session, *, skus: Collection[str], locations: Collection[str] | None) -> dict[Key, Decimal]:
    """What may be granted of each SKU, at each location that has a level of it."""
    statement = _typed(_AVAILABLE.format(words=_WORDS[_dialect(session)]))
    rows = session.execute(statement, {"rows": _as_json(sorted(set(skus)))})
    wanted = None if locations is None else set(locations)
    return {(row.location, row.sku): row.available for row in rows if wanted is None or row.location in wanted}


def lying_since(session: Session, *, skus: Collection[str]) -> dict[Key, datetime]:
    """When the oldest unit that is promised to nobody came, by (location, SKU): what came first leaves first."""
    statement = _typed(_LYING_SINCE.format(words=_WORDS[_dialect(session)]))
    rows = session.execute(statement, {"rows": _as_json(sorted(set(skus)))})
    return {(row.location, row.sku): row.since for row in rows if row.since is not None}


def lock_levels(session: Session, *, keys: Iterable[Key]) -> dict[Key, Level]:
    """The levels of the given keys, locked until the transaction ends; one that is not there is not in the answer."""
    dialect = _dialect(session)
    statement = _typed(_LOCK_LEVELS.format(keys=_KEYS[dialect], lock=_lock(dialect, "l")))
    rows = [{"location": location, "sku": sku} for location, sku in sorted(set(keys))]
    levels = (_level(row) for row in session.execute(statement, {"rows": _as_json(rows)}))
    return {level.key: level for level in levels}


def add_missing_levels(session: Session, *, keys: Iterable[Key], at: datetime) -> None:
    """Begin empty levels where there are none yet."""
    rows = [{"location": location, "sku": sku, "updated_at": at} for location, sku in sorted(set(keys))]
    insert_new(session, LEVELS, rows, key=("location", "sku"))


def grant(session: Session, *, quantities: Mapping[Key, Decimal], at: datetime) -> int:
    """Raise `reserved` where the condition of a grant holds; returns how many levels it held for."""
    rows = [
        {"location": location, "sku": sku, "quantity": scale_up(quantity, 3)}
        for (location, sku), quantity in sorted(quantities.items())
    ]
    statement = _with_instant(_GRANT.format(keys=_KEYS[_dialect(session)]))
    result = session.execute(statement, {"rows": _as_json(rows), "at": at})
    return int(result.rowcount)  # type: ignore[attr-defined]


def save_levels(session: Session, *, levels: Iterable[Level], at: datetime) -> None:
    """Overwrite levels that this transaction has locked."""
    rows = [{**asdict(level), "updated_at": at} for level in levels]
    update_rows(session, LEVELS, rows, key=("location", "sku"))


def add_movements(session: Session, *, movements: Sequence[Movement]) -> None:
    """Append to the ledger."""
    rows = [{name: getattr(movement, name) for name in _MOVEMENT_COLUMNS} for movement in movements]
    insert_rows(session, MOVEMENTS, rows)


def add_reservations(session: Session, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert reservations."""
    insert_rows(session, RESERVATIONS, rows)


def save_reservations(session: Session, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Overwrite columns of reservations by their id."""
    update_rows(session, RESERVATIONS, rows, key=("reservation_id",))


def lock_reservations(
    session: Session, *, fulfilment_order_line_ids: Collection[str] = (), reservation_ids: Collection[str] = ()
) -> list[Reservation]:
    """Reservations in any state and their levels, all locked, by fulfilment order lines or by their own ids."""
    by = "reservation_id" if reservation_ids else "fulfilment_order_line_id"
    ids = sorted(set(reservation_ids or fulfilment_order_line_ids))
    dialect = _dialect(session)
    statement = _typed(_LOCK_RESERVATIONS.format(ids=_IDS[dialect], by=by, lock=_lock(dialect, "l, v")))
    return [
        Reservation(
            reservation_id=row.reservation_id, order_id=row.order_id, quantity=row.quantity, state=row.state,
            fulfilment_order_line_id=row.fulfilment_order_line_id, level=_level(row),
        )
        for row in session.execute(statement, {"rows": _as_json(ids)})
    ]  # fmt: skip


def reserved_for(session: Session, *, fulfilment_order_line_ids: Collection[str]) -> dict[Key, ReservedLine]:
    """(fulfilment order line, SKU) -> its reservation, in any state."""
    statement = _typed(_RESERVED_FOR.format(ids=_IDS[_dialect(session)]))
    rows = session.execute(statement, {"rows": _as_json(sorted(set(fulfilment_order_line_ids)))})
    return {
        (row.fulfilment_order_line_id, row.sku): ReservedLine(row.reservation_id, row.location, row.quantity, row.state)
        for row in rows
    }


def kept_for(session: Session, *, order_ids: Collection[str]) -> dict[Key, Decimal]:
    """What soft reservations keep for these orders, by (location, SKU)."""
    soft, lines = SoftReservationRow, SoftReservationLineRow
    statement = (
        select(lines.location, lines.sku, func.sum(lines.quantity))
        .join(soft, soft.soft_reservation_id == lines.soft_reservation_id)
        .where(soft.state == "held", soft.order_id.in_(order_ids))
        .group_by(lines.location, lines.sku)
    )
    return {(location, sku): quantity for location, sku, quantity in session.execute(statement)}


def overdue_reservations(session: Session, *, at: datetime, limit: int) -> list[str]:
    """Held reservations whose time is over, the longest overdue first."""
    held = (RESERVATIONS.c.state == "held", RESERVATIONS.c.expires_at.is_not(None), RESERVATIONS.c.expires_at <= at)
    statement = select(RESERVATIONS.c.reservation_id).where(*held).order_by(RESERVATIONS.c.expires_at).limit(limit)
    return list(session.scalars(statement))


def known_skus(session: Session, *, skus: Iterable[str]) -> set[str]:
    """Which SKUs the catalogue has: the levels' foreign key names it, and a person is owed a better answer."""
    statement = _typed(_KNOWN_SKUS.format(words=_WORDS[_dialect(session)]))
    return {row.sku for row in session.execute(statement, {"rows": _as_json(sorted(set(skus)))})}


def list_levels(
    session: Session, *, location: str | None, sku: str | None, after: Key | None, limit: int
) -> list[Level]:
    """Levels in the order of (location, SKU)."""
    statement = select(*LEVELS.c).order_by(LEVELS.c.location, LEVELS.c.sku).limit(limit)
    if location is not None:
        statement = statement.where(LEVELS.c.location == location)
    if sku is not None:
        statement = statement.where(LEVELS.c.sku == sku)
    if after is not None:
        statement = statement.where(_after(after))
    return [_level(row) for row in session.execute(statement)]


def levels_of(session: Session, *, skus: Collection[str]) -> list[Level]:
    """The levels of these SKUs at every location, in the order of (location, SKU)."""
    statement = select(*LEVELS.c).where(among(session, LEVELS.c.sku, list(skus)))
    return [_level(row) for row in session.execute(statement.order_by(LEVELS.c.location, LEVELS.c.sku))]


def list_low_levels(
    session: Session, *, location: str | None, after: Key | None, limit: int, window: int
) -> tuple[list[Level], Key | None]:
    """Levels of which nothing is available, and where to go on; looks at no more than `window` levels at a time.

    An index of low levels would have to change with every reservation; a bounded look costs those nothing.
    """
    number = func.row_number().over(order_by=(LEVELS.c.location, LEVELS.c.sku)).label("number")
    inner = select(*LEVELS.c, number).order_by(LEVELS.c.location, LEVELS.c.sku).limit(window)
    if location is not None:
        inner = inner.where(LEVELS.c.location == location)
    if after is not None:
        inner = inner.where(_after(after))
    seen = inner.subquery()
    free = seen.c.on_hand - seen.c.reserved - seen.c.safety + seen.c.oversell_allowance
    low = (free <= 0).label("low")
    statement = select(*seen.c, low).where(low | (seen.c.number == window)).order_by(seen.c.location, seen.c.sku)
    rows = session.execute(statement.limit(limit + 1)).all()
    found = [_level(row) for row in rows if row.low][:limit]
    if len(rows) > limit:
        return found, (rows[limit - 1].location, rows[limit - 1].sku)
    ended = not rows or rows[-1].number < window
    return found, None if ended else (rows[-1].location, rows[-1].sku)


def list_movements(session: Session, *, location: str, sku: str, before: int | None, limit: int) -> list[Movement]:
    """The ledger of one level, newest first."""
    statement = select(*MOVEMENTS.c).where(MOVEMENTS.c.location == location, MOVEMENTS.c.sku == sku)
    if before is not None:
        statement = statement.where(MOVEMENTS.c.movement_id < before)
    rows = session.execute(statement.order_by(MOVEMENTS.c.movement_id.desc()).limit(limit))
    return [Movement(**row._mapping) for row in rows]


def locations(session: Session, *, codes: Iterable[str]) -> dict[str, Location]:
    """The locations of the given codes."""
    statement = select(*LOCATIONS.c).where(LOCATIONS.c.code.in_(sorted(set(codes))))
    return {row.code: _location(row) for row in session.execute(statement)}


def list_locations(session: Session, *, after: str | None, limit: int | None) -> list[Location]:
    """Locations in the order of their codes."""
    statement = select(*LOCATIONS.c).order_by(LOCATIONS.c.code).limit(limit)
    if after is not None:
        statement = statement.where(LOCATIONS.c.code > after)
    return [_location(row) for row in session.execute(statement)]


def locations_stamp() -> ScalarSelect[int]:
    """Rises with every location that is added and every change of one; none is ever removed."""
    return select(func.sum(LOCATIONS.c.version)).scalar_subquery()


def insert_location(session: Session, *, location: Location) -> bool:
    """Add a location; whether its code was free."""
    return bool(insert_new(session, LOCATIONS, [_location_values(location)], key=("code",)))


def update_location(session: Session, *, location: Location, version: int | None) -> bool:
    """Overwrite a location and count its version up; whether it stood at `version` (None: at any)."""
    values = {**_location_values(location), "version": LOCATIONS.c.version + 1}
    statement = update(LOCATIONS).where(LOCATIONS.c.code == location.code).values(**values)
    if version is not None:
        statement = statement.where(LOCATIONS.c.version == version)
    return session.execute(statement.returning(LOCATIONS.c.code)).first() is not None


def drift(session: Session) -> list[Drift]:
    """Levels that differ from their ledger or from what is held. Reads everything: a check, not a screen."""
    rows = session.execute(_typed(_DRIFT))
    return [
        Drift(row.location, row.sku, row.on_hand, row.ledger_on_hand, row.reserved, row.ledger_reserved, row.held)
        for row in rows
    ]


def _dialect(session: Session) -> str:
    return session.connection().dialect.name


def _lock(dialect: str, tables: str) -> str:
    return f"FOR UPDATE OF {tables}" if dialect == "postgresql" else ""


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()


@lru_cache(maxsize=32)
def _typed(sql: str) -> TextualSelect:
    quantities = (
        "quantity", "on_hand", "reserved", "safety", "inbound", "oversell_allowance", "available",
        "ledger_on_hand", "ledger_reserved", "held",
    )  # fmt: skip
    ids = ("reservation_id", "order_id", "fulfilment_order_line_id")
    return text(sql).columns(
        **dict.fromkeys(quantities, _QUANTITY), **dict.fromkeys(ids, Id()), location=String, sku=String, state=String,
        updated_at=UtcDateTime, since=UtcDateTime,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _with_instant(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("at", type_=UtcDateTime()))


def _after(key: Key) -> ColumnElement[bool]:
    return tuple_(LEVELS.c.location, LEVELS.c.sku) > tuple_(literal(key[0]), literal(key[1]))


def _level(row: Any) -> Level:
    return Level(
        location=row.location, sku=row.sku, on_hand=row.on_hand, reserved=row.reserved, safety=row.safety,
        inbound=row.inbound, oversell_allowance=row.oversell_allowance, updated_at=row.updated_at,
    )  # fmt: skip


def _location(row: Any) -> Location:
    values = dict(row._mapping)
    return Location(**{**values, "capabilities": tuple(values["capabilities"])})


def _location_values(location: Location) -> dict[str, Any]:
    return {**asdict(location), "capabilities": list(location.capabilities)}
