"""Rows of routing."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import Id, JsonDocument, JsonText, UtcDateTime


class RuleSetRow(Base):
    """One immutable version of the rules; exactly one is active."""

    __tablename__ = "rule_sets"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'active', 'retired')", name="state"),
        Index(
            "uq_rule_sets_active",
            "state",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("uq_rule_sets_version", "version", unique=True),
    )

    rule_set_id: Mapped[str] = mapped_column(Id, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10))
    content_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    author: Mapped[str] = mapped_column(String(80))
    comment: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_by: Mapped[str | None] = mapped_column(String(80))


class PlanningInputRow(Base):
    """A version of a rate card, a calendar, a capacity or a location, so that a past decision can be recomputed."""

    __tablename__ = "planning_inputs"
    __table_args__ = (
        CheckConstraint("kind IN ('rate_card', 'calendar', 'capacity', 'location')", name="kind"),
        Index("uq_planning_inputs_kind_key_version", "kind", "key", "version", unique=True),
    )

    planning_input_id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    content_hash: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    author: Mapped[str] = mapped_column(String(80))


class RoutingDecisionRow(Base):
    """What the planner decided for one order, from what, and why each candidate won or lost."""

    __tablename__ = "routing_decisions"
    __table_args__ = (Index("ix_routing_decisions_order_id", "order_id", "decision_id"),)

    decision_id: Mapped[str] = mapped_column(Id, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    rule_set_id: Mapped[str] = mapped_column(Id)
    outcome: Mapped[str] = mapped_column(String(20))
    inputs_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    inputs: Mapped[dict[str, Any]] = mapped_column(JsonText)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ParkedPlanRow(Base):
    """An order that waits for stock of a SKU (or for a person: SKU is empty); gone when it is planned.

    `parked_at` is when the order began to wait, the same in all its rows: who waits longest is served first.
    """

    __tablename__ = "parked_plans"
    __table_args__ = (
        Index("ix_parked_plans_sku", "sku", "parked_at", "order_id"),
        Index("ix_parked_plans_parked_at", "parked_at", "order_id"),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    reason: Mapped[str] = mapped_column(String(60))
    parked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LocationLoadRow(Base):
    """How many fulfilment orders a location was given on a local day."""

    __tablename__ = "location_loads"

    location: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    fulfilment_orders: Mapped[int] = mapped_column(Integer, server_default="0")
