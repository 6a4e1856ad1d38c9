"""What stands before every request, as plain ASGI: the correlation id and the trace, the last net for errors, the size
limit.
"""

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.kit.ids import new_id
from hub.kit.log import correlated
from hub.kit.trace import TRACE_HEADER, accepted, span, traced
from hub.kit.web_problems import problem_response

CORRELATION_HEADER = "x-correlation-id"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:\-]{1,80}")
DOOR = "orderhub.door"
"""Where an intake door notes its template in the scope: FastAPI does it for its own routes only."""
log = structlog.get_logger()


def route_of(scope: Scope) -> str:
    """The template of the route that served a request, never its address; `none` where there was none."""
    path: str | None = scope.get(DOOR) or getattr(scope.get("route"), "path", None)
    return path or "none"


class CorrelationIds:
    """Gives every request a correlation id, the caller's own where it is a sane one, and answers with it. A trace that
    the caller began goes on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = headers.get(CORRELATION_HEADER, "")
        correlation = stated if _ACCEPTABLE.fullmatch(stated) else new_id()
        facts = {"http.request.method": scope["method"], "orderhub.correlation_id": correlation}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[CORRELATION_HEADER] = correlation
                request.set("http.response.status_code", message["status"])
            await send(message)

        with (
            correlated(correlation),
            traced(accepted(headers.get(TRACE_HEADER, ""))),
            span(f"HTTP {scope['method']}", kind="server", attributes=facts) as request,
        ):
            await self.app(scope, receive, send_with_id)
            request.set("http.route", route_of(scope))


class UnexpectedErrors:
    """Answers a bug with 500, a correlation id and no internals, and logs it once with its traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception:
            if begun:
                raise  # half an answer is out: the server must cut the connection, so that nobody takes it for whole
            log.exception("http.failed", method=scope["method"], path=scope["path"])
            answer = problem_response(
                500,
                "internal_error",
                "Something went wrong in the hub. Nothing of this request was kept; try again, and if it stays so "
                "report the correlation id.",
                instance=scope["path"],
            )
            await answer(scope, receive, send)


class BodyLimit:
    """Refuses bodies larger than `max_bytes` with 413: by their Content-Length, else while they are read."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "")
        if stated.isdigit() and int(stated) > self.max_bytes:
            await self._refusal(scope["path"])(scope, receive, send)
            return
        await self._serve_counting(scope, receive, send)

    async def _serve_counting(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0
        begun = False

        async def receive_counting() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_bytes:
                raise _BodyTooLarge
            return message

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_counting, send_noting)
        except _BodyTooLarge:
            if begun:
                raise
            await self._refusal(scope["path"])(scope, receive, send)

    def _refusal(self, path: str) -> ASGIApp:
        detail = f"The body is larger than {self.max_bytes} bytes: send it in several requests."
        return problem_response(413, "content_too_large", detail, instance=path, headers={"connection": "close"})


class _BodyTooLarge(HTTPException):
    """Raised into the reading app; an HTTPException, because FastAPI turns any other into 400."""

    def __init__(self) -> None:
        super().__init__(413, "The body is too large: send it in several requests.")
