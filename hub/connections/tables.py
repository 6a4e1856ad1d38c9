"""Rows of connections."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, UtcDateTime


class ConnectionRow(Base):
    """One account of one adapter. `account` is the platform's own id of the shop, so that re-adding finds its orders.

    `policy` holds what is decided for this connection alone: review policy, payment policy, over-shipment tolerance.
    """

    __tablename__ = "connections"
    __table_args__ = (
        CheckConstraint("kind IN ('channel', 'carrier', 'erp')", name="kind"),
        CheckConstraint("mode IN ('observe', 'live')", name="mode"),
    )

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    plugin: Mapped[str] = mapped_column(String(60))
    account: Mapped[str] = mapped_column(String(120))
    mode: Mapped[str] = mapped_column(String(10))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    import_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settings: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    policy: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    cursor: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    allow_private: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AdapterStateRow(Base):
    """Small persistent text of an adapter (tokens, positions)."""

    __tablename__ = "adapter_states"

    connection_id: Mapped[str] = mapped_column(
        ForeignKey("connections.connection_id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
