"""The host: plugins registered and checked, adapters by id, hooks called implementation by implementation."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, cast

import pluggy
import structlog

from hub.host.loading import REGISTRATION, Found, PluginFault, ask_for_adapters, describe, discover
from hub.host.values import HookFailure, HookResults, PluginInfo
from hub.kit.errors import HubError
from hub.sdk.adapters import Adapter, Carrier, Channel, Erp
from hub.sdk.hooks import PROJECT, Exclusion, Finding, HubSpecs, ReviewRequest, RouteRequest
from hub.sdk.manifest import Manifest

T = TypeVar("T")
Implementation = Callable[[Any], Any]
log = structlog.get_logger()


class PluginHost:
    """All plugins of this process; built once with `PluginHost.load`, then only read, from any thread."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(HubSpecs)
        self._found = list(found)
        for one in self._found:
            if one.reason is None:
                self._register(one)
        self._refuse_unknown_hooks()
        self._adapters: dict[tuple[str, str], type[Adapter[Any]]] = {}
        for one in self._found:
            if one.reason is None:
                self._take_adapters(one)
        described = [(one, describe(one)) for one in self._found]
        self._infos = tuple(info for _, infos in described for info in infos)
        owners = {id(one.plugin): infos[0].id for one, infos in described if one.reason is None}
        self._hooks = {name: self._implementations(name, owners) for name in _specified()}
        for info in self._infos:
            if info.state == "quarantined":
                log.warning("plugin.quarantined", plugin=info.id, origin=info.origin, reason=info.reason)

    @classmethod
    def load(cls, *, modules: Iterable[str] = (), own: Mapping[str, object] | None = None) -> "PluginHost":
        """A host of all installed plugins (entry points of group `hub.plugins`), further `modules` and `own` objects.

        `own` maps a name to an object with `@hookimpl` methods: the hub's own checks and rankers. Never raises for a
        fault of a plugin: that plugin is quarantined with its reason and the others go on.
        """
        ours = [Found(name=name, origin="hub", plugin=plugin, own=True) for name, plugin in (own or {}).items()]
        return cls([*ours, *discover(modules)])

    def plugins(self) -> list[PluginInfo]:
        """Every plugin, the quarantined ones with their reason."""
        return list(self._infos)

    def channel(self, plugin: str) -> type[Channel[Any]]:
        """The channel adapter of that id; 404 with the nearest ids where there is none."""
        return cast("type[Channel[Any]]", self._adapter("channel", plugin))

    def carrier(self, plugin: str) -> type[Carrier[Any]]:
        """The carrier adapter of that id; 404 with the nearest ids where there is none."""
        return cast("type[Carrier[Any]]", self._adapter("carrier", plugin))

    def erp(self, plugin: str) -> type[Erp[Any]]:
        """The ERP adapter of that id; 404 with the nearest ids where there is none."""
        return cast("type[Erp[Any]]", self._adapter("erp", plugin))

    def adapter(self, plugin: str) -> type[Adapter[Any]]:
        """The adapter of that id, whatever its kind."""
        for (_, known), adapter in self._adapters.items():
            if known == plugin:
                return adapter
        raise self._not_found("plugin", plugin)

    def call_each(self, hook: str, request: Any) -> list[tuple[str, Any]]:
        """Call every implementation of a hook; gives `(plugin, result)`, or `(plugin, HookFailure)` where one failed.

        An iterator is run to its end here, so that its errors are isolated too.
        """
        outcomes: list[tuple[str, Any]] = []
        for plugin, implementation in self._hooks[hook]:
            try:
                result = implementation(request)
                if hasattr(result, "__next__"):
                    result = list(result)
            except Exception as error:  # noqa: BLE001  one faulty plugin never stops the others
                result = HookFailure(plugin=plugin, hook=hook, error=error)
            outcomes.append((plugin, result))
        return outcomes

    def review_checks(self, request: ReviewRequest) -> HookResults[Finding]:
        """What all checks find about an order."""
        return self._many("hub_review_checks", request, Finding)

    def route_filters(self, request: RouteRequest) -> HookResults[Exclusion]:
        """Which locations are excluded for an order."""
        return self._many("hub_route_filter", request, Exclusion)

    def route_ranks(self, request: RouteRequest) -> HookResults[Mapping[str, float]]:
        """The ranks that those who do not abstain give."""
        results: list[tuple[str, Mapping[str, float]]] = []
        failures: list[HookFailure] = []
        for plugin, outcome in self.call_each("hub_route_rank", request):
            if isinstance(outcome, HookFailure):
                failures.append(outcome)
            elif isinstance(outcome, Mapping):
                results.append((plugin, outcome))
            elif outcome is not None:
                failures.append(_wrong(plugin, "hub_route_rank", outcome, "a mapping of locations or None"))
        return HookResults(results=tuple(results), failures=tuple(failures))

    def filters(self) -> tuple[tuple[str, Implementation], ...]:
        """Route filters by plugin, for the planner: unguarded, because it asks once an order; it guards them itself."""
        return self._hooks["hub_route_filter"]

    def ranks(self) -> tuple[tuple[str, Implementation], ...]:
        """Route ranks by plugin, for the planner."""
        return self._hooks["hub_route_rank"]

    def strategies(self) -> tuple[tuple[str, Implementation], ...]:
        """Route strategies by plugin, for the planner."""
        return self._hooks["hub_route_strategy"]

    def _many(self, hook: str, request: object, kind: type[T]) -> HookResults[T]:
        results: list[tuple[str, T]] = []
        failures: list[HookFailure] = []
        for plugin, outcome in self.call_each(hook, request):
            if isinstance(outcome, HookFailure):
                failures.append(outcome)
            elif isinstance(outcome, Collection) and all(isinstance(item, kind) for item in outcome):
                results.extend((plugin, item) for item in outcome)
            else:
                failures.append(_wrong(plugin, hook, outcome, f"a list of {kind.__name__}"))
        return HookResults(results=tuple(results), failures=tuple(failures))

    def _register(self, one: Found) -> None:
        try:
            self._manager.register(one.plugin, one.name)
            callers = self._manager.get_hookcallers(one.plugin) or []
            one.hooks = tuple(sorted(caller.name for caller in callers))
            _check_hooks(one, callers)
        except Exception as error:  # noqa: BLE001  one faulty plugin never stops the others
            self._refuse(one, error)

    def _refuse_unknown_hooks(self) -> None:
        """pluggy names one plugin at a time: take that one out and ask again until nobody is left."""
        while True:
            try:
                self._manager.check_pending()
            except pluggy.PluginValidationError as error:
                one = next(one for one in self._found if one.plugin is error.plugin)
                near = _near_hooks(one.hooks)
                self._refuse(one, error, f"it implements a hook that does not exist: {near}")
            else:
                return

    def _take_adapters(self, one: Found) -> None:
        try:
            for hook in REGISTRATION:
                for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                    if implementation.plugin is one.plugin:
                        ask_for_adapters(one, hook, implementation)
            self._check_identity(one)
        except Exception as error:  # noqa: BLE001  one faulty plugin never stops the others
            self._refuse(one, error)
        else:
            self._adapters.update({(adapter.manifest.kind, adapter.manifest.id): adapter for adapter in one.adapters})

    def _check_identity(self, one: Found) -> None:
        taken = {plugin for _, plugin in self._adapters}
        for adapter in one.adapters:
            if adapter.manifest.id in taken:
                raise PluginFault(f"the id {adapter.manifest.id!r} is taken by another plugin: uninstall one of them")
            taken.add(adapter.manifest.id)
        if not one.adapters and not one.own and not isinstance(getattr(one.plugin, "MANIFEST", None), Manifest):
            raise PluginFault("it registers no adapter and states no MANIFEST")

    def _refuse(self, one: Found, error: Exception, reason: str | None = None) -> None:
        one.refuse(error, reason)
        if self._manager.get_plugin(one.name) is one.plugin:
            self._manager.unregister(one.plugin)

    def _implementations(self, hook: str, owners: Mapping[int, str]) -> tuple[tuple[str, Implementation], ...]:
        """Callables in pluggy's order: the last registered first, within tryfirst and trylast."""
        found = reversed(getattr(self._manager.hook, hook).get_hookimpls())
        return tuple((owners[id(one.plugin)], _taking_one(one)) for one in found)

    def _adapter(self, kind: str, plugin: str) -> type[Adapter[Any]]:
        found = self._adapters.get((kind, plugin))
        if found is None:
            raise self._not_found(kind, plugin)
        return found

    def _not_found(self, kind: str, plugin: str) -> HubError:
        known = sorted(name for of, name in self._adapters if kind in (of, "plugin"))
        info = next((info for info in self._infos if info.id == plugin), None)
        if info is not None and info.state == "quarantined":
            hint = f"It is quarantined: {info.reason}."
        elif info is not None:
            hint = f"{plugin!r} is of kind {info.kind}."
        else:
            near = get_close_matches(plugin, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}."
            if any(info.state == "quarantined" for info in self._infos):
                hint += " Some plugins are quarantined: `hub plugin list` shows why."
        detail = f"There is no {kind} plugin {plugin!r}." if kind != "plugin" else f"There is no plugin {plugin!r}."
        return HubError(404, "plugin_not_found", f"{detail} {hint}", extra={"known": known})


