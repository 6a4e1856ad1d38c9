"""Rows of routing."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Float, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import BigId, Id, JsonDocument, JsonText, UtcDateTime

IS_DUE = "due_at IS NOT NULL"
ENDS = "cancel_at IS NOT NULL"


class RuleSetRow(Base):
    """One immutable version of the rules; at most one is active. It is rehearsed once a backtest of it is stored."""

    __tablename__ = "rule_sets"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'rehearsed', 'active', 'retired')", name="state"),
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
    author: Mapped[str] = mapped_column(String(120))
    comment: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_by: Mapped[str | None] = mapped_column(String(120))


class BacktestRow(Base):
    """What a version would have decided about the last orders, measured while `against_id` was active (None: none)."""

    __tablename__ = "backtests"
    __table_args__ = (Index("ix_backtests_rule_set_id", "rule_set_id", "backtest_id"),)

    backtest_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    against_id: Mapped[str | None] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    last: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    differing: Mapped[int] = mapped_column(Integer)
    reproduced: Mapped[int] = mapped_column(Integer)
    skipped: Mapped[dict[str, int]] = mapped_column(JsonText)
    before: Mapped[dict[str, Any]] = mapped_column(JsonText)
    after: Mapped[dict[str, Any]] = mapped_column(JsonText)
    summary: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(120))
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BacktestDifferenceRow(Base):
    """An order that the version would have sent otherwise (`hub.routing.rules.backtest.Difference`).

    `place` counts from 1, the newest order first.
    """

    __tablename__ = "backtest_differences"

    backtest_id: Mapped[str] = mapped_column(ForeignKey("backtests.backtest_id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)


class RoutingGateRow(Base):
    """A version of the thresholds that a rule set must keep to go live; the newest counts."""

    __tablename__ = "routing_gates"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    comment: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RuleSetOverrideRow(Base):
    """A second person lets a version pass the gate: for the faults that are named, as they were measured."""

    __tablename__ = "rule_set_overrides"
    __table_args__ = (Index("ix_rule_set_overrides_rule_set_id", "rule_set_id", "override_id"),)

    override_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    against_id: Mapped[str | None] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    backtest_id: Mapped[str | None] = mapped_column(ForeignKey("backtests.backtest_id"))
    golden_run_id: Mapped[str | None] = mapped_column(ForeignKey("golden_runs.run_id"))
    gate_version: Mapped[int] = mapped_column(Integer)
    broken: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RuleSetActivationRow(Base):
    """A version began to decide: in place of which one, by whom, and what let it pass the gate (`basis`)."""

    __tablename__ = "rule_set_activations"
    __table_args__ = (
        CheckConstraint("basis IN ('rehearsed', 'overridden', 'no_history', 'rollback')", name="basis"),
        Index("ix_rule_set_activations_rule_set_id", "rule_set_id", "activation_id"),
    )

    activation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    replaced_id: Mapped[str | None] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    basis: Mapped[str] = mapped_column(String(10))
    gate_version: Mapped[int] = mapped_column(Integer)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    backtest_id: Mapped[str | None] = mapped_column(ForeignKey("backtests.backtest_id"))
    override_id: Mapped[str | None] = mapped_column(ForeignKey("rule_set_overrides.override_id"))
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(120))
    activated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GoldenOrderRow(Base):
    """An order, its world and what rules must make of it (`hub.routing.rules.golden`); holds no personal data."""

    __tablename__ = "golden_orders"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    author: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GoldenRunRow(Base):
    """What a version made of the golden orders: how many there were, what was `broken`; `stamp` is of all of them."""

    __tablename__ = "golden_runs"
    __table_args__ = (Index("ix_golden_runs_rule_set_id", "rule_set_id", "run_id"),)

    run_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    stamp: Mapped[str] = mapped_column(String(64))
    orders: Mapped[int] = mapped_column(Integer)
    broken: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    actor: Mapped[str] = mapped_column(String(120))
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PlanningInputRow(Base):
    """A version of a rate card, a calendar, a capacity, an area or a location, so that a past decision can be
    recomputed.
    """

    __tablename__ = "planning_inputs"
    __table_args__ = (
        CheckConstraint("kind IN ('rate_card', 'calendar', 'capacity', 'area', 'location')", name="kind"),
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


class PlaceRow(Base):
    """Where a postal code or a city lies; names are in the plain form in which they are compared."""

    __tablename__ = "places"
    __table_args__ = (CheckConstraint("kind IN ('postal', 'city')", name="kind"),)

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(6), primary_key=True)
    region: Mapped[str] = mapped_column(String(100), primary_key=True)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    population: Mapped[int] = mapped_column(Integer)


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

    `parked_at` is when the order began to wait, the same in all its rows: who waits longest is served first. `due_at`
    is when a pre-order is planned again, `cancel_at` when what is missing is cancelled, as the rules want it.
    """

    __tablename__ = "parked_plans"
    __table_args__ = (
        Index("ix_parked_plans_sku", "sku", "parked_at", "order_id"),
        Index("ix_parked_plans_parked_at", "parked_at", "order_id"),
        Index("ix_parked_plans_due_at", "due_at", sqlite_where=text(IS_DUE), postgresql_where=text(IS_DUE)),
        Index("ix_parked_plans_cancel_at", "cancel_at", sqlite_where=text(ENDS), postgresql_where=text(ENDS)),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    sku: Mapped[str] = mapped_column(String(100), primary_key=True)
    reason: Mapped[str] = mapped_column(String(60))
    parked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LocationLoadRow(Base):
    """How many fulfilment orders a location was given on a local day."""

    __tablename__ = "location_loads"

    location: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    fulfilment_orders: Mapped[int] = mapped_column(Integer, server_default="0")


class ShadowRow(Base):
    """A version that is asked about live orders without deciding; at most one is. Counts are of decisions.

    `ended_by` is who stopped it, or what became of the version. `spent_micros` is time spent on planning alone.
    """

    __tablename__ = "shadows"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'ended')", name="state"),
        Index(
            "uq_shadows_running",
            "state",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_shadows_rule_set_id", "rule_set_id", "shadow_id"),
    )

    shadow_id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[str] = mapped_column(ForeignKey("rule_sets.rule_set_id"))
    state: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_by: Mapped[str] = mapped_column(String(120))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(120))
    agreed: Mapped[int] = mapped_column(Integer, server_default="0")
    disagreed: Mapped[int] = mapped_column(Integer, server_default="0")
    failed: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)
    spent_micros: Mapped[int] = mapped_column(BigId, server_default="0")


