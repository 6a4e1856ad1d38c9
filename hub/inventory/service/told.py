"""What channels were told of each SKU, and what they were seen to show of it themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from hub.inventory.tables import StockToldRow
from hub.kit.bulk import among, put_rows

TOLD: Table = StockToldRow.__table__  # type: ignore[assignment]
_KEY = ("connection_id", "sku")


@dataclass(frozen=True, slots=True)
class Told:
    """The number that a channel was told last, and the one that it showed when it was looked at last (None with a
    `seen_at`: it does not list the SKU).
    """

    sku: str
    available: int
    told_at: datetime
    shown: int | None
    seen_at: datetime | None

    @property
    def differs(self) -> bool:
        """It showed another number after it was told this one, and was not told again since."""
        return self.seen_at is not None and self.seen_at > self.told_at and self.shown != self.available


def list_told(
    session: Session, *, connection_id: str, after: str | None, limit: int, differing: bool = False
) -> list[Told]:
    """What a channel was told, in the order of the SKUs after one; `differing` leaves out where it shows just that."""
    statement = _of(connection_id).order_by(TOLD.c.sku).limit(limit)
    if after is not None:
        statement = statement.where(TOLD.c.sku > after)
    if differing:
        statement = statement.where(_differs())
    return [Told(*row) for row in session.execute(statement)]


def told_of(session: Session, *, connection_id: str, skus: Collection[str]) -> dict[str, Told]:
    """What a channel was told of these SKUs."""
    rows = session.execute(_of(connection_id).where(among(session, TOLD.c.sku, list(skus))))
    return {row.sku: Told(*row) for row in rows}


def count_differing(session: Session, *, connection_id: str) -> int:
    """Of how many SKUs a channel shows another number than it was told."""
    statement = select(func.count()).select_from(TOLD).where(TOLD.c.connection_id == connection_id, _differs())
    return session.execute(statement).scalar_one()


def keep_told(session: Session, *, connection_id: str, numbers: Mapping[str, int], at: datetime) -> None:
    """A channel was told these numbers."""
    rows = [
        {"connection_id": connection_id, "sku": sku, "available": number, "told_at": at}
        for sku, number in numbers.items()
    ]
    put_rows(session, TOLD, rows, key=_KEY)


def keep_shown(session: Session, *, connection_id: str, seen: Mapping[Told, int | None], at: datetime) -> None:
    """A channel was seen to show these numbers of what it was told."""
    rows = [
        {
            "connection_id": connection_id, "sku": told.sku, "available": told.available, "told_at": told.told_at,
            "shown": number, "seen_at": at,
        }
        for told, number in seen.items()
    ]  # fmt: skip
    put_rows(session, TOLD, rows, key=_KEY)


def forget_all_told(session: Session) -> None:
    """The database was put back: channels may have been told other numbers since."""
    session.execute(delete(StockToldRow))


def _of(connection_id: str) -> Any:
    columns = (TOLD.c.sku, TOLD.c.available, TOLD.c.told_at, TOLD.c.shown, TOLD.c.seen_at)
    return select(*columns).where(TOLD.c.connection_id == connection_id)


def _differs() -> ColumnElement[bool]:
    """As `Told.differs`."""
    return and_(TOLD.c.seen_at > TOLD.c.told_at, or_(TOLD.c.shown.is_(None), TOLD.c.shown != TOLD.c.available))
