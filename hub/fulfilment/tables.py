"""Rows of fulfilment. Quantities have three decimals."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import BigId, FixedDecimal, Id, JsonDocument, UtcDateTime

STATES = "'planned', 'allocated', 'released', 'in_progress', 'closed', 'incomplete', 'cancelled'"
NEGOTIATION = (
    "'unsubmitted', 'submitted', 'accepted', 'rejected', 'cancel_requested', 'cancel_accepted', 'cancel_refused'"
)
SHIPMENT_STATES = (
    "'draft', 'rated', 'label_requested', 'in_doubt', 'label_ready', 'handed_over', 'in_transit', 'out_for_delivery', "
    "'ready_for_pickup', 'delivered', 'delivery_failed', 'returning', 'returned_to_sender', 'lost', 'damaged', 'voided'"
)
UNDER_WAY = (
    "state IN ('handed_over', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'delivery_failed', 'returning')"
)
"""Shipments of which a carrier has more to tell."""


class FulfilmentOrderRow(Base):
    """The unit of assignment: what one location must send of one order.

    `outside`: it was given to a location that answers for itself, whatever that location is by now.
    """

    __tablename__ = "fulfilment_orders"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint(f"negotiation IN ({NEGOTIATION})", name="negotiation"),
        Index("ix_fulfilment_orders_order_id", "order_id"),
        Index("ix_fulfilment_orders_location", "location", "state", "fulfilment_order_id"),
        Index("ix_fulfilment_orders_state", "state", "fulfilment_order_id"),
        Index("ix_fulfilment_orders_number", "number"),
        Index("ix_fulfilment_orders_consolidation_id", "consolidation_id"),
    )

    fulfilment_order_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    number: Mapped[str] = mapped_column(String(120))
    location: Mapped[str] = mapped_column(String(40))
    decision_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(12))
    negotiation: Mapped[str] = mapped_column(String(16))
    outside: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str | None] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer, server_default="1")
    carrier_connection: Mapped[str | None] = mapped_column(String(60))
    service: Mapped[str | None] = mapped_column(String(60))
    quoted_minor: Mapped[int | None] = mapped_column(BigInteger)
    quoted_currency: Mapped[str | None] = mapped_column(String(3))
    ship_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consolidation_id: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FulfilmentOrderLineRow(Base):
    """A quantity of one order line within a fulfilment order."""

    __tablename__ = "fulfilment_order_lines"
    __table_args__ = (
        CheckConstraint("packed <= picked AND picked <= quantity AND shipped <= packed", name="order_of_work"),
        Index("ix_fulfilment_order_lines_fulfilment_order_id", "fulfilment_order_id"),
        Index("ix_fulfilment_order_lines_order_line_id", "order_line_id"),
    )

    fulfilment_order_line_id: Mapped[str] = mapped_column(Id, primary_key=True)
    fulfilment_order_id: Mapped[str] = mapped_column(ForeignKey("fulfilment_orders.fulfilment_order_id"))
    order_line_id: Mapped[str] = mapped_column(ForeignKey("order_lines.order_line_id"))
    sku: Mapped[str] = mapped_column(String(100))
    name: Mapped[str | None] = mapped_column(Text)
    grams: Mapped[int] = mapped_column(Integer, server_default="0")
    quantity: Mapped[Decimal] = mapped_column(FixedDecimal(3))
    picked: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    short: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    packed: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")
    shipped: Mapped[Decimal] = mapped_column(FixedDecimal(3), server_default="0")


class ConsolidationRow(Base):
    """Work of one location for one consignee that leaves as one parcel, as far as it is packed at `closes_at`.

    `open_key` is a digest of consignee, location, service, payment and rule; it is forgotten when nobody may join any
    more. `apart`: the carrier refused the parcel, each order has its own.
    """

    __tablename__ = "consolidations"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed', 'apart')", name="state"),
        Index("uq_consolidations_open_key", "open_key", unique=True),
    )

    consolidation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    open_key: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(6))
    location: Mapped[str] = mapped_column(String(40))
    rule: Mapped[str] = mapped_column(String(60))
    max_orders: Mapped[int] = mapped_column(Integer)
    max_grams: Mapped[int | None] = mapped_column(Integer)
    days_apart: Mapped[int] = mapped_column(Integer)
    ship_by: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LocationRejectionRow(Base):
    """A location refused an order (or lines of it); it is not asked again."""

    __tablename__ = "location_rejections"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    location: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ShipmentRow(Base):
    """What leaves of one fulfilment order with one carrier service, in its own parcels or in the parcel of another.

    `goes_with` is the shipment whose label is on the parcel that it goes in, where that is another order's.
    """

    __tablename__ = "shipments"
    __table_args__ = (
        CheckConstraint(f"state IN ({SHIPMENT_STATES})", name="state"),
        Index("uq_shipments_reference", "reference", unique=True),
        Index("ix_shipments_order_id", "order_id"),
        Index("ix_shipments_goes_with", "goes_with"),
        Index("ix_shipments_fulfilment_order_id", "fulfilment_order_id"),
        Index("ix_shipments_state", "state", "shipment_id"),
        Index("ix_shipments_location", "location", "shipment_id"),
        Index(
            "ix_shipments_under_way",
            "carrier_connection",
            "shipment_id",
            sqlite_where=text(UNDER_WAY),
            postgresql_where=text(UNDER_WAY),
        ),
    )

    shipment_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    fulfilment_order_id: Mapped[str] = mapped_column(ForeignKey("fulfilment_orders.fulfilment_order_id"))
    number: Mapped[str] = mapped_column(String(120))
    reference: Mapped[str] = mapped_column(String(32))
    location: Mapped[str] = mapped_column(String(40))
    carrier_connection: Mapped[str | None] = mapped_column(String(60))
    service: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(20))
    goes_with: Mapped[str | None] = mapped_column(Id)
    carrier_ref: Mapped[str | None] = mapped_column(String(200))
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(String(3))
    rates: Mapped[list[Any] | None] = mapped_column(JsonDocument)
    request: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ParcelRow(Base):
    """One box; `contents` maps fulfilment order line id to quantity."""

    __tablename__ = "parcels"
    __table_args__ = (
        Index("ix_parcels_shipment_id", "shipment_id"),
        Index("ix_parcels_tracking_number", "tracking_number"),
    )

    parcel_id: Mapped[str] = mapped_column(Id, primary_key=True)
    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipments.shipment_id"))
    position: Mapped[int] = mapped_column(Integer)
    grams: Mapped[int] = mapped_column(Integer)
    length_mm: Mapped[int | None] = mapped_column(Integer)
    width_mm: Mapped[int | None] = mapped_column(Integer)
    height_mm: Mapped[int | None] = mapped_column(Integer)
    contents: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    tracking_number: Mapped[str | None] = mapped_column(String(80))
    tracking_url: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))


class StoredDocumentRow(Base):
    """A printed document; the bytes are a file in the data folder, `digest` is their SHA-256."""

    __tablename__ = "stored_documents"
    __table_args__ = (Index("uq_stored_documents_subject", "subject_id", "kind", "format", "part", unique=True),)

    document_id: Mapped[str] = mapped_column(Id, primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    format: Mapped[str] = mapped_column(String(8))
    part: Mapped[int] = mapped_column(Integer, server_default="0")
    path: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    voided: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TrackingEventRow(Base):
    """Append-only scans; the same scan told twice is one row."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        Index("uq_tracking_events_scan", "tracking_number", "occurred_at", "raw_code", unique=True),
        Index("ix_tracking_events_shipment_id", "shipment_id"),
    )

    tracking_event_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    shipment_id: Mapped[str | None] = mapped_column(Id)
    tracking_number: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(20))
    raw_code: Mapped[str] = mapped_column(String(80))
    description: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    correction: Mapped[bool] = mapped_column(server_default=text("false"))


class ShipmentNoticeRow(Base):
    """What a channel must be told about a shipment, and whether reading it back showed it there."""

    __tablename__ = "shipment_notices"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'read_back', 'refused', 'in_doubt')", name="state"),
        Index("ix_shipment_notices_order_id", "order_id"),
        Index("ix_shipment_notices_state", "state", "shipment_id"),
    )

    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipments.shipment_id"), primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    connection_id: Mapped[str] = mapped_column(Id)
    reference: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10))
    remote_id: Mapped[str | None] = mapped_column(String(200))
    error: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