class RoutingWaveRow(Base):
    """What came of orders that were planned together: by `digest` their decisions name it. `reason` is why greedy
    decided, empty where the strategy did; costs are freight and penalties.
    """

    __tablename__ = "routing_waves"

    wave_id: Mapped[str] = mapped_column(Id, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    rule_set_id: Mapped[str] = mapped_column(Id)
    strategy: Mapped[str] = mapped_column(String(120))
    orders: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str | None] = mapped_column(String(3))
    greedy_minor: Mapped[int] = mapped_column(BigInteger)
    cost_minor: Mapped[int] = mapped_column(BigInteger)
    sent_more: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)
    millis: Mapped[int] = mapped_column(Integer)
    planned_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ShadowDisagreementRow(Base):
    """A live decision that the shadowed version would have made otherwise, in words."""

    __tablename__ = "shadow_disagreements"
    __table_args__ = (
        Index("ix_shadow_disagreements_shadow_id", "shadow_id", "disagreement_id"),
        Index("ix_shadow_disagreements_found_at", "found_at"),
    )

    disagreement_id: Mapped[str] = mapped_column(Id, primary_key=True)
    shadow_id: Mapped[str] = mapped_column(ForeignKey("shadows.shadow_id"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    decision_id: Mapped[str] = mapped_column(Id)
    number: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    changed: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
