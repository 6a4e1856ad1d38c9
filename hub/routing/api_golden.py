"""`/v1/routing/golden-orders`: orders of which it is known what rules must make of them, run at every save."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from hub.auth.api import Idempotent, IdempotentRoute
from hub.connections.service.adapters import Adapters
from hub.kit.rules.compiled import compile_rule_set
from hub.kit.rules.rule_set import read_rule_set
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    decode_cursor,
    encode_cursor,
    page_of,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor
from hub.routing import repository_golden
from hub.routing.api import Reader, Reference, Writer
from hub.routing.schemas_golden import (
    GoldenFromOrderIn,
    GoldenIn,
    GoldenOut,
    GoldenRunOut,
    GoldenSaved,
    GoldenSummary,
)
from hub.routing.service.gate import find_rule_set
from hub.routing.service.golden_made import make_golden
from hub.routing.service.golden_orders import add_golden, delete_golden, find_golden, replace_golden
from hub.routing.service.golden_runs import broken_now, keep_run, run_golden_orders
from hub.routing.tables import GoldenOrderRow

router = APIRouter(prefix="/v1/routing", tags=["routing"], route_class=IdempotentRoute)
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$", description="The name of a golden order.")]
GOLDEN, RUNS = "golden_orders", "golden_runs"


@router.get("/golden-orders", dependencies=[Reader], responses=problem_responses(400, 401, 403))
def list_golden(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[GoldenSummary]:
    """Golden orders by name."""
    after = decode_cursor(GOLDEN, cursor, str)[0] if cursor else None
    rows = repository_golden.golden_orders(session, after=after, limit=limit + 1)
    return page_of(rows, limit=limit, item=GoldenSummary.of, cursor=lambda row: encode_cursor(GOLDEN, row.name))


@router.post(
    "/golden-orders", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422)
)
def create_golden(
    body: GoldenIn, request: Request, session: WriteSession, principal: Writer, now: Now, response: Response
) -> GoldenSaved:
    """Keep a golden order; from now on it runs whenever rules are saved. `broken` says what the active rules break."""
    adapters: Adapters = request.app.state.adapters
    (row,) = add_golden(
        session, documents=[body.document], replace=False, adapters=adapters, author=principal.actor, at=now
    )
    return _saved(session, row, adapters, now, response)


@router.post(
    "/golden-orders/from-order", status_code=201, dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def create_from_order(
    body: GoldenFromOrderIn, request: Request, session: WriteSession, principal: Writer, now: Now, response: Response
) -> GoldenSaved:
    """Keep what was decided about an order as a golden order, with everything as it was then, without its people."""
    adapters: Adapters = request.app.state.adapters
    row = make_golden(
        session, order=body.order, name=body.name, about=body.about, members=body.members, adapters=adapters,
        author=principal.actor, at=now,
    )  # fmt: skip
    return _saved(session, row, adapters, now, response)


@router.get("/golden-orders/{name}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_golden(name: Name, session: ReadSession, response: Response) -> GoldenOut:
    """One with its document."""
    row = find_golden(session, name)
    set_etag(response, row.version)
    return GoldenOut.of(row)


@router.put("/golden-orders/{name}", responses=problem_responses(400, 401, 403, 404, 409, 412, 422))
def put_golden(
    name: Name, body: GoldenIn, request: Request, session: WriteSession, principal: Writer, now: Now,
    version: IfMatch, response: Response,
) -> GoldenSaved:  # fmt: skip
    """Replace one. Versions that were saved before must be run again before they are activated."""
    adapters: Adapters = request.app.state.adapters
    row = replace_golden(
        session, name=name, document=body.document, version=version, adapters=adapters, author=principal.actor, at=now
    )
    return _saved(session, row, adapters, now, response)


@router.delete("/golden-orders/{name}", status_code=204, responses=problem_responses(400, 401, 403, 404, 412, 422))
def remove_golden(name: Name, session: WriteSession, principal: Writer, now: Now, version: IfMatch) -> None:
    """Forget one; the audit trail keeps what it expected."""
    delete_golden(session, name=name, version=version, actor=principal.actor, at=now)


@router.post(
    "/rule-sets/{reference}/golden-runs", status_code=201, dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def run_golden(
    reference: Reference, request: Request, session: WriteSession, principal: Writer, now: Now
) -> GoldenRunOut:
    """Run all golden orders against a version, and keep what came of it for its gate."""
    row = find_rule_set(session, reference)
    rules, adapters = compile_rule_set(read_rule_set(row.body)), request.app.state.adapters
    ran = run_golden_orders(session, rules=rules, adapters=adapters, at=now)
    return GoldenRunOut.of(keep_run(session, row, ran, actor=principal.actor, at=now))


@router.get(
    "/rule-sets/{reference}/golden-runs", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422)
)
def list_golden_runs(
    reference: Reference, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[GoldenRunOut]:
    """What golden orders were run against a version, newest first; the first one is of its save."""
    rule_set_id = find_rule_set(session, reference).rule_set_id
    rows = repository_golden.runs(session, rule_set_id, before=id_after(RUNS, cursor), limit=limit + 1)
    return page_of(rows, limit=limit, item=GoldenRunOut.of, cursor=lambda row: id_cursor(RUNS, row.run_id))


def _saved(
    session: WriteSession, row: GoldenOrderRow, adapters: Adapters, now: Now, response: Response
) -> GoldenSaved:  # fmt: skip
    response.headers["location"] = f"/v1/routing/golden-orders/{row.name}"
    set_etag(response, row.version)
    return GoldenSaved.judged(row, broken_now(session, row=row, adapters=adapters, at=now))
