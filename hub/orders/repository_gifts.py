"""All SQL of gifts: lines of orders that rules gave."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session

from hub.kit.bulk import among, insert_rows, update_rows
from hub.kit.types import FixedDecimal
from hub.orders.repository import LINES, ORDERS
from hub.orders.rules.gifts import Customer, GiftKey

_KEY = (LINES.c.gift_rule, LINES.c.product_sku)
_UNITS = func.sum(LINES.c.ordered - LINES.c.cancelled, type_=FixedDecimal(3))


def insert_gifts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert lines that rules give."""
    insert_rows(session, LINES, rows)


def note_given(session: Session, line_ids: Iterable[str], *, at: datetime | None) -> None:
    """Say when these lines were given (None: they were let go for good)."""
    rows = [{"order_line_id": line_id, "gift_at": at} for line_id in sorted(line_ids)]
    update_rows(session, LINES, rows, key=("order_line_id",))


def gift_lines(session: Session, order_ids: Collection[str]) -> dict[str, list[Row[Any]]]:
    """The lines of these orders that rules gave, in the order's own sequence; only orders that have some."""
    statement = select(*LINES.c).where(among(session, LINES.c.order_id, order_ids), LINES.c.gift_rule.is_not(None))
    found: dict[str, list[Row[Any]]] = {}
    for row in session.execute(statement.order_by(LINES.c.order_id, LINES.c.position)):
        found.setdefault(row.order_id, []).append(row)
    return found


def units_given(session: Session, keys: Mapping[GiftKey, datetime | None]) -> dict[GiftKey, int]:
    """Units that each rule has given of a product since a moment (None: ever)."""
    if not keys:
        return {}
    statement = select(*_KEY, _UNITS).where(_any_of(keys)).group_by(*_KEY)
    return {GiftKey(rule, sku): int(units) for rule, sku, units in session.execute(statement)}


def units_given_to(
    session: Session, keys: Mapping[GiftKey, datetime | None], customers: Collection[Customer]
) -> dict[tuple[GiftKey, Customer], int]:
    """The same by customer, for these."""
    found: dict[tuple[GiftKey, Customer], int] = {}
    for known_by, column in (("email", ORDERS.c.email), ("phone", ORDERS.c.phone)):
        values = {customer.value for customer in customers if customer.known_by == known_by}
        if not keys or not values:
            continue
        theirs = (LINES.c.order_id == ORDERS.c.order_id, among(session, column, values))
        by_phone = () if known_by == "email" else (ORDERS.c.email.is_(None),)
        statement = select(column, *_KEY, _UNITS).where(*theirs, *by_phone, _any_of(keys)).group_by(column, *_KEY)
        for value, rule, sku, units in session.execute(statement):
            found[GiftKey(rule, sku), Customer(known_by, value)] = int(units)  # type: ignore[arg-type]
    return found


def given_keys(session: Session) -> set[GiftKey]:
    """All that rules have ever given: few, however many orders got it."""
    statement = select(*_KEY).where(LINES.c.gift_rule.is_not(None)).distinct()
    return {GiftKey(rule, sku) for rule, sku in session.execute(statement)}


def _any_of(keys: Mapping[GiftKey, datetime | None]) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                LINES.c.gift_rule == key.rule,
                LINES.c.product_sku == key.sku,
                *((LINES.c.gift_at >= since,) if since is not None else ()),
            )
            for key, since in sorted(keys.items())
        )
    )
