"""The two intake doors, plain async routes: bytes are verified, handed to the group-commit writer, and answered after
its commit. Nothing here reads an order; what is answered 202 is stored.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.api.bulk import Bulk, Fault, invalid, read_bulk
from hub.api.group_commit import RETRY_AFTER, Busy, GroupCommitWriter
from hub.api.metrics import Metrics
from hub.api.open_connections import OpenConnections, Opened
from hub.auth.api import REPLAYED_HEADER, check_scope, principal_of
from hub.auth.service.idempotency import InFlight, KeptAnswer, RequestMark, find_answer, keep_answer, mark_request
from hub.intake.service.store import Delivery, Stored, store_messages
from hub.kit.clock import Clock
from hub.kit.db import Database
from hub.kit.errors import HubError, InvalidInput
from hub.kit.log import correlation_id
from hub.kit.trace import traceparent
from hub.kit.web_middleware import DOOR
from hub.kit.web_problems import problem_response
from hub.sdk.adapters import Carrier, Channel
from hub.sdk.errors import PluginError, SignatureInvalid
from hub.sdk.values import Raw, WebhookRequest

HOOKS, ORDERS = "/hooks/{connection}", "/v1/orders"
WRITE_ORDERS = "orders:write"
LARGE = 128 * 1024
"""Bytes from which on reading a body would hold up the event loop noticeably: a thread does it."""


class Doors:
    """The intake doors of one process."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        connections: OpenConnections,
        writer: GroupCommitWriter,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._clock = clock
        self._connections = connections
        self._writer = writer
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """The routes; they go before all others, because they are asked most."""
        return [
            Route(HOOKS, self.receive_webhook, methods=["POST"]),
            Route(ORDERS, self.create_orders, methods=["POST"]),
        ]

    async def receive_webhook(self, request: Request) -> Response:
        """`POST /hooks/{connection}`: verify over the raw body, store, answer."""
        request.scope[DOOR] = HOOKS
        name: str = request.path_params["connection"]
        body = await request.body()
        opened = await self._connections.get(name)
        if "receive" not in opened.capabilities:
            raise HubError(404, "no_webhooks", f"Connection {name!r} ({opened.info.plugin}) takes no webhooks.")
        query = dict(request.query_params) if request.scope["query_string"] else {}
        asked = WebhookRequest(body=body, headers=_headers(request), received_at=self._clock.now(), query=query)
        try:
            raws = await _off_loop(len(body), _receive, opened, asked)
        except SignatureInvalid as error:
            self._metrics.webhooks_refused.labels(name, error.code).inc()
            return problem_response(401, "invalid_signature", error.message, instance=request.url.path)
        except PluginError as error:
            raise _unreadable(error) from error
        return await self._store("hooks", request, opened, raws)

    async def create_orders(self, request: Request) -> Response:
        """`POST /v1/orders`: one message an order, stored raw."""
        request.scope[DOOR] = ORDERS
        principal = await principal_of(request, _token(request))
        check_scope(principal, WRITE_ORDERS)
        partial = _wants_partial(request)
        body = await request.body()
        bulk: Bulk = await _off_loop(len(body), read_bulk, body)
        if bulk.faults and not partial:
            raise invalid(list(bulk.faults))
        opened = await self._connections.get(bulk.connection)
        _expect_canonical(opened)
        deliveries = _deliveries(opened, [raw for _, raw in bulk.documents])
        key = request.headers.get("idempotency-key")
        if key is None:
            return await self._store_bulk(request, bulk, deliveries)
        mark = mark_request(
            principal=principal.id, key=key, method="POST", path=request.url.path, query=request.url.query, body=body
        )
        return await self._store_once(request, mark, bulk, deliveries)

    async def _store(self, door: str, request: Request, opened: Opened, raws: Sequence[Raw]) -> Response:
        try:
            stored = await self._writer.store(_deliveries(opened, raws)) if raws else []
        except Busy:
            return _busy(request)
        self._count(door, stored)
        return _json(202, {"items": [_item(entry) for entry in stored]})

    async def _store_bulk(self, request: Request, bulk: Bulk, deliveries: Sequence[Delivery]) -> Response:
        try:
            stored = await self._writer.store(deliveries) if deliveries else []
        except Busy:
            return _busy(request)
        self._count("orders", stored)
        return _json(202, _bulk_answer(bulk, stored))

    async def _store_once(
        self, request: Request, mark: RequestMark, bulk: Bulk, deliveries: Sequence[Delivery]
    ) -> Response:
        """Under an Idempotency-Key the answer is kept in the transaction of the messages."""
        in_flight: InFlight = request.app.state.in_flight
        async with request.app.state.slots:
            with in_flight.running(mark.principal, mark.key):
                answer, again = await run_in_threadpool(self._write_once, mark, bulk, deliveries)
        headers = {**answer.headers, REPLAYED_HEADER: "true"} if again else dict(answer.headers)
        return Response(answer.body, status_code=answer.status, headers=headers)

    def _write_once(self, mark: RequestMark, bulk: Bulk, deliveries: Sequence[Delivery]) -> tuple[KeptAnswer, bool]:
        now = self._clock.now()
        with self._database.write() as session:
            known = find_answer(session, mark)
            if known is not None:
                return known, True
            stored = store_messages(session, deliveries=deliveries, at=now) if deliveries else []
            body = orjson.dumps(_bulk_answer(bulk, stored))
            answer = KeptAnswer(202, {"content-type": "application/json"}, body)
            keep_answer(session, mark, answer, at=now)
        self._count("orders", stored)
        return answer, False

    def _count(self, door: str, stored: Sequence[Stored]) -> None:
        repeated = sum(entry.duplicate for entry in stored)
        for duplicate, count in (("no", len(stored) - repeated), ("yes", repeated)):
            if count:
                self._metrics.messages_stored.labels(door, duplicate).inc(count)


