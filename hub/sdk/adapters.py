"""The three adapters that a plugin may implement; one instance serves one connection.

A capability is a method that the class overrides; nothing is declared twice. `parse*` and `build*` are pure.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

from hub.canonical.erp import ErpDocument, ErpKind, Remote
from hub.canonical.facts import ParseResult
from hub.canonical.shipping import (
    FoundShipment,
    Rate,
    RateRequest,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
    TrackingEvent,
)
from hub.sdk.errors import Duplicate, PluginError, Rejected, Uncertain
from hub.sdk.http import HttpClient
from hub.sdk.manifest import Manifest
from hub.sdk.values import (
    AdapterState,
    Census,
    Clock,
    FetchRequest,
    Health,
    ItemResult,
    Log,
    Outgoing,
    Raw,
    RawPage,
    ShipmentPush,
    StockPush,
    StockShown,
    WebhookRequest,
    Window,
)

S = TypeVar("S", bound=BaseModel)


class Unsupported(Rejected):
    """The adapter does not have this capability; the hub asks `capabilities()` first."""


class Adapter(ABC, Generic[S]):
    """One configured account. Holds no database handle; all I/O goes through `http`."""

    manifest: ClassVar[Manifest]
    settings_model: ClassVar[type[BaseModel]]
    optional: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, settings: S, http: HttpClient, clock: Clock, log: Log, state: AdapterState) -> None:
        self.settings = settings
        self.http = http
        self.clock = clock
        self.log = log
        self.state = state

    @classmethod
    def capabilities(cls) -> frozenset[str]:
        """Names of the optional methods that this class overrides."""
        base = next(kind for kind in cls.__mro__ if "optional" in vars(kind))
        return frozenset(name for name in cls.optional if getattr(cls, name) is not getattr(base, name))

    def offers(self, capability: str) -> bool:
        """Whether this account, as it is set up, has the capability; override where settings may leave it out."""
        return capability in self.capabilities()

    @abstractmethod
    def check(self) -> Health:
        """Credentials, scopes, clock skew, end of life of the API version; must not write anything."""

    def renew_credentials(self) -> None:
        """Get new credentials and keep them in `state`, where every worker finds them; asked once when the other side
        refuses those in use, before the hub pauses the connection. `AuthFailed` where a person must act.
        """
        raise self._unsupported("renew credentials")

    def _unsupported(self, operation: str) -> Unsupported:
        return Unsupported(f"{self.manifest.id} cannot {operation}", code="unsupported")


class Channel(Adapter[S]):
    """Where orders come from. Only `check` and `parse` are required."""

    optional: ClassVar[tuple[str, ...]] = (
        "list_changes", "fetch", "census", "receive", "push_shipments", "push_stock", "list_stock",
        "renew_credentials",
    )  # fmt: skip

    @abstractmethod
    def parse(self, raw: Raw) -> ParseResult:
        """PURE: canonical facts of one raw document; raises `Malformed` where the whole document is unreadable."""

    def list_changes(self, window: Window, limit: int) -> RawPage:
        """One page of raw documents changed within the window."""
        raise self._unsupported("list changes")

    def fetch(self, request: FetchRequest) -> list[Raw]:
        """Authoritative documents by id; an id that the source does not know is left out."""
        raise self._unsupported("fetch by id")

    def census(self, window: Window) -> Census:
        """One page of the source's own list of the orders placed within the window: what the proof of completeness
        compares with. An order that is cancelled since is listed too.
        """
        raise self._unsupported("list what it holds")

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify the signature over the raw body first, then name the documents in it; `SignatureInvalid` else."""
        raise self._unsupported("receive webhooks")

    def push_shipments(self, items: Sequence[ShipmentPush]) -> list[ItemResult]:
        """Tell the channel about shipments; already shipped with our numbers counts as success."""
        raise self._unsupported("push shipments")

    def push_stock(self, items: Sequence[StockPush]) -> list[ItemResult]:
        """Tell the channel what is available."""
        raise self._unsupported("push stock")

    def list_stock(self, skus: Sequence[str]) -> list[StockShown]:
        """What the channel itself shows as available of these SKUs, where `push_stock` without a location sets it; one
        that it does not list is left out. The hub compares it with what it told.
        """
        raise self._unsupported("say what it shows")


