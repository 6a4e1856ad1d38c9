"""Rows of the durable work table."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Float, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kit.db import Base
from hub.kit.types import BigId, Id, JsonDocument, UtcDateTime

OPEN_STATES = "state IN ('ready', 'leased', 'parked')"
DUE_STATES = "state IN ('ready', 'leased')"


class JobRow(Base):
    """One piece of work. `due_at` is the run-at time when ready, the lease's end when leased, and when it stopped.

    `plugin` and `plugin_version` are those with which it failed last: a mended version is a reason to try again.
    `traceparent` is the span that asked for it (W3C Trace Context).
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('ready', 'leased', 'parked', 'done', 'skipped')", name="state"),
        Index("uq_jobs_idem_key", "idem_key", unique=True),
        Index(
            "ix_jobs_due",
            "queue",
            "connection_id",
            "priority",
            "job_id",
            sqlite_where=text(DUE_STATES),
            postgresql_where=text(DUE_STATES),
        ),
        Index(
            "ix_jobs_open_lane", "lane", "job_id", sqlite_where=text(OPEN_STATES), postgresql_where=text(OPEN_STATES)
        ),
        Index("ix_jobs_subject", "subject_id", "job_id"),
        Index("ix_jobs_state", "state", "job_id", sqlite_where=text(OPEN_STATES), postgresql_where=text(OPEN_STATES)),
    )

    job_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    queue: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(60))
    lane: Mapped[str] = mapped_column(String(250))
    idem_key: Mapped[str] = mapped_column(String(250))
    connection_id: Mapped[str | None] = mapped_column(Id)
    subject_id: Mapped[str | None] = mapped_column(String(80))
    args: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    correlation_id: Mapped[str | None] = mapped_column(String(80))
    traceparent: Mapped[str | None] = mapped_column(String(55))
    state: Mapped[str] = mapped_column(String(10), server_default="ready")
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    crashes: Mapped[int] = mapped_column(Integer, server_default="0")
    lease_token: Mapped[str | None] = mapped_column(String(40))
    error_class: Mapped[str | None] = mapped_column(String(40))
    error: Mapped[str | None] = mapped_column(Text)
    plugin: Mapped[str | None] = mapped_column(String(60))
    plugin_version: Mapped[str | None] = mapped_column(String(30))
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EffectRow(Base):
    """One side effect on another system: written before the call, settled after it.

    `draft_id` is what the other side made for nothing before it was paid (class `two_step`), `job_id` the work that
    made the last call. At `sweep_at` the other side is asked whether it holds more under the key than we know of.
    """

    __tablename__ = "effects"
    __table_args__ = (
        CheckConstraint(
            "state IN ('intent', 'sent', 'confirmed', 'in_doubt', 'settled', 'refused', 'voided')", name="state"
        ),
        Index(
            "ix_effects_in_doubt",
            "connection_id",
            sqlite_where=text("state = 'in_doubt'"),
            postgresql_where=text("state = 'in_doubt'"),
        ),
        Index("ix_effects_subject", "subject_id"),
        Index(
            "ix_effects_answered",
            "created_at",
            sqlite_where=text("result IS NOT NULL"),
            postgresql_where=text("result IS NOT NULL"),
        ),
        Index(
            "ix_effects_sweep",
            "connection_id",
            "sweep_at",
            sqlite_where=text("sweep_at IS NOT NULL"),
            postgresql_where=text("sweep_at IS NOT NULL"),
        ),
    )

    idem_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    connection_id: Mapped[str] = mapped_column(Id)
    subject_id: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    request_hash: Mapped[str] = mapped_column(String(64))
    remote_id: Mapped[str | None] = mapped_column(String(200))
    draft_id: Mapped[str | None] = mapped_column(String(200))
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    lease_token: Mapped[str | None] = mapped_column(String(40))
    call_deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sweep_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    result: Mapped[dict[str, Any] | None] = mapped_column(JsonDocument)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConnectionHealthRow(Base):
    """Whether a connection may be called now; read inside the claim, so that a dead one costs no worker.

    `recent_failures` has a bit for each of the last calls, `opened` counts how often the circuit opened in a row (0: it
    is closed), `probe_token` is the lease of the one call that may try it. `renewed_at` is when its credentials were
    renewed, until a call succeeds. `paused_by` is the person who paused it; None where refused credentials did.
    """

    __tablename__ = "connection_health"

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_reason: Mapped[str | None] = mapped_column(Text)
    paused_by: Mapped[str | None] = mapped_column(String(120))
    failures_in_row: Mapped[int] = mapped_column(Integer, server_default="0")
    recent_failures: Mapped[int] = mapped_column(Integer, server_default="0")
    opened: Mapped[int] = mapped_column(Integer, server_default="0")
    probe_token: Mapped[str | None] = mapped_column(String(40))
    renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_budget: Mapped[float] = mapped_column(Float, server_default="10")
    last_ok_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class ConnectionSlotRow(Base):
    """A batch of calls that a worker makes to a connection; there are never more than `slots` of them at once.

    `until` is the end of the worker's lease: a slot whose worker died is free then.
    """

    __tablename__ = "connection_slots"

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    slot: Mapped[int] = mapped_column(Integer, primary_key=True)
    slots: Mapped[int] = mapped_column(Integer)
    lease_token: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class ScheduleRow(Base):
    """Work that comes again: `cron` in UTC; `due_at` is the next time, moved in the transaction that enqueues.

    `enabled` is a person's word alone. `last_key` names the job of the last run, whose row says what came of it.
    """

    __tablename__ = "schedules"

    schedule_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    cron: Mapped[str] = mapped_column(String(60))
    connection_id: Mapped[str | None] = mapped_column(Id)
    args: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    runs: Mapped[int] = mapped_column(Integer, server_default="0")
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_key: Mapped[str | None] = mapped_column(String(250))


class RetentionMarkRow(Base):
    """How far keeping house has come with one kind of rows; `scope` tells several of a kind apart (connections).

    `reached` is where the next run begins: up to there nothing is left to do. `total` counts what went in all runs.
    """

    __tablename__ = "retention_marks"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    reached: Mapped[str] = mapped_column(String(80))
    total: Mapped[int] = mapped_column(BigInteger)
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RestoreRow(Base):
    """The database was put back to the state of `taken_at`: what happened outside between the two nobody here knows."""

    __tablename__ = "restores"

    restored_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