def _specified() -> list[str]:
    return [name for name in vars(HubSpecs) if name.startswith("hub_")]


def _check_hooks(one: Found, callers: Sequence[pluggy.HookCaller]) -> None:
    if not callers:
        raise PluginFault("it implements no hook: mark functions with hub.sdk.hooks.hookimpl")
    for caller in callers:
        for implementation in caller.get_hookimpls():
            if implementation.plugin is one.plugin and (implementation.wrapper or implementation.hookwrapper):
                raise PluginFault(f"{caller.name} is a hook wrapper: every implementation is called by itself")


def _near_hooks(hooks: Sequence[str]) -> str:
    known = _specified()
    wrong = [name for name in hooks if name not in known]
    hints = [(name, get_close_matches(name, known, n=1)) for name in wrong]
    return ", ".join(f"{name} (did you mean {near[0]}?)" if near else name for name, near in hints)


def _taking_one(implementation: pluggy.HookImpl) -> Implementation:
    """The implementation as a function of the request, which it may leave out of its signature."""
    if implementation.argnames:
        return cast("Implementation", implementation.function)
    function = cast("Callable[[], Any]", implementation.function)
    return lambda request: function()  # noqa: ARG005


def _wrong(plugin: str, hook: str, outcome: object, expected: str) -> HookFailure:
    error = TypeError(f"{hook} returned {type(outcome).__name__}, not {expected}")
    return HookFailure(plugin=plugin, hook=hook, error=error)