class Carrier(Adapter[S]):
    """Who moves parcels."""

    pure_rates: ClassVar[bool] = False
    """`rate` makes no call: it may be asked many times while orders are planned."""
    optional: ClassVar[tuple[str, ...]] = (
        "rate", "draft", "find_by_reference", "track", "parse_tracking", "receive", "void", "renew_credentials",
    )  # fmt: skip

    @abstractmethod
    def services(self) -> list[ServiceLevel]:
        """The services of this account."""

    @abstractmethod
    def build_shipment(self, request: ShipmentRequest) -> Outgoing:
        """PURE: the request that buys the labels."""

    @abstractmethod
    def send(self, outgoing: Outgoing, key: str) -> Raw:
        """The only paid call. `key` is stable over attempts.

        In the class `two_step` it buys `outgoing.draft_id`; buying that again answers with what was bought before.
        """

    def draft(self, outgoing: Outgoing, key: str) -> str:
        """Make the shipment without paying for it; its id, which the hub stores before it buys. Class `two_step`."""
        raise self._unsupported("draft shipments")

    @abstractmethod
    def parse_shipment(self, raw: Raw) -> ShipmentResult:
        """PURE: numbers, documents and cost from the answer to `send` or from a found shipment."""

    def rate(self, request: RateRequest) -> list[Rate]:
        """Prices of the services that can carry the parcels; an empty list where none can."""
        raise self._unsupported("rate")

    def find_by_reference(self, references: Sequence[str]) -> list[FoundShipment]:
        """What the carrier holds under our references: settles a call whose answer was lost."""
        raise self._unsupported("find by reference")

    def track(self, numbers: Sequence[str]) -> list[Raw]:
        """Raw tracking documents."""
        raise self._unsupported("track")

    def parse_tracking(self, raw: Raw) -> list[TrackingEvent]:
        """PURE: events of a tracking document or webhook."""
        raise self._unsupported("parse tracking")

    def receive(self, request: WebhookRequest) -> list[Raw]:
        """Verify and name tracking pushes."""
        raise self._unsupported("receive webhooks")

    def void(self, carrier_ref: str) -> None:
        """Give the labels back; already voided counts as success."""
        raise self._unsupported("void labels")


class Erp(Adapter[S]):
    """Where the books are."""

    optional: ClassVar[tuple[str, ...]] = ("push_many", "cancel", "pull", "parse", "renew_credentials")

    @abstractmethod
    def find(self, kind: ErpKind, key: str) -> Remote | None:
        """The document that the other side holds under our key."""

    @abstractmethod
    def build(self, document: ErpDocument) -> Outgoing:
        """PURE: their form of the document; `Rejected` where it cannot be expressed (e.g. unbalanced)."""

    @abstractmethod
    def push(self, outgoing: Outgoing, key: str) -> Raw:
        """Write one document; `Duplicate` where the other side has the key already."""

    @abstractmethod
    def parse_ack(self, raw: Raw) -> Remote:
        """PURE: what the other side made of it."""

    def push_many(self, items: Sequence[tuple[Outgoing, str]]) -> list[ItemResult]:
        """Write a batch; one bad document never poisons the others. Loops over `push` unless overridden."""
        return [self._push_one(outgoing, key) for outgoing, key in items]

    def _push_one(self, outgoing: Outgoing, key: str) -> ItemResult:
        try:
            remote = self.parse_ack(self.push(outgoing, key))
        except Duplicate as error:
            return ItemResult(ref=key, error=error, remote_id=error.ref)
        except Uncertain as error:
            return ItemResult(ref=key, error=error, in_doubt=True)
        except PluginError as error:
            return ItemResult(ref=key, error=error)
        except Exception as error:  # noqa: BLE001  a bug over one document harms only that one
            return ItemResult(ref=key, error=error, in_doubt=True)
        return ItemResult(ref=key, remote_id=remote.remote_id)

    def cancel(self, remote: Remote, reason: str) -> Remote:
        """Cancel or reverse; reads the state first and is a no-op when already so."""
        raise self._unsupported("cancel documents")

    def pull(self, kind: Literal["stock", "product"], cursor: str | None, limit: int) -> RawPage:
        """Master data changed since the cursor."""
        raise self._unsupported("pull")

    def parse(self, raw: Raw) -> ParseResult:
        """PURE: facts of a pulled document."""
        raise self._unsupported("parse")
