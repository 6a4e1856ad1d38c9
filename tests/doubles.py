"""A channel, a carrier and a ledger that misbehave on demand and keep their own books: the other side of every claim.

Loaded as a plugin module (`ORDERHUB_PLUGIN_MODULES`). What they did is in `BOOKS`, under the `book` of their settings,
and is never read by the hub itself.
"""

import base64
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel

from hub.canonical.erp import ErpDocument, ErpKind, Remote
from hub.canonical.facts import ParseResult, StockFact
from hub.canonical.money import Money
from hub.canonical.shipping import (
    FoundShipment,
    Rate,
    RateRequest,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
    TrackingEvent,
)
from hub.sdk.adapters import Carrier, Channel, Erp
from hub.sdk.errors import Duplicate, Malformed
from hub.sdk.hooks import hookimpl
from hub.sdk.manifest import Manifest
from hub.sdk.values import (
    Census,
    CensusEntry,
    FetchRequest,
    Health,
    ItemResult,
    Outgoing,
    Raw,
    RawPage,
    ShipmentPush,
    StockPush,
    StockShown,
    Window,
)

MODULE = "tests.doubles"


class DoubleSettings(BaseModel):
    """Which book it writes."""

    book: str


@dataclass(slots=True)
class Book:
    """What one double holds, and how its next calls shall go."""

    sent: list[str] = field(default_factory=list)
    """Keys (references) of everything that it took, in order: one of them twice is a doubled purchase."""
    held: dict[str, Any] = field(default_factory=dict)
    twice: list[tuple[str, Any]] = field(default_factory=list)
    """What it held under a key before it took another thing under the same one."""
    voided: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    asked: list[str] = field(default_factory=list)
    pushed: list[ShipmentPush] = field(default_factory=list)
    stock: list[StockPush] = field(default_factory=list)
    refuse_stock: dict[str, Exception] = field(default_factory=dict)
    """Why it does not take the number of a SKU."""
    levels: dict[str, int] = field(default_factory=dict)
    """What it shows of each SKU."""
    shown: dict[str, bytes] = field(default_factory=dict)
    before: list[Exception] = field(default_factory=list)
    """Raised by the next calls before they do anything."""
    after: list[Exception] = field(default_factory=list)
    """Raised by the next calls after they have done it: the answer is lost."""
    on_ask: list[Exception] = field(default_factory=list)
    on_call: Callable[[], None] | None = None
    parse: Callable[[Raw], ParseResult] | None = None
    pages: list[RawPage] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    placed: dict[str, tuple[datetime, Money | None]] = field(default_factory=dict)
    """Its own list of orders: when each was placed, and its total."""
    dropped: set[str] = field(default_factory=set)
    """Orders that the list leaves out, although they are counted."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, what: Any) -> None:
        """Do it, or fail as scripted."""
        if self.on_call is not None:
            self.on_call()
        with self.lock:
            if self.before:
                raise self.before.pop(0)
            self.sent.append(key)
            if key in self.held:
                self.twice.append((key, self.held[key]))
            self.held[key] = what
            if self.after:
                raise self.after.pop(0)

    def ask(self, key: str) -> Any:
        """What is held under a key."""
        self.asked.append(key)
        if self.on_ask:
            raise self.on_ask.pop(0)
        return self.held.get(key)


BOOKS: dict[str, Book] = {}
_NUMBERS = itertools.count(1)


def new_book() -> str:
    """The name of an empty book."""
    name = f"book-{next(_NUMBERS)}"
    BOOKS[name] = Book()
    return name


class FakeChannel(Channel[DoubleSettings]):
    """Its documents are read by the book's own function, so that a test can mend it."""

    manifest = Manifest(id="fake_channel", kind="channel", version="1", label="Fake channel", idempotency="find")
    settings_model = DoubleSettings

    @property
    def book(self) -> Book:
        """This connection's book."""
        return BOOKS[self.settings.book]

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    def parse(self, raw: Raw) -> ParseResult:
        """What the book's function makes of it."""
        if self.book.parse is None:
            raise Malformed("nobody has taught this double to read", code="untaught", path="/")
        return self.book.parse(raw)

    def list_changes(self, window: Window, limit: int) -> RawPage:
        """The next scripted page."""
        self.book.windows.append(window)
        return self.book.pages.pop(0) if self.book.pages else RawPage(())

    def fetch(self, request: FetchRequest) -> list[Raw]:
        """What the shop shows of the orders."""
        shown = [self.book.shown.get(name) for name in request.external_ids]
        return [
            Raw(body=body, kind="order.upserted", external_id=name)
            for name, body in zip(request.external_ids, shown, strict=True)
            if body is not None
        ]

    def census(self, window: Window) -> Census:
        """Two orders a page of those placed within the window, in the order of their ids."""
        self.book.windows.append(window)
        if self.book.on_ask:
            raise self.book.on_ask.pop(0)
        inside = sorted(name for name, (at, _) in self.book.placed.items() if window.since <= at <= window.until)
        listed = [name for name in inside if name not in self.book.dropped]
        start = int(window.page or 0)
        entries = tuple(CensusEntry(name, self.book.placed[name][1]) for name in listed[start : start + 2])
        more = str(start + 2) if start + 2 < len(listed) else None
        return Census(entries, next_page=more, count=len(inside))

    def push_shipments(self, items: Sequence[ShipmentPush]) -> list[ItemResult]:
        """Take note of each."""
        for item in items:
            self.book.take(item.reference, item)
            self.book.pushed.append(item)
        return [ItemResult(ref=item.reference, remote_id=f"remote-{item.reference[:8]}") for item in items]

    def push_stock(self, items: Sequence[StockPush]) -> list[ItemResult]:
        """Take note of each that is not refused."""
        taken = [item for item in items if item.sku not in self.book.refuse_stock]
        self.book.stock.extend(taken)
        self.book.levels.update({item.sku: item.available for item in taken})
        return [ItemResult(ref=item.reference, error=self.book.refuse_stock.get(item.sku)) for item in items]

    def list_stock(self, skus: Sequence[str]) -> list[StockShown]:
        """What it shows of those that it lists."""
        return [StockShown(sku, self.book.levels[sku]) for sku in skus if sku in self.book.levels]


