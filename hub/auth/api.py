"""The doors: who asks, whether they may, whether they asked before; and the keys themselves.

A router of POST routes is `APIRouter(route_class=IdempotentRoute)`, and each POST route has `Idempotent`,
`IdempotentApart` or `IdempotencyRequired` among its dependencies.
"""

import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from hub.auth import repository
from hub.auth.rules.scopes import ADMIN
from hub.auth.schemas import ApiKeyCreated, ApiKeyIn, ApiKeyOut
from hub.auth.service.idempotency import InFlight, KeptAnswer, RequestMark, find_answer, keep_answer, mark_request
from hub.auth.service.keys import KeyRing, Principal, any_location, create_key, not_authenticated, revoke_key
from hub.kit.clock import SYSTEM, Clock
from hub.kit.db import Database, after_commit
from hub.kit.errors import HubError, InvalidInput
from hub.kit.web import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of, problem_responses
from hub.kit.web_problems import problem_response
from hub.kit.web_session import ReadSession, WriteSession

REPLAYED_HEADER = "idempotency-replayed"
_bearer = HTTPBearer(auto_error=False, description="An API key.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key.")
_known_scopes: set[str] = {ADMIN}
_making = threading.Lock()


async def authenticated(
    request: Request,
    background: BackgroundTasks,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Principal:
    """Who asks, by the API key in `Authorization: Bearer` or `X-API-Key`; 401 where none holds."""
    principal = await principal_of(request, bearer.credentials if bearer else header)
    ring = key_ring(request)
    if ring.uses_are_due:  # after the answer: this request may hold the write lock already
        background.add_task(ring.write_uses)
    return principal


async def principal_of(request: Request, token: str | None) -> Principal:
    """Who the token stands for; for plain routes, which read their headers themselves. 401 where it does not hold."""
    ring = key_ring(request)
    principal = ring.remembered(token) if token else None
    if principal is None and token:
        principal = await run_in_threadpool(ring.verify, token)
    if principal is None:
        raise not_authenticated(token)
    request.state.principal = principal
    return principal


@lru_cache(maxsize=256)
def require(scope: str, *, by_location: bool = False) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives the principal, or 401, or 403 where its scopes do not cover this one.

    Keys of one location are let in only `by_location`: such a route shows them what is at their location, and no more.
    """
    _known_scopes.add(scope)

    async def granted(principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
        check_scope(principal, scope, by_location=by_location)
        return principal

    return granted


def check_scope(principal: Principal, scope: str, *, by_location: bool = False) -> None:
    """403 where the principal's scopes do not cover this one, or where it is for one location and this is not."""
    if principal.location is not None and not by_location:
        raise HubError(
            403, "key_of_one_location",
            f"The API key {principal.name!r} is for the work, shipments and stock of {principal.location} alone: use a "
            "key without a location here.",
            extra={"location": principal.location},
        )  # fmt: skip
    if not principal.may(scope):
        raise HubError(
            403, "scope_missing", f"The API key {principal.name!r} lacks the scope {scope}.", extra={"scope": scope}
        )


def known_scopes() -> list[str]:
    """Every scope that a route of this process asks for."""
    return sorted(_known_scopes)


def key_ring(request: Request) -> KeyRing:
    """The key ring of the app, made at its first use."""
    state = request.app.state
    with _making:
        ring: KeyRing | None = getattr(state, "key_ring", None)
        if ring is None:
            ring = state.key_ring = KeyRing(state.database, _clock(request))
    return ring


def _in_flight(request: Request) -> InFlight:
    state = request.app.state
    with _making:
        found: InFlight | None = getattr(state, "in_flight", None)
        if found is None:
            found = state.in_flight = InFlight()
    return found


def _clock(request: Request) -> Clock:
    clock: Clock = getattr(request.app.state, "clock", SYSTEM)
    return clock


@dataclass(slots=True)
class _Pending:
    """A request whose answer is to be kept in its session."""

    session: Session
    mark: RequestMark
    clock: Clock
    shown_once: bool

    def keep(self, response: Response) -> None:
        if self.shown_once:
            kept = _shown_once(self.mark.path)
        else:
            kept = KeptAnswer(response.status_code, dict(response.headers), bytes(response.body))
        keep_answer(self.session, self.mark, kept, at=self.clock.now())


@dataclass(slots=True)
class _PendingApart:
    """A request that has no session of its own: its answer is kept in another transaction than what it did."""

    database: Database
    mark: RequestMark
    clock: Clock

    def keep(self, response: Response) -> None:
        kept = KeptAnswer(response.status_code, dict(response.headers), bytes(response.body))
        with self.database.write() as session:
            keep_answer(session, self.mark, kept, at=self.clock.now())


class _AnsweredBefore(Exception):
    """Leads from the dependency to the route class: there is an answer already."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class IdempotentRoute(APIRoute):
    """Keeps the answer of a keyed request in the request's own transaction, and gives it again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, with the keeping around it."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            try:
                response = await handle(request)
            except _AnsweredBefore as before:
                answer = before.answer
                headers = {**answer.headers, REPLAYED_HEADER: "true"}
                return Response(answer.body, status_code=answer.status, headers=headers)
            pending: _Pending | _PendingApart | None = getattr(request.state, "idempotency", None)
            if pending is not None:
                await run_in_threadpool(pending.keep, response)
            return response

        return handle_once


_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A unique text of yours (a UUID): a repeated request is done once and answered as the first time.",
    ),
]


