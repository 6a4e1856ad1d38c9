"""All SQL of reports."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Subquery,
    and_,
    case,
    distinct,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from hub.catalog.tables import CodeMappingRow
from hub.connections.tables import ConnectionRow
from hub.intake.tables import UnknownCodeRow
from hub.orders.tables import OrderHoldRow, OrderLineRow, OrderRow

SKU = "sku"
Place = tuple[datetime, str, str, str]
"""Since when, the connection's name, field and value: the order of the list of what waits for a meaning."""
Key = tuple[str, str, str]
"""A connection's id, field and value."""


def missing_meanings(
    session: Session, *, connection_id: str | None, field: str | None, value: str | None = None,
    ignored: bool, after: Place | None, limit: int,
) -> list[Row[Any]]:  # fmt: skip
    """What waits for a meaning, one row a (connection, field, value), that which waits longest first."""
    waiting = _waiting(connection_id, field, value)
    key = (waiting.c.connection_id, ConnectionRow.name, ConnectionRow.account, waiting.c.field, waiting.c.value)
    since = func.min(waiting.c.since)
    place: tuple[ColumnElement[Any], ...] = (since, ConnectionRow.name.expression, waiting.c.field, waiting.c.value)
    statement = (
        select(
            waiting.c.connection_id, ConnectionRow.name.label("connection"), ConnectionRow.account, waiting.c.field,
            waiting.c.value, func.min(waiting.c.name).label("name"), since.label("since"),
            func.count(distinct(waiting.c.order_id)).label("orders"),
            func.count(distinct(waiting.c.message_id)).label("messages"),
        )
        .join(ConnectionRow, ConnectionRow.connection_id == waiting.c.connection_id)
        .outerjoin(
            CodeMappingRow,
            and_(
                CodeMappingRow.connection_id == waiting.c.connection_id,
                CodeMappingRow.field == waiting.c.field,
                CodeMappingRow.value == waiting.c.value,
            ),
        )
        .where(_is_ignored() if ignored else ~_is_ignored())
        .group_by(*key)
        .order_by(*place)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        reached = tuple_(*(literal(part, column.type) for part, column in zip(after, place, strict=True)))
        statement = statement.having(tuple_(*place) > reached)
    return list(session.execute(statement))


def waiting_amounts(session: Session, keys: Collection[Key]) -> dict[Key, dict[str, int]]:
    """Minor units by currency of the open orders that wait for each meaning; an order counts once for each."""
    waiting = _waiting(None, None, None)
    key = (waiting.c.connection_id, waiting.c.field, waiting.c.value)
    orders = (
        select(*key, waiting.c.order_id, waiting.c.currency, waiting.c.grand_minor)
        .where(tuple_(*key).in_(keys), waiting.c.currency.is_not(None))
        .distinct()
        .subquery()
    )
    sums = (orders.c.connection_id, orders.c.field, orders.c.value, orders.c.currency)
    found: dict[Key, dict[str, int]] = {}
    for row in session.execute(select(*sums, func.sum(orders.c.grand_minor).label("minor")).group_by(*sums)):
        found.setdefault((row.connection_id, row.field, row.value), {})[row.currency] = int(row.minor or 0)
    return found


def _is_ignored() -> ColumnElement[bool]:
    # a mapping's time is never null: where it is, there is no mapping
    return and_(CodeMappingRow.created_at.is_not(None), CodeMappingRow.meaning.is_(None))


def _waiting(connection_id: str | None, field: str | None, value: str | None) -> Subquery:
    """Open orders and documents without one, by what they wait for: lines that are held, and codes of messages."""
    money = (OrderRow.order_id, OrderRow.currency, OrderRow.grand_minor)
    lines = (
        select(
            OrderRow.connection_id, literal(SKU).label("field"), OrderLineRow.sku.label("value"),
            OrderLineRow.name, null().label("message_id"), OrderHoldRow.placed_at.label("since"), *money,
        )
        .join(OrderRow, OrderRow.order_id == OrderHoldRow.order_id)
        .join(
            OrderLineRow,
            and_(OrderLineRow.order_id == OrderHoldRow.order_id, OrderLineRow.external_id == OrderHoldRow.scope_id),
        )
        .where(
            OrderHoldRow.reason_code == "sku_unknown", OrderHoldRow.released_at.is_(None),
            OrderRow.lifecycle == "open", OrderLineRow.sku.is_not(None),
        )
    )  # fmt: skip
    codes = (
        select(
            UnknownCodeRow.connection_id, UnknownCodeRow.field, UnknownCodeRow.value, null().label("name"),
            case((UnknownCodeRow.order_id.is_(None), UnknownCodeRow.message_id)).label("message_id"),
            UnknownCodeRow.since, *money,
        )
        .outerjoin(OrderRow, OrderRow.order_id == UnknownCodeRow.order_id)
        .where(or_(UnknownCodeRow.order_id.is_(None), OrderRow.lifecycle == "open"))
    )  # fmt: skip
    if connection_id is not None:
        lines = lines.where(OrderRow.connection_id == connection_id)
        codes = codes.where(UnknownCodeRow.connection_id == connection_id)
    if value is not None:
        lines = lines.where(OrderLineRow.sku == value)
        codes = codes.where(UnknownCodeRow.value == value)
    if field is None:
        return union_all(codes, lines).subquery()
    return lines.subquery() if field == SKU else codes.where(UnknownCodeRow.field == field).subquery()
