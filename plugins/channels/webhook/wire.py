"""The JSON that senders write, as closed types: a field that is not here is refused by name.

Amounts are decimal text in the order's currency (`"12.50"`) or `{"minor": 1250, "currency": "EUR"}`; never JSON
numbers, which many writers round. Typed dictionaries, because one validation straight to dictionaries is the fastest
reading.
"""

from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

from hub.canonical.money import MAX_MINOR, CurrencyCode
from hub.canonical.order import LineKind, OrderKind

CLOSED = ConfigDict(extra="forbid", strict=True)

Id = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^\S(.*\S)?$")]
Text = str
AmountText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$")]
RateText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,8})?$")]
QuantityText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$")]
QuantityNumber = Annotated[int, Field(ge=0, lt=10**12)]
Grams = Annotated[int, Field(ge=0, lt=2**31)]
RevisionNumber = Annotated[int, Field(ge=0, lt=10**18)]
Data = TypeVar("Data")
Restock = Literal["none", "cancel", "return", "unknown"]


@with_config(CLOSED)
class MoneyObject(TypedDict):
    """An amount in minor units."""

    minor: Annotated[int, Field(ge=-MAX_MINOR, le=MAX_MINOR)]
    currency: CurrencyCode


Amount = Annotated[AmountText | MoneyObject, Field(union_mode="left_to_right")]
Count = Annotated[QuantityNumber | QuantityText, Field(union_mode="left_to_right")]
Revision = Annotated[RevisionNumber | Id, Field(union_mode="left_to_right")]


@with_config(CLOSED)
class AddressIn(TypedDict):
    """Where goods or bills go."""

    name: NotRequired[Text | None]
    company: NotRequired[Text | None]
    lines: NotRequired[tuple[Text, ...]]
    city: NotRequired[Text | None]
    district: NotRequired[Text | None]
    region: NotRequired[Text | None]
    region_code: NotRequired[Text | None]
    postal_code: NotRequired[Text | None]
    country: NotRequired[Text | None]
    phone: NotRequired[Text | None]
    email: NotRequired[Text | None]


@with_config(CLOSED)
class PartyIn(TypedDict):
    """Who buys, pays or mediates."""

    id: NotRequired[Id | None]
    name: NotRequired[Text | None]
    company: NotRequired[Text | None]
    email: NotRequired[Text | None]
    phones: NotRequired[tuple[Text, ...]]
    tax_id: NotRequired[Text | None]
    locale: NotRequired[Text | None]
    groups: NotRequired[tuple[Text, ...]]


@with_config(CLOSED)
class TaxIn(TypedDict):
    """One tax; `rate` is a fraction."""

    title: NotRequired[Text | None]
    rate: NotRequired[RateText | None]
    amount: NotRequired[Amount | None]
    included: NotRequired[bool | None]


@with_config(CLOSED)
class DiscountIn(TypedDict):
    """One reduction, a positive amount."""

    amount: Amount
    code: NotRequired[Text | None]
    title: NotRequired[Text | None]


@with_config(CLOSED)
class ChargeIn(TypedDict):
    """An amount beside the lines."""

    kind: Literal["shipping", "handling", "gift_wrap", "fee", "duty", "tip", "other"]
    amount: Amount
    id: NotRequired[Id | None]
    title: NotRequired[Text | None]
    code: NotRequired[Text | None]
    discounts: NotRequired[tuple[DiscountIn, ...]]
    taxes: NotRequired[tuple[TaxIn, ...]]


@with_config(CLOSED)
class LineIn(TypedDict):
    """One order line."""

    id: Id
    quantity: Count
    sku: NotRequired[Id | None]
    name: NotRequired[Text | None]
    kind: NotRequired[LineKind]
    quantity_ordered: NotRequired[Count | None]
    unit: NotRequired[Text | None]
    unit_price: NotRequired[Amount | None]
    gross: NotRequired[Amount | None]
    discounts: NotRequired[tuple[DiscountIn, ...]]
    taxes: NotRequired[tuple[TaxIn, ...]]
    total: NotRequired[Amount | None]
    grams: NotRequired[Grams | None]
    requires_shipping: NotRequired[bool | None]
    product_ref: NotRequired[Text | None]
    variant_ref: NotRequired[Text | None]
    bundle_parent: NotRequired[Text | None]
    due_at: NotRequired[AwareDatetime | None]
    properties: NotRequired[dict[str, str]]


@with_config(CLOSED)
class TransactionIn(TypedDict):
    """One movement of money; kinds and states that the hub does not know are kept as they are written."""

    id: Id
    amount: Amount
    kind: NotRequired[Text]
    state: NotRequired[Text]
    gateway: NotRequired[Text | None]
    parent_id: NotRequired[Id | None]
    processed_at: NotRequired[AwareDatetime | None]
    test: NotRequired[bool]
    error_code: NotRequired[Text | None]


@with_config(CLOSED)
class PaymentIn(TypedDict):
    """How the order is paid."""

    state: NotRequired[Text | None]
    method: NotRequired[Text | None]
    transactions: NotRequired[tuple[TransactionIn, ...]]


@with_config(CLOSED)
class DeliveryIn(TypedDict):
    """What the buyer was promised."""

    service: NotRequired[Text | None]
    earliest_at: NotRequired[AwareDatetime | None]
    ship_by: NotRequired[AwareDatetime | None]
    deliver_by: NotRequired[AwareDatetime | None]


