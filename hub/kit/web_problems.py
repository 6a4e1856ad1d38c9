"""Errors as RFC 9457 problem documents: one form for every refusal, and nothing internal in any of them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from hub.kit.db_errors import met_another, will_pass
from hub.kit.errors import HubError
from hub.kit.log import correlation_id

MEDIA_TYPE = "application/problem+json"
_TITLES = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
RETRY_AFTER = 2
"""Seconds after which somebody whom the database turned away may ask again."""
_REF = "#/components/schemas/Problem"
log = structlog.get_logger()


class FieldProblem(BaseModel):
    """One fault of the request: `pointer` (RFC 6901, as a fragment) into the body, or `parameter` by name."""

    detail: str
    code: str | None = None
    pointer: str | None = None
    parameter: str | None = None


class Problem(BaseModel):
    """A refusal (RFC 9457). `code` is stable, for programs; `detail` says what to do, for people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:orderhub:problem:order_not_found"])
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    correlation_id: str | None = None
    errors: list[FieldProblem] | None = None


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The value for `responses=` of a route that may refuse with these statuses."""
    return {status: {"model": Problem, "description": title_of(status)} for status in statuses}


def title_of(status: int) -> str:
    """The name of a status (RFC 9110), the same on every Python version."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    instance: str | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as an answer; `retry_after` in `extra` (seconds) becomes the header too."""
    members = dict(extra or {})
    document = {
        **members, "type": f"urn:orderhub:problem:{code}", "title": title_of(status), "status": status,
        "code": code, "detail": detail, "instance": instance, "correlation_id": correlation_id(),
    }  # fmt: skip
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        sent.setdefault("www-authenticate", "Bearer")
    if "retry_after" in members:
        sent.setdefault("retry-after", str(members["retry_after"]))
    body = orjson.dumps({name: value for name, value in document.items() if value is not None}, default=str)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=sent)


def install_problems(app: FastAPI) -> None:
    """Answer every error of the app with a problem document, and say so in its OpenAPI document.

    Unexpected errors are for `hub.kit.web_middleware.UnexpectedErrors`, which knows whether an answer has begun.
    """
    app.add_exception_handler(HubError, _hub_error)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    plain = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        document = plain()
        if fresh:
            _describe_problems(document)
        return document

    app.openapi = described  # type: ignore[method-assign]


async def _hub_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HubError):
        raise error
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("http.refused", code=error.code, status=error.status, exc_info=error)
    return problem_response(error.status, error.code, error.detail, instance=request.url.path, extra=error.extra)


async def _database_error(request: Request, error: Exception) -> Response:
    if met_another(error):
        log.warning("http.stored_meanwhile", path=request.url.path)
        return problem_response(
            409,
            "stored_meanwhile",
            "Somebody stored the same at this moment: read it, then send what still differs.",
            instance=request.url.path,
        )
    if not will_pass(error):
        raise error
    log.warning("http.database_busy", path=request.url.path, error=type(error).__name__)
    return problem_response(
        503,
        "database_busy",
        "The database is away, or held by other work for too long: send the request again in a moment, a POST with the "
        "same Idempotency-Key.",
        instance=request.url.path,
        extra={"retry_after": RETRY_AFTER},
    )


async def _invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [_field_problem(fault) for fault in error.errors()]
    if any(fault.get("type") == "json_invalid" for fault in error.errors()):
        status, code, detail = 400, "malformed_json", "The body is not JSON: see `errors` for the place."
    else:
        status, code, detail = (
            422,
            "invalid_request",
            "The request does not fit its schema: see `errors` for each fault.",
        )
    listed = [fault.model_dump(exclude_none=True) for fault in faults]
    return problem_response(status, code, detail, instance=request.url.path, extra={"errors": listed})


async def _http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = title_of(error.status_code).lower().replace(" ", "_").replace("-", "_")
    detail = {
        404: "There is nothing at this address: see /docs for what there is.",
        405: "This address does not take this method: see the Allow header.",
    }.get(error.status_code, str(error.detail))
    return problem_response(error.status_code, code, detail, instance=request.url.path, headers=error.headers)


def _field_problem(fault: Mapping[str, Any]) -> FieldProblem:
    """Where and what, without the value: it may be a secret or somebody's address."""
    place, *path = fault.get("loc", ()) or ("body",)
    detail, code = str(fault.get("msg", "invalid")), str(fault.get("type", "")) or None
    if code == "json_invalid":
        reason = (fault.get("ctx") or {}).get("error", "not JSON")
        return FieldProblem(detail=f"{reason} at character {path[0] if path else 0}", code=code, pointer="#")
    if place == "body":
        return FieldProblem(detail=detail, code=code, pointer="#" + "".join(f"/{_escaped(part)}" for part in path))
    return FieldProblem(detail=detail, code=code, parameter="/".join(str(part) for part in path))


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _describe_problems(document: dict[str, Any]) -> None:
    """Move every `Problem` answer to its media type, and replace FastAPI's own form of a validation error."""
    schemas = document.get("components", {}).get("schemas", {})
    if any(_is_default_422(answer) for answer in _answers(document)):
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(made.pop("$defs", {}))
        schemas.setdefault("Problem", made)
    for answer in _answers(document):
        content = answer.get("content", {}).get("application/json", {})
        if _is_default_422(answer) or content.get("schema", {}).get("$ref") == _REF:
            answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": _REF}}}


def _answers(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        answer
        for path in document.get("paths", {}).values()
        for operation in path.values()
        if isinstance(operation, dict)
        for answer in operation.get("responses", {}).values()
    ]


def _is_default_422(answer: Mapping[str, Any]) -> bool:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith("/HTTPValidationError")
