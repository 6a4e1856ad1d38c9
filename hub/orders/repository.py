"""All SQL of orders beside `service.changes`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, and_, func, select, update
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_rows
from hub.kit.ids import is_id
from hub.orders.tables import OrderEventRow, OrderHoldRow, OrderLineRow, OrderRow

ORDERS: Table = OrderRow.__table__  # type: ignore[assignment]
LINES: Table = OrderLineRow.__table__  # type: ignore[assignment]
HOLDS: Table = OrderHoldRow.__table__  # type: ignore[assignment]


def lock_by_external_id(session: Session, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Orders by (account, external id), locked in one fixed order.

    Two steps, because asked for in the order of their ids at once, the server would rather walk through all orders.
    """
    found = _ids_by_external_id(session, keys)
    if not found:
        return {}
    statement = select(ORDERS).where(among(session, ORDERS.c.order_id, found)).order_by(ORDERS.c.order_id)
    return {(row.account, row.external_id): row for row in session.execute(statement.with_for_update())}


def by_external_id(session: Session, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Orders by (account, external id), for those who only look."""
    found = _ids_by_external_id(session, keys)
    statement = select(ORDERS).where(among(session, ORDERS.c.order_id, found))
    return {(row.account, row.external_id): row for row in session.execute(statement)} if found else {}


def _ids_by_external_id(session: Session, keys: Collection[tuple[str, str]]) -> list[str]:
    by_account: dict[str, list[str]] = {}
    for account, external_id in keys:
        by_account.setdefault(account, []).append(external_id)
    found: list[str] = []
    for account, external_ids in by_account.items():
        is_asked = (ORDERS.c.account == account, among(session, ORDERS.c.external_id, external_ids))
        found.extend(session.scalars(select(ORDERS.c.order_id).where(*is_asked)))
    return found


def insert_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert lines."""
    insert_rows(session, LINES, rows)


def lookalikes(session: Session, keys: Collection[str], *, since: datetime) -> list[tuple[str, str, str]]:
    """(key, order id, number) of open orders that look like these and were placed since then."""
    statement = select(ORDERS.c.lookalike_key, ORDERS.c.order_id, ORDERS.c.number).where(
        among(session, ORDERS.c.lookalike_key, keys), ORDERS.c.placed_at >= since, ORDERS.c.lifecycle == "open"
    )
    return [(str(key), order_id, number) for key, order_id, number in session.execute(statement)]


def insert_holds(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert holds that are not open yet."""
    insert_rows(session, HOLDS, rows)


def open_holds(session: Session, order_ids: Collection[str]) -> dict[str, list[OrderHoldRow]]:
    """Open holds by order."""
    found: dict[str, list[OrderHoldRow]] = {}
    statement = select(OrderHoldRow).where(
        among(session, HOLDS.c.order_id, order_ids), OrderHoldRow.released_at.is_(None)
    )
    for row in session.scalars(statement):
        found.setdefault(row.order_id, []).append(row)
    return found


def release_holds(session: Session, hold_ids: Collection[str], *, by: str, at: datetime) -> None:
    """Close holds."""
    session.execute(
        update(OrderHoldRow)
        .where(OrderHoldRow.hold_id.in_(hold_ids))
        .values(released_at=at, released_by=by)
        .execution_options(synchronize_session=False)
    )


def hold_counts(session: Session) -> dict[str, int]:
    """Open holds by reason code."""
    statement = (
        select(OrderHoldRow.reason_code, func.count())
        .where(OrderHoldRow.released_at.is_(None))
        .group_by(OrderHoldRow.reason_code)
    )
    return dict(session.execute(statement).all())


def review_counts(session: Session) -> dict[str, int]:
    """Orders by review state: what the auto-approval rate is made of."""
    statement = select(OrderRow.review, func.count()).group_by(OrderRow.review)
    return dict(session.execute(statement).all())


def timeline(session: Session, order_id: str, *, after: int, limit: int) -> list[OrderEventRow]:
    """Events of an order in their sequence."""
    statement = (
        select(OrderEventRow)
        .where(OrderEventRow.order_id == order_id, OrderEventRow.sequence > after)
        .order_by(OrderEventRow.sequence)
        .limit(limit)
    )
    return list(session.scalars(statement))


def events_of(session: Session, order_id: str, *, kind: str) -> list[OrderEventRow]:
    """Events of one kind of an order."""
    statement = select(OrderEventRow).where(OrderEventRow.order_id == order_id, OrderEventRow.kind == kind)
    return list(session.scalars(statement.order_by(OrderEventRow.sequence)))


def newest_of_kind(session: Session, order_ids: Collection[str], *, kind: str) -> dict[str, Row[Any]]:
    """The last event of one kind of each order that has any: order id, data, at."""
    events: Table = OrderEventRow.__table__  # type: ignore[assignment]
    last = (
        select(events.c.order_id, func.max(events.c.sequence).label("sequence"))
        .where(among(session, events.c.order_id, order_ids), events.c.kind == kind)
        .group_by(events.c.order_id)
        .subquery()
    )
    both = and_(events.c.order_id == last.c.order_id, events.c.sequence == last.c.sequence)
    found: list[Any] = list(session.execute(select(events.c.order_id, events.c.data, events.c.at).join(last, both)))
    return {row.order_id: row for row in found}


def last_told(session: Session, order_ids: Collection[str]) -> dict[str, str | None]:
    """The message that stated each order's present document."""
    events: Table = OrderEventRow.__table__  # type: ignore[assignment]
    stated = (among(session, events.c.order_id, order_ids), events.c.kind.in_(("order.accepted", "order.changed")))
    last = (
        select(events.c.order_id, func.max(events.c.sequence).label("sequence"))
        .where(*stated)
        .group_by(events.c.order_id)
        .subquery()
    )
    both = and_(events.c.order_id == last.c.order_id, events.c.sequence == last.c.sequence)
    return dict(session.execute(select(events.c.order_id, events.c.cause).join(last, both)).all())


def find(session: Session, reference: str) -> OrderRow | None:
    """One order by its id, or by its number if exactly one has it."""
    if is_id(reference):
        row = session.get(OrderRow, reference)
        if row is not None:
            return row
    rows = list(session.scalars(select(OrderRow).where(OrderRow.number == reference).limit(2)))
    return rows[0] if len(rows) == 1 else None


def number_is_taken(session: Session, number: str) -> bool:
    """Whether any order has this number."""
    return session.scalar(select(OrderRow.order_id).where(OrderRow.number == number).limit(1)) is not None


def search(filters: Mapping[str, Any], *, sku: str | None, hold: str | None, ids: Collection[str] | None,
           after: str | None, limit: int) -> Select[OrderRow]:  # fmt: skip
    """Orders by indexed columns, newest first. `ids` narrows to given orders (found by another package)."""
    statement = select(OrderRow).order_by(OrderRow.order_id.desc()).limit(limit)
    for name, value in filters.items():
        statement = statement.where(getattr(OrderRow, name) == value)
    if sku is not None:
        statement = statement.where(OrderRow.order_id.in_(select(OrderLineRow.order_id).where(OrderLineRow.sku == sku)))
    if hold is not None:
        held = select(OrderHoldRow.order_id).where(OrderHoldRow.reason_code == hold, OrderHoldRow.released_at.is_(None))
        statement = statement.where(OrderRow.order_id.in_(held))
    if ids is not None:
        statement = statement.where(OrderRow.order_id.in_(ids))
    return statement if after is None else statement.where(OrderRow.order_id < after)


def held_for_sku(session: Session, skus: Collection[str], *, after: str | None, limit: int) -> list[str]:
    """Orders that are held because one of these SKUs was unknown, in the order of their ids after one of them."""
    statement = (
        select(OrderHoldRow.order_id)
        .join(OrderLineRow, OrderLineRow.order_id == OrderHoldRow.order_id)
        .where(
            OrderLineRow.sku.in_(skus),
            OrderHoldRow.reason_code.in_(("sku_unknown", "sku_missing")),
            OrderHoldRow.released_at.is_(None),
        )
        .distinct()
        .order_by(OrderHoldRow.order_id)
        .limit(limit)
    )
    return list(session.scalars(statement if after is None else statement.where(OrderHoldRow.order_id > after)))


def waved_through(session: Session, order_ids: Collection[str]) -> dict[str, list[OrderHoldRow]]:
    """Holds of reviews that a person released: the same finding is not held against the order again."""
    found: dict[str, list[OrderHoldRow]] = {}
    statement = select(OrderHoldRow).where(
        OrderHoldRow.order_id.in_(order_ids),
        OrderHoldRow.released_at.is_not(None),
        OrderHoldRow.released_by != "review",
    )
    for row in session.scalars(statement):
        found.setdefault(row.order_id, []).append(row)
    return found


def holds_due(session: Session, *, at: datetime, limit: int) -> dict[str, list[str]]:
    """Reason codes by order of holds whose time is over."""
    statement = (
        select(OrderHoldRow.order_id, OrderHoldRow.reason_code)
        .where(OrderHoldRow.released_at.is_(None), OrderHoldRow.release == "timer", OrderHoldRow.release_at <= at)
        .order_by(OrderHoldRow.release_at)
        .limit(limit)
    )
    found: dict[str, list[str]] = {}
    for order_id, reason in session.execute(statement):
        found.setdefault(order_id, []).append(reason)
    return found


def figures_of(session: Session, *, account: str, external_ids: Collection[str]) -> list[Row[Any]]:
    """External id, total, placed and accepted of an account's orders, for the comparison with its source."""
    columns = (
        ORDERS.c.external_id, ORDERS.c.grand_minor, ORDERS.c.currency, ORDERS.c.placed_at, ORDERS.c.accepted_at
    )  # fmt: skip
    is_asked = (ORDERS.c.account == account, among(session, ORDERS.c.external_id, external_ids))
    return list(session.execute(select(*columns).where(*is_asked))) if external_ids else []


def placed_between(session: Session, *, account: str, since: datetime, until: datetime) -> list[str]:
    """External ids of an account's orders of these instants, but for those that were called off."""
    statement = select(ORDERS.c.external_id).where(
        ORDERS.c.placed_at.between(since, until),
        ORDERS.c.account == account,
        ORDERS.c.lifecycle.in_(("open", "completed")),
    )
    return list(session.scalars(statement.order_by(ORDERS.c.external_id)))
