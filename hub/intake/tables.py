"""Rows of intake."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, JsonText, UtcDateTime

STATES = "'received', 'parsed', 'applied', 'parked', 'blocked', 'duplicate', 'superseded', 'rejected'"
OPEN_STATES = "state IN ('received', 'parked', 'blocked')"
"""The predicate of the index of messages that are not settled."""


class InboundMessageRow(Base):
    """One document as it came, byte for byte, and what became of it.

    `dedupe_key` is the source's delivery id, else kind + external id + revision, else kind + external id + digest.
    `order_ref` is the external id of the order that a parked message waits for. `facts` is what was read in it last, in
    canonical form: what a mended plugin is compared with. Parts of a larger document are messages of their own.
    `emptied_at`: it was kept as long as it may be, and only what makes it known again is left.
    """

    __tablename__ = "inbound_messages"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        Index("uq_inbound_messages_account_dedupe_key", "account", "dedupe_key", unique=True),
        Index(
            "ix_inbound_messages_state",
            "state",
            "message_id",
            sqlite_where=text(OPEN_STATES),
            postgresql_where=text(OPEN_STATES),
        ),
        Index(
            "ix_inbound_messages_parked",
            "account",
            "order_ref",
            sqlite_where=text("state = 'parked'"),
            postgresql_where=text("state = 'parked'"),
        ),
        Index("ix_inbound_messages_connection_id", "connection_id", "message_id"),
        Index(
            "ix_inbound_messages_open_parts",
            "parent_id",
            sqlite_where=text(OPEN_STATES),
            postgresql_where=text(OPEN_STATES),
        ),
        Index("ix_inbound_messages_external_id", "account", "external_id"),
    )

    message_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(String(120))
    parent_id: Mapped[str | None] = mapped_column(Id)
    dedupe_key: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str | None] = mapped_column(String(80))
    external_id: Mapped[str | None] = mapped_column(String(200))
    order_ref: Mapped[str | None] = mapped_column(String(200))
    revision: Mapped[str | None] = mapped_column(String(120))
    content_type: Mapped[str] = mapped_column(String(120))
    name: Mapped[str | None] = mapped_column(String(250))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))
    headers: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    state: Mapped[str] = mapped_column(String(12))
    plugin: Mapped[str] = mapped_column(String(60))
    plugin_version: Mapped[str | None] = mapped_column(String(30))
    order_id: Mapped[str | None] = mapped_column(Id)
    error_class: Mapped[str | None] = mapped_column(String(40))
    error_code: Mapped[str | None] = mapped_column(String(80))
    error: Mapped[str | None] = mapped_column(Text)
    faults: Mapped[list[Any] | None] = mapped_column(JsonDocument)
    facts: Mapped[list[Any] | None] = mapped_column(JsonText)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    correlation_id: Mapped[str | None] = mapped_column(String(80))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    emptied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UnknownCodeRow(Base):
    """A code of one message that nobody has said the meaning of; gone when the message is read with its meaning, or
    its order is told anew. `since` is when the message came.
    """

    __tablename__ = "unknown_codes"
    __table_args__ = (
        Index("ix_unknown_codes_value", "connection_id", "field", "value", "message_id"),
        Index("ix_unknown_codes_order_id", "order_id"),
    )

    message_id: Mapped[str] = mapped_column(
        ForeignKey("inbound_messages.message_id", ondelete="CASCADE"), primary_key=True
    )
    field: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    order_id: Mapped[str | None] = mapped_column(Id)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class CensusRunRow(Base):
    """What one census of a connection's day found; the newest of a day is what holds now. Counts are whole, `examples`
    has the first ids of each kind. `turn` counts the runs that one schedule led to, sums are minor units by currency.
    """

    __tablename__ = "census_runs"
    __table_args__ = (Index("ix_census_runs_day", "connection_id", "day", "run_id"),)

    run_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    day: Mapped[date] = mapped_column(Date)
    turn: Mapped[int] = mapped_column(Integer)
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)
    complete: Mapped[bool] = mapped_column()
    counted: Mapped[int | None] = mapped_column(Integer)
    listed: Mapped[int] = mapped_column(Integer)
    held: Mapped[int] = mapped_column(Integer)
    unlisted: Mapped[int] = mapped_column(Integer)
    missing: Mapped[int] = mapped_column(Integer)
    waiting: Mapped[int] = mapped_column(Integer)
    late: Mapped[int] = mapped_column(Integer)
    extra: Mapped[int] = mapped_column(Integer)
    differing: Mapped[int] = mapped_column(Integer)
    fetched: Mapped[int] = mapped_column(Integer)
    theirs: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    ours: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    examples: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
