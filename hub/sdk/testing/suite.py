"""What the three conformance suites share: set-up, checks of manifest, folder and settings, misbehaving servers."""

import importlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from hub.sdk.adapters import Adapter
from hub.sdk.errors import AuthFailed, PluginError, RateLimited, Transient, Uncertain
from hub.sdk.testing.kit import FakeClock, MemoryLog, MemoryState, MockHttp, Server, open_adapter
from hub.sdk.values import Health

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

FOLDER = ("__init__.py", "settings.py", "mapping.py", "adapter.py", "quality.toml", "README.md")
GRADES = frozenset({"done", "todo", "exempt"})
MAX_INIT_LINES = 20
SECRET_NAME = re.compile(r"(^|_)(secret|password|passphrase|token|api_key|private_key|access_key|app_key)s?$")
HOOKS = {"channel": "hub_channels", "carrier": "hub_carriers", "erp": "hub_erps"}


def expect(condition: object, message: str) -> None:
    """Fail the test with a message that says what the plugin must do."""
    if not condition:
        raise AssertionError(message)


def needs(*capabilities: str) -> Callable[[F], F]:
    """Mark a test that applies only to plugins with these capabilities; others do not collect it at all."""

    def mark(function: F) -> F:
        vars(function)["needs"] = capabilities
        return function

    return mark


def instants(value: Any) -> Iterable[datetime]:
    """Every datetime anywhere inside a value."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from instants(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from instants(inner)


def secrets_of(settings: Any) -> Iterable[str]:
    """Every secret text anywhere inside a settings value."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from secrets_of(getattr(settings, name))
    elif isinstance(settings, Mapping):
        for inner in settings.values():
            yield from secrets_of(inner)
    elif isinstance(settings, tuple | list | set | frozenset):
        for inner in settings:
            yield from secrets_of(inner)


def _answers(status: int, body: bytes = b"the scripted platform misbehaves", retry_after: str | None = None) -> Server:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda _: httpx.Response(status, headers=headers, content=body)


def _lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("the answer was lost", request=request)


def _refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


MISBEHAVIOURS: Mapping[str, tuple[Server, type[PluginError]]] = {
    "429 with Retry-After": (_answers(429, retry_after="7"), RateLimited),
    "429 without Retry-After": (_answers(429), RateLimited),
    "500": (_answers(500), Transient),
    "503": (_answers(503), Transient),
    "401": (_answers(401), AuthFailed),
    "a refused connection": (_refused, Transient),
    "a lost answer": (_lost, PluginError),
}
"""Servers that answer every call badly, and the SDK error that an adapter must let through."""

WRONG_BODIES: Mapping[str, bytes] = {
    "a proxy's page with status 200": b"<html>busy</html>",
    "an answer cut in the middle": b'{"data": {"or',
    "an empty answer with status 200": b"",
    "null with status 200": b"null",
    "an empty list with status 200": b"[]",
    "an empty object with status 200": b"{}",
}
"""Bodies that answer nothing that an adapter may have asked."""


