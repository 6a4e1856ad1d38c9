"""A rule set ready to run: clauses compiled once, rules sorted, results of each rule told with a reason."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from hub.kit.rules.actions import Action
from hub.kit.rules.facts import CATALOGUE, FactCatalogue, FactValues, SectionName
from hub.kit.rules.language import Clause, RuleError, compile_clause
from hub.kit.rules.rule_set import SECTIONS, AnyRule, RuleSet

NOT_IN_FORCE = "not_in_force"
_SHOWN = 80
"""So much of a clause is told in a verdict."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule for one order. `reason` is empty, `not_in_force`, or the first false clause.

    `candidates` are the locations for which a rule over location facts held.
    """

    rule_id: str
    section: SectionName
    matched: bool
    reason: str = ""
    candidates: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON, without empty members."""
        body: dict[str, Any] = {"rule": self.rule_id, "section": self.section, "matched": self.matched}
        if self.reason:
            body["reason"] = self.reason
        if self.candidates:
            body["candidates"] = list(self.candidates)
        return body


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


class CompiledRule:
    """One rule with its clauses: those about the order, and those that must be asked for each candidate location."""

    __slots__ = ("_hit", "_misses", "_never", "actions", "candidate_clauses", "id", "name", "order_clauses", "priority",
                 "section", "valid_from", "valid_to")  # fmt: skip

    def __init__(self, rule: AnyRule, section: SectionName, catalogue: FactCatalogue) -> None:
        self.id = rule.id
        self.name = rule.name
        self.section: SectionName = section
        self.priority = rule.priority
        self.valid_from = rule.valid_from
        self.valid_to = rule.valid_to
        self.actions: tuple[Action, ...] = rule.then
        clauses = [(index, compile_clause(text, section, catalogue)) for index, text in enumerate(rule.when)]
        per_candidate = section == "sourcing"
        self.candidate_clauses = tuple(
            (index, clause) for index, clause in clauses if per_candidate and clause.reads("location")
        )
        self.order_clauses = tuple(pair for pair in clauses if pair not in self.candidate_clauses)
        self._hit = Verdict(rule.id, section, True)
        self._never = Verdict(rule.id, section, False, NOT_IN_FORCE)
        self._misses = {index: Verdict(rule.id, section, False, _short(clause.text)) for index, clause in clauses}

    def acting(self, actions: tuple[Action, ...]) -> "CompiledRule":
        """A copy with the same clauses and other actions."""
        other = copy(self)
        other.actions = actions
        return other

    def in_force(self, now: datetime) -> bool:
        """Whether `now` lies in its interval."""
        if self.valid_from is not None and now < self.valid_from:
            return False
        return self.valid_to is None or now < self.valid_to

    def judge(self, values: FactValues, now: datetime) -> Verdict:
        """Whether the clauses about the order hold; raises `RuleError` with the rule's id."""
        if not self.in_force(now):
            return self._never
        missed = self._first_false(self.order_clauses, values)
        return self._hit if missed is None else self._misses[missed]

    def holds_at(self, values: FactValues) -> bool:
        """Whether the clauses about a candidate hold; raises `RuleError` with the rule's id."""
        for index, clause in self.candidate_clauses:
            try:
                if not clause.holds(values):
                    return False
            except RuleError as error:
                raise self._named(error, index) from error
        return True

    def _first_false(self, clauses: Iterable[tuple[int, Clause]], values: FactValues) -> int | None:
        for index, clause in clauses:
            try:
                if not clause.holds(values):
                    return index
            except RuleError as error:
                raise self._named(error, index) from error
        return None

    def _named(self, error: RuleError, clause: int) -> RuleError:
        return RuleError(error.reason, text=error.text, rule_id=self.id, clause=clause, section=self.section)


class CompiledRuleSet:
    """A rule set to run; get it from `compile_rule_set`, which remembers the last ones by content.

    `candidate_facts` are what clauses asked for each candidate read, `courier_facts` what courier clauses read,
    `merge_facts` what merge clauses read.
    """

    __slots__ = ("assign", "candidate_facts", "content_hash", "courier", "courier_facts", "gift", "merge",
                 "merge_facts", "priority", "review", "rule_set", "sourcing")  # fmt: skip

    def __init__(self, rule_set: RuleSet, catalogue: FactCatalogue = CATALOGUE) -> None:
        self.rule_set = rule_set
        self.content_hash = rule_set.content_hash
        compiled = {name: _section(rule_set, name, catalogue) for name in SECTIONS}
        self.review = compiled["review"]
        self.priority = compiled["priority"]
        self.assign = compiled["assign"]
        self.gift = compiled["gift"]
        self.sourcing = compiled["sourcing"]
        self.courier = compiled["courier"]
        self.merge = compiled["merge"]
        self.candidate_facts = tuple(
            sorted({fact for rule in self.sourcing for _, clause in rule.candidate_clauses for fact in clause.facts})
        )
        self.courier_facts = tuple(
            sorted({fact for rule in self.courier for _, clause in rule.order_clauses for fact in clause.facts})
        )
        self.merge_facts = tuple(
            sorted({fact for rule in self.merge for _, clause in rule.order_clauses for fact in clause.facts})
        )

    def rule(self, rule_id: str) -> CompiledRule | None:
        """The rule with this id, if there is one."""
        return next((rule for name in SECTIONS for rule in getattr(self, name) if rule.id == rule_id), None)

    def with_actions(self, rule_id: str, actions: tuple[Action, ...]) -> "CompiledRuleSet":
        """A copy in which this sourcing rule acts otherwise: for questions of the form "what if", never stored."""
        other = copy(self)
        other.sourcing = tuple(rule.acting(actions) if rule.id == rule_id else rule for rule in self.sourcing)
        return other


def _section(rule_set: RuleSet, name: SectionName, catalogue: FactCatalogue) -> tuple[CompiledRule, ...]:
    rules = [CompiledRule(rule, name, catalogue) for rule in rule_set.section(name) if rule.enabled]
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def compile_rule_set(rule_set: RuleSet, catalogue: FactCatalogue = CATALOGUE) -> CompiledRuleSet:
    """The compiled form of a rule set that was found valid; raises `ClauseInvalid` otherwise."""
    return _compiled(orjson.dumps(rule_set.document(), option=orjson.OPT_SORT_KEYS), catalogue)


@lru_cache(maxsize=16)
def _compiled(document: bytes, catalogue: FactCatalogue) -> CompiledRuleSet:
    return CompiledRuleSet(RuleSet.model_validate_json(document), catalogue)
