"""Problem documents, pages, versions and limits, through a small app."""

import io
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.errors import UniqueViolation
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from hub.kit.errors import HubError, NotFound
from hub.kit.log import configure_logging, correlation_id
from hub.kit.web import (
    Cursor,
    IfMatch,
    Limit,
    Page,
    RequiredIfMatch,
    check_version,
    decode_cursor,
    encode_cursor,
    install_web,
    page_of,
    problem_responses,
    set_etag,
    strict_query,
)
from tests.unit.kit.asgi import Caller


class LineIn(BaseModel):
    sku: str
    quantity: Annotated[int, Field(gt=0)]


class OrderIn(BaseModel):
    lines: list[LineIn]


class Filters(BaseModel):
    state: str | None = None
    tag: str | None = Field(None, alias="tagged")


async def paged(limit: Limit = 50, cursor: Cursor = None) -> tuple[int, int]:
    return limit, decode_cursor("numbers", cursor, int)[0] if cursor else 0


def make_app() -> FastAPI:
    app = FastAPI(dependencies=[Depends(strict_query)])
    install_web(app, max_body_bytes=200)

    @app.post("/orders", responses=problem_responses(409))
    def create(body: OrderIn, x_count: Annotated[int, Header()] = 0) -> OrderIn:
        return body

    @app.get("/orders/{number}", responses=problem_responses(404))
    def get(number: str) -> None:
        raise NotFound("order", number)

    @app.get("/numbers")
    def numbers(page: Annotated[tuple[int, int], Depends(paged)], near: str | None = None) -> Page[int]:
        limit, after = page
        rows = range(after + 1, min(after + limit + 1, 7) + 1)
        return page_of(rows, limit=limit, item=lambda row: row, cursor=lambda row: encode_cursor("numbers", row))

    @app.get("/filtered")
    def filtered(filters: Annotated[Filters, Query()]) -> Filters:
        return filters

    _add_failing(app)
    _add_versioned(app)
    return app


def _add_failing(app: FastAPI) -> None:
    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("password=hunter2")

    @app.get("/database/{fault}")
    def database(fault: str) -> None:
        if fault == "twice":
            raise IntegrityError("UPDATE secrets", {}, UniqueViolation())
        raise {"lock": OperationalError, "schema": ProgrammingError}[fault]("UPDATE secrets", {}, Exception(fault))

    @app.get("/half")
    def half() -> StreamingResponse:
        def parts() -> Any:
            yield b"begun"
            raise RuntimeError("cut")

        return StreamingResponse(parts())

    @app.get("/locked")
    def locked() -> None:
        raise HubError(423, "locked", "Wait.", extra={"retry_after": 7, "supported_actions": ["wait"]})

    @app.get("/unavailable")
    def unavailable() -> None:
        raise HubError(401, "not_authenticated", "Send a key.")

    @app.get("/correlation")
    def correlation(request: Request) -> str | None:
        return correlation_id()


def _add_versioned(app: FastAPI) -> None:
    @app.put("/thing")
    def change(expected: IfMatch, response: Response) -> None:
        check_version(expected, 7)
        set_etag(response, 8)

    @app.put("/strict-thing")
    def change_strictly(expected: RequiredIfMatch) -> int:
        check_version(expected, 7)
        return expected

    @app.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return make_app()


@pytest.fixture
def call(app: FastAPI) -> Caller:
    return Caller(app)


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"] == f"urn:orderhub:problem:{document['code']}"
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    return document


def test_a_refusal_is_a_problem_document(call: Caller) -> None:
    document = problem(call("GET", "/orders/A-1"), 404)
    assert document["code"] == "order_not_found"
    assert document["title"] == "Not Found"
    assert document["instance"] == "/orders/A-1"
    assert "A-1" in document["detail"]


def test_further_members_and_the_wait_are_kept(call: Caller) -> None:
    response = call("GET", "/locked")
    assert problem(response, 423)["supported_actions"] == ["wait"]
    assert response.headers["retry-after"] == "7"
    assert call("GET", "/unavailable").headers["www-authenticate"] == "Bearer"


