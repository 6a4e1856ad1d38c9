"""The page `/docs` needs nothing from another host, and nothing that its own policy forbids."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI

from hub.api.docs_page import POLICY, install_docs
from tests.unit.kit.asgi import Caller


@pytest.fixture
def call() -> Caller:
    app = FastAPI(docs_url=None)
    install_docs(app)
    return Caller(app)


def test_every_asset_of_the_page_is_served_here(call: Caller) -> None:
    named = re.findall(r'(?:src|href)="([^"]*)"', call("GET", "/docs").text)
    kinds = {}
    for name in named:
        assert not urlsplit(name).netloc, name
        answer = call("GET", urljoin("/docs", name))
        assert (answer.status_code, answer.content != b"") == (200, True), name
        kinds[name.rpartition("/")[2]] = answer.headers["content-type"].partition(";")[0]
    assert kinds == {
        "favicon-32x32.png": "image/png", "swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript",
        "start.js": "text/javascript",
    }  # fmt: skip


def test_neither_the_page_nor_its_script_names_another_host(call: Caller) -> None:
    start = call("GET", "/docs/assets/start.js").text
    assert "//" not in call("GET", "/docs").text
    assert "://" not in start
    assert "validatorUrl: null" in start, "its default is a server of Swagger's"


def test_the_page_keeps_a_strict_policy(call: Caller) -> None:
    page = call("GET", "/docs")
    assert page.headers["content-security-policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"<style|style=|<script[^>]*>[^<]|\son\w+=", page.text), "inline, which the policy refuses"


def test_nothing_but_the_assets_is_served(call: Caller) -> None:
    for path in ("index.html", "../__init__.py", "%2e%2e/index.html"):
        assert call("GET", f"/docs/assets/{path}").status_code == 404
