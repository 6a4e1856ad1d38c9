"""Golden orders: an order, the world it is decided in, and what rules must make of it. What people write, checked."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from hub.canonical.party import CountryCode
from hub.kit.rules.actions import LocationCode, ReasonCode, ServiceRef, TagText
from hub.kit.rules.facts import CATALOGUE, Fact, FactCatalogue, FactType, FactValue
from hub.kit.rules.rule_set import RuleId
from hub.kit.rules.validation import KnownReferences, RuleFault, near
from hub.routing.rules.area import area_of
from hub.routing.rules.calendar import calendar_of, leaves_at
from hub.routing.rules.decision import Outcome

MEMBER = "golden_orders"
"""The member of a rule set's file that has its golden orders."""
EMAIL = re.compile(r"[^\s@:]+@[^\s@]+\.[^\s@]+")
PHONE = re.compile(r"\+\d[\d ()/.\-]{6,}\d")
A_DAY = date(2026, 1, 1)
_TYPES: dict[FactType, type] = {"int": int, "bool": bool, "string": str, "list<string>": list}
_WRITE = {"int": "a whole number", "bool": "true or false", "string": "a text", "list<string>": "a list of texts"}


def _plain(value: Decimal) -> int | str:
    return int(value) if value == value.to_integral_value() else str(value.normalize())


Text = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Units = Annotated[Decimal, Field(ge=0, decimal_places=3, max_digits=15), PlainSerializer(_plain)]
"""A quantity in units: a number, with at most three decimals."""


class Part(BaseModel):
    """Base of all parts: frozen, strict, no unknown members."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class GoldenLine(Part):
    """What is wanted of one SKU; `grams` is the weight of one unit, lines of one `group` are sent from one location."""

    sku: Text
    quantity: Units = Decimal(1)
    grams: Annotated[int, Field(ge=0)] = 0
    ships: bool = True
    requires: tuple[TagText, ...] = ()
    line: Text | None = None
    group: Text | None = None
    due_at: AwareDatetime | None = None


class GoldenAddress(Part):
    """Where the order goes, as far as routing reads it. There is no place for names, streets, phones and mail."""

    country: CountryCode | Literal[""] = ""
    region: str = ""
    city: str = ""
    postal_code: str = ""
    latitude: Annotated[float, Field(ge=-90, le=90, strict=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, strict=False)] | None = None


class GoldenOrder(Part):
    """The order. `facts` are what rules read of it beside lines and address, named as rules name them."""

    lines: Annotated[tuple[GoldenLine, ...], Field(min_length=1, max_length=500)]
    ship_to: GoldenAddress = GoldenAddress()
    facts: dict[str, FactValue] = Field(default_factory=dict)
    number: Text | None = None
    placed_at: AwareDatetime | None = None
    deliver_by: AwareDatetime | None = None
    pinned_location: LocationCode | None = None
    rejected_by: tuple[LocationCode, ...] = ()


class GoldenLocation(Part):
    """A location as it is in this world. Without a calendar it ships every day; `used` are orders it has, by day."""

    code: LocationCode
    kind: Literal["warehouse", "store", "vendor", "virtual"] = "warehouse"
    country: str = ""
    region: str = ""
    city: str = ""
    postal_code: str = ""
    latitude: Annotated[float, Field(strict=False)] | None = None
    longitude: Annotated[float, Field(strict=False)] | None = None
    capabilities: tuple[TagText, ...] = ()
    rank: int = 0
    enabled: bool = True
    calendar: dict[str, Any] | None = None
    orders_per_day: Annotated[int, Field(ge=0)] | None = None
    used: dict[date, int] = Field(default_factory=dict)
    area: dict[str, Any] | None = None


class GoldenRate(Part):
    """A price for whatever is sent by this service, from these locations (none: from all); arrives after `days`."""

    service: ServiceRef
    total_minor: Annotated[int, Field(ge=0)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    days: Annotated[int, Field(ge=0, le=365)] | None = None
    locations: tuple[LocationCode, ...] = ()


class GoldenAnswers(Part):
    """What plugins answered when the order was decided: exclusions [plugin, location, reason, facts], ranks."""

    exclusions: tuple[tuple[str, str, str, dict[str, Any]], ...] = ()
    ranks: dict[str, dict[str, float]] = Field(default_factory=dict)


class GoldenWorld(Part):
    """What is around the order. Prices are `rates`, or those of versions of carriers' `rate_cards`.

    Stock is units by location and SKU, its age days. What is left out of `now`, `locations` and prices is taken from
    the hub when the golden order is saved, and stays so.
    """

    now: AwareDatetime | None = None
    locations: tuple[GoldenLocation, ...] | None = None
    stock: dict[LocationCode, dict[Text, Units]] = Field(default_factory=dict)
    stock_age: dict[LocationCode, dict[Text, int]] = Field(default_factory=dict)
    rates: tuple[GoldenRate, ...] | None = None
    rate_cards: dict[str, int] | None = None
    may_transfer: bool = False
    answers: GoldenAnswers | None = None
    strategy: dict[str, Any] | None = None


class GoldenFinding(Part):
    """What a check found, as the policy of its connection classes it."""

    code: ReasonCode
    severity: Literal["info", "warn", "hold", "reject"] = "hold"
    release: Literal["manual", "timer", "event"] = "manual"


class GoldenReview(Part):
    """What review looks at beside the order. `facts` are those that it reads otherwise (null: not known to it)."""

    auto_approve: Literal["clean", "rules", "never"] = "clean"
    findings: tuple[GoldenFinding, ...] = ()
    facts: dict[str, FactValue | None] = Field(default_factory=dict)


class Expectation(Part):
    """What must come of it; a member that is left out is not looked at. Lists are whole and in no order.

    `tags` are what rules put on the order, `gifts` the units by SKU that they give it when nobody has got any before;
    they are no lines of its plan. `services` and `ship_days` are by location, and only those that are named.
    """

    review: Literal["auto_approved", "queued", "rejected"] | None = None
    holds: tuple[ReasonCode, ...] | None = None
    tags: tuple[TagText, ...] | None = None
    priority: int | None = None
    assignee: Text | None = None
    gifts: dict[Text, Annotated[int, Field(gt=0)]] | None = None
    outcome: Outcome | None = None
    reason: Text | None = None
    locations: tuple[LocationCode, ...] | None = None
    services: dict[LocationCode, ServiceRef] | None = None
    ship_days: dict[LocationCode, date] | None = None


class Golden(Part):
    """A golden order. It holds nothing that leads to a person."""

    name: RuleId
    about: Annotated[str, StringConstraints(max_length=2000)] = ""
    order: GoldenOrder
    world: GoldenWorld = GoldenWorld()
    review: GoldenReview = GoldenReview()
    expect: Expectation

    def document(self) -> dict[str, Any]:
        """The JSON document to store and to export: members that have their default value are left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