class FakeCarrier(Carrier[DoubleSettings]):
    """Sells labels; finds them by our reference."""

    manifest = Manifest(id="fake_carrier", kind="carrier", version="1", label="Fake carrier", idempotency="find")
    settings_model = DoubleSettings

    @property
    def book(self) -> Book:
        """This connection's book."""
        return BOOKS[self.settings.book]

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    def services(self) -> list[ServiceLevel]:
        """One service."""
        return [ServiceLevel(code="STD", name="Standard")]

    def rate(self, request: RateRequest) -> list[Rate]:
        """One price."""
        return [Rate(service="STD", total=Money(minor=500, currency=request.currency or "USD"))]

    def build_shipment(self, request: ShipmentRequest) -> Outgoing:
        """The request as it is."""
        return Outgoing("buy", request.model_dump(mode="json"), request.reference)

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Sell a label; a second call with the same reference sells a second one."""
        answer = {"ref": f"C-{next(self.book.numbers)}", "parcels": len(outgoing.payload["parcels"]), "key": key}
        self.book.take(key, answer)
        return _raw(answer)

    def parse_shipment(self, raw: Raw) -> ShipmentResult:
        """The answer as a canonical result."""
        answer = json.loads(raw.body)
        label = {"format": "pdf", "content": base64.b64encode(b"label").decode()}
        parcels = [
            {"reference": f"p{index}", "tracking_number": f"{answer['ref']}-{index}", "documents": [label]}
            for index in range(answer["parcels"])
        ]
        document = {"carrier_ref": answer["ref"], "parcels": parcels, "cost": {"minor": 500, "currency": "USD"}}
        return ShipmentResult.model_validate_json(json.dumps(document))

    def find_by_reference(self, references: Sequence[str]) -> list[FoundShipment]:
        """What was sold under our references."""
        found = [(reference, self.book.ask(reference)) for reference in references]
        found += [(reference, answer) for reference, answer in self.book.twice if reference in references]
        return [
            FoundShipment(
                reference=reference, carrier_ref=answer["ref"], raw=json.dumps(answer),
                voided=answer["ref"] in self.book.voided,
            )
            for reference, answer in found
            if answer is not None
        ]  # fmt: skip

    def void(self, carrier_ref: str) -> None:
        """Take a label back."""
        self.book.voided.append(carrier_ref)


class BlindCarrier(FakeCarrier):
    """Cannot be asked what it sold: a lost answer is for a person."""

    manifest = Manifest(id="blind_carrier", kind="carrier", version="1", label="Blind carrier", idempotency="none")
    find_by_reference = Carrier.find_by_reference


class TracingCarrier(FakeCarrier):
    """Can be asked for parcels: `shown` of its book has a document for each number, `asked` notes the questions."""

    manifest = Manifest(
        id="tracing_carrier", kind="carrier", version="1", label="Tracing carrier", idempotency="key", batch_max=2
    )

    def track(self, numbers: Sequence[str]) -> list[Raw]:
        """What is shown of each; a number that the carrier does not know is left out."""
        self.book.asked.append(",".join(numbers))
        if self.book.on_ask:
            raise self.book.on_ask.pop(0)
        return [Raw(body=self.book.shown[number], kind="tracking") for number in numbers if number in self.book.shown]

    def parse_tracking(self, raw: Raw) -> list[TrackingEvent]:
        """A list of scans as they are."""
        return [TrackingEvent.model_validate(scan, strict=False) for scan in json.loads(raw.body)]


class DraftingCarrier(FakeCarrier):
    """Makes free drafts; a draft is paid once, however often it is bought."""

    manifest = Manifest(id="drafting_carrier", kind="carrier", version="1", label="Drafts", idempotency="two_step")

    def draft(self, outgoing: Outgoing, key: str) -> str:
        """A new draft at every call."""
        if self.book.on_ask:
            raise self.book.on_ask.pop(0)
        self.book.asked.append(key)
        return f"D-{len(self.book.asked)}"

    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """Buy the draft, or answer with what it became."""
        draft = str(outgoing.draft_id)
        if draft in self.book.held:
            return _raw(self.book.held[draft])
        answer = {"ref": f"C-{draft}", "parcels": len(outgoing.payload["parcels"]), "key": key}
        self.book.take(draft, answer)
        return _raw(answer)

    find_by_reference = Carrier.find_by_reference


class FakeErp(Erp[DoubleSettings]):
    """Takes documents; `refuse_twice` of the book is its own uniqueness of keys."""

    manifest = Manifest(id="fake_erp", kind="erp", version="1", label="Fake ledger", idempotency="find")
    settings_model = DoubleSettings

    @property
    def book(self) -> Book:
        """This connection's book."""
        return BOOKS[self.settings.book]

    def check(self) -> Health:
        """Always well."""
        return Health(ok=True)

    def find(self, kind: ErpKind, key: str) -> Remote | None:
        """What was posted under our key."""
        held = self.book.ask(key)
        return None if held is None else Remote.model_validate_json(json.dumps(held))

    def build(self, document: ErpDocument) -> Outgoing:
        """The document as it is."""
        return Outgoing(document.kind, document.model_dump(mode="json"), document.key)

    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """Post it, however often it comes."""
        payload = outgoing.payload
        answer = {"kind": payload["kind"], "key": key, "remote_id": f"R-{key[:6]}", "total": payload["total"]}
        self.book.take(key, answer)
        return _raw(answer)

    def parse_ack(self, raw: Raw) -> Remote:
        """Their id."""
        return Remote.model_validate_json(raw.body)

    def pull(self, kind: Literal["stock", "product"], cursor: str | None, limit: int) -> RawPage:
        """The next scripted page."""
        self.book.asked.append(f"{kind}:{cursor}")
        return self.book.pages.pop(0) if self.book.pages else RawPage(())

    def parse(self, raw: Raw) -> ParseResult:
        """One level: place, SKU and quantity."""
        place, sku, quantity = raw.body.decode().split(",")
        if not quantity.isdigit():
            raise Malformed(f"{quantity!r} is no quantity", code="no_quantity")
        return ParseResult(facts=(StockFact(location_ref=place, sku=sku, available=Decimal(quantity)),))

    def cancel(self, remote: Remote, reason: str) -> Remote:
        """Take the document out; twice is once."""
        if self.book.held.pop(remote.key, None) is not None:
            self.book.voided.append(remote.key)
        return remote


class StrictErp(FakeErp):
    """Refuses a key that it holds already."""

    manifest = Manifest(id="strict_erp", kind="erp", version="1", label="Strict ledger", idempotency="unique_ref")

    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """`Duplicate` the second time."""
        if key in self.book.held:
            raise Duplicate("posted before", ref=self.book.held[key]["remote_id"])
        return super().push(outgoing, key)


MANIFEST = FakeChannel.manifest


@hookimpl
def hub_channels() -> Iterable[type[FakeChannel]]:
    """Register the channel."""
    return [FakeChannel]


@hookimpl
def hub_carriers() -> Iterable[type[FakeCarrier]]:
    """Register the carriers."""
    return [FakeCarrier, BlindCarrier, TracingCarrier, DraftingCarrier]


@hookimpl
def hub_erps() -> Iterable[type[FakeErp]]:
    """Register the ledgers."""
    return [FakeErp, StrictErp]


def _raw(answer: Any) -> Raw:
    return Raw(body=json.dumps(answer).encode())
