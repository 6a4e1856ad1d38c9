"""Figures that are read from the database for a monitoring system. Each is a bounded query over an index of open rows,
and an answer serves all who ask within the next seconds.

Labels are queues, states, names of connections, classes of errors: what grows with the set-up, never with the orders.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from hub.connections.service.adapters import load, load_kind
from hub.flows.pull_channel import pulled_until
from hub.fulfilment.service.figures import shipments_by_state
from hub.intake.service.figures import newest_messages, open_messages_by_state
from hub.inventory.service.low_stock import low_counts
from hub.jobs.rules.advice import ADVICE
from hub.jobs.service.figures import (
    blocked,
    effects_in_doubt,
    failing_jobs,
    most_overdue,
    open_jobs,
    waiting_since,
)
from hub.jobs.service.retention import swept_rows
from hub.kit.clock import Clock, monotonic
from hub.kit.db import Database
from hub.orders import repository as orders
from hub.orders.service.figures import auto_approval, newest_orders
from hub.routing.repository_shadow import running

KEPT_SECONDS = 5.0
"""How long an answer serves: two systems that scrape, or one in a hurry, cost the database nothing more."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure's name, what it says, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def of(self, values: Mapping[tuple[str, ...], float]) -> Metric:
        """The figure with these values by labels."""
        family = GaugeMetricFamily(self.name, self.help, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family


JOBS = Gauge("orderhub_jobs", "Open jobs: waiting (ready), running (leased), stopped (parked).", ("queue", "state"))
OLDEST = Gauge("orderhub_jobs_oldest_seconds", "Since the oldest of them was asked for.", ("queue", "state"))
RETRYING = Gauge("orderhub_jobs_retrying", "Waiting jobs that failed before.", ("queue",))
FAILING = Gauge("orderhub_jobs_failing", "Open jobs that failed, by the class of the last error.", ("error_class",))
LOW = Gauge("orderhub_low_stock", "Levels at or below their reorder point.", ("location",))
OVERDUE = Gauge("orderhub_schedule_overdue_seconds", "How late the latest schedule is: nobody beats, if it grows.")
LAG = Gauge("orderhub_connection_lag_seconds", "Since its oldest open job was asked for.", ("connection",))
BLOCKED = Gauge(
    "orderhub_connection_blocked", "1 where it is not called now: paused, circuit or rate_limit.",
    ("connection", "reason"),
)  # fmt: skip
CURSOR = Gauge("orderhub_connection_cursor_seconds", "By how much its pulls are behind the present.", ("connection",))
MESSAGE = Gauge("orderhub_connection_newest_message_seconds", "Since its newest message came in.", ("connection",))
ORDER = Gauge(
    "orderhub_connection_newest_order_seconds", "Since its newest order was placed, by the source's clock.",
    ("connection",),
)  # fmt: skip
MESSAGES = Gauge("orderhub_messages_open", "Messages that are not settled.", ("state",))
HOLDS = Gauge("orderhub_open_holds", "Open holds of orders.", ("reason",))
SHIPMENTS = Gauge("orderhub_shipments_open", "Shipments before their hand-over.", ("state",))
DOUBT = Gauge("orderhub_effects_in_doubt", "Calls that may have happened, and nobody knows yet.")
REVIEWED = Gauge("orderhub_reviewed_recently", "Reviewed orders among the newest 5000.")
APPROVED = Gauge("orderhub_auto_approval_ratio", "Share of these that nobody had to look at; NaN where there are none.")
PROOF = Gauge("orderhub_proof_age_seconds", "Since the end of its last proven day.", ("connection",))
SWEPT = Gauge("orderhub_retention_rows", "Rows that were emptied or dropped since the hub was set up.", ("kind",))
SWEPT_AT = Gauge("orderhub_retention_last_run_seconds", "When old rows were looked for last.", ("kind",))
SHADOWED = Gauge(
    "orderhub_shadow_decisions", "Live decisions that the shadowed rules were asked about; absent where none are.",
    ("result",),
)  # fmt: skip
SHADOW_COST = Gauge("orderhub_shadow_seconds", "Time that planning by the shadowed rules took so far.")
GAUGES = (
    JOBS, OLDEST, RETRYING, FAILING, OVERDUE, LAG, BLOCKED, CURSOR, MESSAGE, ORDER, MESSAGES, HOLDS, SHIPMENTS, DOUBT,
    REVIEWED, APPROVED, PROOF, SWEPT, SWEPT_AT, LOW, SHADOWED, SHADOW_COST,
)  # fmt: skip


class Kept(Collector):
    """The answer of another collector, asked for anew after so many seconds; whoever comes meanwhile waits for it."""

    def __init__(self, source: Collector, *, seconds: float = KEPT_SECONDS) -> None:
        self._source = source
        self._seconds = seconds
        self._lock = Lock()
        self._answer: list[Metric] = []
        self._asked_at: float | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The figures, of now or of a moment ago."""
        with self._lock:
            now = monotonic()
            if self._asked_at is None or now - self._asked_at >= self._seconds:
                self._answer, self._asked_at = list(self._source.collect()), now
            return self._answer


class FromDatabase(Collector):
    """All of the above but the proofs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read the figures."""
        now = self._clock.now()
        with self._database.read() as session:
            yield from _of_jobs(session, now)
            yield from _of_connections(session, now)
            yield from _of_sources(session, now)
            yield MESSAGES.of(_one_label(open_messages_by_state(session)))
            yield LOW.of(_one_label(low_counts(session)))
            yield HOLDS.of(_one_label(orders.hold_counts(session)))
            yield SHIPMENTS.of(_one_label(shipments_by_state(session)))
            yield DOUBT.of({(): effects_in_doubt(session)})
            swept = swept_rows(session)
            yield SWEPT.of({(kind,): count for kind, (count, _) in swept.items()})
            yield SWEPT_AT.of({(kind,): at.timestamp() for kind, (_, at) in swept.items()})
            approved, reviewed = auto_approval(session)
            yield from _of_shadow(session)
        yield REVIEWED.of({(): reviewed})
        yield APPROVED.of({(): approved / reviewed if reviewed else float("nan")})


def _of_shadow(session: Session) -> Iterable[Metric]:
    row = running(session)
    counts = {} if row is None else {"agreed": row.agreed, "disagreed": row.disagreed, "failed": row.failed}
    yield SHADOWED.of(_one_label(counts))
    yield SHADOW_COST.of({} if row is None else {(): row.spent_micros / 1_000_000})


def _of_jobs(session: Session, now: datetime) -> Iterable[Metric]:
    figures = open_jobs(session)
    yield JOBS.of({(figure.queue, figure.state): figure.count for figure in figures})
    yield OLDEST.of({(figure.queue, figure.state): _seconds(now, figure.oldest) for figure in figures})
    yield RETRYING.of({(figure.queue,): figure.retrying for figure in figures if figure.state == "ready"})
    failing: dict[str, float] = {}
    for name, count in failing_jobs(session).items():
        known = name if name in ADVICE else "other"  # a plugin may name classes as it likes
        failing[known] = failing.get(known, 0) + count
    yield FAILING.of(_one_label(failing))
    late = most_overdue(session)
    yield OVERDUE.of({(): _seconds(now, late) if late is not None else 0.0})


def _of_connections(session: Session, now: datetime) -> Iterable[Metric]:
    since, stopped = waiting_since(session), blocked(session, now=now)
    known = load(session, {*since, *(entry.connection_id for entry in stopped)})
    yield LAG.of({(info.name,): _seconds(now, since.get(key, now)) for key, info in known.items()})
    yield BLOCKED.of(
        {(known[entry.connection_id].name, entry.reason): 1 for entry in stopped if entry.connection_id in known}
    )


def _of_sources(session: Session, now: datetime) -> Iterable[Metric]:
    names = {info.connection_id: info.name for info in load_kind(session, "channel")}
    for gauge, found in (
        (CURSOR, pulled_until(session, names)),
        (MESSAGE, newest_messages(session, names)),
        (ORDER, newest_orders(session, names)),
    ):
        yield gauge.of({(names[key],): _seconds(now, at) for key, at in found.items()})


def _one_label(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(name,): value for name, value in values.items()}


def _seconds(now: datetime, since: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)
