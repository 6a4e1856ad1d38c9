"""What a monitoring system scrapes: counters of this process, and gauges read from the database at the scrape."""

from collections.abc import Iterable
from datetime import datetime

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.connections.service.adapters import load
from hub.fulfilment.service.figures import shipments_by_state
from hub.intake.service.figures import open_messages_by_state
from hub.jobs.service.figures import OpenJobs, blocked, effects_in_doubt, open_jobs, waiting_since
from hub.kit.clock import Clock
from hub.kit.db import Database
from hub.kit.web_middleware import route_of
from hub.orders import repository as orders
from hub.orders.service.figures import auto_approval


class Metrics:
    """The metrics of one process. `webhooks_refused` has the refusal's code, which plugins keep few."""

    def __init__(self, database: Database | None, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.webhooks_refused = Counter(
            "orderhub_webhooks_refused", "Webhooks whose signature or time did not fit.", ("connection", "code"),
            registry=self.registry,
        )  # fmt: skip
        self.messages_stored = Counter(
            "orderhub_messages_stored", "Deliveries answered 2xx at the intake doors.", ("door", "duplicate"),
            registry=self.registry,
        )  # fmt: skip
        self.requests = Counter(
            "orderhub_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        if database is not None:
            self.registry.register(FromDatabase(database, clock))

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)


class FromDatabase(Collector):
    """Gauges read at the scrape: each is a bounded query over an index of open rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read the figures."""
        now = self._clock.now()
        messages = GaugeMetricFamily("orderhub_messages_open", "Messages that are not settled.", labels=("state",))
        holds = GaugeMetricFamily("orderhub_open_holds", "Open holds of orders.", labels=("reason",))
        shipments = GaugeMetricFamily("orderhub_shipments_open", "Shipments before their hand-over.", labels=("state",))
        with self._database.read() as session:
            for state, count in open_messages_by_state(session).items():
                messages.add_metric((state,), count)
            for reason, count in orders.hold_counts(session).items():
                holds.add_metric((reason,), count)
            jobs = list(_job_gauges(open_jobs(session), now))
            connections = list(_connection_gauges(session, now))
            for state, count in shipments_by_state(session).items():
                shipments.add_metric((state,), count)
            doubt = effects_in_doubt(session)
            approved, reviewed = auto_approval(session)
        yield from (messages, holds, *jobs, *connections, shipments)
        yield GaugeMetricFamily("orderhub_effects_in_doubt", "Calls that may have happened.", doubt)
        yield GaugeMetricFamily("orderhub_reviewed_recently", "Reviewed orders among the newest ones.", reviewed)
        rate = approved / reviewed if reviewed else float("nan")
        yield GaugeMetricFamily("orderhub_auto_approval_ratio", "Share that nobody had to look at.", rate)


def _job_gauges(figures: Iterable[OpenJobs], now: datetime) -> Iterable[Metric]:
    jobs = GaugeMetricFamily("orderhub_jobs", "Open jobs.", labels=("queue", "state"))
    ages = GaugeMetricFamily("orderhub_jobs_oldest_seconds", "Age of the oldest.", labels=("queue", "state"))
    retries = GaugeMetricFamily("orderhub_jobs_retrying", "Jobs that failed and wait.", labels=("queue",))
    for figure in figures:
        jobs.add_metric((figure.queue, figure.state), figure.count)
        ages.add_metric((figure.queue, figure.state), _seconds(now, figure.oldest))
        if figure.state == "ready":
            retries.add_metric((figure.queue,), figure.retrying)
    return jobs, ages, retries


def _connection_gauges(session: Session, now: datetime) -> Iterable[Metric]:
    lags = GaugeMetricFamily("orderhub_connection_lag_seconds", "Age of its oldest open job.", labels=("connection",))
    closed = GaugeMetricFamily("orderhub_connection_blocked", "Not called now.", labels=("connection", "reason"))
    since, stopped = waiting_since(session), blocked(session, now=now)
    known = load(session, {*since, *(entry.connection_id for entry in stopped)})
    for connection_id, info in known.items():
        lags.add_metric((info.name,), _seconds(now, since.get(connection_id, now)))
    for entry in stopped:
        if entry.connection_id in known:
            closed.add_metric((known[entry.connection_id].name, entry.reason), 1)
    return lags, closed


def _seconds(now: datetime, since: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)


class CountRequests:
    """Counts answers by method, route (its template, not its address) and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._requests = metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 499  # nothing was answered: the client left, or the connection was cut

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        finally:
            self._requests.labels(_method(scope["method"]), route_of(scope), status).inc()


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"


router = APIRouter(tags=["operation"])


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Figures in Prometheus' text form: counts only, no personal data. Needs no key; keep it inside your network."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE_LATEST)
