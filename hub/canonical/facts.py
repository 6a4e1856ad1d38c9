"""What a plugin's `parse` gives back: facts, faults and unknowns, each traceable to its document."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.canonical.base import Value
from hub.canonical.money import Money
from hub.canonical.order import ChannelShipment, LineQuantity, Order, Quantity, Refund, Transaction
from hub.canonical.party import Address, Party

FactKind = Literal[
    "order", "draft", "cancellation", "refund", "payment", "shipment", "fulfilment_order", "return",
    "stock", "product", "customer", "address_change", "hint", "other",
]  # fmt: skip


class ParseWarning(Value):
    """Something worth telling about a good document; `path` is a JSON pointer, `row/column` or XPath."""

    code: str
    message: str
    path: str | None = None


class Fault(Value):
    """A part of a document that could not be read; the rest of it stands. `error` is an SDK error's name."""

    error: Literal["Malformed", "Rejected"]
    code: str
    message: str
    path: str | None = None
    external_id: str | None = None


class Unknown(Value):
    """A code of the source that has no canonical meaning yet.

    Codes that a value keeps beside `unknown` (or a country's text beside none) the hub finds itself. A name of a
    carrier or tax that people may say better is reported as field `carrier` or `tax`, as it stands in the fact.
    """

    field: str
    value: str


class FactBase(Value):
    """Common to all facts: `order_id` is the channel's id of the order that the fact is about."""

    external_id: str | None = None
    order_id: str | None = None
    number: str | None = None
    occurred_at: datetime | None = None
    revision: str | None = None
    warnings: tuple[ParseWarning, ...] = ()


class OrderFact(FactBase):
    """An order (or a draft, which never ships by itself) in its whole present state."""

    kind: Literal["order", "draft"]
    order: Order


class CancellationFact(FactBase):
    """The channel cancelled an order, or the given lines of it (none given: all of it)."""

    kind: Literal["cancellation"] = "cancellation"
    reason: str | None = None
    lines: tuple[LineQuantity, ...] = ()


class RefundFact(FactBase):
    """Money went back to the buyer."""

    kind: Literal["refund"] = "refund"
    refund: Refund


class PaymentFact(FactBase):
    """A movement of money on an order."""

    kind: Literal["payment"] = "payment"
    transaction: Transaction


class ShipmentFact(FactBase):
    """A shipment that the channel reports."""

    kind: Literal["shipment"] = "shipment"
    shipment: ChannelShipment


class FulfilmentOrderFact(FactBase):
    """The channel's own unit of fulfilment work; `lines` are by order line id."""

    kind: Literal["fulfilment_order"] = "fulfilment_order"
    status: str
    request_status: str | None = None
    location_ref: str | None = None
    fulfil_at: datetime | None = None
    fulfil_at_offset: str | None = None
    lines: tuple[LineQuantity, ...] = ()


class ReturnFact(FactBase):
    """Goods are announced or came back."""

    kind: Literal["return"] = "return"
    reason: str | None = None
    lines: tuple[LineQuantity, ...] = ()


class AddressChangeFact(FactBase):
    """The ship-to of an order changed."""

    kind: Literal["address_change"] = "address_change"
    ship_to: Address


class StockFact(FactBase):
    """Quantity of one SKU (or the channel's inventory item) at one of the channel's locations."""

    kind: Literal["stock"] = "stock"
    sku: str | None = None
    item_ref: str | None = None
    location_ref: str
    available: Quantity | None = None


class ProductFact(FactBase):
    """One sellable variant."""

    kind: Literal["product"] = "product"
    sku: str | None = None
    name: str
    grams: int | None = None
    barcode: str | None = None
    price: Money | None = None
    requires_shipping: bool | None = None


class CustomerFact(FactBase):
    """A buyer's profile."""

    kind: Literal["customer"] = "customer"
    party: Party
    addresses: tuple[Address, ...] = ()


class HintFact(FactBase):
    """Something about the order `order_id` changed, and the document does not say what: the hub reads the order whole.

    For webhooks that only name an order, or may be older than they look; the channel must offer `fetch`.
    """

    kind: Literal["hint"] = "hint"


class OtherFact(FactBase):
    """A readable document that is none of the hub's business; `document` names what it is."""

    kind: Literal["other"] = "other"
    document: str
    raw: dict[str, Any] = Field(default_factory=dict)


Fact = Annotated[
    OrderFact
    | CancellationFact
    | RefundFact
    | PaymentFact
    | ShipmentFact
    | FulfilmentOrderFact
    | ReturnFact
    | AddressChangeFact
    | StockFact
    | ProductFact
    | CustomerFact
    | HintFact
    | OtherFact,
    Field(discriminator="kind"),
]


class ParseResult(Value):
    """Everything one raw document says."""

    facts: tuple[Fact, ...] = ()
    faults: tuple[Fault, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