@with_config(CLOSED)
class NotesIn(TypedDict):
    """Free text by author."""

    buyer: NotRequired[Text | None]
    seller: NotRequired[Text | None]
    internal: NotRequired[Text | None]


@with_config(CLOSED)
class OrderIn(TypedDict):
    """One order in its whole present state."""

    id: Id
    lines: tuple[LineIn, ...]
    number: NotRequired[Id | None]
    kind: NotRequired[OrderKind]
    revision: NotRequired[Revision | None]
    placed_at: NotRequired[AwareDatetime | None]
    updated_at: NotRequired[AwareDatetime | None]
    currency: NotRequired[CurrencyCode | None]
    buyer: NotRequired[PartyIn | None]
    payer: NotRequired[PartyIn | None]
    agent: NotRequired[PartyIn | None]
    ship_to: NotRequired[AddressIn | None]
    bill_to: NotRequired[AddressIn | None]
    pickup_location: NotRequired[Text | None]
    charges: NotRequired[tuple[ChargeIn, ...]]
    discounts: NotRequired[tuple[DiscountIn, ...]]
    taxes: NotRequired[tuple[TaxIn, ...]]
    taxes_included: NotRequired[bool | None]
    subtotal: NotRequired[Amount | None]
    shipping_total: NotRequired[Amount | None]
    discount_total: NotRequired[Amount | None]
    tax_total: NotRequired[Amount | None]
    grand_total: NotRequired[Amount | None]
    outstanding_total: NotRequired[Amount | None]
    payment: NotRequired[PaymentIn | None]
    cancelled: NotRequired[bool | None]
    cancelled_at: NotRequired[AwareDatetime | None]
    cancel_reason: NotRequired[Text | None]
    closed: NotRequired[bool | None]
    test: NotRequired[bool | None]
    delivery: NotRequired[DeliveryIn | None]
    invoice_requested: NotRequired[bool | None]
    notes: NotRequired[NotesIn | None]
    tags: NotRequired[tuple[Text, ...]]
    source_name: NotRequired[Text | None]
    extra: NotRequired[dict[str, Any]]


@with_config(CLOSED)
class LineQuantityIn(TypedDict):
    """A quantity of one order line."""

    line_id: Id
    quantity: Count
    amount: NotRequired[Amount | None]
    restock: NotRequired[Restock | None]


@with_config(CLOSED)
class CancellationIn(TypedDict):
    """All of an order, or the given lines of it, is no longer wanted."""

    order_id: Id
    id: NotRequired[Id | None]
    number: NotRequired[Id | None]
    revision: NotRequired[Revision | None]
    cancelled_at: NotRequired[AwareDatetime | None]
    reason: NotRequired[Text | None]
    lines: NotRequired[tuple[LineQuantityIn, ...]]


@with_config(CLOSED)
class RefundIn(TypedDict):
    """Money went back."""

    order_id: Id
    id: Id
    number: NotRequired[Id | None]
    revision: NotRequired[Revision | None]
    currency: NotRequired[CurrencyCode | None]
    created_at: NotRequired[AwareDatetime | None]
    amount: NotRequired[Amount | None]
    shipping: NotRequired[Amount | None]
    reason: NotRequired[Text | None]
    lines: NotRequired[tuple[LineQuantityIn, ...]]
    transactions: NotRequired[tuple[TransactionIn, ...]]


@with_config(CLOSED)
class PaidIn(TypedDict):
    """Money came in; `kind` is `sale` and `state` is `success` unless said otherwise."""

    order_id: Id
    id: Id
    amount: Amount
    number: NotRequired[Id | None]
    revision: NotRequired[Revision | None]
    currency: NotRequired[CurrencyCode | None]
    kind: NotRequired[Text]
    state: NotRequired[Text]
    gateway: NotRequired[Text | None]
    parent_id: NotRequired[Id | None]
    processed_at: NotRequired[AwareDatetime | None]
    test: NotRequired[bool]
    error_code: NotRequired[Text | None]


@with_config(CLOSED)
class AddressChangedIn(TypedDict):
    """The goods go elsewhere."""

    order_id: Id
    ship_to: AddressIn
    number: NotRequired[Id | None]
    revision: NotRequired[Revision | None]
    changed_at: NotRequired[AwareDatetime | None]


@with_config(CLOSED)
class StockIn(TypedDict):
    """What is available of one SKU at one place of the sender."""

    sku: Id
    location: Id
    available: Count | None
    revision: NotRequired[Revision | None]
    observed_at: NotRequired[AwareDatetime | None]


@with_config(CLOSED)
class ProductIn(TypedDict):
    """One sellable variant."""

    sku: Id
    name: Text
    revision: NotRequired[Revision | None]
    updated_at: NotRequired[AwareDatetime | None]
    grams: NotRequired[Grams | None]
    barcode: NotRequired[Text | None]
    currency: NotRequired[CurrencyCode | None]
    price: NotRequired[Amount | None]
    requires_shipping: NotRequired[bool | None]


@with_config(CLOSED)
class Envelope(TypedDict, Generic[Data]):
    """An event: what happened, when (by the sender's clock), and the data of it."""

    type: str
    data: Data
    timestamp: NotRequired[AwareDatetime | None]
