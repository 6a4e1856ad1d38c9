"""Find orders: each filter has its index, and pages go by key."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from hub.orders.rules.identity import normal_phone
from hub.orders.tables import OrderHoldRow, OrderLineRow, OrderRow


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What orders must have in common; None does not matter. `ids` narrows to orders that another package found."""

    number: str | None = None
    external_id: str | None = None
    accounts: Collection[str] | None = None
    connection_id: str | None = None
    lifecycle: str | None = None
    review: str | None = None
    payment: str | None = None
    email: str | None = None
    phone: str | None = None
    sku: str | None = None
    hold: str | None = None
    assignee: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    ids: Collection[str] | None = None

    @property
    def by_placed(self) -> bool:
        """Whether the list goes by the time at which orders were placed, instead of by their acceptance."""
        return self.placed_from is not None or self.placed_to is not None


@dataclass(frozen=True, slots=True)
class After:
    """The last order of the page before."""

    order_id: str
    placed_at: datetime | None = None


def list_orders(session: Session, *, wanted: OrderFilter, after: After | None, limit: int) -> list[OrderRow]:
    """Orders, newest first: by acceptance, or by `placed_at` where the filter is about that."""
    statement = _matching(select(OrderRow), wanted).limit(limit)
    if not wanted.by_placed:
        statement = statement.order_by(OrderRow.order_id.desc())
        return list(
            session.scalars(statement if after is None else statement.where(OrderRow.order_id < after.order_id))
        )
    statement = statement.order_by(OrderRow.placed_at.desc(), OrderRow.order_id.desc())
    if after is not None and after.placed_at is not None:
        same = and_(OrderRow.placed_at == after.placed_at, OrderRow.order_id < after.order_id)
        statement = statement.where(
            OrderRow.placed_at <= after.placed_at, or_(OrderRow.placed_at < after.placed_at, same)
        )
    return list(session.scalars(statement))


def _matching(statement: Select[tuple[OrderRow]], wanted: OrderFilter) -> Select[tuple[OrderRow]]:
    for name in ("number", "external_id", "connection_id", "lifecycle", "review", "payment", "assignee"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(OrderRow, name) == value)
    if wanted.accounts is not None:
        statement = statement.where(OrderRow.account.in_(wanted.accounts))
    if wanted.email is not None:
        statement = statement.where(OrderRow.email == wanted.email.strip().lower())
    if wanted.phone is not None:
        statement = statement.where(OrderRow.phone == (normal_phone(wanted.phone) or ""))
    return _narrowed(statement, wanted)


def _narrowed(statement: Select[tuple[OrderRow]], wanted: OrderFilter) -> Select[tuple[OrderRow]]:
    if wanted.sku is not None:
        with_sku = select(OrderLineRow.order_id).where(
            or_(OrderLineRow.sku == wanted.sku, OrderLineRow.product_sku == wanted.sku)
        )
        statement = statement.where(OrderRow.order_id.in_(with_sku))
    if wanted.hold is not None:
        held = select(OrderHoldRow.order_id).where(
            OrderHoldRow.reason_code == wanted.hold, OrderHoldRow.released_at.is_(None)
        )
        statement = statement.where(OrderRow.order_id.in_(held))
    if wanted.ids is not None:
        statement = statement.where(OrderRow.order_id.in_(wanted.ids))
    if wanted.placed_from is not None:
        statement = statement.where(OrderRow.placed_at >= wanted.placed_from)
    return statement if wanted.placed_to is None else statement.where(OrderRow.placed_at < wanted.placed_to)