async def _marked(
    request: Request, principal: Annotated[Principal, Depends(authenticated)], key: _Key = None
) -> RequestMark | None:
    if key is None:
        return None
    url = request.url
    return mark_request(
        principal=principal.id, key=key, method=request.method, path=url.path, query=url.query,
        body=await request.body(),
    )  # fmt: skip


async def _marked_surely(mark: Annotated[RequestMark | None, Depends(_marked)]) -> None:
    if mark is None:
        raise HubError(
            400,
            "idempotency_key_required",
            "This request moves stock or money: send a header Idempotency-Key with a unique text (a UUID), and the "
            "same one when you repeat the request, so that it is done once.",
        )


def _held(request: Request, mark: Annotated[RequestMark | None, Depends(_marked)]) -> Iterator[None]:
    """Hold the key from before the session opens until after it has committed."""
    if mark is None:
        yield
        return
    with _in_flight(request).running(mark.principal, mark.key):
        yield


def _look_up(
    request: Request,
    mark: Annotated[RequestMark | None, Depends(_marked)],
    _: Annotated[None, Depends(_held, scope="function")],
    session: WriteSession,
) -> None:
    if mark is None:
        return
    _expect_idempotent_route(request)
    answer = find_answer(session, mark)
    if answer is not None:
        raise _AnsweredBefore(answer)
    shown_once = request.scope["route"].openapi_extra == SHOWN_ONCE
    request.state.idempotency = _Pending(session, mark, _clock(request), shown_once)


def _look_up_apart(
    request: Request,
    mark: Annotated[RequestMark | None, Depends(_marked)],
    _: Annotated[None, Depends(_held, scope="function")],
) -> None:
    if mark is None:
        return
    _expect_idempotent_route(request)
    database: Database = request.app.state.database
    with database.read() as session:
        answer = find_answer(session, mark)
    if answer is not None:
        raise _AnsweredBefore(answer)
    request.state.idempotency = _PendingApart(database, mark, _clock(request))


def _expect_idempotent_route(request: Request) -> None:
    if not isinstance(request.scope.get("route"), IdempotentRoute):
        raise TypeError("a route with an idempotency dependency needs APIRouter(route_class=IdempotentRoute)")


def _look_up_required(
    _: Annotated[None, Depends(_marked_surely)], __: Annotated[None, Depends(_look_up, scope="function")]
) -> None:
    """The key is there, and the request is new."""


Idempotent = Depends(_look_up, scope="function")
"""For `dependencies=` of a POST route: Idempotency-Key is honoured."""
IdempotentApart = Depends(_look_up_apart, scope="function")
"""As `Idempotent`, for a route that computes for long and writes in a short transaction of its own at the end.

No transaction is open meanwhile. Where the hub ends between that one and the keeping of the answer, a repetition does
it again: only for what may be done twice.
"""
IdempotencyRequired = Depends(_look_up_required, scope="function")
"""For `dependencies=` of a POST route that moves money or stock: 400 without Idempotency-Key."""
SHOWN_ONCE: dict[str, Any] = {"x-answer-shown-once": True}
"""For `openapi_extra=` of a route whose answer holds a secret: the answer is not kept, a repetition is told so."""


def _shown_once(path: str) -> KeptAnswer:
    problem = problem_response(
        409,
        "answer_shown_once",
        "This request was done before; its answer held a secret and is not shown again. Revoke what it made and ask "
        "for a new one with a new Idempotency-Key.",
        instance=path,
    )
    return KeptAnswer(problem.status_code, dict(problem.headers), bytes(problem.body))


router = APIRouter(prefix="/v1/api-keys", tags=["api-keys"], route_class=IdempotentRoute)
Administrator = Annotated[Principal, Depends(require(ADMIN))]


@router.post(
    "",
    status_code=201,
    dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 409, 422),
    openapi_extra=SHOWN_ONCE,
)
def create(body: ApiKeyIn, request: Request, session: WriteSession, principal: Administrator) -> ApiKeyCreated:
    """Make a key. Its token is in this answer and nowhere else."""
    unknown = sorted(set(body.scopes) - _known_scopes)
    if unknown:
        listed = ", ".join(known_scopes())
        raise InvalidInput("invalid_scope", f"There is no scope {', '.join(unknown)}. There are: {listed}.")
    row, token = create_key(
        session, name=body.name, scopes=body.scopes, clock=_clock(request), location=body.location,
        expires_at=body.expires_at, actor=principal.actor,
        location_exists=getattr(request.app.state, "location_exists", any_location),
    )  # fmt: skip
    return ApiKeyCreated(**ApiKeyOut.model_validate(row).model_dump(), token=token)


@router.get("", dependencies=[Depends(require(ADMIN))], responses=problem_responses(400, 401, 403))
def listed(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[ApiKeyOut]:
    """All keys, the oldest first."""
    after = decode_cursor("api_keys", cursor, str)[0] if cursor else None
    rows = repository.keys_listed(session, after=after, limit=limit + 1)
    return page_of(
        rows, limit=limit, item=ApiKeyOut.model_validate, cursor=lambda row: encode_cursor("api_keys", row.api_key_id)
    )


@router.delete("/{api_key_id}", responses=problem_responses(401, 403, 404, 409))
def revoke(api_key_id: str, request: Request, session: WriteSession, principal: Administrator) -> ApiKeyOut:
    """Revoke a key, for ever."""
    row = revoke_key(session, api_key_id=api_key_id, clock=_clock(request), actor=principal.actor)
    after_commit(session, "key_ring", key_ring(request).forget)
    return ApiKeyOut.model_validate(row)
