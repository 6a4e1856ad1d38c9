"""A rule set: what people write as YAML or JSON and what is stored as one immutable version."""

import hashlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.kit.rules.actions import AddGift, Assign, CourierAction, Merge, Prioritise, ReviewAction, SourcingAction
from hub.kit.rules.facts import SectionName

MAX_RULES = 500
SECTIONS: tuple[SectionName, ...] = ("review", "priority", "assign", "gift", "sourcing", "courier", "merge")

RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$")]


class RuleBase(BaseModel):
    """Common to the rules of all sections.

    All clauses of `when` must hold (none: always). Rules run by `priority`, the lowest number first, then as written.
    A rule is in force from `valid_from` (inclusive) to `valid_to` (exclusive).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: RuleId
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    when: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    priority: Annotated[int, Field(ge=0, le=10_000)] = 100
    valid_from: AwareDatetime | None = None
    valid_to: AwareDatetime | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _interval(self) -> "RuleBase":
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be later than valid_from")
        return self


class ReviewRule(RuleBase):
    """Decides what holds an order, what is let pass, and tags."""

    then: Annotated[tuple[ReviewAction, ...], Field(min_length=1, max_length=20)]


class PriorityRule(RuleBase):
    """Decides which orders are served before others."""

    then: Annotated[tuple[Prioritise, ...], Field(min_length=1, max_length=1)]


class AssignRule(RuleBase):
    """Decides whose work an order is."""

    then: Annotated[tuple[Assign, ...], Field(min_length=1, max_length=1)]


class GiftRule(RuleBase):
    """Decides what an order is given beside what was bought. Every rule that matches gives."""

    then: Annotated[tuple[AddGift, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _each_product_once(self) -> "GiftRule":
        skus = [gift.sku for gift in self.then]
        twice = sorted({sku for sku in skus if skus.count(sku) > 1})
        if twice:
            raise ValueError(f"the rule gives {', '.join(twice)} twice: write one action with the whole quantity")
        return self


class SourcingRule(RuleBase):
    """Decides where an order is sent from. Clauses over `location.*` are asked for each candidate."""

    then: Annotated[tuple[SourcingAction, ...], Field(min_length=1, max_length=20)]


class CourierRule(RuleBase):
    """Decides by which service one location's share is sent."""

    then: Annotated[tuple[CourierAction, ...], Field(min_length=1, max_length=20)]


class MergeRule(RuleBase):
    """Decides which parcels to one consignee become one."""

    then: Annotated[tuple[Merge, ...], Field(min_length=1, max_length=1)]


AnyRule = ReviewRule | PriorityRule | AssignRule | GiftRule | SourcingRule | CourierRule | MergeRule
RULE_MODELS: dict[SectionName, type[AnyRule]] = {
    "review": ReviewRule,
    "priority": PriorityRule,
    "assign": AssignRule,
    "gift": GiftRule,
    "sourcing": SourcingRule,
    "courier": CourierRule,
    "merge": MergeRule,
}


class RuleSet(BaseModel):
    """All rules of one version, by section; ids are unique over all sections."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    schema_version: Literal[1] = 1
    review: tuple[ReviewRule, ...] = ()
    priority: tuple[PriorityRule, ...] = ()
    assign: tuple[AssignRule, ...] = ()
    gift: tuple[GiftRule, ...] = ()
    sourcing: tuple[SourcingRule, ...] = ()
    courier: tuple[CourierRule, ...] = ()
    merge: tuple[MergeRule, ...] = ()

    def section(self, name: SectionName) -> tuple[AnyRule, ...]:
        """The rules of one section, as written."""
        rules: tuple[AnyRule, ...] = getattr(self, name)
        return rules

    def document(self) -> dict[str, Any]:
        """The JSON document to store: members that have their default value are left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def content_hash(self) -> str:
        """SHA-256 of the canonical JSON (sorted members, defaults left out), hexadecimal."""
        return hashlib.sha256(orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_rule_set(document: Any) -> RuleSet:
    """A stored document as a rule set; raises pydantic's ValidationError. For people's input: `validate_rule_set`."""
    return RuleSet.model_validate_json(orjson.dumps(document))
