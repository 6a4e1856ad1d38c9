"""The reference page of rules and policies; used by `docs/generate.py`."""

from collections.abc import Iterator
from typing import Any, get_args

from docs.model_text import cell, model_rows
from hub.connections.rules.policy import DEFAULT_LEVELS, ConnectionPolicy, ReviewPolicy
from hub.kit.rules.actions import (
    Action,
    AddGift,
    Assign,
    CourierAction,
    Merge,
    Prioritise,
    ReviewAction,
    SourcingAction,
)
from hub.kit.rules.facts import CATALOGUE, Fact
from hub.kit.rules.rankers import RANKERS, STRATEGIES
from hub.kit.rules.rule_set import SECTIONS
from hub.routing.rules.own_hooks import OWN_HOOKS, RANKER

ACTIONS: dict[str, Any] = {
    "review": ReviewAction, "priority": Prioritise, "assign": Assign, "gift": AddGift, "sourcing": SourcingAction,
    "courier": CourierAction, "merge": Merge,
}  # fmt: skip


def rules() -> Iterator[str]:
    """What a rule set may say, then what a connection's policy may."""
    sections = ", ".join(f"`{name}`" for name in SECTIONS)
    yield f"A rule set has the sections {sections}, each a list of rules: `id`, `name`,"
    yield "`when` (CEL clauses that must all hold; none: always) and `then` (actions)."
    yield "[How routing decides](../explanation/routing.md) says how they"
    yield "work together; `hub routing activate FILE` checks a set whole and names every fault."
    yield from [
        "",
        "## Facts",
        "",
        "What clauses may read. An optional fact may be absent: a clause that reads it then fails.",
    ]
    yield from facts()
    for section in SECTIONS:
        yield from ["", f"## Actions of `{section}`"]
        for action in actions(section):
            yield from ["", f"### {section}: `{get_args(action.model_fields['action'].annotation)[0]}`", ""]
            yield " ".join((action.__doc__ or "").split())
            rows = [row for row in model_rows(action) if not row.startswith("| `action` ")]
            if rows:
                yield from ["", "| member | type | default | meaning |", "|---|---|---|---|", *rows]
    yield from ["", "## Rankers", "", "Lower is better; what has no value ranks last. `plugin:NAME` is a plugin's.", ""]
    yield from ["| ranker | meaning |", "|---|---|"]
    yield from (f"| `{name}` | {cell(about)} |" for name, about in RANKERS.items())
    yield f"| `plugin:{RANKER}` | {cell(type(OWN_HOOKS[RANKER]).__doc__ or '')} |"
    yield from ["", "## Strategies", "", "Named by `strategy`; `plugin:NAME` is a plugin's.", ""]
    yield from ["| strategy | meaning |", "|---|---|"]
    yield from (f"| `{name}` | {cell(about)} |" for name, about in STRATEGIES.items())
    yield from policy()


def facts() -> Iterator[str]:
    """Every declared fact with the sections that may read it."""
    yield from ["", "| fact | type | meaning | example | in |", "|---|---|---|---|---|"]
    known: dict[str, Fact] = {fact.name: fact for section in SECTIONS for fact in CATALOGUE.section(section)}
    for name, fact in known.items():
        sections = [section for section in SECTIONS if any(one.name == name for one in CATALOGUE.section(section))]
        kind = f"{fact.type}{' (optional)' if fact.optional else ''}"
        places = "all" if len(sections) == len(SECTIONS) else ", ".join(sections)
        yield f"| `{name}` | {cell(kind)} | {cell(fact.about)} | `{cell(str(fact.example))}` | {places} |"


def actions(section: str) -> tuple[type[Action], ...]:
    """The action models of a section, in the order of their declaration."""
    told = ACTIONS[section]
    union: tuple[type[Action], ...] = get_args(get_args(told)[0]) if get_args(told) else (told,)
    return union


def policy() -> Iterator[str]:
    """What a connection's policy may say, and how severe each finding is."""
    yield from ["", "## Policy of a connection", ""]
    yield "What is decided for one connection alone: `hub connection set NAME --policy '{\"review\": {...}}'`."
    yield "An unknown member or a value that cannot be is refused, with its path, when the policy is set."
    yield from ["", "| member | type | default | meaning |", "|---|---|---|---|"]
    yield from (row for row in model_rows(ConnectionPolicy) if not row.startswith("| `review."))
    yield from ["", "### Members of `review`", "", " ".join((ReviewPolicy.__doc__ or "").split())]
    yield from ["", "| member | type | default | meaning |", "|---|---|---|---|"]
    yield from model_rows(ReviewPolicy)
    yield from ["", "## Findings of the hub's own checks", "", "`levels` of the policy changes how severe each is.", ""]
    yield from ["| finding | severity |", "|---|---|"]
    yield from (f"| `{code}` | {level} |" for code, level in DEFAULT_LEVELS.items())
