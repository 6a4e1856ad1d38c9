"""Loading, quarantine and isolation, with plugins that are wrong in every way that we know."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub.host import loading
from hub.host.plugins import PluginHost
from hub.host.values import HookFailure, PluginInfo
from hub.kit.errors import HubError
from hub.sdk.hooks import Exclusion, Finding, ReviewRequest, RouteRequest, hookimpl

ROUTE = RouteRequest(order_facts={}, locations=("A",), location_facts={"A": {}})

PLUGIN = """
from pydantic import BaseModel, SecretStr
from hub.sdk.adapters import Channel
from hub.sdk.hooks import hookimpl
from hub.sdk.manifest import Manifest
from hub.sdk.values import Health

class Settings(BaseModel):
    shop: str
    key: SecretStr

class Mall(Channel[Settings]):
    manifest = Manifest(id="{id}", kind="{kind}", version="1.0", label="Mall", hub_api="{hub_api}")
    settings_model = Settings
    def check(self): return Health(ok=True)
    def parse(self, raw): ...
    def fetch(self, request): return []

@hookimpl
def hub_channels():
    return [Mall]
"""

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Write:
    """Put a module on the path; gives its name, unique for the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(loading, "entry_points", lambda group: [])

    def place(source: str = PLUGIN, name: str = "mall", plugin: str = "mall") -> str:
        module = f"{name}_{abs(hash(request.node.nodeid))}"
        text = textwrap.dedent(source).replace("{id}", plugin).replace("{kind}", "channel").replace("{hub_api}", ">=1")
        (tmp_path / f"{module}.py").write_text(text)
        return module

    return place


def the(host: PluginHost, origin: str) -> PluginInfo:
    [info] = [info for info in host.plugins() if info.origin == origin]
    return info


def test_a_plugin_is_described_from_its_class_and_settings(write: Write, tmp_path: Path) -> None:
    (tmp_path / "quality.toml").write_text(
        'level = "silver"\n[rules]\na = "done"\nb = "done"\nc = {status = "exempt", reason = "x"}\n'
    )
    module = write()
    host = PluginHost.load(modules=[module])
    info = the(host, module)
    assert (info.id, info.kind, info.version, info.label, info.state) == ("mall", "channel", "1.0", "Mall", "active")
    assert info.capabilities == ("fetch",)
    assert info.hooks == ("hub_channels",)
    assert info.settings_schema is not None
    assert info.settings_schema["required"] == ["shop", "key"]
    assert (info.quality_level, info.quality) == ("silver", {"done": 2, "exempt": 1})
    assert host.channel("mall").manifest.id == "mall"
    assert host.adapter("mall") is host.channel("mall")


