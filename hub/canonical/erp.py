"""What goes between the hub and an ERP or a ledger."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from hub.canonical.base import Value
from hub.canonical.money import CurrencyCode, Money, UnitPrice
from hub.canonical.order import Quantity
from hub.canonical.party import Address, Party

ErpKind = Literal["sales_order", "delivery", "invoice", "credit_note", "payment", "return"]


class ErpLine(Value):
    """A line of a document: `net` is without tax, `tax` its tax, both of the whole line."""

    line_ref: str
    sku: str | None = None
    name: str | None = None
    quantity: Quantity
    unit_price: UnitPrice | None = None
    net: Money
    tax: Money
    cost: Money | None = None


class ErpCharge(Value):
    """A header amount of a document (freight, fee, rounding); negative for a header discount."""

    kind: str
    net: Money
    tax: Money


class ErpTax(Value):
    """Tax of a document by rate."""

    title: str | None = None
    rate: Decimal | None = None
    amount: Money


class ErpDocument(Value):
    """One document to post. `key` is the hub's stable key of it (32 characters), the same at every attempt.

    `sum(net) + sum(tax)` over lines and charges equals `total`; the hub refuses to build another one.
    """

    schema_version: Literal[1] = 1
    kind: ErpKind
    key: str
    number: str
    order_number: str
    order_ref: str
    issued_at: datetime
    currency: CurrencyCode
    customer: Party | None = None
    ship_to: Address | None = None
    lines: tuple[ErpLine, ...] = ()
    charges: tuple[ErpCharge, ...] = ()
    taxes: tuple[ErpTax, ...] = ()
    total: Money
    payment_method: str | None = None
    parent_numbers: tuple[str, ...] = ()
    location_code: str | None = None
    tracking_numbers: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)


class Remote(Value):
    """A document as the other side holds it."""

    kind: ErpKind
    key: str
    remote_id: str
    number: str | None = None
    state: str | None = None
    total: Money | None = None
    version: str | None = None
