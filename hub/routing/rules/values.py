"""What the planner takes. Quantities are thousandths of a unit, weights grams, amounts minor units, instants UTC."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.facts import FactValue
from hub.routing.rules.area import Area
from hub.routing.rules.calendar import WEEKDAYS, Calendar
from hub.sdk.hooks import Exclusion, RouteRequest, WaveAnswer, WaveRequest

UNIT = 1000
"""Thousandths in one unit."""

LineShare = tuple[str, str, int]
"""(line id, SKU, quantity in thousandths)."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What is still wanted of one line. A bundle gives one for each component, all with the bundle as `group`.

    `grams` is the weight of one unit; lines of one `group` are sent from one location; `ships` is false for digital
    goods, services and gift cards, which need no location; `due_at` is when goods of a pre-order are expected, before
    which the line is not planned.
    """

    line_id: str
    sku: str
    quantity: int
    grams: int = 0
    ships: bool = True
    requires: tuple[str, ...] = ()
    group: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """One order to plan. Lower `priority` goes first, then pre-orders by their promise, then the earlier `placed_at`,
    then the id.

    `excluded_locations` maps a location that must not be asked (it refused before) to the reason. `located_by` says
    what of the address its coordinates come from where the source gave none.
    """

    order_id: str
    number: str
    placed_at: datetime
    lines: tuple[PlanLine, ...]
    facts: Mapping[str, FactValue]
    priority: int = 100
    country: str = ""
    region: str = ""
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None
    pinned_location: str | None = None
    excluded_locations: Mapping[str, str] = field(default_factory=dict)
    deliver_by: datetime | None = None
    total_minor: int | None = None
    located_by: str = ""


@dataclass(frozen=True, slots=True)
class PlanLocation:
    """A place that may send. `capacity` is orders a day, `used` what was given to it by local day, `area` where it
    sends to (None: everywhere).

    `version` names the stored versions of it and of its calendar, capacity and area, so that a decision can be
    recomputed.
    """

    code: str
    country: str = ""
    region: str = ""
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None
    kind: str = "warehouse"
    capabilities: frozenset[str] = frozenset()
    calendar: Calendar = WEEKDAYS
    capacity: int | None = None
    used: Mapping[date, int] = field(default_factory=dict)
    rank: int = 0
    enabled: bool = True
    version: str = ""
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of one service of one carrier connection for a whole share."""

    connection: str
    service: str
    total_minor: int
    currency: str
    deliver_by: datetime | None = None

    @property
    def reference(self) -> str:
        """`connection/service`, as rules name it."""
        return f"{self.connection}/{self.service}"


@dataclass(frozen=True, slots=True)
class RateQuery:
    """What one location would send: asked for at most once for each location and share."""

    location: PlanLocation
    order: PlanOrder
    lines: tuple[LineShare, ...]
    parcels: tuple[int, ...]
    """Grams of each parcel."""
    ship_at: datetime


Rates = Callable[[RateQuery], Sequence[Quote]]
RouteFilter = Callable[[RouteRequest], Iterable[Exclusion]]
RouteRank = Callable[[RouteRequest], Mapping[str, float] | None]
RouteStrategy = Callable[[WaveRequest], WaveAnswer]
Stock = Mapping[tuple[str, str], int]
"""(location, SKU) -> available thousandths."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a strategy chose for one order among what the rules allow. Empty `locations`: greedy decides.

    `record` is what is told of it: the wave, what greedy would have done, the costs of both, the reason.
    """

    use: str
    locations: tuple[str, ...]
    record: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON: what is stored with the inputs, and in the decision."""
        return {"use": self.use, "locations": list(self.locations), **self.record}


@dataclass(frozen=True, slots=True)
class PlanningProblem:
    """A batch to plan. `now` counts to the minute.

    `rates` must be a pure function of its question and of `rates_version`; None leaves the service to be chosen later.
    `filters` and `ranks` are hooks with the names of their plugins; a rank is called `plugin:<name>` in rules.
    `strategies` are by the name that rules call them by; `advice` is what one of them answered, by order id.
    `stock_age` is days that the oldest stock has been lying, for the ranker of that name. `may_transfer` says that
    whoever carries the plan out moves stock between locations; else a transfer that would save is advice.
    """

    orders: Sequence[PlanOrder]
    locations: Sequence[PlanLocation]
    stock: Stock
    rules: CompiledRuleSet
    now: datetime
    rates: Rates | None = None
    rates_version: str = ""
    filters: Sequence[tuple[str, RouteFilter]] = ()
    ranks: Sequence[tuple[str, RouteRank]] = ()
    stock_age: Stock = field(default_factory=dict)
    may_transfer: bool = False
    strategies: Mapping[str, RouteStrategy] = field(default_factory=dict)
    advice: Mapping[str, Advice] = field(default_factory=dict)
