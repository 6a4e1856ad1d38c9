"""Keep stock for a while for what is no order yet: a phone draft, a cart, an offer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.inventory import repository
from hub.inventory.rules.grants import Demand
from hub.inventory.rules.levels import EntryFault, Key, plain
from hub.inventory.rules.locations import Location
from hub.inventory.rules.soft import LONGEST, KeptLine, SoftLine, SoftReservation, pick, soft_faults
from hub.inventory.service.change import unknown_places
from hub.inventory.service.locations import list_locations
from hub.inventory.service.release import release
from hub.inventory.service.reserve import reserve
from hub.inventory.tables import ReservationRow, SoftReservationLineRow, SoftReservationRow
from hub.kit.bulk import insert_rows
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id

SOFT: Table = SoftReservationRow.__table__  # type: ignore[assignment]
SOFT_LINES: Table = SoftReservationLineRow.__table__  # type: ignore[assignment]


def reserve_softly(
    session: Session, *, reference: str, lines: Sequence[SoftLine], expires_at: datetime, at: datetime, actor: str
) -> SoftReservation:
    """Keep all lines until `expires_at`, or nothing; audited. `reference` is what it is for (a draft's number).

    A line without a location is kept where all of it is, at the first location by rank, else in parts; the levels are
    locked before that is decided. Raises `InvalidInput` (`reservation_faults`, `expires_at`) and `StateConflict`
    (`reservation_short`: `errors` say what is missing).
    """
    _expect_soon(expires_at, at)
    faults = soft_faults(lines)
    open_codes = [place.code for place in sorted(list_locations(session), key=_by_rank) if place.enabled]
    faults += _unknown(session, lines, open_codes)
    if faults or not lines:
        raise InvalidInput(
            "reservation_faults",
            f"{len(faults) or 1} faults, nothing was kept: correct the lines and send all of them again.",
            extra={"errors": [fault.as_problem("lines") for fault in faults]},
        )
    places = {*open_codes, *(line.location for line in lines if line.location)}
    levels = repository.lock_levels(session, keys={(place, line.sku) for place in places for line in lines})
    taken, missing = pick(lines, open_codes, {key: level.available for key, level in levels.items()})
    if missing:
        raise StateConflict(
            "reservation_short", "Not all of it can be promised, nothing was kept: lower the quantities.",
            extra={"errors": [_missing(index, lines[index], short) for index, short in sorted(missing.items())]},
        )  # fmt: skip
    soft_id = new_id()
    head = {
        "soft_reservation_id": soft_id, "reference": reference, "state": "held", "order_id": None,
        "expires_at": expires_at, "created_by": actor, "created_at": at, "closed_at": None,
    }  # fmt: skip
    kept = [KeptLine(new_id(), *key, quantity) for key, quantity in sorted(taken.items())]
    insert_rows(session, SOFT, [head])
    insert_rows(session, SOFT_LINES, [{**asdict(line), "soft_reservation_id": soft_id} for line in kept])
    demands = [Demand(soft_id, line.line_id, line.location, line.sku, line.quantity) for line in kept]
    reserve(session, demands=demands, at=at, actor=actor)
    _audit(session, soft_id, "reservation.held", {"reference": reference, "state": "held"}, at=at, actor=actor)
    return get_soft(session, soft_id=soft_id)


def extend_softly(session: Session, *, soft_id: str, expires_at: datetime, at: datetime, actor: str) -> SoftReservation:
    """Keep it until another time; audited. Raises `NotFound`, `InvalidInput` (`expires_at`), `StateConflict`."""
    _expect_soon(expires_at, at)
    row = _held(session, soft_id)
    change = {"expires_at": expires_at.isoformat()}
    _audit(session, soft_id, "reservation.extended", change, at=at, actor=actor)
    row.expires_at = expires_at
    return _flushed(session, soft_id)


def release_softly(session: Session, *, soft_id: str, at: datetime, actor: str) -> SoftReservation:
    """Give the stock free before its time; audited. Raises `NotFound`, `StateConflict` (`reservation_state`)."""
    _close(session, [_held(session, soft_id)], "released", at=at, actor=actor)
    _audit(session, soft_id, "reservation.released", {"state": "released"}, at=at, actor=actor)
    return _flushed(session, soft_id)


def assign_softly(session: Session, *, soft_id: str, order_id: str, at: datetime, actor: str) -> SoftReservation:
    """Say which order it becomes: planning that order counts on the stock and takes it over. Audited.

    Raises `NotFound`, `StateConflict` (`reservation_state`, or `reservation_taken` where it is another order's).
    """
    row = _held(session, soft_id)
    if row.order_id not in (None, order_id):
        raise StateConflict("reservation_taken", "It is kept for another order already.")
    row.order_id = order_id
    _audit(session, soft_id, "reservation.assigned", {"order_id": order_id}, at=at, actor=actor)
    return _flushed(session, soft_id)


def keep_arrivals(
    session: Session, *, order_id: str, location: str, quantities: Mapping[str, Decimal], reference: str, at: datetime,
    actor: str,
) -> None:  # fmt: skip
    """Keep for an order what came in for it, in the transaction that notes it; less where more is promised than is
    there.
    """
    levels = repository.lock_levels(session, keys=[(location, sku) for sku in quantities])
    lines = [
        SoftLine(sku, kept, location)
        for sku, came in sorted(quantities.items())
        if (kept := min(came, levels[(location, sku)].available)) > 0
    ]
    if lines:
        kept_for_it = reserve_softly(
            session, reference=reference, lines=lines, expires_at=at + LONGEST, at=at, actor=actor
        )
        assign_softly(session, soft_id=kept_for_it.soft_reservation_id, order_id=order_id, at=at, actor=actor)


def release_for(session: Session, *, order_ids: Collection[str], at: datetime, actor: str) -> None:
    """Give free what is kept for orders that want nothing any more."""
    statement = select(SoftReservationRow).where(
        SoftReservationRow.state == "held", SoftReservationRow.order_id.in_(order_ids)
    )
    rows = session.scalars(statement.order_by(SoftReservationRow.soft_reservation_id).with_for_update()).all()
    if rows:
        _close(session, rows, "released", at=at, actor=actor)


def take_over(session: Session, *, order_ids: Collection[str], keys: Collection[Key], at: datetime, actor: str) -> None:
    """Give what is kept for orders free in the transaction that reserves it for them. `keys` are the levels that will
    be reserved on: all of them are locked first, in the one order. One statement where nothing is kept.
    """
    statement = select(SoftReservationRow).where(
        SoftReservationRow.state == "held", SoftReservationRow.order_id.in_(order_ids)
    )
    rows = session.scalars(statement.order_by(SoftReservationRow.soft_reservation_id).with_for_update()).all()
    if rows:
        kept = {(line.location, line.sku) for row in _with_lines(session, rows) for line in row.lines}
        repository.lock_levels(session, keys=kept | set(keys))
        _close(session, rows, "converted", at=at, actor=actor)


def expire_softly(session: Session, *, at: datetime, limit: int = 500) -> int:
    """End those whose time is over; called by the clockwork. Returns how many ended."""
    statement = select(SoftReservationRow).where(
        SoftReservationRow.state == "held", SoftReservationRow.expires_at <= at
    )
    statement = statement.order_by(SoftReservationRow.expires_at).limit(limit).with_for_update(skip_locked=True)
    rows = session.scalars(statement).all()
    _close(session, rows, "expired", at=at, actor="clock")
    return len(rows)


def yield_softly(session: Session, *, keys: Collection[Key], at: datetime) -> int:
    """Less is there than was promised: what is kept for nobody's order gives way first, the youngest before the
    others. Returns how many gave way.
    """
    rows: dict[str, SoftReservationRow] = {}
    for key, level in sorted(repository.lock_levels(session, keys=keys).items()):
        short = level.short
        for row, quantity in _youngest(session, key) if short > 0 else ():
            if short <= 0:
                break
            rows[row.soft_reservation_id] = row
            short -= quantity
    _close(session, list(rows.values()), "released", at=at, actor="inventory")
    return len(rows)


def get_soft(session: Session, *, soft_id: str) -> SoftReservation:
    """One with its lines; raises `NotFound`."""
    row = session.get(SoftReservationRow, soft_id)
    if row is None:
        raise NotFound("reservation", soft_id)
    return _with_lines(session, [row])[0]


def list_soft(
    session: Session, *, state: str | None = None, reference: str | None = None, before: str | None = None,
    limit: int = 50,
) -> list[SoftReservation]:  # fmt: skip
    """Soft reservations, the newest first; those made before one's id."""
    statement = select(SoftReservationRow).order_by(SoftReservationRow.soft_reservation_id.desc()).limit(limit)
    for column, value in ((SoftReservationRow.state, state), (SoftReservationRow.reference, reference)):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(SoftReservationRow.soft_reservation_id < before)
    return _with_lines(session, session.scalars(statement).all())


def _by_rank(location: Location) -> tuple[int, str]:
    return location.rank, location.code


def _held(session: Session, soft_id: str) -> SoftReservationRow:
    row = session.get(SoftReservationRow, soft_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("reservation", soft_id)
    if row.state != "held":
        raise StateConflict(
            "reservation_state", f"The reservation is {row.state} already: make a new one.", extra={"state": row.state}
        )
    return row


def _close(session: Session, rows: Sequence[SoftReservationRow], state: str, *, at: datetime, actor: str) -> None:
    lines = [line.line_id for soft in _with_lines(session, rows) for line in soft.lines]
    release(session, fulfilment_order_line_ids=lines, at=at, actor=actor, reason=f"soft {state}")
    for row in rows:
        row.state, row.closed_at = state, at
    session.flush()


def _youngest(session: Session, key: Key) -> Sequence[tuple[SoftReservationRow, Decimal]]:
    statement = (
        select(SoftReservationRow, ReservationRow.quantity)
        .join(SoftReservationLineRow, SoftReservationLineRow.line_id == ReservationRow.fulfilment_order_line_id)
        .join(SoftReservationRow, SoftReservationRow.soft_reservation_id == SoftReservationLineRow.soft_reservation_id)
        .where(ReservationRow.state == "held", ReservationRow.location == key[0], ReservationRow.sku == key[1])
        .order_by(ReservationRow.reservation_id.desc())
        .limit(200)
    )
    return [(row, quantity) for row, quantity in session.execute(statement)]


def _with_lines(session: Session, rows: Sequence[SoftReservationRow]) -> list[SoftReservation]:
    ids = [row.soft_reservation_id for row in rows]
    lines: dict[str, list[KeptLine]] = {soft_id: [] for soft_id in ids}
    if ids:
        statement = select(SOFT_LINES).where(SOFT_LINES.c.soft_reservation_id.in_(ids))
        for line in session.execute(statement.order_by(SOFT_LINES.c.location, SOFT_LINES.c.sku)):
            kept = KeptLine(line.line_id, line.location, line.sku, line.quantity)
            lines[line.soft_reservation_id].append(kept)
    return [
        SoftReservation(
            soft_reservation_id=row.soft_reservation_id, reference=row.reference,
            state=row.state,  # type: ignore[arg-type]
            order_id=row.order_id, expires_at=row.expires_at, created_by=row.created_by, created_at=row.created_at,
            closed_at=row.closed_at, lines=tuple(lines[row.soft_reservation_id]),
        )
        for row in rows
    ]  # fmt: skip


def _unknown(session: Session, lines: Sequence[SoftLine], open_codes: Sequence[str]) -> list[EntryFault]:
    somewhere = open_codes[0] if open_codes else ""
    return unknown_places(
        session,
        [(index, "location", (line.location or somewhere, line.sku)) for index, line in enumerate(lines)],
    )


def _expect_soon(expires_at: datetime, at: datetime) -> None:
    if not at < expires_at <= at + LONGEST:
        raise InvalidInput("expires_at", f"Must be later than now, and at most {LONGEST.days} days from now.")


def _flushed(session: Session, soft_id: str) -> SoftReservation:
    session.flush()
    return get_soft(session, soft_id=soft_id)


def _missing(index: int, line: SoftLine, short: Decimal) -> dict[str, Any]:
    return EntryFault(index, "quantity", f"{plain(short)} of {line.sku!r} are missing.").as_problem("lines")


def _audit(session: Session, soft_id: str, action: str, change: dict[str, Any], *, at: datetime, actor: str) -> None:
    record(
        session, actor=actor, action=action, subject_kind="soft_reservation", subject_id=soft_id, after=change, at=at
    )
