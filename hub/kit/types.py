"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


class Id(TypeDecorator[str]):
    """A UUID: native on PostgreSQL, its 36 characters on SQLite; always text in Python."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The native type where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(String(36))


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC; naive values are refused, and SQLite's naive answers get their zone back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: the hub stores instants only")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class FixedDecimal(TypeDecorator[Decimal]):
    """A Decimal with a fixed number of places, stored as an integer: SQLite's NUMERIC corrupts digits."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Scale up; more places than the column has are refused."""
        return None if value is None else scale_up(value, self.places)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Scale down."""
        return None if value is None else _scale_down(value, self.places)


@lru_cache(maxsize=4096)
def _scale_down(value: int, places: int) -> Decimal:
    return Decimal(value).scaleb(-places)


@lru_cache(maxsize=4096)
def scale_up(value: Decimal, places: int) -> int:
    """The integer that a `FixedDecimal` column stores for a value."""
    scaled = value.scaleb(places)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more than {places} decimal places")
    return whole


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A sequence number; SQLite counts only in INTEGER."""

JsonDocument = JSON().with_variant(postgresql.JSONB(), "postgresql")
"""A JSON document."""

JsonText = JSON()
"""A JSON document that is only ever read whole: PostgreSQL keeps it as it is written, which costs less than taking it
apart, and keeps the order of its fields.
"""
