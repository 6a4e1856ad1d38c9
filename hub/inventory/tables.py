"""Rows of inventory. Quantities have three decimals."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import BigId, FixedDecimal, Id, JsonDocument, UtcDateTime

HELD = "state = 'held'"
EXPIRES = "state = 'held' AND expires_at IS NOT NULL"


class LocationRow(Base):
    """A place that stock is kept at and shipped from. `handling` says who does the work there."""

    __tablename__ = "locations"
    __table_args__ = (
        CheckConstraint("kind IN ('warehouse', 'store', 'vendor', 'virtual')", name="kind"),
        CheckConstraint("handling IN ('own', 'outside')", name="handling"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(12))
    handling: Mapped[str] = mapped_column(String(8), server_default="own")
    address: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    capabilities: Mapped[list[Any]] = mapped_column(JsonDocument)
    channel_refs: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    notify: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    rank: Mapped[int] = mapped_column(Integer, server_default="0")
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class StockLevelRow(Base):
    """What is there. `reserved <= on_hand - safety` is the condition of every grant, not a CHECK."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved"),
        Index("ix_stock_levels_sku", "sku"),
    )

    location: Mapped[str] = mapped_column(ForeignKey("locations.code"), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    on_hand: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    reserved: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    safety: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    inbound: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    oversell_allowance: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReservationRow(Base):
    """Stock promised to one line of one fulfilment order. `quantity` is what the state speaks of: what is still held
    of a reservation that was consumed in part, what went out of a closed one; the movements have the rest."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'consumed', 'released', 'expired')", name="state"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("uq_reservations_fulfilment_order_line_id_sku", "fulfilment_order_line_id", "sku", unique=True),
        Index(
            "ix_reservations_held", "location", "sku", "reservation_id",
            sqlite_where=text(HELD), postgresql_where=text(HELD),
        ),
        Index("ix_reservations_expires_at", "expires_at", sqlite_where=text(EXPIRES), postgresql_where=text(EXPIRES)),
        Index("ix_reservations_order_id", "order_id"),
    )  # fmt: skip

    reservation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(Id)
    fulfilment_order_line_id: Mapped[str] = mapped_column(Id)
    location: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(100))
    quantity: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    state: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StockMovementRow(Base):
    """Append-only: every change of a level, and why. Levels are its projection."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index("ix_stock_movements_location_sku", "location", "sku", "movement_id"),)

    movement_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    location: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    on_hand_delta: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    reserved_delta: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    reference: Mapped[str | None] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
