"""What a rule may do: typed actions of each section.

An action says which references it holds (`references`), so that a rule that names a missing location or service is
refused when it is saved, and whether it can be decided candidate by candidate (`per_candidate`).
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

ReferenceKind = Literal["location", "service", "capability", "ranker", "strategy", "product"]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,58}$")]
LocationCode = Annotated[str, StringConstraints(min_length=1, max_length=40)]
TagText = Annotated[str, StringConstraints(min_length=1, max_length=60)]
ServiceRef = Annotated[str, StringConstraints(pattern=r"^[^/\s]+/[^/\s]+$", max_length=130)]
"""`connection/service`; `connection/*` stands for all services of a carrier connection."""
ProductSku = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=100)]
Units = Annotated[int, Field(gt=0, le=1_000_000)]
RankerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_:.\-]{0,59}$")]


class Action(BaseModel):
    """Base of all actions: frozen, strict, no unknown members."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    per_candidate: ClassVar[bool] = False
    first_wins: ClassVar[bool] = False
    """Whether the first rule that matches decides alone, so that one after it has no say."""
    restricts: ClassVar[bool] = False
    """Whether it takes locations or services out, so that several together may leave none."""

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


class Prioritise(Action):
    """Serve the order before those of a higher number, and after those of a lower one; the first rule wins."""

    action: Literal["priority"]
    priority: Annotated[int, Field(ge=0, le=1000)]
    first_wins: ClassVar[bool] = True


class Assign(Action):
    """Give the order to a team or a person, by name; the first rule that matches wins."""

    action: Literal["assign"]
    to: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
    first_wins: ClassVar[bool] = True


class AddGift(Action):
    """Add units of a product to the order as a line that costs the buyer nothing.

    Each cap may cut them: `max_per_order` counts what one order gets of the product, whichever rules give it,
    `max_per_customer` and `max_total` what the rule has given of it since its `valid_from` (none: ever). A customer is
    known by the e-mail address of the order, else by its phone. What is taken back or cancelled does not count.
    """

    action: Literal["add_gift"]
    sku: ProductSku
    quantity: Annotated[int, Field(gt=0, le=1000)] = 1
    max_per_order: Units | None = None
    max_per_customer: Units | None = None
    max_total: Units | None = None

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The product that it gives."""
        yield "product", self.sku, "sku"


class Exclude(Action):
    """Take locations out: those named, or every candidate for which the clauses hold when none is named."""

    action: Literal["exclude"]
    locations: Annotated[tuple[LocationCode, ...], Field(min_length=1)] | None = None
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
    per_candidate: ClassVar[bool] = True
    restricts: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for index, code in enumerate(self.locations or ()):
            yield "location", code, f"locations/{index}"


class Only(Action):
    """Take out every location that is not named.

    `unknown` says what to do when none of them is there any more: `hold` the order until one is, send it from one of
    `fallback`, or from `any` as if the rule were not there.
    """

    action: Literal["only"]
    locations: Annotated[tuple[LocationCode, ...], Field(min_length=1)]
    unknown: Literal["hold", "fallback", "any"] = "hold"
    fallback: tuple[LocationCode, ...] = ()
    restricts: ClassVar[bool] = True

    @model_validator(mode="after")
    def _fallback_is_named(self) -> "Only":
        if (self.unknown == "fallback") != bool(self.fallback):
            raise ValueError("fallback names locations with unknown: fallback, and only with it")
        return self

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for member, codes in (("locations", self.locations), ("fallback", self.fallback)):
            for index, code in enumerate(codes):
                yield "location", code, f"{member}/{index}"


class Require(Action):
    """Take out locations that lack one of these capabilities."""

    action: Literal["require"]
    capabilities: Annotated[tuple[TagText, ...], Field(min_length=1)]
    per_candidate: ClassVar[bool] = True
    restricts: ClassVar[bool] = True

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
    first_wins: ClassVar[bool] = True

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
    first_wins: ClassVar[bool] = True


class Capacity(Action):
    """What to do about a location whose day is full: the next day with room, take it out, or ignore the limit."""

    action: Literal["capacity"]
    when_full: Literal["next_day", "exclude", "ignore"]
    first_wins: ClassVar[bool] = True


class Transfer(Action):
    """Weigh bringing everything to one location against sending from several; the first rule that matches wins.

    Stock is moved from at most `max_sources` locations, each for `cost_minor` in the currency of the quotes, and the
    order leaves `days` later. It needs carriers whose prices are known.
    """

    action: Literal["transfer"]
    cost_minor: Annotated[int, Field(ge=0)]
    days: Annotated[int, Field(ge=0, le=14)] = 1
    max_sources: Annotated[int, Field(ge=1, le=5)] = 1


class OnUnfillable(Action):
    """What to do about what no plan fits; the first rule that matches wins.

    `park`: it waits until stock comes. `backorder`: the same, and is told to be on backorder. `cancel_after`: it waits
    for so many minutes, then what is still missing is cancelled. `hold`: a person decides. `fallback`: `locations` are
    asked, which send nothing otherwise; where they cannot send it either, it waits.
    """

    action: Literal["on_unfillable"]
    do: Literal["park", "hold", "backorder", "cancel_after", "fallback"]
    after_minutes: Annotated[int, Field(gt=0, le=60 * 24 * 90)] | None = None
    locations: Annotated[tuple[LocationCode, ...], Field(max_length=20)] = ()
    first_wins: ClassVar[bool] = True

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "OnUnfillable":
        if (self.do == "cancel_after") != (self.after_minutes is not None):
            raise ValueError("after_minutes goes with do: cancel_after, and only with it")
        if (self.do == "fallback") != bool(self.locations):
            raise ValueError("locations go with do: fallback, and only with it")
        return self

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The locations that it names."""
        for index, code in enumerate(self.locations):
            yield "location", code, f"locations/{index}"


