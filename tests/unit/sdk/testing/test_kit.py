"""The doubles behave as the contracts in `hub.sdk` say."""

import importlib
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import BaseModel, Field, ValidationError

from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.errors import AuthFailed, Conflict, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.manifest import Manifest
from hub.sdk.testing.kit import START, FakeClock, MemoryLog, MemoryState, MockHttp, open_adapter
from hub.sdk.testing.suite import Conformance, failures
from hub.sdk.values import Health

URL = "https://peer.example/x"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, AuthFailed), (403, AuthFailed), (404, Rejected), (409, Conflict), (422, Rejected),
     (429, RateLimited), (500, Transient), (502, Transient), (503, Transient), (302, Rejected)],
)  # fmt: skip
def test_statuses_become_sdk_errors(status, error) -> None:
    http = MockHttp(lambda request: httpx.Response(status))
    with pytest.raises(error) as caught:
        http.request("POST", URL, json={})
    assert caught.value.code == f"http_{status}"
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", 7.0),
        ("Mon, 02 Mar 2026 09:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", 1.0),
        (None, 1.0),
    ],
)
def test_a_pause_is_read_from_the_header(header, after) -> None:
    headers = {} if header is None else {"Retry-After": header}
    with pytest.raises(RateLimited) as caught:
        MockHttp(lambda request: httpx.Response(429, headers=headers)).request("GET", URL)
    assert caught.value.after == after


@pytest.mark.parametrize(
    ("method", "idempotent", "error"),
    [
        ("GET", None, Transient),
        ("PUT", None, Transient),
        ("POST", None, Uncertain),
        ("POST", True, Transient),
        ("GET", False, Uncertain),
    ],
)
def test_a_lost_answer_is_uncertain_unless_idempotent(method, idempotent, error) -> None:
    def lost(request):
        raise httpx.ReadTimeout("lost", request=request)

    with pytest.raises(error):
        MockHttp(lost).request(method, URL, idempotent=idempotent)


def test_a_refused_connection_is_transient_also_for_a_post() -> None:
    def refused(request):
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Transient):
        MockHttp(refused).request("POST", URL)


def test_a_call_reaches_the_server_as_it_was_made() -> None:
    def echo(request):
        return httpx.Response(
            201, content=request.read(), headers={"X-Seen": str(request.url), "Content-Type": "text/plain"}
        )

    answer = MockHttp(echo).request(
        "put", URL, params={"a": "ü b"}, headers={"X-Key": "1"}, content=b"\x00\xff", timeout=3
    )
    assert (answer.status, answer.body) == (201, b"\x00\xff")
    assert answer.headers["x-seen"] == f"{URL}?a=%C3%BC%20b" or answer.headers["x-seen"] == f"{URL}?a=%C3%BC+b"


def test_an_unscripted_call_is_an_error() -> None:
    with pytest.raises(Transient):
        MockHttp().request("GET", URL)


def test_the_clock_stands_still_and_is_set() -> None:
    clock = FakeClock()
    assert clock.now() == clock.now() == START
    clock.advance(-1.5)
    assert clock.now() == START - timedelta(seconds=1.5)
    clock.set(datetime(2026, 7, 1, tzinfo=UTC))
    assert clock.now() == datetime(2026, 7, 1, tzinfo=UTC)


def test_state_holds_text_only() -> None:
    state = MemoryState({"a": "1"})
    state.put("b", "2")
    assert (state.get("a"), state.get("b"), state.get("c")) == ("1", "2", None)
    with pytest.raises(TypeError):
        state.put("a", 1)


def test_the_log_keeps_what_was_said() -> None:
    log = MemoryLog()
    log.info("page.read", count=1)
    log.warning("page.late", seconds=2)
    assert log.entries == [("info", "page.read", {"count": 1}), ("warning", "page.late", {"seconds": 2})]


class Settings(BaseModel):
    shop: str = Field(description="Name of the shop")


class Tiny(Channel[Settings]):
    manifest = Manifest(id="tiny", kind="channel", version="1.0", label="Tiny")
    settings_model = Settings

    def check(self) -> Health:
        return Health(ok=True)

    def parse(self, raw):
        return ParseResult()


def test_an_adapter_is_opened_through_its_settings_model() -> None:
    state, clock = MemoryState(), FakeClock()
    adapter = open_adapter(Tiny, {"shop": "north"}, clock=clock, state=state)
    assert isinstance(adapter.settings, Settings)
    assert adapter.settings.shop == "north"
    assert adapter.state is state
    assert adapter.clock is clock
    with pytest.raises(ValidationError):
        open_adapter(Tiny, {})


INIT = """from hub.sdk.hooks import hookimpl
from small.adapter import Small

@hookimpl
def hub_channels():
    return [Small]
"""
ADAPTER = """from hub.canonical.facts import ParseResult
from hub.sdk.adapters import Channel
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health
from small.settings import Settings

class Small(Channel[Settings]):
    manifest = Manifest(id='small', kind='channel', version='1.0', label='Small')
    settings_model = Settings
    def check(self): return Health(ok=True)
    def parse(self, raw): return ParseResult()
"""
FILES = {
    "__init__.py": INIT,
    "adapter.py": ADAPTER,
    "settings.py": "from pydantic import BaseModel\n\nclass Settings(BaseModel):\n    pass\n",
    "mapping.py": "",
    "quality.toml": '[rules]\npure-parse = "done"\nwebhook = { status = "exempt", reason = "files only" }\n',
    "README.md": "# Small\n",
}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, None),
        ({"mapping.py": None}, "lacks mapping.py"),
        ({"README.md": "words"}, "title"),
        ({"quality.toml": ""}, "[rules]"),
        ({"quality.toml": '[rules]\nwebhook = { status = "exempt" }\n'}, "reason"),
        ({"quality.toml": '[rules]\nwebhook = "soon"\n'}, "must be done, todo or exempt"),
        ({"__init__.py": INIT.replace("@hookimpl\n", "")}, "lacks @hookimpl"),
        ({"__init__.py": INIT.replace("[Small]", "[]")}, "does not return the plugin"),
        (
            {"__init__.py": INIT.replace("hub_channels", "channels")},
            "does not implement hub_channels()",
        ),
        ({"__init__.py": INIT + "# more\n" * 20}, "at most 20 are allowed"),
        ({"adapter.py": ADAPTER.replace("id='small'", "id='other'")}, "the manifest's id is 'other'"),
    ],
)
def test_the_shape_of_a_plugin_folder(change, complaint, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    for name, text in {**FILES, **change}.items():
        if text is not None:
            (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("small", "small.adapter", "small.settings"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    plugin_type = importlib.import_module("small.adapter").Small

    class Suite(Conformance):
        plugin = plugin_type
        kind = "channel"

    complaints = failures(Suite, tmp_path).get("test_folder_has_the_shape")
    assert (complaints is None) if complaint is None else (complaint in complaints)
    for name in ("small", "small.adapter", "small.settings"):
        sys.modules.pop(name, None)
