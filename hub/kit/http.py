"""The one client for outgoing calls: guarded addresses, no redirects, limits of time and size, short retries, quotas.

It turns statuses and wire errors into the errors of `hub.sdk.errors`, so that a plugin author never writes
`if status == 429`. Circuit breaking and long retries are the job engine's, between calls, not here.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NoReturn

import httpx
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from hub.kit.clock import SYSTEM, Clock, monotonic, sleep
from hub.kit.http_answer import AnswerTooLarge, read_body
from hub.kit.http_guard import AddressRefused, GuardedTransport, Resolver, deadline, resolve
from hub.kit.http_quota import QuotaBook
from hub.kit.log import correlation_id
from hub.kit.trace import TRACE_HEADER, Span, span, traceparent
from hub.sdk.errors import AuthFailed, Conflict, PluginError, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.http import HttpResponse
from hub.sdk.manifest import Quota

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
TOTAL_SECONDS = 30.0
TRIES = 3
TRY_BUDGET_SECONDS = 8.0
LONGEST_PAUSE_INSIDE = 5.0
"""Longest Retry-After that is sat out inside a call, and longest time that all its tries together wait for a quota;
anything longer is `RateLimited`."""
SHORTEST_DEFERRAL = 1.0
"""Seconds for which a connection is deferred at least when its quota is used up: many wait for the same next call."""
PAUSE_WITHOUT_WORD = 2.0
"""Seconds after a 429 that does not say how long."""
LONGEST_PAUSE = 86_400.0
MAX_ANSWER_BYTES = 20 * 1024 * 1024
KEPT_ANSWER_BYTES = 64 * 1024

STATUS_ERRORS: Mapping[int, type[PluginError]] = {
    401: AuthFailed, 403: AuthFailed, 408: Transient, 409: Conflict, 425: Transient,
    3: Rejected, 4: Rejected, 5: Transient,
}  # fmt: skip
"""Status, else its class, to what the hub must do. Not here, because they need more than the status: 429 and a 503
with Retry-After are `RateLimited`; 502 and 504 of a call that is not idempotent are `Uncertain` (a gateway lost it)."""
LOST_BY_GATEWAY = frozenset({502, 504})
NOT_SENT = frozenset({"connection_refused", "connect_timeout", "pool_exhausted"})
"""Codes of errors after which nothing of the request can have reached the other side."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Call:
    """One logical call, the same for every try."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    json: Any
    content: bytes | None
    idempotent: bool
    operation: str
    read_seconds: float


@dataclass(slots=True)
class _Patience:
    """How long one logical call may still wait for its quota, over all its tries."""

    seconds: float


class HttpPool:
    """What all outgoing calls of a process share: the TLS context, two socket pools, the used quotas.

    Calls that may go to private addresses use a pool of their own, so that no socket that was opened for them is ever
    reused by a connection that may not. Build one a process (a TLS context alone takes 26 ms); `shared_pool()` does.
    """

    def __init__(
        self,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = SYSTEM,
        pause: Callable[[float], None] = sleep,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.clock = clock
        self.pause = pause
        self.quotas = QuotaBook()
        if transport is not None:
            self._public = self._private = transport
            return
        context = tls or httpx.create_ssl_context()
        self._public = GuardedTransport(allow_private=False, tls=context, resolver=resolver)
        self._private = GuardedTransport(allow_private=True, tls=context, resolver=resolver)

    def client(
        self,
        *,
        connection: str,
        quotas: Sequence[Quota] = (),
        allow_private: bool = False,
        headers: Mapping[str, str] | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> "GuardedHttpClient":
        """A client for one connection; cheap, may be made for each adapter. `headers` go out with every call."""
        return GuardedHttpClient(
            self,
            self._private if allow_private else self._public,
            connection=connection,
            quotas=tuple(quotas),
            headers=dict(headers or {}),
            max_answer_bytes=max_answer_bytes,
        )

    def close(self) -> None:
        """Close all sockets."""
        self._public.close()
        self._private.close()


@lru_cache(maxsize=1)
def shared_pool() -> HttpPool:
    """The pool of this process, built at its first use."""
    return HttpPool()


class GuardedHttpClient:
    """`hub.sdk.http.HttpClient` for one connection. Safe over threads; made by `HttpPool.client`."""

    def __init__(
        self,
        pool: HttpPool,
        transport: httpx.BaseTransport,
        *,
        connection: str,
        quotas: tuple[Quota, ...],
        headers: Mapping[str, str],
        max_answer_bytes: int,
    ) -> None:
        self._pool = pool
        self._transport = transport
        self._connection = connection
        self._quotas = quotas
        self._headers = headers
        self._max_answer_bytes = max_answer_bytes

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
        """One logical call of at most `timeout` (30) seconds, tries and waits between them included.

        Raises the errors of `hub.sdk.errors`; where the other side answered, `answer` of the error holds its words.
        """
        verb = method.upper()
        call = _Call(
            method=verb,
            url=_target(url, params, operation),
            headers={**self._headers, **(headers or {})},
            json=json,
            content=content,
            idempotent=verb in IDEMPOTENT_METHODS if idempotent is None else idempotent,
            operation=operation,
            read_seconds=timeout or READ_SECONDS,
        )
        total = timeout or TOTAL_SECONDS
        token = deadline.set(monotonic() + total)
        try:
            retrying = Retrying(
                stop=stop_after_attempt(TRIES) | stop_before_delay(min(TRY_BUDGET_SECONDS, total)),
                wait=_wait,
                retry=retry_if_exception(lambda error: _may_repeat(error, idempotent=call.idempotent)),
                sleep=self._pool.pause,
                reraise=True,
            )
            return retrying(self._try, call, _Patience(LONGEST_PAUSE_INSIDE))
        finally:
            deadline.reset(token)

    def _try(self, call: _Call, patience: "_Patience") -> HttpResponse:
        self._await_quota(call.operation, patience)
        facts = {
            "http.request.method": call.method, "server.address": call.url.host, "orderhub.operation": call.operation,
            "orderhub.connection": self._connection,
        }  # fmt: skip
        with span(f"{call.method} {call.operation}", kind="client", attributes=facts) as sent:
            return self._timed(call, sent)

    def _timed(self, call: _Call, sent: Span) -> HttpResponse:
        started = monotonic()
        status: int | None = None
        outcome = "ok"
        try:
            response = self._exchange(call)
            status = response.status
            self._raise_for_status(call, response)
        except PluginError as error:
            outcome = error.code
            raise
        else:
            return response
        finally:
            if status is not None:
                sent.set("http.response.status_code", status)
            sent.set("orderhub.outcome", outcome)
            log.info(
                "http.call", method=call.method, host=call.url.host, path=call.url.path, status=status, outcome=outcome,
                ms=round((monotonic() - started) * 1000, 1), connection=self._connection, operation=call.operation,
            )  # fmt: skip

    def _await_quota(self, operation: str, patience: "_Patience") -> None:
        """Sit out a short wait; leave a long one to the engine, which defers the connection and frees this thread."""
        while (wait := self._pool.quotas.take(self._connection, operation, self._quotas)) > 0:
            if wait > patience.seconds or monotonic() + wait > deadline.get():
                after = max(wait, SHORTEST_DEFERRAL)
                raise RateLimited(f"{operation}: the declared quota is used up", after=after, code="quota")
            self._pool.pause(wait)
            patience.seconds -= wait

    def _exchange(self, call: _Call) -> HttpResponse:
        request = self._build(call)
        try:
            response = self._transport.handle_request(request)
            with closing(response):
                body = self._read(response)
        except AddressRefused as error:
            raise Rejected(
                f"{call.operation}: {call.url.host} leads to {error.address}, which this connection may not call: "
                "correct the address in its settings, or allow private addresses for this connection if the system is "
                "in your own network",
                code="address_refused",
            ) from error
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            message = f"{call.operation}: the request cannot be sent: {error}"
            raise Rejected(message, code="request_malformed") from error
        except httpx.TransportError as error:
            _raise_for_wire(call, error)
        except AnswerTooLarge as error:
            kind = Rejected if call.idempotent else Uncertain
            raise kind(
                f"{call.operation}: the answer is larger than {self._max_answer_bytes} bytes", code="answer_too_large"
            ) from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status_code, body=body, headers=names)

    def _build(self, call: _Call) -> httpx.Request:
        headers = {"user-agent": "orderhub", "accept": "*/*", "accept-encoding": "gzip"}
        headers.update((name.lower(), value) for name, value in call.headers.items())
        ours = {"x-correlation-id": correlation_id(), TRACE_HEADER: traceparent()}
        headers.update({name: value for name, value in ours.items() if value is not None})
        timeout = httpx.Timeout(call.read_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        return httpx.Request(
            call.method,
            call.url,
            headers=headers,
            json=call.json,
            content=call.content,
            extensions={"timeout": timeout.as_dict()},
        )

    def _read(self, response: httpx.Response) -> bytes:
        try:
            return read_body(response, self._max_answer_bytes)
        except (httpx.TransportError, AnswerTooLarge):
            if response.status_code < httpx.codes.BAD_REQUEST:
                raise
            return b""  # the status says enough: the other side answered, and it was no

    def _raise_for_status(self, call: _Call, response: HttpResponse) -> None:
        if response.status < httpx.codes.MULTIPLE_CHOICES:
            return
        error = self._error(call, response)
        error.answer = response.body[:KEPT_ANSWER_BYTES]
        raise error

    def _error(self, call: _Call, response: HttpResponse) -> PluginError:
        status, code = response.status, f"http_{response.status}"
        message = f"{call.operation}: {call.url.host} answered {status}"
        stated = response.headers.get("retry-after")
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.SERVICE_UNAVAILABLE and stated):
            return RateLimited(message, after=_pause(stated, self._pool.clock), code=code)
        if status in LOST_BY_GATEWAY and not call.idempotent:
            return Uncertain(message, code=code)
        if status < httpx.codes.BAD_REQUEST:
            message += "; redirects are not followed: put the final address into the connection's settings"
        kind = STATUS_ERRORS.get(status) or STATUS_ERRORS.get(status // 100, Transient)
        return kind(message, code=code)


def _target(url: str, params: Mapping[str, str] | None, operation: str) -> httpx.URL:
    """The address, or `Rejected` with what is wrong with it; never with its query, which may hold secrets."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise Rejected(f"{operation}: the address is not a URL", code="url_invalid") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise Rejected(f"{operation}: only http:// and https:// addresses are called", code="url_invalid")
    if target.userinfo:
        message = f"{operation}: the address holds a user or a password: put them into the connection's secrets"
        raise Rejected(message, code="url_invalid")
    return target.copy_merge_params(dict(params)) if params else target


