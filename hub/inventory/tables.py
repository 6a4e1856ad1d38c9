"""Rows of inventory. Quantities have three decimals."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Index, Integer, String, UniqueConstraint, text
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


class StockTransferRow(Base):
    """Stock on its way between two locations. A draft has it reserved at the source; what is in transit has left the
    source's `on_hand` and is `inbound` at the target. `idem_key` is the caller's: asked twice, it is made once. What
    comes in is kept for the order `for_order`, if there is one.
    """

    __tablename__ = "stock_transfers"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'in_transit', 'received', 'cancelled')", name="state"),
        CheckConstraint("source <> target", name="places"),
        UniqueConstraint("idem_key"),
        Index("ix_stock_transfers_state", "state", "transfer_id"),
        Index("ix_stock_transfers_for_order", "for_order"),
    )

    transfer_id: Mapped[str] = mapped_column(Id, primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey("locations.code"))
    target: Mapped[str] = mapped_column(ForeignKey("locations.code"))
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(200))
    idem_key: Mapped[str] = mapped_column(String(200))
    for_order: Mapped[str | None] = mapped_column(Id)
    expected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shipped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StockTransferLineRow(Base):
    """One SKU of a transfer; its reservation at the source is under `line_id`."""

    __tablename__ = "stock_transfer_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("received >= 0 AND lost >= 0 AND received + lost <= quantity", name="arrived"),
        UniqueConstraint("transfer_id", "sku"),
    )

    line_id: Mapped[str] = mapped_column(Id, primary_key=True)
    transfer_id: Mapped[str] = mapped_column(ForeignKey("stock_transfers.transfer_id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"))
    quantity: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    received: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    lost: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")


class SoftReservationRow(Base):
    """Stock kept for what is no order yet (a phone draft, a cart), until `expires_at`. `order_id` is the order that it
    becomes: its planning takes the stock over.
    """

    __tablename__ = "soft_reservations"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'converted', 'released', 'expired')", name="state"),
        Index("ix_soft_reservations_expires_at", "expires_at", sqlite_where=text(HELD), postgresql_where=text(HELD)),
        Index("ix_soft_reservations_order_id", "order_id", sqlite_where=text(HELD), postgresql_where=text(HELD)),
    )

    soft_reservation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    order_id: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SoftReservationLineRow(Base):
    """One SKU at one location of a soft reservation; its reservation is under `line_id`."""

    __tablename__ = "soft_reservation_lines"
    __table_args__ = (UniqueConstraint("soft_reservation_id", "location", "sku"),)

    line_id: Mapped[str] = mapped_column(Id, primary_key=True)
    soft_reservation_id: Mapped[str] = mapped_column(
        ForeignKey("soft_reservations.soft_reservation_id", ondelete="CASCADE")
    )
    location: Mapped[str] = mapped_column(ForeignKey("locations.code"))
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"))
    quantity: Mapped[Decimal] = mapped_column(FixedDecimal(3))


class StockCountRow(Base):
    """A sheet on which the stock of one location is counted, until it is approved or thrown away."""

    __tablename__ = "stock_counts"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'approved', 'cancelled')", name="state"),
        Index("ix_stock_counts_state", "state", "count_id"),
    )

    count_id: Mapped[str] = mapped_column(Id, primary_key=True)
    location: Mapped[str] = mapped_column(ForeignKey("locations.code"))
    state: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StockCountLineRow(Base):
    """What was counted of one SKU, and what the ledger said was on hand at that moment; null until it is counted."""

    __tablename__ = "stock_count_lines"

    count_id: Mapped[str] = mapped_column(ForeignKey("stock_counts.count_id", ondelete="CASCADE"), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    counted: Mapped[Decimal | None] = mapped_column(FixedDecimal(3))
    expected: Mapped[Decimal | None] = mapped_column(FixedDecimal(3))
    counted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counted_by: Mapped[str | None] = mapped_column(String(80))


class StockBufferRow(Base):
    """What a channel is not told of. Empty `location` and `sku` stand for all; the nearest to the level counts."""

    __tablename__ = "stock_buffers"
    __table_args__ = (
        CheckConstraint("units >= 0", name="units"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )

    connection_id: Mapped[str] = mapped_column(
        ForeignKey("connections.connection_id", ondelete="CASCADE"), primary_key=True
    )
    location: Mapped[str] = mapped_column(String(40), primary_key=True)
    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    units: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    percent: Mapped[int] = mapped_column(Integer, server_default="0")


class StockToldRow(Base):
    """The number that a channel was told of a SKU last: it is told again where that is another by now.

    `shown` is what it was seen to show itself at `seen_at`; null then: it does not list the SKU.
    """

    __tablename__ = "stock_told"

    connection_id: Mapped[str] = mapped_column(
        ForeignKey("connections.connection_id", ondelete="CASCADE"), primary_key=True
    )
    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    available: Mapped[int] = mapped_column(BigInteger)
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shown: Mapped[int | None] = mapped_column(BigInteger)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReorderPointRow(Base):
    """From which quantity on a level is low, and above which it is no more. Empty `location` and `sku` stand for all;
    the nearest to the level counts.
    """

    __tablename__ = "reorder_points"
    __table_args__ = (CheckConstraint("clears_above >= quantity AND quantity >= 0", name="quantity"),)

    location: Mapped[str] = mapped_column(String(40), primary_key=True)
    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    clears_above: Mapped[Decimal] = mapped_column(FixedDecimal(3))


class LowStockRow(Base):
    """A level that is low, since when and by which reorder point; the row goes when the level has recovered."""

    __tablename__ = "low_stock"

    location: Mapped[str] = mapped_column(ForeignKey("locations.code"), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    reorder_point: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
