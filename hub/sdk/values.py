"""The values that adapters and the hub hand each other, beside the canonical ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from hub.canonical.money import Money


@dataclass(frozen=True, slots=True)
class Raw:
    """One document as the outside sent it, byte for byte.

    `event_id` is the source's delivery id, `revision` its version of the object; both only where the source has one.
    `headers` are lower case and free of secrets. `name` is a file's name.
    """

    body: bytes
    content_type: str = "application/json"
    kind: str | None = None
    external_id: str | None = None
    revision: str | None = None
    event_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A closed interval on the source's clock, and the page within it (None: the first)."""

    since: datetime
    until: datetime
    page: str | None = None


@dataclass(frozen=True, slots=True)
class RawPage:
    """Documents of one page. `next_page` is None at the end of the window; `source_time` is the source's clock."""

    documents: tuple[Raw, ...]
    next_page: str | None = None
    source_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class CensusEntry:
    """One order as the source's own list has it; `total` is its grand total, where the list states one."""

    external_id: str
    total: Money | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """One page of a source's own list of orders. `count` is how many the source says are in the whole window, where
    it counts them apart from the list: fewer entries than that are a list with a hole.
    """

    entries: tuple[CensusEntry, ...]
    next_page: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery as it came over the wire; header names are lower case."""

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """The outcome of a check: `problems` in words that say what to do."""

    ok: bool
    problems: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A built request: pure data that a client sends unchanged. `reference` is ours and travels in the body.

    `draft_id` is set by the hub: the draft that is to be bought, in the class `two_step`.
    """

    operation: str
    payload: Any
    reference: str
    draft_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The outcome of one item of a batch; `ref` is the item's own reference.

    `error` is one of `hub.sdk.errors`; anything else is a bug of the plugin over this item alone.
    """

    ref: str
    error: Exception | None = None
    remote_id: str | None = None
    in_doubt: bool = False

    @property
    def ok(self) -> bool:
        """Whether the other side surely has it."""
        return self.error is None and not self.in_doubt


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """A shipped quantity of one order line by the channel's line id."""

    line_external_id: str
    quantity: str


@dataclass(frozen=True, slots=True)
class ShipmentPush:
    """Tell a channel that lines of an order went out. `reference` is stable over attempts."""

    reference: str
    order_external_id: str
    order_number: str | None
    carrier: str
    service: str | None
    tracking_numbers: tuple[str, ...]
    tracking_urls: tuple[str, ...]
    lines: tuple[ShippedLine, ...]
    shipped_at: datetime


@dataclass(frozen=True, slots=True)
class StockPush:
    """Tell a channel what is available of one SKU. `observed_at` lets the other side drop older news."""

    reference: str
    sku: str
    available: int
    observed_at: datetime
    location_ref: str | None = None


@dataclass(frozen=True, slots=True)
class StockShown:
    """What a channel itself shows as available of one SKU."""

    sku: str
    available: int


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Ask for whole documents by the source's ids."""

    kind: Literal["order", "shipment", "stock", "product"]
    external_ids: tuple[str, ...]


class AdapterState(Protocol):
    """A small persistent store of one connection (tokens, file positions); values are short text."""

    def get(self, key: str) -> str | None:
        """The value, or None."""
        ...

    def put(self, key: str, value: str) -> None:
        """Store the value; visible to all workers of the connection."""
        ...


class Clock(Protocol):
    """The hub's clock; plugins take the time from nowhere else."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        ...


class Log(Protocol):
    """A structured logger bound to the connection."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something a person may want to know; `event` is `domain.verb`."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Something a person should look at."""
        ...
