"""What a monitoring system scrapes: counters of this process, and gauges read from the database at the scrape."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.gauges import FromDatabase, Kept
from hub.kit.clock import Clock
from hub.kit.db import Database
from hub.kit.web_middleware import route_of


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter's name, what it counts, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...]

    def counter(self, registry: CollectorRegistry) -> Counter:
        """The counter of one process."""
        return Counter(self.name.removesuffix("_total"), self.help, self.labels, registry=registry)


REFUSED = Counted(
    "orderhub_webhooks_refused_total", "Webhooks whose signature or time did not fit.", ("connection", "code")
)
STORED = Counted(
    "orderhub_messages_stored_total", "Deliveries answered 2xx at the intake doors.", ("door", "duplicate")
)
REQUESTS = Counted("orderhub_http_requests_total", "Requests answered.", ("method", "route", "status"))
COUNTERS = (REFUSED, STORED, REQUESTS)


class Metrics:
    """The metrics of one process. `webhooks_refused` has the refusal's code, which plugins keep few."""

    def __init__(self, database: Database | None, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.webhooks_refused = REFUSED.counter(self.registry)
        self.messages_stored = STORED.counter(self.registry)
        self.requests = REQUESTS.counter(self.registry)
        if database is not None:
            self.registry.register(Kept(FromDatabase(database, clock)))

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)


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
