"""Rules, planning inputs and decisions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from hub.kit.web_types import IdText, In, Out
from hub.routing.rules.backtest import Comparison, summary
from hub.routing.rules.changes import ChangeKind
from hub.routing.rules.flip import Flips
from hub.routing.rules.places import PlaceKind
from hub.routing.schemas_golden import BrokenOut
from hub.routing.service.golden_runs import WhenBroken
from hub.routing.service.places import PlacesImport
from hub.sdk.readers.stated import MAX_FAULTS

InputKind = Literal["rate_card", "calendar", "capacity", "area", "location"]


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

    document: dict[str, Any] = Field(
        description="`review`, `sourcing` and `courier`, each a list of rules; `golden_orders` to keep or replace."
    )
    comment: str = Field("", max_length=2000, description="Why it is changed.")
    golden: WhenBroken = Field(
        "refuse",
        description="`refuse` a draft that breaks golden orders, or `report` and keep it: it needs a second person.",
    )


class FindingOut(Out):
    """A fault of a rule. `path` is a JSON pointer; line and column count from 1 within a clause.

    `kind` is dead, shadowed, contradictory, never_matching, missing_location or missing_reference. `other` is the rule
    that it conflicts with, `witness` facts for which it shows, `order` the number of an order for which it shows.
    """

    kind: str
    rule: str
    path: str
    reason: str
    suggestion: str
    line: int | None
    column: int | None
    other: str | None
    witness: dict[str, Any] | None
    order: str | None


class NoteOut(Out):
    """Something to know about a rule that is no fault."""

    rule: str
    path: str
    reason: str


class LintOut(Out):
    """What the linter found in `rules` rules, with `orders` orders of the past to show it.

    `hints` are no faults; `not_analysed` are parts about which nothing is claimed.
    """

    findings: list[FindingOut]
    hints: list[NoteOut]
    not_analysed: list[NoteOut]
    rules: int
    orders: int


class RuleSetSaved(RuleSetOut):
    """A draft as it was saved, with what the linter has to say about it, and which golden orders it breaks."""

    lint: LintOut
    broken: list[BrokenOut]


class FactOut(Out):
    """A fact that clauses may read."""

    name: str
    type: str
    about: str
    example: Any
    optional: bool
    sections: list[str]


class NamedOut(Out):
    """A filter, ranker or strategy; `source` is `hub` or the plugin it comes from, `example` an action that names it.

    A filter has none: it is always asked.
    """

    name: str
    about: str
    source: str
    example: dict[str, Any] | None


class TypesOut(Out):
    """What rules are made of: facts, filters, actions by section as JSON Schema with examples, rankers, strategies."""

    facts: list[FactOut]
    filters: list[NamedOut]
    actions: dict[str, dict[str, Any]]
    rankers: list[NamedOut]
    strategies: list[NamedOut]
    rule_schema: dict[str, Any]


class InputOut(Out):
    """A version of a rate card, calendar, capacity or area."""

    planning_input_id: str
    kind: str
    key: str
    version: int
    body: dict[str, Any]
    content_hash: str
    valid_from: datetime
    author: str


class InputIn(In):
    """A new version of a location's calendar, capacity or area; `key` is the location's code. Rate cards are settings
    of their carrier's connection, and get their versions from there.

    A capacity is `{"orders_per_day": 200}`; a calendar has `timezone`, `working_days` (1 Monday), `holidays`, `cutoff`;
    an area `serves` and `excludes` zones such as `{"country": "DE", "from": "10", "to": "16"}` or
    `{"country": "US", "regions": ["NY", "NJ"]}`, and `{}` is everywhere.
    """

    kind: Literal["calendar", "capacity", "area"]
    key: str = Field(min_length=1, max_length=80)
    body: dict[str, Any]
    valid_from: AwareDatetime | None = Field(None, description="Default: now.")


class PlaceOut(Out):
    """Where a postal code or a city lies; `name` is in the plain form in which names are compared."""

    country: str
    kind: PlaceKind
    name: str
    region: str
    latitude: float
    longitude: float
    population: int


class PlacesImportOut(Out):
    """What an import of places stored; `faults` are of the rows that were left out."""

    postal_codes: int
    cities: int
    faults: list[dict[str, Any]]

    @classmethod
    def of(cls, done: PlacesImport) -> "PlacesImportOut":
        """The wire form."""
        faults = [fault.as_problem() for fault in done.faults[:MAX_FAULTS]]
        return cls(postal_codes=done.postal_codes, cities=done.cities, faults=faults)


class ChangeOut(Out):
    """One number by so much more, or less where `amount` is below zero; stock in thousandths, prices in minor units."""

    kind: ChangeKind
    amount: int
    location: str = ""
    subject: str = Field("", description="The SKU, the service or the rule.")
    currency: str = ""


class FlipOut(Out):
    """What would have let a location win: all of these changes, none of them larger than needed."""

    location: str
    changes: list[ChangeOut]
    text: str


class FlipsOut(Out):
    """The smallest change of each unit that would have changed the decision, found by planning the order again.

    `without` are locations that no change of one or two numbers would let win. `complete` is false where not all could
    be tried, or nothing: `note` says why.
    """

    found: list[FlipOut]
    without: list[str]
    complete: bool
    note: str = ""

    @classmethod
    def of(cls, flips: Flips | None, note: str) -> "FlipsOut":
        """The answer, or why there is none."""
        if flips is None:
            return cls(found=[], without=[], complete=False, note=note)
        found = [FlipOut.model_validate(flip.to_dict()) for flip in flips.found]
        return cls(found=found, without=list(flips.without), complete=flips.complete)


class DecisionOut(Out):
    """Where an order goes and why. `explanation` says it in words, `why` for the location that was asked for.

    `flips` are given where they were asked for.
    """

    decision_id: str | None
    order_id: str
    outcome: str
    decided_at: datetime | None
    rule_set_id: str | None
    explanation: list[str]
    why: list[str] | None = None
    flips: FlipsOut | None = None
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
    """An order that would have been sent otherwise: what differs, and what decided in each."""

    order_id: str
    number: str
    before: str
    after: str
    changed: str
    why: str


class BacktestOut(Out):
    """What other rules would have decided about the last orders, with everything as it was then.

    `reproduced` orders were decided again bit for bit by the rules that decided them; `skipped` counts by reason the
    decisions that could not be computed again, `unreviewed` those of which it is not known whether review would let
    them pass. Rates are in thousandths, freight in minor units.
    """

    summary: str
    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[DifferenceOut]
    reproduced: int
    skipped: dict[str, int]
    unreviewed: dict[str, int]

    @classmethod
    def of(cls, found: Comparison) -> "BacktestOut":
        """The result of a run."""
        return cls(
            summary=summary(found), before=found.before.to_dict(), after=found.after.to_dict(),
            differences=[DifferenceOut.model_validate(difference) for difference in found.differences],
            reproduced=found.reproduced, skipped=dict(sorted(found.skipped.items())),
            unreviewed=dict(sorted(found.unreviewed.items())),
        )  # fmt: skip