def test_each_fault_of_a_body_is_pointed_at_without_its_value(call: Caller) -> None:
    body = {"lines": [{"sku": "A", "quantity": 1}, {"sku": 7, "quantity": -424242}]}
    response = call("POST", "/orders", json=body)
    errors = problem(response, 422)["errors"]
    assert [error["pointer"] for error in errors] == ["#/lines/1/sku", "#/lines/1/quantity"]
    assert "424242" not in response.text


def test_a_fault_of_a_parameter_is_named(call: Caller) -> None:
    errors = problem(call("GET", "/numbers?limit=0"), 422)["errors"]
    assert [error["parameter"] for error in errors] == ["limit"]
    errors = problem(call("POST", "/orders", json={"lines": []}, headers={"x-count": "many"}), 422)["errors"]
    assert [error["parameter"] for error in errors] == ["x-count"]


@pytest.mark.parametrize("body", ['{"lines": [', "{'lines': []}", "\x00"])
def test_what_is_not_json_is_400_with_the_place(call: Caller, body: str) -> None:
    document = problem(call("POST", "/orders", content=body, headers={"content-type": "application/json"}), 400)
    assert document["code"] == "malformed_json"
    assert "at character" in document["errors"][0]["detail"]


def test_unknown_addresses_and_methods_are_problems_too(call: Caller) -> None:
    assert problem(call("GET", "/nowhere"), 404)["code"] == "not_found"
    response = call("PATCH", "/thing")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert response.headers["allow"] == "PUT"


def test_a_database_that_is_busy_is_503_and_says_when_to_ask_again(call: Caller) -> None:
    response = call("GET", "/database/lock")
    busy = problem(response, 503)
    assert (busy["code"], response.headers["retry-after"]) == ("database_busy", str(busy["retry_after"]))
    assert "UPDATE" not in response.text
    assert problem(call("GET", "/database/twice"), 409)["code"] == "stored_meanwhile"
    assert problem(call("GET", "/database/schema"), 500)["code"] == "internal_error"


def test_a_bug_is_500_without_internals_and_logged_with_its_traceback(call: Caller) -> None:
    lines = io.StringIO()
    configure_logging(form="json", level="warning", stream=lines)
    response = call("GET", "/boom", headers={"x-correlation-id": "c-77"})
    assert problem(response, 500)["correlation_id"] == "c-77"
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    [line] = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["event"], line["correlation_id"]) == ("http.failed", "c-77")
    assert "RuntimeError" in line["exception"]


def test_half_an_answer_is_not_finished_as_if_it_were_whole(call: Caller) -> None:
    with pytest.raises(RuntimeError, match="cut"):
        call("GET", "/half")


@pytest.mark.parametrize("stated", ["", "a b", "x" * 81, "ä".encode()])
def test_a_correlation_id_is_made_where_none_or_a_bad_one_comes(call: Caller, stated: Any) -> None:
    response = call("GET", "/correlation", headers={"x-correlation-id": stated})
    assert response.json() == response.headers["x-correlation-id"]
    assert len(response.json()) == 36


def test_a_sane_correlation_id_is_kept(call: Caller) -> None:
    assert call("GET", "/correlation", headers={"x-correlation-id": "shop:1.2_3-4"}).json() == "shop:1.2_3-4"
    assert correlation_id() is None


def test_pages_follow_each_other_to_the_end(call: Caller) -> None:
    seen: list[int] = []
    path = "/numbers?limit=3"
    while path:
        page = call("GET", path).json()
        seen += page["items"]
        path = f"/numbers?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("rows", [0, 3])
def test_the_last_page_has_no_cursor(rows: int) -> None:
    page = page_of(list(range(rows)), limit=3, item=str, cursor=str)
    assert page.next_cursor is None
    assert len(page.items) == rows


BAD_CURSORS = [
    "x", "%%%", "ä", "bnVsbA", encode_cursor("numbers"), encode_cursor("numbers", "1"), encode_cursor("others", 1),
    encode_cursor("numbers", 1, 2), encode_cursor("numbers", 1)[:-2],
]  # fmt: skip