def _raise_for_wire(call: _Call, error: httpx.TransportError) -> NoReturn:
    """`Transient` where nothing was sent or asking twice does no harm, else `Uncertain`."""
    where = f"{call.operation}: {call.url.host}"
    if isinstance(error, httpx.ConnectTimeout):
        raise Transient(f"{where} does not answer", code="connect_timeout") from error
    if isinstance(error, httpx.PoolTimeout):
        raise Transient(f"{where}: all sockets of this process are busy", code="pool_exhausted") from error
    if isinstance(error, httpx.ConnectError):
        raise Transient(f"{where} cannot be reached: {error}", code="connection_refused") from error
    kind = Transient if call.idempotent else Uncertain
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "answer_lost"
    raise kind(f"{where}: sent, but no whole answer came ({type(error).__name__})", code=code) from error


def _may_repeat(error: BaseException, *, idempotent: bool) -> bool:
    if isinstance(error, RateLimited):
        return idempotent and error.code != "quota" and error.after <= LONGEST_PAUSE_INSIDE
    return isinstance(error, Transient) and (idempotent or error.code in NOT_SENT)


_backoff = wait_random_exponential(multiplier=0.25, max=2.0)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, RateLimited) else _backoff(state)


def _pause(header: str | None, clock: Clock) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date)."""
    if header is None:
        return PAUSE_WITHOUT_WORD
    text = header.strip()
    if text.isdigit():
        return min(float(text), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text)
        seconds = (until - clock.now()).total_seconds()
    except (TypeError, ValueError):
        return PAUSE_WITHOUT_WORD
    return min(max(0.0, seconds), LONGEST_PAUSE)
