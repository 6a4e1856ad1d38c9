"""The doors, through a small app with a route that counts what it did."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel
from sqlalchemy import func, select

from hub.auth import api
from hub.auth.api import IdempotencyRequired, Idempotent, IdempotentRoute, require
from hub.auth.service.idempotency import KeptAnswer, find_answer, forget_answers, keep_answer, mark_request
from hub.auth.service.keys import Principal, create_key
from hub.auth.tables import ApiKeyRow, IdempotentRequestRow
from hub.kit.db import Base, Database
from hub.kit.errors import HubError
from hub.kit.web import install_web
from hub.kit.web_session import WriteSession
from hub.sdk.testing.kit import FakeClock
from tests.servers import PostgresServer, with_driver
from tests.unit.auth.conftest import TABLES
from tests.unit.kit.asgi import Caller


class StockIn(BaseModel):
    sku: str
    delta: int


@dataclass
class Work:
    """What the routes did, and a gate to hold them at."""

    done: list[str] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)


def make_app(database: Database, clock: FakeClock, work: Work) -> FastAPI:
    app = FastAPI()
    install_web(app, max_body_bytes=10_000)
    app.state.database, app.state.clock = database, clock
    router = APIRouter(prefix="/v1/stock", route_class=IdempotentRoute)
    writer = Depends(require("stock:write"))

    @router.post("", status_code=201, dependencies=[writer, IdempotencyRequired])
    def move(body: StockIn, response: Response) -> dict[str, int]:
        work.done.append(body.sku)
        response.headers["location"] = f"/v1/stock/{body.sku}"
        return {"count": len(work.done)}

    @router.post("/slow", dependencies=[writer, Idempotent])
    def slow() -> str:
        work.done.append("slow")
        work.entered.set()
        work.gate.wait(10)
        return "done"

    @router.post("/failing", dependencies=[writer, Idempotent])
    def failing(session: WriteSession) -> None:
        work.done.append("failing")
        session.add(_row(clock))
        session.flush()
        if len(work.done) == 1:
            raise HubError(409, "busy", "Try again.")

    @router.get("", dependencies=[Depends(require("stock:read"))])
    def listed() -> list[str]:
        return work.done

    @router.get("/me")
    def me(session: WriteSession, principal: Annotated[Principal, Depends(require("stock:read"))]) -> str:
        return principal.name

    plain = APIRouter()

    @plain.post("/plain", dependencies=[writer, Idempotent])
    def forgotten() -> None:
        work.done.append("plain")

    @router.get("/here")
    def here(
        principal: Annotated[Principal, Depends(require("stock:read", by_location=True))], location: str | None = None
    ) -> str | None:
        return principal.place(location)

    app.include_router(router)
    app.include_router(plain)
    app.include_router(api.router)
    return app


def _row(clock: FakeClock) -> ApiKeyRow:
    return ApiKeyRow(
        api_key_id="00000000-0000-7000-8000-000000000001", name="x", prefix="x", digest="x", scopes=[],
        created_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.gate.set()


@pytest.fixture
def app(database: Database, clock: FakeClock, work: Work) -> FastAPI:
    return make_app(database, clock, work)


def key(database: Database, clock: FakeClock, *scopes: str, name: str = "ops") -> str:
    with database.write() as session:
        return create_key(session, name=name, scopes=scopes, clock=clock)[1]


@pytest.fixture
def call(app: FastAPI, database: Database, clock: FakeClock) -> Caller:
    return Caller(app, authorization=f"Bearer {key(database, clock, 'stock:write')}")


@pytest.fixture
def admin(app: FastAPI, database: Database, clock: FakeClock) -> Caller:
    return Caller(app, authorization=f"Bearer {key(database, clock, 'admin', name='root')}")


MOVE = {"sku": "A-1", "delta": 5}


def keyed(value: str = "k-1") -> dict[str, str]:
    return {"idempotency-key": value}


def test_both_headers_open_the_door(app: FastAPI, database: Database, clock: FakeClock) -> None:
    token = key(database, clock, "stock:read")
    for headers in ({"authorization": f"Bearer {token}"}, {"x-api-key": token}):
        assert Caller(app)("GET", "/v1/stock", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": "ohk_0_0"}, {"authorization": "Basic eDp5"}, {"x-api-key": "ä".encode()}]
)
def test_without_a_key_that_holds_there_is_401(app: FastAPI, headers: dict[str, Any]) -> None:
    response = Caller(app)("GET", "/v1/stock", headers=headers)
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_missing_scope_is_403_and_named(app: FastAPI, database: Database, clock: FakeClock) -> None:
    reader = Caller(app, authorization=f"Bearer {key(database, clock, 'stock:read')}")
    response = reader("POST", "/v1/stock", json=MOVE, headers=keyed())
    assert response.status_code == 403
    assert response.json()["scope"] == "stock:write"


def test_a_route_that_takes_its_session_before_its_principal_does_not_wait_for_itself(call: Caller) -> None:
    assert call("GET", "/v1/stock/me").json() == "ops"


def test_the_use_of_a_key_is_noted_after_the_answer(call: Caller, database: Database, clock: FakeClock) -> None:
    call("GET", "/v1/stock")
    with database.read() as session:
        assert session.scalars(select(ApiKeyRow.last_used_at)).one() == clock.now()


def test_a_repeated_request_is_done_once_and_answered_twice(call: Caller, work: Work) -> None:
    first = call("POST", "/v1/stock", json=MOVE, headers=keyed())
    again = call("POST", "/v1/stock", json=MOVE, headers=keyed())
    assert work.done == ["A-1"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["location"] == "/v1/stock/A-1"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-correlation-id"] != first.headers["x-correlation-id"]


def test_another_key_is_another_request(call: Caller, work: Work) -> None:
    call("POST", "/v1/stock", json=MOVE, headers=keyed("k-1"))
    call("POST", "/v1/stock", json=MOVE, headers=keyed("k-2"))
    assert work.done == ["A-1", "A-1"]


def test_the_same_key_of_somebody_else_is_another_request(
    call: Caller, app: FastAPI, database: Database, clock: FakeClock, work: Work
) -> None:
    other = Caller(app, authorization=f"Bearer {key(database, clock, 'stock:write', name='other')}")
    call("POST", "/v1/stock", json=MOVE, headers=keyed())
    other("POST", "/v1/stock", json=MOVE, headers=keyed())
    assert len(work.done) == 2


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/stock", {"sku": "A-1", "delta": 6}), ("/v1/stock?x=1", MOVE), ("/v1/stock/failing", MOVE)]
)
def test_a_key_used_for_another_request_is_422(call: Caller, work: Work, path: str, body: dict[str, Any]) -> None:
    call("POST", "/v1/stock", json=MOVE, headers=keyed())
    response = call("POST", path, json=body, headers=keyed())
    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert work.done == ["A-1"]


def test_where_stock_moves_the_key_is_required(call: Caller, work: Work) -> None:
    response = call("POST", "/v1/stock", json=MOVE)
    assert response.status_code == 400
    assert response.json()["code"] == "idempotency_key_required"
    assert "UUID" in response.json()["detail"]
    assert work.done == []


@pytest.mark.parametrize("value", ["", "x" * 201, "ä".encode()])
def test_a_strange_key_is_400(call: Caller, value: Any) -> None:
    response = call("POST", "/v1/stock", json=MOVE, headers={"idempotency-key": value})
    assert response.json()["code"] == "bad_idempotency_key"


def test_without_a_key_each_request_is_its_own(call: Caller, work: Work) -> None:
    work.gate.set()
    for _ in range(2):
        assert call("POST", "/v1/stock/slow").json() == "done"
    assert work.done == ["slow", "slow"]


def test_a_request_that_failed_left_nothing_and_may_be_repeated(call: Caller, database: Database, work: Work) -> None:
    assert call("POST", "/v1/stock/failing", headers=keyed()).json()["code"] == "busy"
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotentRequestRow)) == 0
        assert session.scalar(select(func.count()).select_from(ApiKeyRow)) == 1
    assert call("POST", "/v1/stock/failing", headers=keyed()).status_code == 200
    assert work.done == ["failing", "failing"]


def test_the_answer_and_the_effect_are_one_transaction(call: Caller, database: Database, work: Work) -> None:
    work.done.append("so that it does not fail")
    call("POST", "/v1/stock/failing", headers=keyed())
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(IdempotentRequestRow)) == 1
        assert session.scalar(select(func.count()).select_from(ApiKeyRow)) == 2


def test_a_repetition_while_the_first_is_running_is_409(call: Caller, work: Work) -> None:
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(call, "POST", "/v1/stock/slow", headers=keyed())
        assert work.entered.wait(5)
        meanwhile = call("POST", "/v1/stock/slow", headers=keyed())
        work.gate.set()
        assert first.result().json() == "done"
    assert meanwhile.status_code == 409
    assert meanwhile.json()["code"] == "idempotency_in_flight"
    assert meanwhile.headers["retry-after"] == "1"
    after = call("POST", "/v1/stock/slow", headers=keyed())
    assert after.json() == "done"
    assert after.headers["idempotency-replayed"] == "true"
    assert work.done == ["slow"]


def test_a_route_without_the_route_class_is_a_bug_that_is_seen(call: Caller, work: Work) -> None:
    assert call("POST", "/plain", headers=keyed()).status_code == 500
    assert work.done == []


def test_old_answers_are_forgotten(call: Caller, database: Database, clock: FakeClock, work: Work) -> None:
    call("POST", "/v1/stock", json=MOVE, headers=keyed())
    with database.write() as session:
        assert forget_answers(session, before=clock.now(), limit=10) == 0
        assert forget_answers(session, before=clock.now() + timedelta(seconds=1), limit=10) == 1
    call("POST", "/v1/stock", json=MOVE, headers=keyed())
    assert len(work.done) == 2


def test_a_key_of_one_location_is_let_in_where_locations_are_told_apart_only(app: FastAPI, admin: Caller) -> None:
    body = {"name": "prague", "scopes": ["stock:write"], "location": "PRG"}
    made = admin("POST", "/v1/api-keys", json=body).json()
    assert (made["location"], admin("GET", "/v1/api-keys").json()["items"][-1]["location"]) == ("PRG", "PRG")
    prague = Caller(app, **{"x-api-key": made["token"]})
    refused = prague("GET", "/v1/stock")
    assert (refused.status_code, refused.json()["code"]) == (403, "key_of_one_location")
    assert prague("GET", "/v1/stock/here").json() == prague("GET", "/v1/stock/here?location=PRG").json() == "PRG"
    elsewhere = prague("GET", "/v1/stock/here?location=BER")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "other_location")
    assert admin("GET", "/v1/stock/here?location=BER").json() == "BER"
    assert admin("GET", "/v1/stock/here").json() is None
    all_rights = admin("POST", "/v1/api-keys", json={**body, "scopes": ["admin"]}).json()["token"]
    assert Caller(app, **{"x-api-key": all_rights})("GET", "/v1/api-keys").json()["code"] == "key_of_one_location"


def test_a_key_is_made_listed_used_and_revoked(admin: Caller, app: FastAPI) -> None:
    made = admin("POST", "/v1/api-keys", json={"name": "shop", "scopes": ["stock:read"]})
    assert made.status_code == 201
    token = made.json()["token"]
    user = Caller(app, **{"x-api-key": token})
    assert user("GET", "/v1/stock").status_code == 200
    assert user("GET", "/v1/api-keys").status_code == 403
    page = admin("GET", "/v1/api-keys?limit=1").json()
    rest = admin("GET", f"/v1/api-keys?limit=1&cursor={page['next_cursor']}").json()
    assert [item["name"] for item in page["items"] + rest["items"]] == ["root", "shop"]
    assert token not in str(rest)
    revoked = admin("DELETE", f"/v1/api-keys/{made.json()['api_key_id']}")
    assert revoked.json()["revoked_at"] is not None
    assert user("GET", "/v1/stock").status_code == 401


def test_a_made_key_is_not_kept_as_an_answer(admin: Caller, database: Database) -> None:
    body = {"name": "shop", "scopes": ["stock:read"]}
    token = admin("POST", "/v1/api-keys", json=body, headers=keyed()).json()["token"]
    again = admin("POST", "/v1/api-keys", json=body, headers=keyed())
    assert (again.status_code, again.json()["code"]) == (409, "answer_shown_once")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(ApiKeyRow)) == 2
        assert token not in session.scalars(select(IdempotentRequestRow.body)).one().decode()


@pytest.mark.parametrize(
    "body",
    [{"name": "x", "scopes": ["stok:read"]}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["admin"], "x": 1}],
)
def test_a_key_with_unknown_scopes_or_fields_is_422(admin: Caller, body: dict[str, Any]) -> None:
    assert admin("POST", "/v1/api-keys", json=body).status_code == 422


def test_an_unknown_key_cannot_be_revoked(admin: Caller) -> None:
    assert admin("DELETE", "/v1/api-keys/00000000-0000-7000-8000-00000000000f").status_code == 404


def test_the_openapi_document_shows_the_header_and_the_security(app: FastAPI) -> None:
    post = app.openapi()["paths"]["/v1/stock"]["post"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in post["parameters"]]
    assert {"HTTPBearer": []} in post["security"]


@pytest.mark.postgres
def test_on_postgresql_another_process_is_told_to_wait(postgres_server: PostgresServer, clock: FakeClock) -> None:
    url = postgres_server.create_database("auth_idempotency")
    one, other = Database(with_driver(url)), Database(with_driver(url))
    Base.metadata.create_all(one.engine, tables=[Base.metadata.tables[name] for name in TABLES])
    mark = mark_request(principal="p", key="k", method="POST", path="/x", query="", body=b"{}")
    with one.write() as session:
        assert find_answer(session, mark) is None
        with other.write() as second, pytest.raises(HubError) as raised:
            find_answer(second, mark)
        assert raised.value.code == "idempotency_in_flight"
        keep_answer(
            session, mark, KeptAnswer(200, {"Content-Type": "text/plain", "X-Other": "1"}, b"ok"), at=clock.now()
        )
    with other.write() as session:
        assert find_answer(session, mark) == KeptAnswer(200, {"content-type": "text/plain"}, b"ok")
    one.dispose()
    other.dispose()
