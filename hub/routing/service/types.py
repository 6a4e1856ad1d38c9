"""What rules are made of: for people who write them, and for the programs that help them."""

from collections.abc import Mapping
from inspect import getdoc
from typing import Any

from hub.host.plugins import PluginHost
from hub.kit.rules.actions import ACTIONS
from hub.kit.rules.examples import examples_of
from hub.kit.rules.facts import CATALOGUE
from hub.kit.rules.rankers import RANKERS, STRATEGIES
from hub.kit.rules.rule_set import SECTIONS, RuleSet
from hub.routing.rules.candidates import BUILT_IN
from hub.routing.rules.own_hooks import OWN_HOOKS
from hub.routing.service.hooks import plugin_rankers, plugin_strategies

HUB = "hub"


def rule_types(host: PluginHost) -> dict[str, Any]:
    """Facts, filters, actions, rankers and strategies, plugins' own included, each with an example; a JSON document."""
    return {
        "facts": _facts(),
        "filters": [*_named(BUILT_IN, lambda _: None), *_named(plugin_filters(host), lambda _: None)],
        "actions": {section: _with_examples(adapter.json_schema()) for section, adapter in ACTIONS.items()},
        "rankers": _named(RANKERS | plugin_rankers(host), _ranked_by),
        "strategies": _named(STRATEGIES | plugin_strategies(host), lambda name: {"action": "strategy", "use": name}),
        "rule_schema": RuleSet.model_json_schema(),
    }


def plugin_filters(host: PluginHost) -> dict[str, str]:
    """The filters beside the planner's own, as decisions name them (`plugin:NAME`)."""
    labels = {info.id: info.label for info in host.plugins()}
    return {
        f"plugin:{name}": (getdoc(ask) or labels[name]).splitlines()[0]
        for name, ask in host.filters()
        if name not in OWN_HOOKS
    }


def _facts() -> list[dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        for fact in CATALOGUE.section(section):
            found = known.setdefault(
                fact.name,
                {
                    "name": fact.name, "type": fact.type, "about": fact.about, "example": fact.example,
                    "optional": fact.optional, "sections": [],
                },
            )  # fmt: skip
            found["sections"].append(section)
    return list(known.values())


def definitions_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of a section's actions: a section of one action is that action."""
    return [*schema.get("$defs", {}).values(), schema]


def _with_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a section's actions, each with the ways in which it may be written."""
    for definition in definitions_of(schema):
        action = definition.get("properties", {}).get("action")
        if action is not None:
            definition["examples"] = examples_of(action["const"])
    return schema


def _named(found: Mapping[str, str], example: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": name, "about": about, "source": name.removeprefix("plugin:") if name.startswith("plugin:") else HUB,
            "example": example(name),
        }
        for name, about in found.items()
    ]  # fmt: skip


def _ranked_by(name: str) -> dict[str, Any]:
    return {"action": "rank", "by": [{"ranker": name}]}
