"""`/v1/routing`: the life of a rule set: rehearsed, let pass by a second person, activated, taken back, compared."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from hub.auth.api import Idempotent, IdempotentApart, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.kit.rules.rule_set import read_rule_set
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    check_version,
    encode_cursor,
    page_of,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor, number_after
from hub.routing import repository_gate
from hub.routing.api import REFERENCE, Reader, Reference, Writer
from hub.routing.rules.rule_set_diff import diff_rule_sets
from hub.routing.schemas import BacktestIn, DifferenceOut
from hub.routing.schemas_gate import (
    ActivatedOut,
    ActivationOut,
    ActiveIn,
    BacktestDetail,
    BacktestSummary,
    DiffOut,
    GateIn,
    GateOut,
    OverrideIn,
    OverrideOut,
    RollbackIn,
    StandingOut,
)
from hub.routing.service.gate import current_gate, find_rule_set, let_pass, save_gate, stand
from hub.routing.service.rehearsals import find_backtest, rehearse
from hub.routing.service.rule_sets import activate_rule_set, roll_back

router = APIRouter(prefix="/v1/routing", tags=["routing"], route_class=IdempotentRoute)
Guard = Annotated[Principal, Depends(require("routing_gate:write"))]
"""Who may set the thresholds, and let a version pass that breaks them."""
BacktestId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
BACKTESTS, DIFFERENCES, GATES, OVERRIDES, ACTIVATIONS = (
    "backtests", "backtest_differences", "routing_gates", "rule_set_overrides", "rule_set_activations",
)  # fmt: skip
FIRST = 50
"""So many differences are in the answer to a backtest; the others are read page by page."""


@router.post(
    "/rule-sets/{reference}/backtests", status_code=201, dependencies=[IdempotentApart],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def run_backtest(
    reference: Reference, body: BacktestIn, request: Request, principal: Writer, now: Now, response: Response
) -> BacktestDetail:
    """See what a version would have decided about the last orders; it is kept, and a draft is `rehearsed` from then on.

    Nothing that decides or plans is changed.
    """
    state = request.app.state
    with state.database.read() as session:
        rule_set_id = find_rule_set(session, reference).rule_set_id
    row, _ = rehearse(
        state.database, reference=rule_set_id, adapters=state.adapters, last=body.last, actor=principal.actor, at=now,
        tell=lambda _: None,
    )  # fmt: skip
    response.headers["location"] = f"/v1/routing/backtests/{row.backtest_id}"
    with state.database.read() as session:
        return _detail(session, row.backtest_id)


@router.get("/backtests", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422))
def list_backtests(
    session: ReadSession, limit: Limit = 50, cursor: Cursor = None,
    rule_set: Annotated[
        str | None, Query(pattern=REFERENCE, description="Id, version or `active`.")
    ] = None,
) -> Page[BacktestSummary]:  # fmt: skip
    """Backtests that are kept, newest first."""
    rule_set_id = find_rule_set(session, rule_set).rule_set_id if rule_set else None
    rows = repository_gate.backtests(
        session, rule_set_id=rule_set_id, before=id_after(BACKTESTS, cursor), limit=limit + 1
    )
    versions = repository_gate.versions(session, [each for row in rows for each in (row.rule_set_id, row.against_id)])
    return page_of(
        rows, limit=limit, item=lambda row: BacktestSummary.of(row, versions),
        cursor=lambda row: id_cursor(BACKTESTS, row.backtest_id),
    )  # fmt: skip


@router.get("/backtests/{backtest_id}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_backtest(backtest_id: BacktestId, session: ReadSession) -> BacktestDetail:
    """One with its first differences."""
    return _detail(session, backtest_id)


@router.get(
    "/backtests/{backtest_id}/differences", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422)
)
def list_differences(
    backtest_id: BacktestId, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[DifferenceOut]:
    """The orders that would have been sent otherwise, newest first; gone after `ORDERHUB_KEEP_BACKTESTS_DAYS`."""
    find_backtest(session, backtest_id)
    return _differences(session, backtest_id, after=number_after(DIFFERENCES, cursor) or 0, limit=limit)


@router.get("/gate", dependencies=[Reader], responses=problem_responses(401, 403))
def get_gate(session: ReadSession, response: Response) -> GateOut:
    """The thresholds that a version must keep to go live."""
    found = GateOut.of(repository_gate.current_gate(session))
    set_etag(response, found.version)
    return found


@router.put("/gate", responses=problem_responses(400, 401, 403, 409, 412, 422))
def set_gate(
    body: GateIn, session: WriteSession, principal: Guard, now: Now, version: IfMatch, response: Response
) -> GateOut:
    """Set the thresholds anew; those of before are kept."""
    check_version(version, current_gate(session)[0])
    row = save_gate(session, gate=body.thresholds, author=principal.actor, comment=body.comment, at=now)
    set_etag(response, row.version)
    return GateOut.of(row)


@router.get("/gate/versions", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_gates(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[GateOut]:
    """Thresholds that were set, newest first."""
    rows = repository_gate.gates(session, before=number_after(GATES, cursor), limit=limit + 1)
    return page_of(rows, limit=limit, item=GateOut.of, cursor=lambda row: encode_cursor(GATES, row.version))


@router.get("/rule-sets/{reference}/gate", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_standing(reference: Reference, session: ReadSession, now: Now) -> StandingOut:
    """How a version stands before the gate: every threshold with its figures, and who let it pass."""
    return StandingOut.of(stand(session, find_rule_set(session, reference), at=now))


@router.post(
    "/rule-sets/{reference}/overrides", status_code=201, dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def override(reference: Reference, body: OverrideIn, session: WriteSession, principal: Guard, now: Now) -> OverrideOut:
    """Let a version pass that somebody else wrote and breaks thresholds: for these, as they were measured, and no more.

    Who lets it pass cannot activate it. It holds until another backtest, activation, or the end of its days.
    """
    row = let_pass(session, reference=reference, reason=body.reason, actor=principal.actor, at=now)
    return OverrideOut.model_validate(row)


@router.get(
    "/rule-sets/{reference}/overrides", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422)
)
def list_overrides(
    reference: Reference, session: ReadSession, limit: Limit = 50, cursor: Cursor = None
) -> Page[OverrideOut]:
    """Who ever let a version pass and why, newest first."""
    rule_set_id = find_rule_set(session, reference).rule_set_id
    rows = repository_gate.overrides(session, rule_set_id, before=id_after(OVERRIDES, cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, item=OverrideOut.model_validate, cursor=lambda row: id_cursor(OVERRIDES, row.override_id)
    )


@router.post(
    "/rule-sets/{reference}/activate", dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def activate(
    reference: Reference, session: WriteSession, principal: Writer, now: Now, body: ActiveIn | None = None
) -> ActivatedOut:
    """Let a version that passes the gate decide from now on; the one before is retired.

    409 `gate_not_passed` has every broken threshold in `errors`.
    """
    row = activate_rule_set(
        session, reference=reference, actor=principal.actor, at=now, active=body.active if body else None
    )
    return ActivatedOut.of(session, row)


@router.post("/rule-sets/rollback", dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422))
def rollback(session: WriteSession, principal: Writer, now: Now, body: RollbackIn | None = None) -> ActivatedOut:
    """Let the version decide again that was active before; it was active, so no gate is asked."""
    given = body or RollbackIn(active=None, reason="")
    row = roll_back(session, actor=principal.actor, at=now, reason=given.reason, active=given.active)
    return ActivatedOut.of(session, row)


@router.get("/activations", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_activations(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[ActivationOut]:
    """Which version began to decide when, by whom, and what let it pass; newest first."""
    rows = repository_gate.activations(session, before=id_after(ACTIVATIONS, cursor), limit=limit + 1)
    versions = repository_gate.versions(session, [each for row in rows for each in (row.rule_set_id, row.replaced_id)])
    return page_of(
        rows, limit=limit, item=lambda row: ActivationOut.of(row, versions),
        cursor=lambda row: id_cursor(ACTIVATIONS, row.activation_id),
    )  # fmt: skip


@router.get("/rule-sets/{reference}/diff", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def diff(
    reference: Reference, session: ReadSession,
    against: Annotated[
        str, Query(pattern=REFERENCE, description="Id, version or `active`.")
    ] = "active",
) -> DiffOut:  # fmt: skip
    """What is to be changed to get from the version `against` to this one."""
    before, after = find_rule_set(session, against), find_rule_set(session, reference)
    return DiffOut.of(before, after, diff_rule_sets(read_rule_set(before.body), read_rule_set(after.body)))


def _detail(session: Session, backtest_id: str) -> BacktestDetail:
    row = find_backtest(session, backtest_id)
    versions = repository_gate.versions(session, [row.rule_set_id, row.against_id])
    page = _differences(session, backtest_id, after=0, limit=FIRST)
    summary = BacktestSummary.of(row, versions)
    return BacktestDetail(**summary.model_dump(), differences=page.items, next_cursor=page.next_cursor)


def _differences(session: Session, backtest_id: str, *, after: int, limit: int) -> Page[DifferenceOut]:
    rows = repository_gate.differences(session, backtest_id, after=after, limit=limit + 1)
    return page_of(
        rows,
        limit=limit,
        item=lambda row: DifferenceOut.model_validate(row.body),
        cursor=lambda row: encode_cursor(DIFFERENCES, row.place),
    )
