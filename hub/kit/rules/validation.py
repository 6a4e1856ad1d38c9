"""Check what people write as a rule set and tell every fault at once."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hub.kit.rules.actions import ACTIONS, Action, ReferenceKind
from hub.kit.rules.facts import CATALOGUE, FactCatalogue, SectionName
from hub.kit.rules.language import Clause, ClauseInvalid, compile_clause
from hub.kit.rules.rankers import RANKERS, STRATEGIES
from hub.kit.rules.rule_set import MAX_RULES, RULE_MODELS, SECTIONS

_HINTS = {
    "string_pattern_mismatch": "write lower case letters, digits and _",
    "datetime_from_date_parsing": "write a time with its zone: 2026-11-01T00:00:00Z",
    "datetime_parsing": "write a time with its zone: 2026-11-01T00:00:00Z",
    "timezone_aware": "write a time with its zone: 2026-11-01T00:00:00Z",
}
_DISCRIMINATOR_AT = 2
"""Where pydantic puts the kind of an action into a location: `then`, its index, its kind, its member."""
_MEMBERS = ("schema_version", *SECTIONS)
ADD_PRODUCT = "add it to the catalogue, or name a product that is there (`hub products list`)"


@dataclass(frozen=True, slots=True)
class RuleFault:
    """One fault. `path` is a JSON pointer into the document; line and column count from 1 within a clause."""

    path: str
    reason: str
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class KnownReferences:
    """What a rule may name; None means that this kind is not checked. `services` are `connection/service`, `products`
    those of the catalogue that the rules name.

    `plugin_rankers` and `plugin_strategies` are named as in rules: `plugin:<name>`.
    """

    locations: frozenset[str] | None = None
    services: frozenset[str] | None = None
    capabilities: frozenset[str] | None = None
    products: frozenset[str] | None = None
    plugin_rankers: frozenset[str] = frozenset()
    plugin_strategies: frozenset[str] = frozenset()

    def of(self, kind: ReferenceKind) -> frozenset[str] | None:
        """The known names of one kind."""
        if kind == "ranker":
            return frozenset(RANKERS) | self.plugin_rankers
        if kind == "strategy":
            return frozenset(STRATEGIES) | self.plugin_strategies
        if kind == "service" and self.services is not None:
            return self.services | {service.partition("/")[0] + "/*" for service in self.services}
        known = {"location": self.locations, "capability": self.capabilities, "service": self.services}
        return {**known, "product": self.products}[kind]


def validate_rule_set(
    document: Any, references: KnownReferences | None = None, catalogue: FactCatalogue = CATALOGUE
) -> list[RuleFault]:
    """Every fault of a rule set document, in the order of the document; an empty list means that it may be saved."""
    if not isinstance(document, dict):
        return [RuleFault("", f"a rule set is an object with the sections {', '.join(SECTIONS)}")]
    known = references or KnownReferences()
    faults = list(_top_level(document))
    seen: dict[str, str] = {}
    for section in SECTIONS:
        rules = document.get(section, [])
        if not isinstance(rules, list):
            faults.append(RuleFault(f"/{section}", "a section is a list of rules"))
            continue
        if len(rules) > MAX_RULES:
            faults.append(RuleFault(f"/{section}", f"{len(rules)} rules, at most {MAX_RULES} are allowed"))
            continue
        for index, raw in enumerate(rules):
            faults.extend(_rule(section, f"/{section}/{index}", raw, seen, known, catalogue))
    return faults


def _top_level(document: dict[Any, Any]) -> Iterator[RuleFault]:
    for member in document:
        if member not in _MEMBERS:
            yield RuleFault(f"/{member}", f"there is no section {member!r}", near(str(member), _MEMBERS))
    if document.get("schema_version", 1) != 1:
        yield RuleFault("/schema_version", "only schema_version 1 is known", "write 1 or leave it out")


def _rule(
    section: SectionName,
    path: str,
    raw: Any,
    seen: dict[str, str],
    known: KnownReferences,
    catalogue: FactCatalogue,
) -> Iterator[RuleFault]:
    if not isinstance(raw, dict):
        yield RuleFault(path, "a rule is an object with id, name, when and then")
        return
    try:
        RULE_MODELS[section].model_validate_json(orjson.dumps(raw))
    except ValidationError as error:
        details = (detail for detail in error.errors() if not _is_echo(detail, raw))
        yield from (_shape_fault(path, detail, section) for detail in details)
    except TypeError as error:
        yield RuleFault(path, f"this cannot be written as JSON: {error}")
        return
    identity = raw.get("id")
    if isinstance(identity, str):
        if identity in seen:
            yield RuleFault(
                f"{path}/id", f"the id {identity!r} is taken by {seen[identity]}", "give it an id of its own"
            )
        seen.setdefault(identity, path)
    clauses: list[Clause] = []
    yield from _clauses(section, path, raw.get("when"), clauses, catalogue)
    per_candidate = section == "sourcing" and any(clause.reads("location") for clause in clauses)
    for index, action in _readable_actions(section, raw.get("then")):
        here = f"{path}/then/{index}"
        if section == "sourcing":
            yield from _scope(here, action, per_candidate)
        yield from (fault for _, fault in unknown_references(here, action, known))


def _is_echo(detail: ErrorDetails, raw: dict[str, Any]) -> bool:
    """Whether it only repeats that the items of a list, which have faults of their own, were not counted."""
    return detail["type"] == "too_short" and detail["loc"] == ("then",) and bool(raw.get("then"))


def _readable_actions(section: SectionName, then: Any) -> Iterator[tuple[int, Action]]:
    for index, raw in enumerate(then if isinstance(then, list) else ()):
        with suppress(ValidationError):  # told by the rule's own model
            yield index, ACTIONS[section].validate_json(orjson.dumps(raw))


def _clauses(
    section: SectionName, path: str, when: Any, compiled: list[Clause], catalogue: FactCatalogue
) -> Iterator[RuleFault]:
    if not isinstance(when, list):
        return
    for index, text in enumerate(when):
        if not isinstance(text, str):
            continue
        try:
            compiled.append(compile_clause(text, section, catalogue))
        except ClauseInvalid as error:
            for fault in error.faults:
                yield RuleFault(f"{path}/when/{index}", fault.reason, fault.suggestion, fault.line, fault.column)


def _scope(here: str, action: Action, per_candidate: bool) -> Iterator[RuleFault]:
    if per_candidate and not action.per_candidate:
        yield RuleFault(here, "this counts for a whole order, but `when` reads location facts",
                        "move the location clause to a rule with exclude, require or prefer")  # fmt: skip
    if not per_candidate and getattr(action, "locations", ()) is None:
        yield RuleFault(here, "this names no location and `when` reads none: it would mean all of them",
                        "name locations, or read a fact such as location.country")  # fmt: skip


def unknown_references(
    here: str, action: Action, known: KnownReferences
) -> Iterator[tuple[ReferenceKind, RuleFault]]:  # fmt: skip
    """What an action names that is not there, by kind; `here` is the path of the action."""
    for kind, name, member in action.references():
        names = known.of(kind)
        if names is not None and name not in names:
            suggestion = ADD_PRODUCT if kind == "product" else near(name, tuple(sorted(names)))
            yield kind, RuleFault(f"{here}/{member}", f"there is no {kind} {name!r}", suggestion)


def named_products(document: Mapping[str, Any]) -> set[str]:
    """The products that the readable gifts of a rule set document name."""
    rules = document.get("gift")
    return {
        name
        for raw in (rules if isinstance(rules, list) else ())
        if isinstance(raw, dict)
        for _, action in _readable_actions("gift", raw.get("then"))
        for kind, name, _ in action.references()
        if kind == "product"
    }


def _shape_fault(path: str, detail: ErrorDetails, section: SectionName) -> RuleFault:
    kinds = _discriminators(section)
    where = "/".join(str(part) for at, part in enumerate(detail["loc"]) if at != _DISCRIMINATOR_AT or part not in kinds)
    here = f"{path}/{where}" if where else path
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind == "extra_forbidden":
        return RuleFault(here, f"there is no member {detail['loc'][-1]!r} here", _member(detail, section))
    if kind == "union_tag_invalid":
        allowed = tuple(kinds)
        given = str(context.get("tag"))
        return RuleFault(f"{here}/action", f"there is no action {given!r} in {section}",
                         near(given, allowed) or f"actions here are {', '.join(sorted(allowed))}")  # fmt: skip
    if kind == "union_tag_not_found":
        return RuleFault(here, "an action needs the member `action`", f"actions here are {', '.join(sorted(kinds))}")
    if kind == "literal_error":
        return RuleFault(here, f"{detail['input']!r} is not known here", f"one of {context.get('expected')}")
    if kind == "missing":
        return RuleFault(here, "this is required")
    return RuleFault(here, detail["msg"].removeprefix("Value error, "), _HINTS.get(kind))


@cache
def _discriminators(section: SectionName) -> dict[str, tuple[str, ...]]:
    """Actions of a section and their members."""
    schema = RULE_MODELS[section].model_json_schema()
    return {
        body["properties"]["action"]["const"]: tuple(body["properties"])
        for body in schema["$defs"].values()
        if "action" in body.get("properties", {})
    }


def _member(detail: ErrorDetails, section: SectionName) -> str | None:
    actions = _discriminators(section)
    owner = next((str(part) for part in reversed(detail["loc"][:-1]) if part in actions), None)
    if owner is None and detail["loc"][0] == "then" and len(actions) == 1:
        (owner,) = actions
    members = actions[owner] if owner else tuple(RULE_MODELS[section].model_fields)
    return near(str(detail["loc"][-1]), members) or f"members here are {', '.join(members)}"


def near(name: str, known: tuple[str, ...]) -> str | None:
    """A suggestion of known names that look like it."""
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(repr(word) for word in close)}?"
    return f"known are {', '.join(known[:12])}" if known else None
