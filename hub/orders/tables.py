"""Rows of orders. Quantities have three decimals, amounts are minor units of the order's currency."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import FixedDecimal, Id, JsonDocument, JsonText, UtcDateTime

COUNTERS = (
    "ordered", "ordered_source", "cancelled", "external_shipped", "not_stocked", "allocated", "backordered",
    "unallocated", "released", "picked", "short", "packed", "shipped", "delivered", "return_requested",
    "return_received", "restocked", "scrapped", "refunded",
)  # fmt: skip
"""Line counters; every change is a delta in `order_events.lines`, of which the columns are the sum."""


TIMED = "released_at IS NULL AND release = 'timer'"


ASSIGNED = "assignee IS NOT NULL"


GIFTS = "gift_rule IS NOT NULL"


class OrderRow(Base):
    """One order; each axis column has one writer. `document` is the canonical order as last stated by its channel.

    `side_effects` is false for orders that must cause nothing outside (an observed connection, or history). A lower
    `priority` goes first; what a person said about priority and assignee is left alone by rules.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("lifecycle IN ('open', 'completed', 'cancelled', 'expired')", name="lifecycle"),
        CheckConstraint(
            "review IN ('pending', 'cooling', 'auto_approved', 'queued', 'second_review', 'approved', 'rejected')",
            name="review",
        ),
        # the external id first: looked up by many ids of one account, the account alone would be no help
        Index("uq_orders_external_id_account", "external_id", "account", unique=True),
        Index("ix_orders_number", "number"),
        Index("ix_orders_email", "email"),
        Index("ix_orders_phone", "phone"),
        Index("ix_orders_connection_id", "connection_id", "order_id"),
        Index("ix_orders_lifecycle", "lifecycle", "order_id"),
        Index("ix_orders_review", "review", "order_id"),
        Index(
            "ix_orders_assignee",
            "assignee",
            "order_id",
            sqlite_where=text(ASSIGNED),
            postgresql_where=text(ASSIGNED),
        ),
        Index("ix_orders_placed_at", "placed_at"),
        Index("ix_orders_lookalike_key", "lookalike_key", "placed_at"),
    )

    order_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(String(120))
    external_id: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12))
    lifecycle: Mapped[str] = mapped_column(String(12))
    review: Mapped[str] = mapped_column(String(16))
    payment: Mapped[str] = mapped_column(String(20))
    side_effects: Mapped[bool] = mapped_column()
    test: Mapped[bool] = mapped_column(server_default=text("false"))
    currency: Mapped[str | None] = mapped_column(String(3))
    grand_minor: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[str | None] = mapped_column(String(120))
    document_digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(JsonText)
    tags: Mapped[list[Any]] = mapped_column(JsonDocument)
    email: Mapped[str | None] = mapped_column(String(250))
    phone: Mapped[str | None] = mapped_column(String(40))
    lookalike_key: Mapped[str | None] = mapped_column(String(64))
    pinned_location: Mapped[str | None] = mapped_column(String(40))
    priority: Mapped[int] = mapped_column(Integer, server_default="100")
    priority_by_hand: Mapped[bool] = mapped_column(server_default=text("false"))
    assignee: Mapped[str | None] = mapped_column(String(80))
    assigned_by_hand: Mapped[bool] = mapped_column(server_default=text("false"))
    ship_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deliver_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    event_count: Mapped[int] = mapped_column(Integer, server_default="0")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OrderLineRow(Base):
    """One line and its counters; `total_minor` is the authority, the unit price may be finer than the currency.

    `gift_rule` is the rule that gave it, `gift_at` when; it was let go for good where that is empty. Its channel knows
    of no such line: `ordered_source` is 0.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint(
            "cancelled + external_shipped + not_stocked + allocated + backordered + unallocated = ordered",
            name="accounted_for",
        ),
        CheckConstraint(
            "shipped <= packed AND packed <= picked AND picked <= released AND released <= allocated",
            name="order_of_work",
        ),
        CheckConstraint("delivered <= shipped", name="delivered"),
        CheckConstraint(
            "restocked + scrapped <= return_received AND return_received <= shipped + external_shipped", name="returned"
        ),
        CheckConstraint(
            "cancelled >= 0 AND allocated >= 0 AND unallocated >= 0 AND backordered >= 0 AND released >= 0 "
            "AND picked >= 0 AND packed >= 0 AND shipped >= 0 AND delivered >= 0",
            name="positive",
        ),
        Index("uq_order_lines_order_id_external_id", "order_id", "external_id", unique=True),
        Index("ix_order_lines_sku", "sku", "order_id"),
        Index("ix_order_lines_product_sku", "product_sku", "order_id"),
        Index(
            "ix_order_lines_gift",
            "gift_rule",
            "product_sku",
            "order_id",
            sqlite_where=text(GIFTS),
            postgresql_where=text(GIFTS),
        ),
    )

    order_line_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    position: Mapped[int] = mapped_column(Integer)
    external_id: Mapped[str] = mapped_column(String(200))
    sku: Mapped[str | None] = mapped_column(String(200))
    product_sku: Mapped[str | None] = mapped_column(String(100))
    name: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    ships: Mapped[bool] = mapped_column()
    grams: Mapped[int] = mapped_column(Integer, server_default="0")
    unit_price: Mapped[Decimal | None] = mapped_column(FixedDecimal(6))
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    tax_minor: Mapped[int | None] = mapped_column(BigInteger)
    gift_rule: Mapped[str | None] = mapped_column(String(60))
    gift_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ordered: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    ordered_source: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    cancelled: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    external_shipped: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    not_stocked: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    allocated: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    backordered: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    unallocated: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    released: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    picked: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    short: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    packed: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    shipped: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    delivered: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    return_requested: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    return_received: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    restocked: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    scrapped: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    refunded: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")


class OrderHoldRow(Base):
    """Why an order, a line or a fulfilment order must wait, and what lets it go."""

    __tablename__ = "order_holds"
    __table_args__ = (
        CheckConstraint("scope IN ('order', 'line', 'fulfilment_order')", name="scope"),
        CheckConstraint("release IN ('manual', 'timer', 'event')", name="release"),
        Index(
            "uq_order_holds_open",
            "order_id",
            "scope_id",
            "reason_code",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_order_holds_order_id", "order_id"),
        Index(
            "ix_order_holds_due",
            "release_at",
            sqlite_where=text(TIMED),
            postgresql_where=text(TIMED),
        ),
        Index(
            "ix_order_holds_reason_code",
            "reason_code",
            "hold_id",
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    hold_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    scope: Mapped[str] = mapped_column(String(20))
    scope_id: Mapped[str] = mapped_column(String(80))
    reason_code: Mapped[str] = mapped_column(String(60))
    message: Mapped[str] = mapped_column(Text)
    evidence: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    placed_by: Mapped[str] = mapped_column(String(80))
    release: Mapped[str] = mapped_column(String(8))
    release_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_by: Mapped[str | None] = mapped_column(String(80))


class OrderEventRow(Base):
    """Append-only: the timeline that people read, the history, and the deltas of the line counters.

    `lines` maps order line id to counter deltas in thousandths; folding all of them gives the lines' columns.
    """

    __tablename__ = "order_events"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(80))
    cause: Mapped[str | None] = mapped_column(String(120))
    data: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    lines: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
