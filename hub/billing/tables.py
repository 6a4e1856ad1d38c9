"""Rows of billing. Amounts are minor units."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, JsonText, UtcDateTime


class PaymentTransactionRow(Base):
    """One movement of money on an order, as its channel reports it; the payment axis is derived from these."""

    __tablename__ = "payment_transactions"
    __table_args__ = (Index("uq_payment_transactions_order_id_external_id", "order_id", "external_id", unique=True),)

    transaction_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    external_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    gateway: Mapped[str | None] = mapped_column(String(120))
    processed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InvoiceRow(Base):
    """An invoice (one a shipment) or a credit note; `body` holds its lines, charges and taxes."""

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
        Index("uq_invoices_number", "number", unique=True),
        Index("uq_invoices_source", "kind", "source_id", unique=True),
        Index("ix_invoices_order_id", "order_id"),
    )

    invoice_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    source_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12))
    number: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ErpDocumentRow(Base):
    """A document that an ERP must hold; `key` is the stable key that the other side knows it by."""

    __tablename__ = "erp_documents"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'posted', 'refused', 'in_doubt', 'cancelled')", name="state"),
        Index("uq_erp_documents_connection_id_key", "connection_id", "key", unique=True),
        Index("ix_erp_documents_order_id", "order_id"),
        Index("ix_erp_documents_state", "state", "document_id"),
    )

    document_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(32))
    number: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    remote_id: Mapped[str | None] = mapped_column(String(200))
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    posted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NumberSeriesRow(Base):
    """The next number of a gapless series (invoices)."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_number: Mapped[int] = mapped_column(Integer)