def _headers(request: Request) -> dict[str, str]:
    """Names are lower case on the ASGI wire already; of a header that came twice the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(request.scope["headers"])}


def _receive(opened: Opened, asked: WebhookRequest) -> list[Raw]:
    adapter = opened.adapter
    if not isinstance(adapter, Channel | Carrier):
        raise HubError(404, "no_webhooks", f"Connection {opened.info.name!r} takes no webhooks.")
    return adapter.receive(asked)


async def _off_loop(size: int, function: Any, *arguments: Any) -> Any:
    """Small bodies are read at once: handing them to a thread costs more than reading them."""
    return function(*arguments) if size < LARGE else await run_in_threadpool(function, *arguments)


def _deliveries(opened: Opened, raws: Sequence[Raw]) -> list[Delivery]:
    correlation, trace = correlation_id(), traceparent()
    return [Delivery(opened.info, raw, correlation_id=correlation, traceparent=trace) for raw in raws]


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key")


def _wants_partial(request: Request) -> bool:
    for name in request.query_params:
        if name != "partial":
            fault = {"detail": "unknown", "code": "unknown_parameter", "parameter": name[:80]}
            detail = f"There is no query parameter {name[:80]!r} here. There are: partial."
            raise HubError(400, "unknown_parameter", detail, extra={"errors": [fault]})
    value = request.query_params.get("partial", "false")
    if value not in ("true", "false"):
        raise invalid([{"detail": "must be true or false", "code": "bool_parsing", "parameter": "partial"}])
    return value == "true"


def _expect_canonical(opened: Opened) -> None:
    """Only a channel that reads the hub's own form of an order can read what comes through here."""
    if callable(getattr(opened.adapter, "split", None)):
        return
    raise InvalidInput(
        "connection_takes_no_orders",
        f"Connection {opened.info.name!r} ({opened.info.plugin}) reads its platform's documents, not the hub's form "
        "of an order: name a connection of the plugin `webhook`.",
        extra={"errors": [{"detail": "is of another plugin", "code": "wrong_plugin", "pointer": "#/connection"}]},
    )


def _unreadable(error: PluginError) -> InvalidInput:
    fault: Fault = {"detail": error.message, "code": error.code}
    fault["pointer"] = f"#{error.path}" if error.path and error.path.startswith("/") else "#"
    return InvalidInput(
        "unreadable_webhook", f"The delivery cannot be taken apart: {error.message}", extra={"errors": [fault]}
    )


def _busy(request: Request) -> Response:
    return problem_response(
        503, "busy", "The hub takes in more than it can store just now: send this again, unchanged, in a moment.",
        instance=request.url.path, extra={"retry_after": RETRY_AFTER},
    )  # fmt: skip


def _item(stored: Stored) -> dict[str, Any]:
    return {"message_id": stored.message_id, "duplicate": stored.duplicate}


def _bulk_answer(bulk: Bulk, stored: Sequence[Stored]) -> dict[str, Any]:
    """Items in the order of the request; those that were refused (`partial`) hold their fault instead of a message."""
    if not bulk.faults:
        return {"items": [_item(entry) for entry in stored]}
    items: list[dict[str, Any]] = [{} for _ in range(bulk.count)]
    for (index, _), entry in zip(bulk.documents, stored, strict=True):
        items[index] = _item(entry)
    for fault in bulk.faults:
        items[fault["index"]] = {"message_id": None, "duplicate": False, "fault": fault}
    return {"items": items}


def _json(status: int, body: Any) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