class Conformance:
    """The base of the suites. A subclass names `plugin` and `settings`; see the suite of its kind for the rest."""

    plugin: ClassVar[type[Adapter[Any]]]
    settings: ClassVar[Mapping[str, Any]] = {}
    judges_bodies: ClassVar[bool] = True
    """False where the protocol takes every 2xx for success whatever the body (webhooks to a partner)."""
    kind: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Take out the tests of capabilities that the plugin does not have."""
        super().__init_subclass__()
        if "plugin" not in vars(cls):
            return
        present = cls.plugin.capabilities()
        for name in (name for name in dir(cls) if name.startswith("test_")):
            if not set(getattr(getattr(cls, name), "needs", ())) <= present:
                setattr(cls, name, None)

    @pytest.fixture(autouse=True)
    def _prepared(self, tmp_path: Path) -> None:
        self.prepare(tmp_path)

    def prepare(self, folder: Path) -> None:
        """Set up one test; `folder` is empty and belongs to it. Extend it to start what the plugin talks to."""
        self.folder = folder
        self.clock = FakeClock()
        self.state = MemoryState()
        self.log = MemoryLog()

    def make_settings(self) -> Mapping[str, Any]:
        """The settings of a working connection; override where they need `self.folder`."""
        return self.settings

    def server(self, request: httpx.Request) -> httpx.Response:
        """The other side as a function; the default answers 500 to everything."""
        return httpx.Response(500, text=f"no server is scripted for {request.method} {request.url.path}")

    def open(self, server: Server | None = None) -> Any:
        """An adapter over `self.server` (or another one); all adapters of a test share clock, state and log."""
        return open_adapter(
            self.plugin, self.make_settings(), server or self.server, self.clock, self.state, log=self.log
        )

    def mock(self, adapter: Adapter[Any]) -> MockHttp:
        """The http double of an adapter that `open` made."""
        if not isinstance(adapter.http, MockHttp):
            raise TypeError("the adapter was not opened by this suite")
        return adapter.http

    def outcome(self, what: str, call: Callable[[], T], *allowed: type[PluginError]) -> T | PluginError:
        """The result, or the SDK error that it raised; any other exception fails the test, as does a leaked secret."""
        try:
            return call()
        except PluginError as error:
            expect(
                not allowed or isinstance(error, allowed), f"{what}: {type(error).__name__} is the wrong error: {error}"
            )
            expect(error.message.strip(), f"{what}: {type(error).__name__} has no message")
            self.expect_no_secrets(what, str(error))
            return error
        except Exception as error:
            raise AssertionError(f"{what}: crashed with {type(error).__name__}: {str(error)[:300]}") from error

    def expect_no_secrets(self, what: str, text: str) -> None:
        """Fail where a secret of the settings is in a text or was logged."""
        settings = self.plugin.settings_model.model_validate(dict(self.make_settings()))
        for secret in secrets_of(settings):
            expect(not secret or secret not in text, f"{what}: a secret of the settings is in {text[:40]!r}...")
            expect(not secret or secret not in repr(self.log.entries), f"{what}: a secret of the settings was logged")

    def expect_pure(self, what: str, call: Callable[[Any, Any], T], value: Any) -> T:
        """Call twice on two adapters: equal results, the argument unchanged, no http call, no state written."""
        first, second = self.open(), self.open()
        before, state = deepcopy(value), dict(self.state.values)
        result, again = call(first, value), call(second, value)
        self.clock.advance(90_000)
        later = call(first, value)
        self.clock.advance(-90_000)
        expect(result == again, f"{what}: the same input gave two different results")
        expect(result == later, f"{what}: the result depends on the time of day or on earlier calls")
        expect(value == before, f"{what}: the input was changed")
        expect(not self.mock(first).requests and not self.mock(second).requests, f"{what}: made an http call")
        expect(self.state.values == state, f"{what}: wrote to the adapter's state")
        return result

    def expect_sdk_errors(self, what: str, call: Callable[[Any], Any], judge: Callable[[str, Any], None]) -> None:
        """Call against every misbehaving server: SDK errors only; `judge` looks at a result that came nevertheless."""
        cases = dict(MISBEHAVIOURS)
        if self.judges_bodies:
            cases |= {name: (_answers(200, body), PluginError) for name, body in WRONG_BODIES.items()}
        for name, (server, wanted) in cases.items():
            adapter, label = self.open(server), f"{what} against {name}"
            outcome = self.outcome(label, partial(call, adapter))
            if not self.mock(adapter).requests:
                continue
            if isinstance(outcome, PluginError):
                fits = isinstance(outcome, wanted) or (wanted is Transient and isinstance(outcome, Uncertain))
                expect(fits, f"{label}: must raise {wanted.__name__}, raised {type(outcome).__name__}")
            else:
                judge(label, outcome)

    def expect_uncertain(self, what: str, call: Callable[[Any], Any]) -> None:
        """A paid or posting call whose answer is lost is `Uncertain`, unless a second one is refused."""
        adapter = self.open(_lost)
        outcome = self.outcome(what, partial(call, adapter))
        if self.mock(adapter).requests and self.plugin.manifest.idempotency in ("two_step", "find", "none"):
            expect(isinstance(outcome, Uncertain), f"{what}: a lost answer must be Uncertain, was {outcome!r}")

    def expect_aware(self, what: str, value: BaseModel) -> None:
        """Every time inside is UTC."""
        for instant in instants(value.model_dump()):
            expect(instant.utcoffset() == timedelta(0), f"{what}: {instant.isoformat()} is not an aware time in UTC")

    def expect_json(self, what: str, value: BaseModel) -> None:
        """The value survives the way into the database and back."""
        back = type(value).model_validate_json(value.model_dump_json())
        expect(back == value, f"{what}: the value does not survive JSON")

    def test_manifest_is_complete(self) -> None:
        """The manifest names the plugin, its kind and sane limits."""
        manifest = self.plugin.manifest
        expect(re.fullmatch(r"[a-z][a-z0-9_]*", manifest.id), f"manifest id {manifest.id!r} must be lower snake case")
        expect(manifest.kind == self.kind, f"manifest kind is {manifest.kind!r}, the class is a {self.kind}")
        expect(
            re.fullmatch(r"\d+(\.\d+)+\w*", manifest.version), f"manifest version {manifest.version!r} is no version"
        )
        expect(manifest.label.strip(), "manifest label is empty")
        expect(">=" in manifest.hub_api, "manifest hub_api must be a version range such as >=1,<2")
        positive = (manifest.retention_days, manifest.max_concurrency, manifest.batch_max)
        expect(min(positive) >= 1, "retention_days, max_concurrency and batch_max must be at least 1")
        for quota in manifest.quotas:
            expect(quota.rate > 0 and quota.per > 0, f"quota of {quota.operation!r} must be positive")
        for host in manifest.egress_hosts:
            expect("/" not in host and ":" not in host, f"egress host {host!r} must be a bare host name")

    def test_folder_has_the_shape(self) -> None:
        """The plugin's folder is named after its id and holds the files that every plugin has."""
        module = sys.modules[self.plugin.__module__]
        folder = Path(str(module.__file__)).parent
        manifest = self.plugin.manifest
        missing = [name for name in FOLDER if not (folder / name).is_file()]
        if manifest.egress_hosts and not (folder / "client.py").is_file():
            missing.append("client.py")
        expect(not missing, f"{folder.name}/ lacks {', '.join(missing)}")
        expect(folder.name == manifest.id, f"the folder is {folder.name!r}, the manifest's id is {manifest.id!r}")
        expect((folder / "README.md").read_text("utf-8").startswith("# "), "README.md must begin with a title")
        self._expect_grades(folder / "quality.toml")
        lines = (folder / "__init__.py").read_text("utf-8").splitlines()
        expect(
            len(lines) <= MAX_INIT_LINES, f"__init__.py has {len(lines)} lines, at most {MAX_INIT_LINES} are allowed"
        )
        package = importlib.import_module(str(module.__package__))
        hook = getattr(package, HOOKS[self.kind], None)
        expect(hook is not None, f"__init__.py does not implement {HOOKS[self.kind]}()")
        expect(hook is not None and self.plugin in list(hook()), f"{HOOKS[self.kind]}() does not return the plugin")
        expect(getattr(hook, "orderhub_impl", None) is not None, f"{HOOKS[self.kind]}() lacks @hookimpl")

    def _expect_grades(self, path: Path) -> None:
        rules = tomllib.loads(path.read_text("utf-8")).get("rules")
        expect(isinstance(rules, dict) and rules, "quality.toml needs a [rules] table")
        for name, stated in dict(rules or {}).items():
            grade = stated if isinstance(stated, str) else dict(stated).get("status")
            expect(grade in GRADES, f"quality.toml: {name} must be done, todo or exempt, not {grade!r}")
            reason = "" if isinstance(stated, str) else str(dict(stated).get("reason", ""))
            expect(grade != "exempt" or reason.strip(), f"quality.toml: {name} is exempt: give a reason")

    def test_settings_are_described(self) -> None:
        """Every setting has a description, and what looks like a secret is a `SecretStr`."""
        self._expect_described(self.plugin.settings_model, "", set())

    def _expect_described(self, model: type[BaseModel], prefix: str, seen: set[type[BaseModel]]) -> None:
        seen.add(model)
        for name, field in model.model_fields.items():
            path = f"{prefix}{name}"
            expect(field.description, f"setting {path!r} has no description")
            types = set(_types_within(field.annotation))
            expect(
                not (SECRET_NAME.search(name) and str in types), f"setting {path!r} looks like a secret: use SecretStr"
            )
            for inner in types:
                if isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in seen:
                    self._expect_described(inner, f"{path}.", seen)

    def test_capabilities_are_computed(self) -> None:
        """Capabilities are exactly the optional methods that the class overrides."""
        base = next(kind for kind in self.plugin.__mro__ if kind.__module__ == "hub.sdk.adapters")
        names: tuple[str, ...] = vars(base)["optional"]
        overridden = {name for name in names if getattr(self.plugin, name) is not getattr(base, name)}
        expect(self.plugin.capabilities() == overridden, "capabilities() must not be declared: override the methods")

    def test_check_returns_health(self) -> None:
        """A working connection is healthy, or says in words what to do."""
        health = self.outcome("check", lambda: self.open().check())
        if isinstance(health, PluginError):
            raise AssertionError(f"check: must return Health for the working settings, raised {health!r}")
        expect(isinstance(health, Health), f"check must return Health, returned {type(health).__name__}")
        expect(health.ok or health.problems, "check: not ok, but no problem is named")
        self.expect_no_secrets("check", repr(health))

    def test_check_notices_a_dead_other_side(self) -> None:
        """A refused key, an outage or a wrong page is never healthy, and never a crash."""

        def judge(label: str, health: Any) -> None:
            expect(isinstance(health, Health), f"{label}: must return Health")
            expect(not health.ok, f"{label}: must not be healthy")
            expect(health.problems, f"{label}: names no problem")
            self.expect_no_secrets(label, repr(health))

        self.expect_sdk_errors("check", lambda adapter: adapter.check(), judge)


def _types_within(annotation: Any) -> Iterable[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types_within(argument)


def failures(suite: type[Conformance], folder: Path) -> dict[str, str]:
    """Run a suite without pytest: the messages of the tests that fail, by test name. Each test gets its own folder."""
    found: dict[str, str] = {}
    for name in sorted(name for name in dir(suite) if name.startswith("test_") and getattr(suite, name) is not None):
        instance = suite()
        place = folder / suite.__name__ / name
        place.mkdir(parents=True)
        instance.prepare(place)
        try:
            getattr(instance, name)()
        except Exception as error:  # noqa: BLE001 - as pytest does: whatever a test raises is its failure
            found[name] = str(error) or type(error).__name__
    return found