def read_golden(document: Mapping[str, Any]) -> Golden:
    """A document without faults as a golden order; raises pydantic's ValidationError."""
    return Golden.model_validate_json(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))


def golden_faults(
    document: Any, known: KnownReferences, path: str = "", catalogue: FactCatalogue = CATALOGUE
) -> list[RuleFault]:
    """Every fault of what people write as a golden order, or of one whose locations or services may be gone."""
    if not isinstance(document, Mapping):
        return [RuleFault(path, "a golden order is an object with name, order, world and expect")]
    try:
        golden = read_golden(document)
    except ValidationError as error:
        return [_shape_fault(path, detail) for detail in error.errors(include_url=False)]
    except TypeError as error:
        return [RuleFault(path, f"this cannot be written as JSON: {error}")]
    return [
        *_fact_faults(golden, path, catalogue), *_world_faults(golden, path), *_unknown(golden, path, known),
        *_personal(golden, path),
    ]  # fmt: skip


def _shape_fault(path: str, detail: ErrorDetails) -> RuleFault:
    here = "/".join((path, *map(str, detail["loc"])))
    if detail["type"] == "extra_forbidden":
        return RuleFault(here, f"there is no member {detail['loc'][-1]!r} here", _members(detail))
    if detail["type"] == "missing":
        return RuleFault(here, "this is required")
    return RuleFault(here, detail["msg"].removeprefix("Value error, "))


_PARTS: dict[str, type[Part]] = {
    "order": GoldenOrder, "lines": GoldenLine, "ship_to": GoldenAddress, "world": GoldenWorld,
    "locations": GoldenLocation, "rates": GoldenRate, "answers": GoldenAnswers, "review": GoldenReview,
    "findings": GoldenFinding, "expect": Expectation,
}  # fmt: skip


def _members(detail: ErrorDetails) -> str | None:
    above = [part for part in detail["loc"][:-1] if isinstance(part, str)]
    model = _PARTS.get(above[-1], Golden) if above else Golden
    return near(str(detail["loc"][-1]), tuple(model.model_fields))


