"""What a rule may do: typed actions of each section.

An action says which references it holds (`references`), so that a rule that names a missing location or service is
refused when it is saved, and whether it can be decided candidate by candidate (`per_candidate`).
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

ReferenceKind = Literal["location", "service", "capability", "ranker"]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,58}$")]
LocationCode = Annotated[str, StringConstraints(min_length=1, max_length=40)]
TagText = Annotated[str, StringConstraints(min_length=1, max_length=60)]
ServiceRef = Annotated[str, StringConstraints(pattern=r"^[^/\s]+/[^/\s]+$", max_length=130)]
"""`connection/service`; `connection/*` stands for all services of a carrier connection."""
RankerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_:.\-]{0,59}$")]

RANKERS: dict[str, str] = {
    "preference": "weights of `prefer` rules, the highest first",
    "proximity": "same region, then same country, then elsewhere",
    "distance": "great-circle kilometres to the ship-to",
    "ship_day": "days until it can ship",
    "cost": "the cheapest acceptable service for the whole order, in minor units",
    "stock_age": "days that the stock has been lying there, the oldest first",
    "stock": "units that would remain of the scarcest SKU, the most first",
    "load": "share of the day's capacity in use",
    "rank": "the location's own rank",
}
"""The hub's own rankers. Lower is better; what has no value ranks last. Plugins add theirs by name."""


class Action(BaseModel):
    """Base of all actions: frozen, strict, no unknown members."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    per_candidate: ClassVar[bool] = False

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """(kind, name, member path) of everything outside the rule set that it names."""
        yield from ()


class Hold(Action):
    """Keep the order from release. A `timer` hold lifts itself after its minutes, an `event` one at its event."""

    action: Literal["hold"]
    reason_code: ReasonCode
    message: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    release: Literal["manual", "timer", "event"] = "manual"
    release_after_minutes: Annotated[int, Field(gt=0, le=60 * 24 * 60)] | None = None

    @model_validator(mode="after")
    def _timer_has_minutes(self) -> "Hold":
        if (self.release == "timer") != (self.release_after_minutes is not None):
            raise ValueError("release_after_minutes goes with release: timer, and only with it")
        return self


class Tag(Action):
    """Put tags on the order."""

    action: Literal["tag"]
    tags: Annotated[tuple[TagText, ...], Field(min_length=1, max_length=20)]


class Release(Action):
    """Let pass what the checks or earlier rules would hold for these reason codes."""

    action: Literal["release"]
    reason_codes: Annotated[tuple[ReasonCode, ...], Field(min_length=1)]


class AutoApprove(Action):
    """Approve without a person if no hold is left, where the policy leaves it to the rules."""

    action: Literal["auto_approve"]


class Exclude(Action):
    """Take locations out: those named, or every candidate for which the clauses hold when none is named."""

    action: Literal["exclude"]
    locations: Annotated[tuple[LocationCode, ...], Field(min_length=1)] | None = None
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
    per_candidate: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for index, code in enumerate(self.locations or ()):
            yield "location", code, f"locations/{index}"


class Only(Action):
    """Take out every location that is not named."""

    action: Literal["only"]
    locations: Annotated[tuple[LocationCode, ...], Field(min_length=1)]

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for index, code in enumerate(self.locations):
            yield "location", code, f"locations/{index}"


class Require(Action):
    """Take out locations that lack one of these capabilities."""

    action: Literal["require"]
    capabilities: Annotated[tuple[TagText, ...], Field(min_length=1)]
    per_candidate: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The capabilities that it names."""
        for index, name in enumerate(self.capabilities):
            yield "capability", name, f"capabilities/{index}"


class Prefer(Action):
    """Add a weight to locations: those named, or every candidate for which the clauses hold. Negative pushes away."""

    action: Literal["prefer"]
    locations: Annotated[tuple[LocationCode, ...], Field(min_length=1)] | None = None
    weight: Annotated[int, Field(ge=-1000, le=1000)] = 1
    per_candidate: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for index, code in enumerate(self.locations or ()):
            yield "location", code, f"locations/{index}"


class Ranker(BaseModel):
    """One criterion. `weight` counts in a weighted ranking only."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    ranker: RankerName
    weight: Annotated[int, Field(gt=0, le=1000)] = 1


class RankBy(Action):
    """Set the ranking; the first rule that matches wins.

    `lexicographic`: the next criterion counts only where all before are equal. `weighted`: each criterion is scaled to
    0..1000 over the candidates, times its weight, summed.
    """

    action: Literal["rank"]
    by: Annotated[tuple[Ranker, ...], Field(min_length=1, max_length=12)]
    mode: Literal["lexicographic", "weighted"] = "lexicographic"

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The rankers that it names."""
        for index, entry in enumerate(self.by):
            yield "ranker", entry.ranker, f"by/{index}/ranker"


class Split(Action):
    """Set the split policy; the first rule that matches wins.

    `max_splits` is the number of locations that one order may be sent from (1: never split). `ship_complete`: nothing
    goes before everything can. `keep_together`: groups of SKUs that one location must send. Below
    `minimum_total_minor` of the order's currency it is not split.
    """

    action: Literal["split"]
    max_splits: Annotated[int, Field(ge=1, le=10)] = 3
    ship_complete: bool = True
    keep_together: tuple[tuple[str, ...], ...] = ()
    minimum_total_minor: Annotated[int, Field(ge=0)] | None = None


class Capacity(Action):
    """What to do about a location whose day is full: the next day with room, take it out, or ignore the limit."""

    action: Literal["capacity"]
    when_full: Literal["next_day", "exclude", "ignore"]


class OnUnfillable(Action):
    """What to do about an order that no plan fits: park it until stock comes, or hand it to a person."""

    action: Literal["on_unfillable"]
    do: Literal["park", "hold"]


class AllowServices(Action):
    """Use no other services than these."""

    action: Literal["allow_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The services that it names."""
        for index, service in enumerate(self.services):
            yield "service", service, f"services/{index}"


class ExcludeServices(Action):
    """Do not use these services."""

    action: Literal["exclude_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The services that it names."""
        for index, service in enumerate(self.services):
            yield "service", service, f"services/{index}"


class PreferServices(Action):
    """Take one of these, in this order, before any other that would do."""

    action: Literal["prefer_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The services that it names."""
        for index, service in enumerate(self.services):
            yield "service", service, f"services/{index}"


class Choose(Action):
    """How to choose among the services left; the first rule that matches wins.

    `within_promise`: those that arrive in time come first; if none does, `late` says whether the fastest is taken or
    the location refused. `max_total_minor` is a limit in the quote's currency.
    """

    action: Literal["choose"]
    by: Literal["cheapest", "fastest"] = "cheapest"
    within_promise: bool = True
    late: Literal["allow", "refuse"] = "allow"
    max_total_minor: Annotated[int, Field(gt=0)] | None = None


ReviewAction = Annotated[Hold | Tag | Release | AutoApprove, Field(discriminator="action")]
SourcingAction = Annotated[
    Exclude | Only | Require | Prefer | RankBy | Split | Capacity | OnUnfillable, Field(discriminator="action")
]
CourierAction = Annotated[AllowServices | ExcludeServices | PreferServices | Choose, Field(discriminator="action")]
ACTIONS: dict[str, TypeAdapter[Action]] = {
    "review": TypeAdapter(ReviewAction),
    "sourcing": TypeAdapter(SourcingAction),
    "courier": TypeAdapter(CourierAction),
}
"""Readers of one action by section."""
