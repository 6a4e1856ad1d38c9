"""Health, documentation, and what every answer has in common."""

import re

import httpx
import pytest
from sqlalchemy import text

from hub.api.app import openapi_document
from hub.api.docs_page import POLICY
from hub.flows.runtime import Runtime
from tests.integration.api.calling import Hub
from tests.integration.api.conftest import serve

PATHS = openapi_document()["paths"]
OPEN = {"/healthz", "/readyz", "/metrics", "/hooks/{connection}"}
PATIENT = 30
"""Seconds: a machine that is busy with other tests answers late, too."""


def test_alive_and_ready(hub: Hub) -> None:
    assert hub.client.get("/healthz").json() == {"status": "ok"}
    ready = hub.client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"], ready.json()["beat"]) == (200, True, None)


def test_not_ready_without_the_right_schema_or_a_beat(runtime: Runtime) -> None:
    beats = [False]
    for url in serve(runtime, beat_alive=lambda: beats[0]):
        stopped = httpx.get(f"{url}/readyz", timeout=PATIENT)
        assert (stopped.status_code, stopped.json()["beat"]) == (503, False)
        beats[0] = True
        assert httpx.get(f"{url}/readyz", timeout=PATIENT).status_code == 200
    with runtime.database.write() as session:
        session.execute(text("DELETE FROM alembic_version"))
    for url in serve(runtime):
        old = httpx.get(f"{url}/readyz", timeout=PATIENT)
        assert (old.status_code, old.json()["database"], old.json()["schema_current"]) == (503, True, False)
        assert "hub db upgrade" in old.json()["detail"]


def test_docs(hub: Hub) -> None:
    page = hub.client.get("/docs")
    assert (page.status_code, page.headers["content-security-policy"]) == (200, POLICY)
    assert hub.client.get("/docs/assets/swagger-ui-bundle.js").status_code == 200
    assert hub.client.get("/openapi.json").json() == openapi_document()


def test_unknown_addresses_and_methods_are_problems(hub: Hub) -> None:
    nowhere = hub("GET", "/v1/nothing")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "application/problem+json")
    wrong = hub("DELETE", "/v1/orders")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    given = hub("GET", "/v1/orders", x_correlation_id="mine-1")
    assert given.headers["x-correlation-id"] == "mine-1"
    assert re.fullmatch(r"[0-9a-f-]{36}", hub("GET", "/v1/orders").headers["x-correlation-id"])


@pytest.mark.parametrize("path", sorted(set(PATHS) - OPEN))
def test_the_document_declares_every_refusal(path: str) -> None:
    for method, operation in PATHS[path].items():
        responses = operation["responses"]
        assert {"401", "403"} <= set(responses), (method, path)
        assert operation["security"], (method, path)
        for status, answer in responses.items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


def test_no_address_answers_without_a_key(hub: Hub) -> None:
    for path, operations in PATHS.items():
        for method in operations:
            if path in OPEN:
                continue
            answer = hub.client.request(
                method.upper(), re.sub(r"\{[^}]+\}", "1", path), json={} if method != "get" else None
            )
            assert answer.status_code == 401, (method, path, answer.text)
