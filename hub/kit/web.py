"""What every router of the hub shares: problems, pages, versions, limits; `install_web` puts them on an app."""

from fastapi import FastAPI

from hub.kit.versions import check_version
from hub.kit.web_etag import IfMatch, RequiredIfMatch, etag, if_match, required_if_match, set_etag
from hub.kit.web_middleware import CORRELATION_HEADER, BodyLimit, CorrelationIds, UnexpectedErrors
from hub.kit.web_paging import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of
from hub.kit.web_problems import FieldProblem, Problem, install_problems, problem_response, problem_responses
from hub.kit.web_query import strict_query

__all__ = [
    "CORRELATION_HEADER", "BodyLimit", "CorrelationIds", "Cursor", "FieldProblem", "IfMatch", "Limit", "Page",
    "Problem", "RequiredIfMatch", "UnexpectedErrors", "check_version", "decode_cursor", "encode_cursor", "etag",
    "if_match", "install_problems", "install_web", "page_of", "problem_response", "problem_responses",
    "required_if_match", "set_etag", "strict_query",
]  # fmt: skip


def install_web(app: FastAPI, *, max_body_bytes: int) -> None:
    """Error documents, correlation ids and the size limit for an app.

    Strict query parameters are a dependency of the app: `FastAPI(dependencies=[Depends(strict_query)])`.
    """
    install_problems(app)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(CorrelationIds)  # added last: outermost
