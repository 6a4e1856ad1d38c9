"""Golden orders and their runs on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub.kit.rules.rule_set import RuleId
from hub.kit.web_types import In, Out
from hub.routing.rules.golden_run import Broken
from hub.routing.tables import GoldenOrderRow, GoldenRunRow

Member = Literal[
    "review",
    "holds",
    "tags",
    "priority",
    "assignee",
    "gifts",
    "outcome",
    "reason",
    "locations",
    "services",
    "ship_days",
]


class GoldenSummary(Out):
    """A golden order as lists show it."""

    name: str
    version: int
    about: str
    expect: dict[str, Any]
    author: str
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: GoldenOrderRow) -> "GoldenSummary":
        """A stored one."""
        return cls.model_validate(_members(row))


class BrokenOut(Out):
    """One thing that is not as a golden order wants it. `path` is a JSON pointer, `rules` are those that decided it.

    Where what the golden order names is not there any more, nothing is `expected` and `got`.
    """

    golden: str
    path: str
    expected: Any
    got: Any
    rules: list[str]
    reason: str
    suggestion: str | None


class GoldenOut(GoldenSummary):
    """A golden order with its document."""

    document: dict[str, Any]

    @classmethod
    def of(cls, row: GoldenOrderRow) -> "GoldenOut":
        """A stored one."""
        return cls.model_validate({**_members(row), "document": row.body})


class GoldenSaved(GoldenOut):
    """A golden order as it was saved; `broken` is what the rules that decide now do otherwise than it wants."""

    broken: list[BrokenOut]

    @classmethod
    def judged(cls, row: GoldenOrderRow, broken: list[Broken]) -> "GoldenSaved":
        """A stored one with what the active rules make of it."""
        return cls.model_validate({**_members(row), "document": row.body, "broken": [one.to_dict() for one in broken]})


class GoldenIn(In):
    """A golden order: `name`, `order`, `world`, `review` and `expect`. Every fault is told with its place.

    What `world` leaves out of `now`, `locations` and prices is taken from the hub as it is.
    """

    document: dict[str, Any] = Field(
        description="`order` has `lines`, `ship_to` and `facts` as rules name them; `expect` what must come of it."
    )


class GoldenFromOrderIn(In):
    """Make a golden order of what was decided about an order; its people are left out."""

    order: Annotated[str, StringConstraints(min_length=1, max_length=120)] = Field(description="Number or id.")
    name: RuleId = Field(description="Lower case letters, digits, dots, dashes; unique.")
    about: str = Field("", max_length=2000, description="What it stands for.")
    members: list[Member] = Field(
        default_factory=list,
        description="What is expected of it; none given: review, holds, tags, outcome, reason, locations and services.",
    )


class GoldenRunOut(Out):
    """What a version makes of the `orders` golden orders that there are."""

    run_id: str
    rule_set_id: str
    orders: int
    broken: list[BrokenOut]
    actor: str
    ran_at: datetime

    @classmethod
    def of(cls, row: GoldenRunRow) -> "GoldenRunOut":
        """A stored one."""
        return cls.model_validate(row)


def _members(row: GoldenOrderRow) -> Mapping[str, Any]:
    return {
        "name": row.name, "version": row.version, "about": row.body.get("about", ""), "expect": row.body["expect"],
        "author": row.author, "created_at": row.created_at, "changed_at": row.changed_at,
    }  # fmt: skip