HOOK = "from hub.sdk.hooks import hookimpl\n@hookimpl\n"
BROKEN = {
    "import": ("import module_that_is_not_there", "cannot be imported: ModuleNotFoundError"),
    "syntax": ("def (", "cannot be imported: SyntaxError"),
    "exit": ("raise SystemExit(3)", "cannot be imported: SystemExit"),
    "arguments": (
        HOOK + "def hub_review_checks(request, order): return []",
        "order",
    ),
    "unknown hook": (
        HOOK + "def hub_review_check(request): return []",
        "hub_review_check (did you mean hub_review_checks?)",
    ),
    "wrapper": (
        HOOK.replace("@hookimpl", "@hookimpl(wrapper=True)") + "def hub_review_checks(request): return (yield)",
        "hook wrapper",
    ),
    "no hooks": ("x = 1", "implements no hook"),
    "not an adapter": (HOOK + "def hub_channels(): return [int]", "not a subclass"),
    "not a list": (HOOK + "def hub_channels(): return None", "must return a list"),
    "registration fails": (HOOK + "def hub_erps(): return 1 / 0", "division by zero"),
    "abstract": (PLUGIN.replace("def parse(self, raw): ...", ""), "does not implement parse"),
    "no manifest": (PLUGIN.replace("manifest = Manifest", "other = Manifest"), "manifest is NoneType"),
    "settings": (PLUGIN.replace("settings_model = Settings", "settings_model = dict"), "pydantic model"),
    "settings schema": (
        PLUGIN.replace("shop: str", "shop: object\n    model_config = {'arbitrary_types_allowed': True}").replace(
            "shop: object", "shop: type(Manifest.__init__)"
        ),
        "no form can be made",
    ),
    "kind": (PLUGIN.replace("{kind}", "erp"), "kind 'erp'"),
    "id": (PLUGIN.replace("{id}", "Mall!"), "id 'Mall!'"),
    "hub_api": (PLUGIN.replace("{hub_api}", ">=2,<3"), "this hub has 1.0"),
    "hooks only without manifest": (
        HOOK + "def hub_review_checks(request): return []",
        "states no MANIFEST",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_quarantined_with_its_reason_and_the_others_go_on(write: Write, fault: str) -> None:
    source, reason = BROKEN[fault]
    broken, good = write(source, "broken"), write(name="good", plugin="good_mall")
    host = PluginHost.load(modules=[broken, good])
    info = the(host, broken)
    assert info.state == "quarantined"
    assert reason in (info.reason or "")
    assert len((info.trace or "").splitlines()) <= 12
    assert the(host, good).state == "active"
    assert host.channel("good_mall").manifest.id == "good_mall"
    assert [plugin for plugin, _ in host.call_each("hub_review_checks", None)] == []


def test_all_plugins_with_unknown_hooks_are_found_not_only_the_first(write: Write) -> None:
    source = HOOK + "def hub_nonsense(request): return []"
    modules = [write(source, f"odd{number}") for number in range(3)]
    host = PluginHost.load(modules=modules)
    assert [the(host, module).state for module in modules] == ["quarantined"] * 3


def test_an_id_belongs_to_the_first_plugin(write: Write) -> None:
    first, second = write(name="a_first"), write(name="b_second")
    host = PluginHost.load(modules=[second, first])
    assert the(host, first).state == "active"
    assert "'mall' is taken" in (the(host, second).reason or "")
    assert host.channel("mall").__module__ == first


def test_a_module_that_is_found_twice_is_loaded_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    module = write()
    monkeypatch.setattr(loading, "entry_points", lambda group: [SimpleNamespace(name="mall", value=module)])
    host = PluginHost.load(modules=[module])
    assert the(host, module).state == "active"


def test_two_distributions_with_one_entry_point_name_do_not_hide_each_other(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(name="one", plugin="one"), write(name="two", plugin="two")
    entries = [SimpleNamespace(name="mall", value=first), SimpleNamespace(name="mall", value=second)]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries)
    host = PluginHost.load()
    assert the(host, first).state == "active"
    assert "already registered" in (the(host, second).reason or "")


def test_entry_points_of_installed_distributions_are_found(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write()
    folder = tmp_path / "acme-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[hub.plugins]\nacme = {module}\n")
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {one.origin: one for one in loading.discover([])}
    assert found[module].name == "acme"
    assert found[module].reason is None


def test_a_plugin_with_a_faulty_hook_gives_no_adapter_either(write: Write) -> None:
    source = PLUGIN + "\n@hookimpl\ndef hub_review_checks(request, order): return []\n"
    host = PluginHost.load(modules=[write(source)])
    with pytest.raises(HubError, match="quarantined"):
        host.channel("mall")
    assert host.call_each("hub_channels", None) == []


@pytest.mark.parametrize(
    ("kind", "plugin", "hint"),
    [
        ("channel", "mal", "Did you mean 'mall'"),
        ("carrier", "mall", "of kind channel"),
        ("erp", "zzz", "There are: none"),
    ],
)
def test_a_missing_plugin_is_answered_with_what_there_is(write: Write, kind: str, plugin: str, hint: str) -> None:
    host = PluginHost.load(modules=[write()])
    with pytest.raises(HubError) as raised:
        getattr(host, kind)(plugin)
    assert raised.value.status == 404
    assert hint in raised.value.detail


class Checks:
    """Own implementations: one finding each."""

    def __init__(self, result: Callable[[Any], Any]) -> None:
        self.result = result

    @hookimpl
    def hub_review_checks(self, request: ReviewRequest) -> Any:
        return self.result(request)

    @hookimpl
    def hub_route_filter(self, request: RouteRequest) -> Any:
        return self.result(request)

    @hookimpl
    def hub_route_rank(self, request: RouteRequest) -> Any:
        return self.result(request)


def fail(request: Any) -> Any:
    raise KeyError("zoe@example.com")


def fail_late(request: Any) -> Any:
    yield Finding("early", "info", "seen")
    raise KeyError("zoe@example.com")


FINDING = Finding("sku_unknown", "hold", "unknown SKU")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "entry_points", lambda group: [])


@pytest.mark.usefixtures("bare")
def test_a_failing_check_does_not_stop_the_others_and_quotes_nobody() -> None:
    own = {
        "first": Checks(lambda request: [FINDING]), "broken": Checks(fail), "late": Checks(fail_late),
        "last": Checks(lambda request: (FINDING for _ in range(2))),
    }  # fmt: skip
    found = PluginHost.load(own=own).review_checks(ReviewRequest(order=Any, connection="shop"))
    assert found.results == (("last", FINDING), ("last", FINDING), ("first", FINDING))
    assert [failure.plugin for failure in found.failures] == ["late", "broken"]
    assert all("zoe" not in failure.summary and "zoe" not in repr(failure) for failure in found.failures)
    assert found.failures[0].summary.startswith("late: hub_review_checks raised KeyError at test_plugins.py:")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("wrong", [None, 7, "text", [FINDING, "text"]])
def test_a_wrong_result_is_a_failure_of_that_plugin(wrong: object) -> None:
    own = {"odd": Checks(lambda request: wrong), "good": Checks(lambda request: [])}
    found = PluginHost.load(own=own).review_checks(ReviewRequest(order=Any, connection="shop"))
    assert found.results == ()
    assert [failure.plugin for failure in found.failures] == ["odd"]


@pytest.mark.usefixtures("bare")
def test_filters_and_ranks_are_gathered_and_abstaining_is_no_failure() -> None:
    out = Exclusion("A", "closed")
    host = PluginHost.load(own={"closed": Checks(lambda request: [out])})
    assert host.route_filters(ROUTE).results == (("closed", out),)
    assert [failure.plugin for failure in host.route_ranks(ROUTE).failures] == ["closed"]
    host = PluginHost.load(own={"near": Checks(lambda request: {"A": 1.5}), "none": Checks(lambda request: None)})
    assert host.route_ranks(ROUTE).results == (("near", {"A": 1.5}),)
    assert host.route_ranks(ROUTE).failures == ()


@pytest.mark.usefixtures("bare")
def test_the_planner_gets_filters_and_ranks_by_name_as_functions() -> None:
    host = PluginHost.load(own={"near": Checks(lambda request: {"A": 1.5})})
    [(name, rank)] = host.ranks()
    assert (name, rank(ROUTE)) == ("near", {"A": 1.5})
    assert [name for name, _ in host.filters()] == ["near"]


@pytest.mark.usefixtures("bare")
def test_an_implementation_may_leave_the_request_out_and_ask_to_be_first() -> None:
    class Short:
        @hookimpl(tryfirst=True)
        def hub_review_checks(self) -> list[Finding]:
            return [FINDING]

    host = PluginHost.load(own={"short": Short(), "other": Checks(lambda request: [])})
    assert host.call_each("hub_review_checks", None) == [("short", [FINDING]), ("other", [])]


@pytest.mark.usefixtures("bare")
def test_own_plugins_need_no_manifest_and_are_shown() -> None:
    [info] = PluginHost.load(own={"house_checks": Checks(lambda request: [])}).plugins()
    assert (info.id, info.kind, info.origin, info.state) == ("house_checks", "hooks", "hub", "active")
    assert info.hooks == ("hub_review_checks", "hub_route_filter", "hub_route_rank")


def test_a_failure_without_a_traceback_still_has_a_summary() -> None:
    assert HookFailure("p", "h", ValueError("x")).summary == "p: h raised ValueError"
