"""Rows of the catalogue."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, UtcDateTime


class ProductRow(Base):
    """One SKU that is kept and shipped; weight in grams, sides in millimetres."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("grams >= 0", name="grams"),
        Index("ix_products_sku_prefix", "sku", postgresql_ops={"sku": "varchar_pattern_ops"}),
        Index("ix_products_active", "active", "sku"),
    )

    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    grams: Mapped[int] = mapped_column(Integer, server_default="0")
    length_mm: Mapped[int | None] = mapped_column(Integer)
    width_mm: Mapped[int | None] = mapped_column(Integer)
    height_mm: Mapped[int | None] = mapped_column(Integer)
    stocked: Mapped[bool] = mapped_column(server_default=text("true"))
    requires: Mapped[list[Any]] = mapped_column(JsonDocument)
    components: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SkuAliasRow(Base):
    """What one account calls a product."""

    __tablename__ = "sku_aliases"

    account: Mapped[str] = mapped_column(String(120), primary_key=True)
    channel_sku: Mapped[str] = mapped_column(String(200), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), index=True)
    created_by: Mapped[str | None] = mapped_column(Id)


class CodeMappingRow(Base):
    """What a code of a connection means, e.g. its country "Alemania"; without a meaning it is ignored on purpose.

    What a SKU means is an alias; here it can only be ignored.
    """

    __tablename__ = "code_mappings"

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    field: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str] = mapped_column(String(200), primary_key=True)
    meaning: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
