"""Builders of canonical values for tests: sensible defaults, everything else by argument; ERP documents balance."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from hub.canonical.erp import ErpCharge, ErpDocument, ErpKind, ErpLine, ErpTax
from hub.canonical.money import Money
from hub.canonical.party import Address, Party
from hub.canonical.shipping import LabelFormat, Parcel, ShipmentRequest

ISSUED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def reference(number: int = 1, kind: str = "ref") -> str:
    """A stable reference of 32 characters, different for each number and kind."""
    return f"{kind.encode().hex()[:12]:0<12}{number:020d}"


def address(name: str = "Ada Example", country: str = "US", postal_code: str = "10001") -> Address:
    """A deliverable address; no real person's."""
    return Address(
        name=name, lines=("1 Sample Street",), city="New York", region="New York", region_code="NY",
        postal_code=postal_code, country=country, phone="+1 212 555 0100", phone_e164="+12125550100",
        email="ada@example.com",
    )  # fmt: skip


def shipment_request(
    *,
    service: str = "standard",
    parcels: int = 1,
    number: int = 1,
    label_format: LabelFormat = "pdf",
    ship_to: Address | None = None,
    tracking_number: str | None = None,
    currency: str = "USD",
) -> ShipmentRequest:
    """A request for labels from a warehouse in Newark to New York, 1.2 kg a parcel."""
    boxes = tuple(
        Parcel(
            reference=reference(number * 100 + index, "box"), grams=1200, length_mm=300, width_mm=200, height_mm=100,
            value=Money(minor=4900, currency=currency), contents=("Mug",),
        )
        for index in range(parcels)
    )  # fmt: skip
    return ShipmentRequest(
        reference=reference(number, "ship"), service=service, parcels=boxes, ship_at=ISSUED, label_format=label_format,
        ship_from=address("Warehouse East", postal_code="07101"), ship_to=ship_to or address(), currency=currency,
        order_numbers=(f"#{1000 + number}",), tracking_number=tracking_number,
    )  # fmt: skip


def erp_line(
    number: int,
    net: int,
    tax: int = 0,
    *,
    currency: str = "USD",
    quantity: str = "1",
    cost: int | None = None,
    name: str = "Mug",
) -> ErpLine:
    """A line with amounts in minor units."""
    return ErpLine(
        line_ref=str(number), sku=f"SKU-{number}", name=name, quantity=Decimal(quantity),
        net=Money(minor=net, currency=currency), tax=Money(minor=tax, currency=currency),
        cost=None if cost is None else Money(minor=cost, currency=currency),
    )  # fmt: skip


def erp_document(
    kind: ErpKind = "invoice",
    *,
    number: int = 1,
    key: str | None = None,
    currency: str = "USD",
    lines: Sequence[ErpLine] | None = None,
    charges: Sequence[ErpCharge] = (),
    total: int | None = None,
    customer: str = "Ada Example",
    payment_method: str | None = None,
    issued_at: datetime = ISSUED,
) -> ErpDocument:
    """A balanced document of any kind, amounts in minor units; `total` unbalances it on purpose.

    A payment has no lines: its total is the money that moved.
    """
    if lines is None:
        lines = (
            ()
            if kind == "payment"
            else (erp_line(1, 1999, 160, currency=currency), erp_line(2, 501, 40, currency=currency))
        )
    parts = [
        *((line.net.minor, line.tax.minor) for line in lines),
        *((charge.net.minor, charge.tax.minor) for charge in charges),
    ]
    stated = sum(net + tax for net, tax in parts) if kind != "payment" else 2700
    taxes = sum(tax for _, tax in parts)
    return ErpDocument(
        kind=kind, key=key or reference(number, kind), number=f"{kind.upper()}-{number:05d}",
        order_number=f"#{1000 + number}", order_ref=f"order-{number}", issued_at=issued_at, currency=currency,
        customer=Party(name=customer),
        lines=tuple(lines), charges=tuple(charges), payment_method=payment_method,
        taxes=(ErpTax(title="Sales tax", amount=Money(minor=taxes, currency=currency)),) if taxes else (),
        total=Money(minor=stated if total is None else total, currency=currency), location_code="EAST",
    )  # fmt: skip


def shipping_charge(net: int, tax: int = 0, *, currency: str = "USD") -> ErpCharge:
    """Freight on a document, in minor units."""
    return ErpCharge(kind="shipping", net=Money(minor=net, currency=currency), tax=Money(minor=tax, currency=currency))


def header_discount(amount: int, *, currency: str = "USD") -> ErpCharge:
    """A reduction of the whole document; `amount` is positive minor units."""
    return ErpCharge(
        kind="discount", net=Money(minor=-amount, currency=currency), tax=Money(minor=0, currency=currency)
    )


def sales_order(number: int = 1, *, currency: str = "USD") -> ErpDocument:
    """A sales order of two lines, freight and a discount."""
    charges = (shipping_charge(500, currency=currency), header_discount(100, currency=currency))
    return erp_document("sales_order", number=number, currency=currency, charges=charges)


def delivery(number: int = 1, *, currency: str = "USD") -> ErpDocument:
    """A delivery of two lines, one with a known cost."""
    lines = (erp_line(1, 1999, 160, currency=currency, cost=800), erp_line(2, 501, 40, currency=currency))
    return erp_document("delivery", number=number, currency=currency, lines=lines)


def invoice(number: int = 1, *, currency: str = "USD") -> ErpDocument:
    """An invoice of two lines, freight and a discount."""
    charges = (shipping_charge(500, 40, currency=currency), header_discount(100, currency=currency))
    return erp_document("invoice", number=number, currency=currency, charges=charges)


def credit_note(number: int = 1, *, currency: str = "USD") -> ErpDocument:
    """A credit note over one line; its amounts are positive, the kind says that money goes back."""
    return erp_document(
        "credit_note", number=number, currency=currency, lines=(erp_line(1, 1999, 160, currency=currency),)
    )


def payment(number: int = 1, *, currency: str = "USD", method: str = "card") -> ErpDocument:
    """Money that came in for an order."""
    return erp_document("payment", number=number, currency=currency, payment_method=method)
