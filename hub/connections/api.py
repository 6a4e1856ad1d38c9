"""`/v1/connections`: the accounts that the hub talks to. Pulling is in `hub.api.routes_connections`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.auth.api import Idempotent, IdempotentRoute, require
from hub.auth.service.keys import Principal
from hub.connections import repository
from hub.connections.schemas import CheckOut, ConnectionIn, ConnectionOut, ConnectionPatch, HealthOut, Kind
from hub.connections.service.adapters import Adapters, ConnectionInfo, describe, load_by_name
from hub.connections.service.check import check_connection
from hub.connections.service.manage import add_connection, change_connection
from hub.jobs.tables import ConnectionHealthRow
from hub.kit.crypto import SecretBox
from hub.kit.db import Database
from hub.kit.web import (
    Cursor,
    Limit,
    Page,
    RequiredIfMatch,
    check_version,
    decode_cursor,
    encode_cursor,
    page_of,
    problem_responses,
    set_etag,
)
from hub.kit.web_session import ReadSession, WriteSession
from hub.kit.web_state import Now

router = APIRouter(prefix="/v1/connections", tags=["connections"], route_class=IdempotentRoute)
Reader = Depends(require("connections:read"))
Writer = Annotated[Principal, Depends(require("connections:write"))]
NamePath = Annotated[str, Path(min_length=1, max_length=60)]
LISTING = "connections"


async def _adapters(request: Request) -> Adapters:
    found: Adapters = request.app.state.adapters
    return found


async def _secrets(request: Request) -> SecretBox:
    found: SecretBox = request.app.state.secrets
    return found


OpenAdapters = Annotated[Adapters, Depends(_adapters)]
Secrets = Annotated[SecretBox, Depends(_secrets)]


@router.get("", dependencies=[Reader], responses=problem_responses(400, 401, 403, 422))
def list_all(
    session: ReadSession, secrets: Secrets, kind: Annotated[Kind | None, Query()] = None, limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConnectionOut]:  # fmt: skip
    """Connections in the order of their names."""
    after = decode_cursor(LISTING, cursor, str)[0] if cursor else None
    rows = repository.listed(session, kind=kind, after=after, limit=limit + 1)
    return page_of(
        rows, limit=limit, item=lambda row: shown(session, secrets, describe(row)),
        cursor=lambda row: encode_cursor(LISTING, row.name),
    )  # fmt: skip


@router.post("", status_code=201, dependencies=[Idempotent], responses=problem_responses(400, 401, 403, 404, 409, 422))
def create(
    body: ConnectionIn, session: WriteSession, adapters: OpenAdapters, secrets: Secrets, principal: Writer, now: Now,
    response: Response,
) -> ConnectionOut:  # fmt: skip
    """Add an account. A live channel that can be pulled begins now unless `import_from` says otherwise: connecting a
    shop never ships its history.
    """
    info = add_connection(
        session, adapters=adapters, secrets=secrets, name=body.name, kind=body.kind, plugin=body.plugin,
        account=body.account, settings=body.settings, mode=body.mode, at=now, import_from=body.import_from,
        policy=body.policy, allow_private=body.allow_private,
    )  # fmt: skip
    record(
        session, actor=principal.actor, action="connection.created", subject_kind="connection",
        subject_id=info.connection_id, after=_audited(info), at=now,
    )  # fmt: skip
    response.headers["location"] = f"/v1/connections/{info.name}"
    return _answer(session, secrets, info, response)


@router.get("/{name}", dependencies=[Reader], responses=problem_responses(401, 403, 404))
def get_one(name: NamePath, session: ReadSession, secrets: Secrets, response: Response) -> ConnectionOut:
    """One with its health; which secrets are set, never what they are."""
    return _answer(session, secrets, load_by_name(session, name), response)


@router.patch("/{name}", responses=problem_responses(400, 401, 403, 404, 409, 412, 422, 428))
def change(
    name: NamePath, body: ConnectionPatch, session: WriteSession, adapters: OpenAdapters, secrets: Secrets,
    principal: Writer, now: Now, version: RequiredIfMatch, response: Response,
) -> ConnectionOut:  # fmt: skip
    """Change what is given. `settings` replaces the open settings; secrets that are not given stay."""
    before = load_by_name(session, name)
    check_version(version, before.version)
    values = _given(body)
    if not values:
        return _answer(session, secrets, before, response)
    info = change_connection(
        session, adapters=adapters, secrets=secrets, name=name, expected_version=before.version, values=values,
        at=now,
    )  # fmt: skip
    record(
        session, actor=principal.actor, action="connection.changed", subject_kind="connection",
        subject_id=info.connection_id, before=_audited(before), after=_audited(info), at=now,
    )  # fmt: skip
    return _answer(session, secrets, info, response)


@router.post(
    "/{name}/check", dependencies=[Depends(require("connections:write"))], responses=problem_responses(401, 403, 404)
)
def check(name: NamePath, request: Request, adapters: OpenAdapters) -> CheckOut:
    """Ask the other side whether the connection works; a good answer lets a paused one go on.

    It changes nothing that a repetition could double, so an Idempotency-Key is of no consequence.
    """
    database: Database = request.app.state.database
    checked = check_connection(database, adapters, name=name)
    health = checked.health
    return CheckOut(ok=health.ok, problems=list(health.problems), details=dict(health.details), resumed=checked.resumed)


def shown(session: Session, secrets: SecretBox, info: ConnectionInfo) -> ConnectionOut:
    """A connection without its secrets."""
    health = session.get(ConnectionHealthRow, info.connection_id)
    return ConnectionOut(
        connection_id=info.connection_id, name=info.name, kind=info.kind, plugin=info.plugin, account=info.account,
        mode=info.mode, enabled=info.enabled, import_from=info.import_from, settings=dict(info.settings),
        secrets=sorted(secrets.open(info.sealed)) if info.sealed else [], policy=dict(info.policy),
        allow_private=info.allow_private, version=info.version,
        health=HealthOut() if health is None else HealthOut.model_validate(health),
    )  # fmt: skip


def _answer(session: Session, secrets: SecretBox, info: ConnectionInfo, response: Response) -> ConnectionOut:
    set_etag(response, info.version)
    return shown(session, secrets, info)


def _given(body: ConnectionPatch) -> dict[str, Any]:
    """What the request names; null takes away `import_from` and means nothing for the others."""
    values = body.model_dump(exclude_unset=True)
    return {name: value for name, value in values.items() if value is not None or name == "import_from"}


def _audited(info: ConnectionInfo) -> dict[str, Any]:
    return {
        "name": info.name, "kind": info.kind, "plugin": info.plugin, "account": info.account, "mode": info.mode,
        "enabled": info.enabled, "import_from": info.import_from, "settings": dict(info.settings),
        "policy": dict(info.policy), "allow_private": info.allow_private, "version": info.version,
    }  # fmt: skip
