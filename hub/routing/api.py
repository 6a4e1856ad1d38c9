"""`/v1/routing`: versions of the rules, what they may say, and the inputs that plans are made from."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections.service.adapters import Adapters
from hub.host.plugins import PluginHost
from hub.kit.errors import InvalidInput, NotFound
from hub.kit.rules.rule_set import read_rule_set
from hub.kit.web import Cursor, Limit, Page, encode_cursor, page_of, problem_responses
from hub.kit.web_files import attachment, file_responses
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now, id_after, id_cursor, number_after
from hub.routing import repository
from hub.routing.rules.places import Whereabouts
from hub.routing.schemas import (
    InputIn,
    InputKind,
    InputOut,
    LintOut,
    PlaceOut,
    PlacesImportOut,
    RuleSetIn,
    RuleSetOut,
    RuleSetSaved,
    RuleSetSummary,
    TypesOut,
)
from hub.routing.service.gate import find_rule_set
from hub.routing.service.golden_orders import with_golden
from hub.routing.service.golden_runs import WhenBroken, broken_by
from hub.routing.service.inputs import save_input
from hub.routing.service.lint import lint_rules
from hub.routing.service.listing import list_inputs
from hub.routing.service.places import import_places, locate_all
from hub.routing.service.rule_sets import create_rule_set
from hub.routing.service.types import rule_types
from hub.routing.service.written import MEDIA_TYPE, read_yaml, write_yaml
from hub.routing.tables import RuleSetRow

router = APIRouter(prefix="/v1/routing", tags=["routing"], route_class=IdempotentRoute)
Reader = Depends(require("routing:read"))
Writer = Annotated[Principal, Depends(require("routing:write"))]
Country = Annotated[str, Query(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2, for all of it.")]
PlaceText = Annotated[str, Query(max_length=100)]
CsvBody = Annotated[bytes, Body(media_type="text/csv", description="CSV in UTF-8 with a header row.")]
REFERENCE = r"^([0-9]{1,9}|[0-9a-f-]{36}|active)$"
Reference = Annotated[str, Path(pattern=REFERENCE, description="Id, version or `active`.")]
YamlBody = Annotated[bytes, Body(media_type=MEDIA_TYPE, description="A rule set as YAML.")]
Golden = Annotated[WhenBroken, Query(description="What becomes of a draft that breaks golden orders.")]
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
) -> RuleSetSaved:
    """Save a draft; an invalid one is refused with every fault at once. It decides nothing until it is activated."""
    adapters: Adapters = request.app.state.adapters
    row = create_rule_set(
        session,
        document=body.document,
        adapters=adapters,
        author=principal.actor,
        comment=body.comment,
        at=now,
        golden=body.golden,
    )
    response.headers["location"] = f"/v1/routing/rule-sets/{row.rule_set_id}"
    return _saved(session, row, adapters, now)


@router.post(
    "/rule-sets/import",
    status_code=201,
    dependencies=[Idempotent],
    responses=problem_responses(400, 401, 403, 409, 422),
)
def import_yaml(
    body: YamlBody, request: Request, session: WriteSession, principal: Writer, now: Now,
    comment: Annotated[str, Query(max_length=2000)] = "", golden: Golden = "refuse",
) -> RuleSetSaved:  # fmt: skip
    """Save a draft that is written as YAML, with the golden orders that are written beside it."""
    adapters: Adapters = request.app.state.adapters
    row = create_rule_set(
        session,
        document=read_yaml(body),
        adapters=adapters,
        author=principal.actor,
        comment=comment,
        at=now,
        golden=golden,
    )
    return _saved(session, row, adapters, now)


@router.get("/rule-sets/{reference}", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def get_one(reference: Reference, session: ReadSession) -> RuleSetOut:
    """One version with its document."""
    return RuleSetOut.model_validate(find_rule_set(session, reference))


@router.get(
    "/rule-sets/{reference}/export", dependencies=[Reader], response_class=Response,
    responses={**YAML, **problem_responses(401, 403, 404, 422)},
)  # fmt: skip
def export_yaml(
    reference: Reference, session: ReadSession,
    golden_orders: Annotated[bool, Query(description="With the golden orders of the hub beside the rules.")] = False,
) -> Response:  # fmt: skip
    """One version as YAML, to be kept, compared and imported again."""
    row = find_rule_set(session, reference)
    body = with_golden(session, row.body) if golden_orders else row.body
    return attachment(write_yaml(body), f"rule-set-{row.version}.yaml", MEDIA_TYPE)


@router.get("/rule-sets/{reference}/lint", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def lint_one(
    reference: Reference, session: ReadSession, request: Request, now: Now,
    last: Annotated[int, Query(ge=0, le=5000, description="So many of the newest orders to show it with.")] = 500,
) -> LintOut:  # fmt: skip
    """What is wrong with the rules of a version: dead, shadowed, contradictory, never matching, naming what is gone."""
    rules = read_rule_set(find_rule_set(session, reference).body)
    adapters: Adapters = request.app.state.adapters
    return LintOut.model_validate(lint_rules(session, rules=rules, adapters=adapters, at=now, last=last))


@router.get("/types", dependencies=[Reader], responses=problem_responses(401, 403))
def types(request: Request) -> TypesOut:
    """What rules are made of: facts, filters, actions as JSON Schema, rankers and strategies, plugins' own included,
    each with an example.
    """
    host: PluginHost = request.app.state.host
    return TypesOut.model_validate(rule_types(host))


@router.get("/inputs", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def all_inputs(
    session: ReadSession, kind: InputKind | None = None, key: Annotated[str | None, Query(max_length=80)] = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Page[InputOut]:  # fmt: skip
    """Versions of rate cards, calendars, capacities and areas, the newest first."""
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


@router.get("/places", dependencies=[Reader], responses=problem_responses(401, 403, 404, 422))
def find_place(
    session: ReadSession, country: Country, postal_code: PlaceText = "", city: PlaceText = "", region: PlaceText = "",
) -> PlaceOut:  # fmt: skip
    """Where the tables of places put an address: by its postal code or how that begins, else by its city."""
    wanted = Whereabouts(country, region, postal_code, city)
    found = locate_all(session, [wanted]).get(wanted)
    if found is None:
        raise NotFound("place", " ".join(filter(None, (country, postal_code, city))))
    return PlaceOut.model_validate(found)


@router.post(
    "/places/import", dependencies=[IdempotencyRequired], responses=problem_responses(400, 401, 403, 409, 413, 422)
)
def import_table_of_places(
    body: CsvBody, session: WriteSession, principal: Writer, now: Now, country: Country | None = None,
    skip_faulty: Annotated[bool, Query(description="Store the good rows where there are faulty ones.")] = False,
) -> PlacesImportOut:  # fmt: skip
    """Store places from CSV (`country,postal_code,latitude,longitude` or `country,city,region,...,population`).

    Orders whose source gives no coordinates get theirs from here. All faults are told at once, by row and column.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("not_utf8", f"Byte {error.start} is not UTF-8: save the file as CSV UTF-8.") from error
    done = import_places(session, rows=text, country=country, at=now, actor=principal.actor, skip_faulty=skip_faulty)
    return PlacesImportOut.of(done)


def _saved(session: Session, row: RuleSetRow, adapters: Adapters, at: datetime) -> RuleSetSaved:
    report = lint_rules(session, rules=read_rule_set(row.body), adapters=adapters, at=at, last=0)
    saved = RuleSetOut.model_validate(row).model_dump() | {"lint": LintOut.model_validate(report)}
    return RuleSetSaved.model_validate(saved | {"broken": broken_by(session, row.rule_set_id)})
