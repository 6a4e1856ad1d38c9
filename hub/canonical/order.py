"""The canonical order: what a channel sold, exactly as it states it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from hub.canonical.base import Value
from hub.canonical.money import CurrencyCode, Money, UnitPrice
from hub.canonical.party import Address, Party

OrderKind = Literal["standard", "preorder", "bulk", "custom"]
LineKind = Literal["standard", "preorder", "made_to_order", "digital", "service", "gift", "replacement"]
PaymentState = Literal[
    "unpaid", "deposit_paid", "authorized", "partially_paid", "paid", "cod_due", "on_credit",
    "partially_refunded", "refunded", "voided", "unknown",
]  # fmt: skip
TransactionKind = Literal["authorization", "capture", "sale", "void", "refund", "cod", "unknown"]
TransactionState = Literal["pending", "success", "failure", "unknown"]
ChargeKind = Literal["shipping", "handling", "gift_wrap", "fee", "duty", "tip", "other"]
Quantity = Annotated[Decimal, Field(decimal_places=3, max_digits=15)]


class Tax(Value):
    """One tax on a line or a charge; `rate` is a fraction (0.2 for 20 %)."""

    title: str | None = None
    rate: Decimal | None = None
    amount: Money | None = None
    included: bool | None = None


class Discount(Value):
    """A reduction; `amount` is positive. `code` is what the buyer entered, if anything."""

    amount: Money
    code: str | None = None
    title: str | None = None


class Charge(Value):
    """A header amount beside the lines (freight, gift wrap, fee), before its taxes unless included."""

    kind: ChargeKind
    amount: Money
    title: str | None = None
    code: str | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    external_id: str | None = None


class OrderLine(Value):
    """One line; `total` (line total in minor units, after line discounts) is the authority, not the price.

    `sku` is the channel's own text. `quantity` is what is still wanted, `quantity_ordered` what was first ordered
    where the source tells them apart. `grams` is the weight of one unit.
    """

    external_id: str
    sku: str | None = None
    name: str | None = None
    kind: LineKind = "standard"
    quantity: Quantity
    quantity_ordered: Quantity | None = None
    unit: str | None = None
    unit_price: UnitPrice | None = None
    gross: Money | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    total: Money | None = None
    grams: int | None = None
    requires_shipping: bool | None = None
    product_ref: str | None = None
    variant_ref: str | None = None
    bundle_parent: str | None = None
    due_at: datetime | None = None
    properties: dict[str, str] = Field(default_factory=dict)


class StatedTotals(Value):
    """The source's own totals. None means the source does not say; nothing is computed here."""

    subtotal: Money | None = None
    shipping: Money | None = None
    discount: Money | None = None
    tax: Money | None = None
    grand: Money | None = None
    outstanding: Money | None = None


class Transaction(Value):
    """One movement of money as the channel reports it; unique by `external_id` within an order."""

    external_id: str
    kind: TransactionKind
    state: TransactionState
    amount: Money
    gateway: str | None = None
    parent_id: str | None = None
    processed_at: datetime | None = None
    test: bool = False
    raw_code: str | None = None
    error_code: str | None = None


class LineQuantity(Value):
    """A quantity of one order line, by the channel's line id."""

    line_external_id: str
    quantity: Quantity
    amount: Money | None = None
    restock: Literal["none", "cancel", "return", "unknown"] | None = None


class Refund(Value):
    """Money given back and the lines it concerns; unique by `external_id` within an order."""

    external_id: str
    created_at: datetime | None = None
    reason: str | None = None
    lines: tuple[LineQuantity, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    amount: Money | None = None
    shipping: Money | None = None


class ChannelShipment(Value):
    """A shipment that the channel knows of (made there, or ours read back)."""

    external_id: str
    state: Literal["pending", "open", "success", "cancelled", "failure", "unknown"]
    raw_code: str | None = None
    created_at: datetime | None = None
    carrier: str | None = None
    service: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    tracking_urls: tuple[str, ...] = ()
    lines: tuple[LineQuantity, ...] = ()
    location_ref: str | None = None
    shipment_status: str | None = None


class RequestedDelivery(Value):
    """What the buyer was promised or asked for."""

    service: str | None = None
    earliest_at: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None


class Notes(Value):
    """Free text by author; shown to people, never to machines."""

    buyer: str | None = None
    seller: str | None = None
    internal: str | None = None


class Order(Value):
    """One order of one account. `(account, external_id)` is unique; the account is the connection's.

    `revision` orders the states of one order on the source's own clock or counter: a later text compares greater.
    Unknown enum values stay in `raw_code` fields beside `unknown`; `raw` keeps the channel's fields worth keeping.
    """

    schema_version: Literal[1] = 1
    external_id: str
    number: str | None = None
    kind: OrderKind = "standard"
    revision: str | None = None
    placed_at: datetime | None = None
    placed_at_offset: str | None = None
    updated_at: datetime | None = None
    currency: CurrencyCode | None = None
    presentment_currency: CurrencyCode | None = None
    buyer: Party | None = None
    payer: Party | None = None
    agent: Party | None = None
    ship_to: Address | None = None
    bill_to: Address | None = None
    pickup_location: str | None = None
    lines: tuple[OrderLine, ...] = ()
    charges: tuple[Charge, ...] = ()
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    taxes_included: bool | None = None
    totals: StatedTotals = StatedTotals()
    payment_state: PaymentState | None = None
    payment_state_raw: str | None = None
    payment_method: str | None = None
    transactions: tuple[Transaction, ...] = ()
    refunds: tuple[Refund, ...] = ()
    shipments: tuple[ChannelShipment, ...] = ()
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    cancelled: bool | None = None
    closed: bool | None = None
    test: bool | None = None
    delivery: RequestedDelivery = RequestedDelivery()
    invoice_requested: bool | None = None
    notes: Notes = Notes()
    tags: tuple[str, ...] = ()
    source_name: str | None = None
    raw: dict[str, Any] = Field(default_factory=dict)