@pytest.mark.parametrize("cursor", BAD_CURSORS)
def test_a_bad_cursor_is_400(call: Caller, cursor: str) -> None:
    assert problem(call("GET", "/numbers", params={"cursor": cursor}), 400)["code"] == "bad_cursor"


@settings(max_examples=50)
@given(st.text(max_size=40), st.integers(-(2**53), 2**53), st.datetimes(timezones=st.just(UTC)), st.none())
def test_cursors_carry_their_values(text: str, number: int, moment: datetime, nothing: None) -> None:
    cursor = encode_cursor("orders:placed", text, number, moment, nothing)
    assert decode_cursor("orders:placed", cursor, str, int, datetime, str) == (text, number, moment, None)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_cursors(text: str) -> None:
    with pytest.raises(HubError) as raised:
        decode_cursor("orders", text, str)
    assert raised.value.status == 400


@pytest.mark.parametrize("value", ["yesterday", "2026-01-01T00:00:00"])
def test_a_cursor_with_a_bad_instant_is_refused(value: str) -> None:
    with pytest.raises(HubError):
        decode_cursor("orders", encode_cursor("orders", value), datetime)


def test_unknown_query_parameters_are_refused_with_the_nearest(call: Caller) -> None:
    document = problem(call("GET", "/numbers?limt=3"), 400)
    assert "Did you mean 'limit'" in document["detail"]
    assert document["errors"][0]["parameter"] == "limt"
    assert "There are: none" in problem(call("GET", "/boom?x=1"), 400)["detail"]


def test_parameters_of_dependencies_and_models_are_known(call: Caller) -> None:
    assert call("GET", "/numbers?limit=2&near=x").status_code == 200
    assert call("GET", "/filtered?state=open&tagged=x").json() == {"state": "open", "tagged": "x"}
    problem(call("GET", "/filtered?tag=x"), 400)


@pytest.mark.parametrize("tag", ['W/"7"', '"7"', "*", None])
def test_a_change_of_the_present_version_goes_through(call: Caller, tag: str | None) -> None:
    response = call("PUT", "/thing", headers={"if-match": tag} if tag else {})
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"8"'


def test_a_change_of_an_older_version_is_412(call: Caller) -> None:
    assert problem(call("PUT", "/thing", headers={"if-match": 'W/"6"'}), 412)["current_version"] == 7


@pytest.mark.parametrize("tag", ["7", '"x"', 'W/"7", W/"8"', '"-1"'])
def test_a_strange_tag_is_400(call: Caller, tag: str) -> None:
    assert problem(call("PUT", "/thing", headers={"if-match": tag}), 400)["code"] == "bad_if_match"


def test_a_version_may_be_required(call: Caller) -> None:
    assert problem(call("PUT", "/strict-thing"), 428)["code"] == "if_match_required"
    problem(call("PUT", "/strict-thing", headers={"if-match": "*"}), 428)
    assert call("PUT", "/strict-thing", headers={"if-match": 'W/"7"'}).json() == 7


@pytest.mark.parametrize("path", ["/raw", "/orders"])
def test_a_body_that_is_too_large_is_413_stated_or_streamed(call: Caller, path: str) -> None:
    stated = call("POST", path, content=b"x" * 201)
    assert problem(stated, 413)["code"] == "content_too_large"
    assert stated.headers["connection"] == "close"
    streamed = call("POST", path, chunks=[b"x" * 100] * 3, headers={"content-type": "application/json"})
    assert problem(streamed, 413)["code"] == "content_too_large"


def test_a_body_of_the_limit_goes_through(call: Caller) -> None:
    assert call("POST", "/raw", content=b"x" * 200).json() == 200
    assert call("POST", "/raw", chunks=[b"x" * 100] * 2).json() == 200


def test_the_openapi_document_tells_the_truth_about_errors(app: FastAPI) -> None:
    document = app.openapi()
    answers = document["paths"]["/orders"]["post"]["responses"]
    for status in ("409", "422"):
        assert list(answers[status]["content"]) == ["application/problem+json"]
        assert answers[status]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "FieldProblem" in document["components"]["schemas"]
    assert app.openapi() is document
