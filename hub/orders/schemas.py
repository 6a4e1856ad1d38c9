"""Orders on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub.kit.web_types import IdText, In, Out, WireDecimal

MOST_ORDERS = 500
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
OrderIds = Annotated[list[IdText], Field(min_length=1, max_length=MOST_ORDERS)]
Note = Annotated[str, StringConstraints(max_length=2000)]


class HoldOut(Out):
    """Why an order waits, and what lets it go."""

    hold_id: str
    scope: str
    scope_id: str
    reason_code: str
    message: str
    evidence: dict[str, Any]
    placed_by: str
    release: str
    release_at: datetime | None
    placed_at: datetime


class LineOut(Out):
    """A line; `counters` are quantities by name, those that are 0 left out. `gift_rule` is the rule that gave it."""

    order_line_id: str
    position: int
    external_id: str
    sku: str | None
    product_sku: str | None
    name: str | None
    kind: str
    ships: bool
    grams: int
    unit_price: WireDecimal | None
    total_minor: int | None
    tax_minor: int | None
    gift_rule: str | None
    counters: dict[str, WireDecimal]


class OrderSummary(Out):
    """An order as lists show it. Amounts are minor units of `currency`; `phase` is derived."""

    order_id: str
    number: str
    external_id: str
    connection: str
    account: str
    kind: str
    lifecycle: str
    review: str
    payment: str
    phase: str
    holds: list[str]
    test: bool
    side_effects: bool
    currency: str | None
    grand_minor: int | None
    tags: list[Any]
    pinned_location: str | None
    priority: int
    assignee: str | None
    ship_by: datetime | None
    deliver_by: datetime | None
    placed_at: datetime
    accepted_at: datetime
    updated_at: datetime
    version: int


class EventOut(Out):
    """One entry of the timeline; `lines` are changes of line counters in thousandths, by line."""

    sequence: int
    kind: str
    actor: str
    cause: str | None
    data: dict[str, Any]
    lines: dict[str, Any]
    at: datetime


class HoldIn(In):
    """Why it must wait. A repeated hold with the same reason changes nothing."""

    reason_code: Reason = Field("manual", description="A short code; release names it.")
    message: str = Field("Held by a person.", min_length=1, max_length=2000, description="For those who look at it.")


class HoldManyIn(HoldIn):
    """Hold many orders."""

    order_ids: OrderIds


class ReleaseIn(In):
    """What is released: the holds with these reasons; null: all of them."""

    reason_codes: list[Reason] | None = Field(None, min_length=1, max_length=50)
    note: Note | None = None


class ReleaseManyIn(ReleaseIn):
    """Release holds of many orders."""

    order_ids: OrderIds


class CancelIn(In):
    """Why it is cancelled."""

    reason: Note | None = None


class PinIn(In):
    """The location that must send the order; null lets routing choose again."""

    location: str | None = Field(description="Code of a location.", min_length=1, max_length=40)


class AssignIn(In):
    """The team or person whose work the order is; null lets the rules say it again."""

    assignee: str | None = Field(description="Name of a team or a person.", min_length=1, max_length=80)


class PriorityIn(In):
    """What is served before the order: those of a lower priority; null lets the rules say it again."""

    priority: int | None = Field(description="100 is ordinary, lower goes first.", ge=0, le=1000)


class RerouteIn(In):
    """Plan anew what nobody has begun."""

    reason: Note | None = None


class RefusedOrder(Out):
    """An order of a bulk request that was left as it is, and why."""

    order_id: str
    code: str
    detail: str


class BulkOut(Out):
    """What became of the orders of a bulk request."""

    done: list[str]
    refused: list[RefusedOrder]


class ReleasedOut(BulkOut):
    """`free` are the orders that nothing holds any more: they go on."""

    free: list[str]


class CancelOut(Out):
    """`cancelled`: all of it; `requested`: its work had begun, or is at a location outside, and is being stopped."""

    order_id: str
    outcome: Literal["cancelled", "requested"]


class RerouteOut(Out):
    """What will be planned anew; `begun` tells that some work stays where it is, or does until its location answers."""

    order_id: str
    begun: bool
