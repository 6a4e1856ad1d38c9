"""Stored waves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_rows
from hub.routing.tables import RoutingWaveRow

WAVES: Table = RoutingWaveRow.__table__  # type: ignore[assignment]


def insert_waves(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep waves."""
    if rows:
        insert_rows(session, WAVES, rows)


def newest_waves(session: Session, *, before: str | None, limit: int) -> list[RoutingWaveRow]:
    """A page of waves, newest first, those before an id."""
    statement = select(RoutingWaveRow).order_by(RoutingWaveRow.wave_id.desc()).limit(limit)
    return list(session.scalars(statement if before is None else statement.where(RoutingWaveRow.wave_id < before)))


def count_old(session: Session, *, planned_before: datetime) -> int:
    """Waves that were planned earlier."""
    statement = select(func.count()).select_from(RoutingWaveRow)
    return session.scalar(statement.where(RoutingWaveRow.planned_at < planned_before)) or 0


def forget_old(session: Session, *, planned_before: datetime, limit: int) -> int:
    """Drop some of these, the oldest first; how many."""
    oldest = select(RoutingWaveRow.wave_id, RoutingWaveRow.planned_at).order_by(RoutingWaveRow.wave_id).limit(limit)
    gone = [row.wave_id for row in session.execute(oldest) if row.planned_at < planned_before]
    session.execute(delete(WAVES).where(among(session, WAVES.c.wave_id, gone)))
    return len(gone)
