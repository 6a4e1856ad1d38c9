"""The doubles that a plugin is tested with: a settable clock, a state, a log, an http client without a network."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from hub.sdk.adapters import Adapter
from hub.sdk.errors import AuthFailed, Conflict, PluginError, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.http import HttpClient, HttpResponse
from hub.sdk.values import AdapterState, Clock

Server = Callable[[httpx.Request], httpx.Response]
A = TypeVar("A", bound=Adapter[Any])

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""The instant at which every conformance test begins: a Monday morning."""

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
DEFAULT_PAUSE = 1.0
"""Seconds to wait after a 429 that does not say how long."""


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, instant: datetime = START) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """The instant that was set last, in UTC."""
        return self.instant

    def set(self, instant: datetime) -> None:
        """Jump to an aware instant, forwards or backwards."""
        self.instant = instant.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Move on by seconds (negative: a clock that was put back)."""
        self.instant += timedelta(seconds=seconds)


class MemoryState:
    """An `AdapterState` in memory, safe over threads; `values` is what was stored."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self._lock = threading.Lock()

    def get(self, key: str) -> str | None:
        """The value, or None."""
        with self._lock:
            return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        """Store the value; refuses anything but text, as the hub's table does."""
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"adapter state holds text only, got {type(value).__name__} for {key!r}")
        with self._lock:
            self.values[key] = value


class MemoryLog:
    """A `Log` that keeps what was said as `(level, event, fields)`."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        """Keep an information."""
        self.entries.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        """Keep a warning."""
        self.entries.append(("warning", event, fields))


def refuse_everything(request: httpx.Request) -> httpx.Response:
    """The default server: every call is answered with 500, so that an unexpected call is seen."""
    return httpx.Response(500, text=f"no server is scripted for {request.method} {request.url.path}")


class MockHttp:
    """An `HttpClient` over a function instead of a network; `requests` holds every request that was made.

    A server raises `httpx.ConnectError` for a refused connection and `httpx.ReadTimeout` for an answer that is lost.
    Statuses and wire errors become SDK errors exactly as `hub.sdk.http` documents; nothing is retried, and no redirect
    is followed.
    """

    def __init__(self, server: Server | None = None, *, clock: Clock | None = None) -> None:
        self.server: Server = server or refuse_everything
        self.clock: Clock = clock or FakeClock()
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        idempotent: bool | None = None,
        operation: str = "call",
        timeout: float | None = None,
    ) -> HttpResponse:
        """One call to the server; raises the SDK error that the answer stands for."""
        request = httpx.Request(
            method.upper(),
            url,
            headers=dict(headers or {}),
            params=dict(params or {}) or None,
            json=json,
            content=content,
        )
        if timeout is not None:
            request.extensions["timeout"] = httpx.Timeout(timeout).as_dict()
        with self._lock:
            self.requests.append(request)
        safe = method.upper() in IDEMPOTENT_METHODS if idempotent is None else idempotent
        response = self._answer(request, operation, safe)
        if response.status_code >= httpx.codes.MULTIPLE_CHOICES:
            raise self._error(response, operation)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status_code, body=response.content, headers=lowered)

    def _answer(self, request: httpx.Request, operation: str, safe: bool) -> httpx.Response:
        try:
            response = httpx.MockTransport(self.server).handle_request(request)
            response.read()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Transient(f"{operation}: connection refused", code="connection_refused") from error
        except httpx.TransportError as error:
            if safe:
                raise Transient(f"{operation}: no answer came", code="no_answer") from error
            raise Uncertain(f"{operation}: sent, no answer came", code="no_answer") from error
        return response

    def _error(self, response: httpx.Response, operation: str) -> PluginError:
        status, code = response.status_code, f"http_{response.status_code}"
        message = f"{operation}: answered {status}"
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return RateLimited(message, after=self._pause(response.headers.get("retry-after")), code=code)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return AuthFailed(message, code=code)
        if status == httpx.codes.CONFLICT:
            return Conflict(message, code=code)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return Transient(message, code=code)
        return Rejected(message, code=code)

    def _pause(self, header: str | None) -> float:
        if header is None:
            return DEFAULT_PAUSE
        if header.strip().isdigit():
            return float(header)
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return DEFAULT_PAUSE
        return max(0.0, (until - self.clock.now()).total_seconds())


def open_adapter(
    plugin: type[A],
    settings: Mapping[str, Any],
    server: Server | None = None,
    clock: FakeClock | None = None,
    state: AdapterState | None = None,
    *,
    http: HttpClient | None = None,
    log: MemoryLog | None = None,
) -> A:
    """An adapter instance as the hub opens one for a connection, with doubles for all that is outside.

    `settings` goes through the plugin's own settings model (pydantic's `ValidationError` where it does not fit). `http`
    replaces the `MockHttp` that is otherwise built over `server`.
    """
    ticking = clock or FakeClock()
    return plugin(
        settings=plugin.settings_model.model_validate(dict(settings)),
        http=http or MockHttp(server, clock=ticking),
        clock=ticking,
        log=log or MemoryLog(),
        state=MemoryState() if state is None else state,
    )