def _fact_faults(golden: Golden, path: str, catalogue: FactCatalogue) -> Iterator[RuleFault]:
    known = {fact.name: fact for fact in catalogue.review if fact.group != "review"}
    stated: list[tuple[str, Mapping[str, FactValue | None]]] = [
        (f"{path}/order/facts", golden.order.facts), (f"{path}/review/facts", golden.review.facts)
    ]  # fmt: skip
    for here, facts in stated:
        for name, value in facts.items():
            fact = known.get(name)
            if fact is None:
                yield RuleFault(f"{here}/{name}", f"there is no fact {name!r} of an order", near(name, tuple(known)))
            elif not _fits(fact, value):
                yield RuleFault(f"{here}/{name}", f"{value!r} is not {_WRITE[fact.type]}", f"e.g. {fact.example!r}")


def _fits(fact: Fact, value: FactValue | None) -> bool:
    if value is None:
        return fact.optional
    return type(value) is _TYPES[fact.type]


def _world_faults(golden: Golden, path: str) -> Iterator[RuleFault]:
    world = golden.world
    if world.rates is not None and world.rate_cards:
        yield RuleFault(f"{path}/world/rates", "there are rates and rate_cards", "leave one of them out")
    for index, place in enumerate(world.locations or ()):
        here = f"{path}/world/locations/{index}"
        try:
            leaves_at(calendar_of(place.calendar or {}), A_DAY)  # a time zone that is none shows then only
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            yield RuleFault(f"{here}/calendar", f"the calendar cannot be read: {error}")
        try:
            if place.area is not None:
                area_of(place.area)
        except ValueError as error:
            yield RuleFault(f"{here}/area", str(error))
    if not golden.expect.model_fields_set:
        yield RuleFault(f"{path}/expect", "nothing is expected", f"state some of {', '.join(Expectation.model_fields)}")


def _unknown(golden: Golden, path: str, known: KnownReferences) -> Iterator[RuleFault]:
    """What it names that is not there (any more)."""
    world = golden.world
    own = None if world.locations is None else {place.code for place in world.locations}
    for here, code in _locations(golden, f"{path}/"):
        if known.locations is not None and code not in known.locations:
            suggestion = near(code, tuple(sorted(known.locations)))
            yield RuleFault(here, f"there is no location {code!r} in the hub (any more)", suggestion)
        elif own is not None and code not in own:
            yield RuleFault(here, f"there is no location {code!r} in this world", near(code, tuple(sorted(own))))
    for here, service in _services(golden, f"{path}/"):
        if known.services is not None and service not in known.services:
            suggestion = near(service, tuple(sorted(known.services)))
            yield RuleFault(here, f"there is no service {service!r} (any more)", suggestion)
    if known.services is not None:
        carriers = {service.partition("/")[0] for service in known.services}
        for name in world.rate_cards or {}:
            if name not in carriers:
                suggestion = near(name, tuple(sorted(carriers))) or "state the prices in `rates`"
                yield RuleFault(f"{path}/world/rate_cards/{name}", f"no carrier {name!r} is connected", suggestion)


def _locations(golden: Golden, path: str) -> Iterator[tuple[str, str]]:
    world, expect = golden.world, golden.expect
    yield from ((f"{path}world/locations/{n}/code", place.code) for n, place in enumerate(world.locations or ()))
    for name, mapping in (("world/stock", world.stock), ("world/stock_age", world.stock_age)):
        yield from ((f"{path}{name}/{code}", code) for code in mapping)
    yield from ((f"{path}expect/locations/{n}", code) for n, code in enumerate(expect.locations or ()))
    yield from ((f"{path}expect/services/{code}", code) for code in expect.services or {})
    yield from ((f"{path}expect/ship_days/{code}", code) for code in expect.ship_days or {})


def _services(golden: Golden, path: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{path}expect/services/{code}", name) for code, name in (golden.expect.services or {}).items())
    yield from ((f"{path}world/rates/{n}/service", rate.service) for n, rate in enumerate(golden.world.rates or ()))


def _personal(golden: Golden, path: str) -> Iterator[RuleFault]:
    """Texts in which somebody has left what leads to a person."""
    texts: list[tuple[str, Any]] = [("about", golden.about), ("order/number", golden.order.number)]
    texts += [(f"order/facts/{name}", value) for name, value in golden.order.facts.items()]
    texts += [(f"review/facts/{name}", value) for name, value in golden.review.facts.items()]
    for name, value in texts:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (EMAIL.search(text) or PHONE.search(text)):
                yield RuleFault(
                    f"{path}/{name}", "this looks like an e-mail address or a phone number",
                    "golden orders hold nothing that leads to a person: leave it out",
                )  # fmt: skip
