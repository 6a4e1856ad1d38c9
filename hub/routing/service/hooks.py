"""Hooks for the planner: which take part, and what happens to one that fails."""

from collections.abc import Iterable, Mapping
from inspect import getdoc
from math import isfinite

import structlog

from hub.host.plugins import PluginHost
from hub.host.values import HookFailure
from hub.kit.rules.actions import RankBy
from hub.kit.rules.compiled import CompiledRuleSet
from hub.routing.rules.own_hooks import OWN_HOOKS
from hub.routing.rules.values import RouteFilter, RouteRank, RouteStrategy
from hub.sdk.hooks import Exclusion, RouteRequest, WaveAnswer, WaveRequest

log = structlog.get_logger()

Filters = tuple[tuple[str, RouteFilter], ...]
Ranks = tuple[tuple[str, RouteRank], ...]


def hooks_for(host: PluginHost, rules: CompiledRuleSet) -> tuple[Filters, Ranks]:
    """Filters and ranks for one run of the planner, by plugin.

    The hub's own rankers take part only where a rule names them; a plugin's that no rule names break ties at the end.
    One that raises, or answers with something else than its hook's type, is logged once and left out of the rest of
    the run: a faulty plugin costs its own opinion and stops no order.
    """
    named = named_rankers(rules)
    filters = tuple((name, _Filter(name, ask).exclude) for name, ask in host.filters())
    ranks = tuple(
        (name, _Rank(name, ask).rank)
        for name, ask in host.ranks()
        if name not in OWN_HOOKS or f"plugin:{name}" in named
    )
    return filters, ranks


def named_rankers(rules: CompiledRuleSet) -> frozenset[str]:
    """The rankers that any rule of sourcing names."""
    return frozenset(
        entry.ranker for rule in rules.sourcing for action in rule.actions if isinstance(action, RankBy)
        for entry in action.by
    )  # fmt: skip


def plugin_rankers(host: PluginHost) -> dict[str, str]:
    """The rankers beside the planner's own, as rules call them (`plugin:NAME`), with what they say of themselves."""
    labels = {info.id: info.label for info in host.plugins()}
    return {f"plugin:{name}": (getdoc(rank) or labels[name]).splitlines()[0] for name, rank in host.ranks()}


def strategies_for(host: PluginHost) -> dict[str, RouteStrategy]:
    """Strategies by the name that rules call them by; one that raises abstains, and its failure is logged."""
    return {
        name.removeprefix("hub.") if name in OWN_HOOKS else f"plugin:{name}": _Strategy(name, ask).choose
        for name, ask in host.strategies()
    }


def plugin_strategies(host: PluginHost) -> dict[str, str]:
    """The strategies beside the hub's own, as rules call them (`plugin:NAME`), with what they say of themselves."""
    labels = {info.id: info.label for info in host.plugins()}
    return {
        f"plugin:{name}": (getdoc(ask) or labels[name]).splitlines()[0]
        for name, ask in host.strategies()
        if name not in OWN_HOOKS
    }


class _Filter:
    """One route filter until it fails."""

    def __init__(self, plugin: str, ask: RouteFilter) -> None:
        self._plugin = plugin
        self._ask: RouteFilter | None = ask

    def exclude(self, request: RouteRequest) -> Iterable[Exclusion]:
        """What it excludes; nothing after a failure."""
        if self._ask is None:
            return ()
        try:
            found = list(self._ask(request))
            if all(isinstance(one, Exclusion) for one in found):
                return found
            raise TypeError("hub_route_filter returned something else than Exclusion")
        except Exception as error:  # noqa: BLE001  one faulty plugin never stops an order
            self._ask = None
            _report(self._plugin, "hub_route_filter", error)
            return ()


class _Rank:
    """One route rank until it fails."""

    def __init__(self, plugin: str, ask: RouteRank) -> None:
        self._plugin = plugin
        self._ask: RouteRank | None = ask

    def rank(self, request: RouteRequest) -> Mapping[str, float] | None:
        """Its ranks; None where it abstains and after a failure."""
        if self._ask is None:
            return None
        try:
            found = self._ask(request)
            if found is None or all(isfinite(value) for value in found.values()):
                return found
            raise ValueError("hub_route_rank returned a rank that is not finite")
        except Exception as error:  # noqa: BLE001  one faulty plugin never stops an order
            self._ask = None
            _report(self._plugin, "hub_route_rank", error)
            return None


class _Strategy:
    """One strategy; a failure is an answer that abstains."""

    def __init__(self, plugin: str, ask: RouteStrategy) -> None:
        self._plugin = plugin
        self._ask = ask

    def choose(self, request: WaveRequest) -> WaveAnswer:
        """Its answer."""
        try:
            found = self._ask(request)
            if isinstance(found, WaveAnswer):
                return found
            raise TypeError("hub_route_strategy returned something else than WaveAnswer")
        except Exception as error:  # noqa: BLE001  one faulty plugin never stops an order
            _report(self._plugin, "hub_route_strategy", error)
            return WaveAnswer(None, f"the strategy failed ({type(error).__name__}); the log has more")


def _report(plugin: str, hook: str, error: Exception) -> None:
    log.error("routing.hook_failed", plugin=plugin, hook=hook, failure=HookFailure(plugin, hook, error).summary)
