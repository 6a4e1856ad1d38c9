"""`/v1/routing`: versions of the rules, what they may say, and the inputs that plans are made from."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import Adapters
from hub.host.plugins import PluginHost
from hub.kit.errors import NotFound
from hub.kit.rules.actions import ACTIONS, RANKERS
from hub.kit.rules.compiled import compile_rule_set
from hub.kit.rules.facts import CATALOGUE
from hub.kit.rules.rule_set import SECTIONS, RuleSet, read_rule_set
from hub.kit.web import Cursor, Limit, Page, encode_cursor, page_of, problem_responses
from hub.kit.web_files import attachment, file_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor, number_after
from hub.routing import repository
from hub.routing.schemas import (
    BacktestIn,
    BacktestOut,
    FactOut,
    InputIn,
    InputKind,
    InputOut,
    RuleSetIn,
    RuleSetOut,
    RuleSetSummary,
    TypesOut,
)
from hub.routing.service.backtest import backtest
from hub.routing.service.hooks import plugin_rankers
from hub.routing.service.inputs import save_input
from hub.routing.service.listing import list_inputs
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from hub.routing.service.written import MEDIA_TYPE, read_yaml, write_yaml
from hub.routing.tables import RuleSetRow

router = APIRouter(prefix="/v1/routing", tags=["routing"], route_class=IdempotentRoute)
Reader = Depends(require("routing:read"))
Writer = Annotated[Principal, Depends(require("routing:write"))]
Reference = Annotated[str, Path(pattern=r"^([0-9]{1,9}|[0-9a-f-]{36}|active)$", description="Id, version or `active`.")]
YamlBody = Annotated[bytes, Body(media_type=MEDIA_TYPE, description="A rule set as YAML.")]
YAML = file_responses(MEDIA_TYPE)
RULE_SETS, INPUTS = "rule_sets", "planning_inputs"


@router.get("/rule-sets", dependencies=[Reader], responses=problem_responses(400, 401, 403))
def list_rule_sets(session: ReadSession, limit: Limit = 50, cursor: Cursor = None) -> Page[RuleSetSummary]:
    """Versions of the rules, the newest first."""
    rows = repository.rule_sets(session, before=number_after(RULE_SETS, cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, item=RuleSetSummary.model_validate, cursor=lambda row: encode_cursor(RULE_SETS, row.version)
    )


@router.post(
    "/rule-sets", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422)
)
def create(
    body: RuleSetIn, request: Request, session: WriteSession, principal: Writer, now: Now, response: Response
) -> RuleSetOut:
    """Save a draft; an invalid one is refused with every fault at once. It decides nothing until it is activated."""
    adapters: Adapters = request.app.state.adapters
    row = create_rule_set(
        session, document=body.document, adapters=adapters, author=principal.actor, comment=body.comment, at=now
    )
    response.headers["location"] = f"/v1/routing/rule-sets/{row.rule_set_id}"
    return RuleSetOut.model_validate(row)


@router.post(
    "/rule-sets/import",
    status_code=201,
    dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 409, 422),
)
def import_yaml(
    body: YamlBody, request: Request, session: WriteSession, principal: Writer, now: Now,
    comment: Annotated[str, Query(max_length=2000)] = "",
) -> RuleSetOut:  # fmt: skip
    """Save a draft that is written as YAML."""
    adapters: Adapters = request.app.state.adapters
    row = create_rule_set(
        session, document=read_yaml(body), adapters=adapters, author=principal.actor, comment=comment, at=now
    )
    return RuleSetOut.model_validate(row)


@router.get("/rule-sets/{reference}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_one(reference: Reference, session: ReadSession) -> RuleSetOut:
    """One version with its document."""
    return RuleSetOut.model_validate(_found(session, reference))


@router.get(
    "/rule-sets/{reference}/export", dependencies=[Reader], response_class=Response,
    responses={**YAML, **problem_responses(401, 403, 404, 422)},
)  # fmt: skip
def export_yaml(reference: Reference, session: ReadSession) -> Response:
    """One version as YAML, to be kept, compared and imported again."""
    row = _found(session, reference)
    return attachment(write_yaml(row.body), f"rule-set-{row.version}.yaml", MEDIA_TYPE)


@router.post(
    "/rule-sets/{reference}/activate", dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def activate(reference: Reference, session: WriteSession, principal: Writer, now: Now) -> RuleSetOut:
    """Let a version decide from now on; the one before is retired. An earlier one may come back."""
    before = repository.active_rule_set(session)
    was = {"version": before.version if before else None}
    row = activate_rule_set(session, reference=reference, actor=principal.actor, at=now)
    record(
        session, actor=principal.actor, action="rule_set.activated", subject_kind="rule_set",
        subject_id=row.rule_set_id, before=was, after={"version": row.version}, at=now,
    )  # fmt: skip
    return RuleSetOut.model_validate(row)


@router.post(
    "/rule-sets/{reference}/backtests", dependencies=[Reader], responses=problem_responses(400, 401, 403, 404, 422)
)
def run_backtest(reference: Reference, body: BacktestIn, session: ReadSession, request: Request) -> BacktestOut:
    """See what a version would have decided about the last orders.

    Nothing is written, so an Idempotency-Key is of no consequence.
    """
    rules = compile_rule_set(read_rule_set(_found(session, reference).body))
    adapters: Adapters = request.app.state.adapters
    return BacktestOut.of(backtest(session, rules=rules, adapters=adapters, last=body.last, tell=lambda _: None))


@router.get("/types", dependencies=[Reader], responses=problem_responses(401, 403))
def types(request: Request) -> TypesOut:
    """What rules are made of: the facts that clauses read, the actions as JSON Schema, the rankers (plugins' too)."""
    known: dict[str, FactOut] = {}
    for section in SECTIONS:
        for fact in CATALOGUE.section(section):
            out = known.setdefault(
                fact.name,
                FactOut(
                    name=fact.name, type=fact.type, about=fact.about, example=fact.example, optional=fact.optional,
                    sections=[],
                ),
            )  # fmt: skip
            out.sections.append(section)
    actions = {section: adapter.json_schema() for section, adapter in ACTIONS.items()}
    host: PluginHost = request.app.state.host
    return TypesOut(
        facts=list(known.values()), actions=actions, rankers=RANKERS | plugin_rankers(host),
        rule_schema=RuleSet.model_json_schema(),
    )  # fmt: skip


@router.get("/inputs", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def all_inputs(
    session: ReadSession, kind: InputKind | None = None, key: Annotated[str | None, Query(max_length=80)] = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Page[InputOut]:  # fmt: skip
    """Versions of rate cards, calendars and capacities, the newest first."""
    rows = list_inputs(session, kind=kind, key=key, after=id_after(INPUTS, cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, item=InputOut.model_validate, cursor=lambda row: id_cursor(INPUTS, row.planning_input_id)
    )


@router.post(
    "/inputs", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 409, 422)
)
def create_input(body: InputIn, session: WriteSession, principal: Writer, now: Now) -> InputOut:
    """A new version; plans use it from `valid_from` on, and decisions of before can be recomputed with the old one."""
    row = save_input(
        session,
        kind=body.kind,
        key=body.key,
        body=body.body,
        author=principal.actor,
        at=now,
        valid_from=body.valid_from,
    )
    return InputOut.model_validate(row)


def _found(session: Session, reference: str) -> RuleSetRow:
    row = repository.active_rule_set(session) if reference == "active" else repository.rule_set(session, reference)
    if row is None:
        raise NotFound("rule_set", reference)
    return row
