"""Rules, planning inputs and decisions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from hub.kit.web_types import IdText, In, Out
from hub.routing.rules.backtest import Comparison, summary

InputKind = Literal["rate_card", "calendar", "capacity", "location"]


class RuleSetSummary(Out):
    """A version of the rules as lists show it."""

    rule_set_id: str
    version: int
    state: str
    content_hash: str
    author: str
    comment: str
    created_at: datetime
    activated_at: datetime | None
    activated_by: str | None


class RuleSetOut(RuleSetSummary):
    """A version of the rules with its document."""

    body: dict[str, Any]


class RuleSetIn(In):
    """A draft. It is checked whole: every fault is told with its place."""

    document: dict[str, Any] = Field(description="`review`, `sourcing` and `courier`, each a list of rules.")
    comment: str = Field("", max_length=2000, description="Why it is changed.")


class FactOut(Out):
    """A fact that clauses may read."""

    name: str
    type: str
    about: str
    example: Any
    optional: bool
    sections: list[str]


class TypesOut(Out):
    """What rules are made of: facts, actions by section as JSON Schema, rankers."""

    facts: list[FactOut]
    actions: dict[str, dict[str, Any]]
    rankers: dict[str, str]
    rule_schema: dict[str, Any]


class InputOut(Out):
    """A version of a rate card, calendar or capacity."""

    planning_input_id: str
    kind: str
    key: str
    version: int
    body: dict[str, Any]
    content_hash: str
    valid_from: datetime
    author: str


class InputIn(In):
    """A new version of a location's calendar or capacity; `key` is the location's code. Rate cards are settings of
    their carrier's connection, and get their versions from there.

    A capacity is `{"orders_per_day": 200}`; a calendar has `timezone`, `working_days` (1 Monday), `holidays`, `cutoff`.
    """

    kind: Literal["calendar", "capacity"]
    key: str = Field(min_length=1, max_length=80)
    body: dict[str, Any]
    valid_from: AwareDatetime | None = Field(None, description="Default: now.")


class DecisionOut(Out):
    """Where an order goes and why. `explanation` says it in words, `why` for the location that was asked for."""

    decision_id: str | None
    order_id: str
    outcome: str
    decided_at: datetime | None
    rule_set_id: str | None
    explanation: list[str]
    why: list[str] | None = None
    decision: dict[str, Any]


class PreviewIn(In):
    """Plan these orders together as it stands now, and write nothing."""

    order_ids: Annotated[list[IdText], Field(min_length=1, max_length=100)]
    why: str | None = Field(None, max_length=40, description="Explain this location for each order.")


class PreviewOut(Out):
    """What would be decided. Orders that are not known are left out."""

    decisions: list[DecisionOut]


class BacktestIn(In):
    """Over so many of the newest orders."""

    last: Annotated[int, Field(ge=1, le=5000)] = 500


class DifferenceOut(Out):
    """An order that would have been sent otherwise."""

    order_id: str
    number: str
    before: str
    after: str


class BacktestOut(Out):
    """What other rules would have decided about the last orders, with everything as it was then.

    `reproduced` orders were decided again bit for bit by the rules that decided them; `skipped` counts by reason the
    decisions that could not be computed again. Rates are in thousandths, freight in minor units.
    """

    summary: str
    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[DifferenceOut]
    reproduced: int
    skipped: dict[str, int]

    @classmethod
    def of(cls, found: Comparison) -> "BacktestOut":
        """The result of a run."""
        return cls(
            summary=summary(found), before=found.before.to_dict(), after=found.after.to_dict(),
            differences=[DifferenceOut.model_validate(difference) for difference in found.differences],
            reproduced=found.reproduced, skipped=dict(sorted(found.skipped.items())),
        )  # fmt: skip
