"""What each channel may promise, and what is kept back from it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal

import orjson
from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.connections.service.adapters import ConnectionInfo
from hub.inventory import repository
from hub.inventory.rules.levels import ZERO, EntryFault, Key, Level, plain, quantity_fault
from hub.inventory.rules.promise import ALL, Buffer, Promise, promise
from hub.inventory.tables import (
    LocationRow,
    StockBufferRow,
    StockLevelRow,
    StockTransferLineRow,
    StockTransferRow,
)
from hub.kit.bulk import put_rows
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.ids import digest

BUFFERS: Table = StockBufferRow.__table__  # type: ignore[assignment]
LEVELS: Table = StockLevelRow.__table__  # type: ignore[assignment]


def available_to_promise(
    session: Session, *, connection: ConnectionInfo, skus: Collection[str], at: datetime
) -> dict[str, Promise]:
    """What the channel may promise of each SKU; of one without stock nothing, and no parts.

    Its policy says which locations serve it (`stock_locations`; none stated: every enabled one) and whether what is
    under way counts (`incoming_days`: transfers expected within so many days). A constant number of statements.
    """
    serving, buffers = _serving(session, connection), buffers_of(session, connection.connection_id)
    levels: dict[str, list[Level]] = defaultdict(list)
    for level in repository.levels_of(session, skus=skus):
        if level.location in serving:
            levels[level.sku].append(level)
    incoming = _incoming(session, connection, skus, at)
    return {sku: promise(sku, levels.get(sku, ()), incoming, buffers) for sku in skus}


def list_promises(
    session: Session, *, connection: ConnectionInfo, at: datetime, sku: str | None = None, after: str | None = None,
    limit: int = 50,
) -> list[Promise]:  # fmt: skip
    """What the channel may promise, in the order of the SKUs that ever had stock, after a SKU."""
    statement = select(StockLevelRow.sku).distinct().order_by(StockLevelRow.sku).limit(limit)
    if sku is not None:
        statement = statement.where(StockLevelRow.sku == sku)
    if after is not None:
        statement = statement.where(StockLevelRow.sku > after)
    skus = list(session.scalars(statement))
    return list(available_to_promise(session, connection=connection, skus=skus, at=at).values())


def expected_between(session: Session, *, since: datetime, until: datetime, limit: int) -> list[str]:
    """SKUs of transfers under way that are expected within an interval."""
    statement = (
        select(StockTransferLineRow.sku)
        .distinct()
        .join(StockTransferRow, StockTransferRow.transfer_id == StockTransferLineRow.transfer_id)
        .where(StockTransferRow.state == "in_transit")
        .where(StockTransferRow.expected_at > since, StockTransferRow.expected_at <= until)
        .order_by(StockTransferLineRow.sku)
        .limit(limit)
    )
    return list(session.scalars(statement))


def terms_of(session: Session, *, connection: ConnectionInfo) -> str:
    """A digest of what, beside stock, decides what the channel may promise: with another one, every number may be."""
    buffers = [asdict(buffer) for _, buffer in sorted(buffers_of(session, connection.connection_id).items())]
    stated = [sorted(_serving(session, connection)), connection.decided.incoming_days, buffers]
    return digest(orjson.dumps(stated, default=str))[:32]


def buffers_of(session: Session, connection_id: str) -> dict[Key, Buffer]:
    """All buffers of a channel, by (location, SKU)."""
    rows = session.scalars(select(StockBufferRow).where(StockBufferRow.connection_id == connection_id))
    return {(row.location, row.sku): Buffer(row.location, row.sku, row.units, row.percent) for row in rows}


def list_buffers(session: Session, *, connection_id: str, after: Key | None = None, limit: int = 50) -> list[Buffer]:
    """Buffers of a channel in the order of location and SKU, after one."""
    found = sorted(buffers_of(session, connection_id).items())
    return [buffer for key, buffer in found if after is None or key > after][:limit]


def set_buffers(
    session: Session, *, connection: ConnectionInfo, buffers: Sequence[Buffer], at: datetime, actor: str
) -> list[Buffer]:
    """Set buffers of a channel, all or none; audited. Raises `InvalidInput` (`buffer_faults`) with all faults."""
    faults = _buffer_faults(session, buffers)
    if faults:
        raise InvalidInput(
            "buffer_faults",
            f"{len(faults)} faults, nothing was stored: correct the buffers and send all of them again.",
            extra={"errors": [fault.as_problem("buffers") for fault in faults]},
        )
    before = buffers_of(session, connection.connection_id)
    rows = [{"connection_id": connection.connection_id, **asdict(buffer)} for buffer in buffers]
    put_rows(session, BUFFERS, rows, key=("connection_id", "location", "sku"))
    _audit(session, connection, before, {**before, **{one.key: one for one in buffers}}, at=at, actor=actor)
    return list(buffers)


def remove_buffer(
    session: Session, *, connection: ConnectionInfo, location: str, sku: str, at: datetime, actor: str
) -> None:
    """Take one buffer away; audited. Raises `NotFound`."""
    before = buffers_of(session, connection.connection_id)
    if (location, sku) not in before:
        raise NotFound("buffer", f"{location or '*'}/{sku or '*'}")
    session.execute(
        delete(StockBufferRow).where(
            StockBufferRow.connection_id == connection.connection_id, StockBufferRow.location == location,
            StockBufferRow.sku == sku,
        )
    )  # fmt: skip
    after = {key: buffer for key, buffer in before.items() if key != (location, sku)}
    _audit(session, connection, before, after, at=at, actor=actor)


def _serving(session: Session, connection: ConnectionInfo) -> frozenset[str]:
    enabled = frozenset(session.scalars(select(LocationRow.code).where(LocationRow.enabled)))
    stated = connection.decided.stock_locations
    return enabled if stated is None else enabled & stated


def _incoming(session: Session, connection: ConnectionInfo, skus: Collection[str], at: datetime) -> dict[Key, Decimal]:
    days = connection.decided.incoming_days
    if days is None or not skus:
        return {}
    line = StockTransferLineRow
    statement = (
        select(StockTransferRow.target, line.sku, func.sum(line.quantity), func.sum(line.received), func.sum(line.lost))
        .join(StockTransferRow, StockTransferRow.transfer_id == line.transfer_id)
        .where(StockTransferRow.state == "in_transit", StockTransferRow.expected_at <= at + timedelta(days=days))
        .where(line.sku.in_(skus))
        .group_by(StockTransferRow.target, line.sku)
    )
    return {(target, sku): sent - received - lost for target, sku, sent, received, lost in session.execute(statement)}


def _buffer_faults(session: Session, buffers: Sequence[Buffer]) -> list[EntryFault]:
    codes = repository.locations(session, codes={one.location for one in buffers})
    skus = repository.known_skus(session, skus={one.sku for one in buffers})
    faults = []
    seen: set[Key] = set()
    for index, one in enumerate(buffers):
        if one.location != ALL and one.location not in codes:
            faults.append(EntryFault(index, "location", f"There is no location {one.location!r}: add it first."))
        if one.sku != ALL and one.sku not in skus:
            faults.append(EntryFault(index, "sku", f"There is no product {one.sku!r}: add it first."))
        if message := quantity_fault(one.units, least=ZERO):
            faults.append(EntryFault(index, "units", message))
        if not 0 <= one.percent <= 100:
            faults.append(EntryFault(index, "percent", "Must be between 0 and 100."))
        if one.key in seen:
            faults.append(EntryFault(index, "sku", "This location and SKU is in the batch twice."))
        seen.add(one.key)
    return faults


def _audit(
    session: Session, connection: ConnectionInfo, before: Mapping[Key, Buffer], after: Mapping[Key, Buffer], *,
    at: datetime, actor: str,
) -> None:  # fmt: skip
    record(
        session, actor=actor, action="stock.buffers_changed", subject_kind="connection",
        subject_id=connection.connection_id, before=_document(before), after=_document(after), at=at,
    )  # fmt: skip


def _document(buffers: Mapping[Key, Buffer]) -> dict[str, str]:
    return {
        f"{location or '*'}/{sku or '*'}": f"{plain(buffer.units)} + {buffer.percent} %"
        for (location, sku), buffer in sorted(buffers.items())
    }