class Strategy(Action):
    """How orders that are planned together share stock and capacity; the first rule that matches wins.

    What is made small is freight, with `split_minor` for each further parcel of an order and `late_minor` for an order
    that comes after its promise, in the currency of the prices. Without an answer in `seconds`, greedy decides.
    """

    action: Literal["strategy"]
    use: RankerName
    split_minor: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    late_minor: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seconds: Annotated[int, Field(ge=1, le=30)] = 2

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The strategy that it names."""
        yield "strategy", self.use, "use"


class AllowServices(Action):
    """Use no other services than these."""

    action: Literal["allow_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]
    restricts: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The services that it names."""
        for index, service in enumerate(self.services):
            yield "service", service, f"services/{index}"


class ExcludeServices(Action):
    """Do not use these services."""

    action: Literal["exclude_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]
    restricts: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The services that it names."""
        for index, service in enumerate(self.services):
            yield "service", service, f"services/{index}"


class PreferServices(Action):
    """Take one of these, in this order, before any other that would do."""

    action: Literal["prefer_services"]
    services: Annotated[tuple[ServiceRef, ...], Field(min_length=1)]
    first_wins: ClassVar[bool] = True

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
    first_wins: ClassVar[bool] = True


class Merge(Action):
    """Put what goes to one consignee from one location by one service into one parcel.

    The first rule that matches wins. The first order waits `window_minutes` for others, never longer than until its
    parcel has to leave. At most `max_orders` orders and `max_grams` grams go together, and only what is to leave within
    `days_apart` days. Orders whose products ask for a capability of `keep_apart` go by themselves.
    """

    action: Literal["merge"]
    window_minutes: Annotated[int, Field(gt=0, le=7 * 24 * 60)]
    max_orders: Annotated[int, Field(ge=2, le=50)] = 10
    max_grams: Annotated[int, Field(gt=0, le=10_000_000)] | None = None
    days_apart: Annotated[int, Field(ge=0, le=14)] = 0
    keep_apart: Annotated[tuple[TagText, ...], Field(max_length=20)] = ()
    first_wins: ClassVar[bool] = True

    def references(self) -> Iterator[tuple[ReferenceKind, str, str]]:
        """The capabilities that it names."""
        for index, name in enumerate(self.keep_apart):
            yield "capability", name, f"keep_apart/{index}"


ReviewAction = Annotated[Hold | Tag | Release | AutoApprove, Field(discriminator="action")]
SourcingAction = Annotated[
    Exclude | Only | Require | Prefer | RankBy | Split | Transfer | Capacity | OnUnfillable | Strategy,
    Field(discriminator="action"),
]
CourierAction = Annotated[AllowServices | ExcludeServices | PreferServices | Choose, Field(discriminator="action")]
ACTIONS: dict[str, TypeAdapter[Action]] = {
    "review": TypeAdapter(ReviewAction),
    "priority": TypeAdapter(Prioritise),
    "assign": TypeAdapter(Assign),
    "gift": TypeAdapter(AddGift),
    "sourcing": TypeAdapter(SourcingAction),
    "courier": TypeAdapter(CourierAction),
    "merge": TypeAdapter(Merge),
}
"""Readers of one action by section."""
