"""Hook specifications: only for what is truly one to many.

Every call goes implementation by implementation, so that one failure is isolated. Each argument is one frozen
dataclass;
a check or a rank must not change anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pluggy

from hub.canonical.order import Order
from hub.sdk.adapters import Carrier, Channel, Erp

PROJECT = "orderhub"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Severity = Literal["info", "warn", "hold", "reject"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `hold` and `reject` keep the order from being released; `evidence` holds no personal data."""

    code: str
    severity: Severity
    message: str
    scope: Literal["order", "line"] = "order"
    line_external_id: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """One order under review, with what the hub knows about it.

    `unknown_skus` are the line SKUs without a product; `lookalikes` are numbers of other open orders of the same buyer,
    address and content; `policy` is the connection's review policy.
    """

    order: Order
    connection: str
    unknown_skus: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    payment_state: str = "unknown"
    policy: Any = None


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """One order and the candidate locations, as facts (see the routing fact reference)."""

    order_facts: dict[str, Any]
    locations: tuple[str, ...]
    location_facts: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A location that cannot serve the order, and why."""

    location: str
    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaveOption:
    """One way to send one order of a wave, as the rules allow it.

    `cost_minor` is freight with the penalties for a split, for coming late and for what stays behind; `takes` is
    thousandths by (location, SKU), `days` the (location, ISO day) of each parcel.
    """

    locations: tuple[str, ...]
    cost_minor: int
    takes: dict[tuple[str, str], int]
    days: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WaveRequest:
    """Orders that are planned together: the options of each, the first of which is what `greedy` does.

    No more may be taken than `stock` has (thousandths) and `room` allows (parcels of a day); the first option of every
    order keeps to both. An answer is wanted within `seconds`.
    """

    options: tuple[tuple[WaveOption, ...], ...]
    stock: dict[tuple[str, str], int]
    room: dict[tuple[str, str], int]
    seconds: float


@dataclass(frozen=True, slots=True)
class WaveAnswer:
    """The number of the option of each order, in their order; None abstains, and `note` says why."""

    chosen: tuple[int, ...] | None
    note: str = ""


class HubSpecs(Protocol):
    """The hooks of OrderHub; a plugin implements any of them with `@hookimpl`."""

    @hookspec
    def hub_channels(self) -> Iterable[type[Channel[Any]]]:
        """Register channel adapters; called once at start."""
        ...

    @hookspec
    def hub_carriers(self) -> Iterable[type[Carrier[Any]]]:
        """Register carrier adapters; called once at start."""
        ...

    @hookspec
    def hub_erps(self) -> Iterable[type[Erp[Any]]]:
        """Register ERP adapters; called once at start."""
        ...

    @hookspec
    def hub_review_checks(self, request: ReviewRequest) -> Iterable[Finding]:
        """Check an order after it was accepted or changed; PURE."""
        ...

    @hookspec
    def hub_route_filter(self, request: RouteRequest) -> Iterable[Exclusion]:
        """Exclude locations for an order while it is planned; PURE."""
        ...

    @hookspec
    def hub_route_rank(self, request: RouteRequest) -> dict[str, float] | None:
        """Rank locations (lower is better), or None to abstain; PURE."""
        ...

    @hookspec
    def hub_route_strategy(self, request: WaveRequest) -> WaveAnswer:
        """Choose for all orders of a wave together, where a rule names the strategy `plugin:NAME`; PURE."""
        ...
