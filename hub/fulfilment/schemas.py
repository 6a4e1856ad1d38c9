"""Fulfilment orders, shipments and tracking on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from hub.canonical.shipping import TrackingStatus
from hub.kit.web_types import IdText, In, Out, WireDecimal, WireQuantity

Quantities = dict[IdText, WireQuantity]
Millimetres = Annotated[int, Field(gt=0, le=100_000)]


class WorkLineOut(Out):
    """A line of a fulfilment order."""

    fulfilment_order_line_id: str
    order_line_id: str
    sku: str
    name: str | None
    grams: int
    quantity: WireDecimal
    picked: WireDecimal
    short: WireDecimal
    packed: WireDecimal
    shipped: WireDecimal


class WorkSummary(Out):
    """A fulfilment order as lists show it."""

    fulfilment_order_id: str
    order_id: str
    number: str
    location: str
    state: str
    negotiation: str
    reason: str | None
    attempt: int
    carrier_connection: str | None
    service: str | None
    quoted_minor: int | None
    quoted_currency: str | None
    ship_by: datetime | None
    consolidation_id: str | None = Field(description="Equal where work goes in one parcel, as far as it is packed.")
    version: int
    created_at: datetime
    updated_at: datetime


class WorkOut(WorkSummary):
    """A fulfilment order with its lines and what may be done with it now."""

    lines: list[WorkLineOut]
    supported_actions: list[str]


class ParcelOut(Out):
    """A box; `contents` are quantities by fulfilment order line."""

    parcel_id: str
    position: int
    grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    contents: dict[str, str]
    tracking_number: str | None
    tracking_url: str | None
    status: str


class ShipmentSummary(Out):
    """A shipment as lists show it."""

    shipment_id: str
    order_id: str
    fulfilment_order_id: str
    number: str
    location: str
    carrier_connection: str | None
    service: str | None
    state: str
    goes_with: str | None = Field(description="The shipment in whose parcel it goes, under whose label.")
    carrier_ref: str | None
    cost_minor: int | None
    cost_currency: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    handed_over_at: datetime | None
    delivered_at: datetime | None


class DocumentOut(Out):
    """A printed document; `url` gives its bytes."""

    document_id: str
    kind: str
    format: str
    part: int
    voided: bool
    created_at: datetime
    url: str | None = None


class ScanOut(Out):
    """What a carrier told of a parcel."""

    tracking_number: str
    status: str
    raw_code: str
    description: str | None
    place: str | None
    occurred_at: datetime
    received_at: datetime


class ShipmentOut(ShipmentSummary):
    """A shipment with its parcels, documents, scans and the rates that were compared."""

    parcels: list[ParcelOut]
    documents: list[DocumentOut]
    tracking: list[ScanOut]
    rates: list[dict[str, Any]] | None


class RejectIn(In):
    """Why the location cannot send it; it is not asked again for this order."""

    reason: str = Field(min_length=1, max_length=500)


class CancelWorkIn(In):
    """Why it is not to be sent from there; the location reads it."""

    reason: str = Field("withdrawn by a person", min_length=1, max_length=500)


class RefuseCancelIn(In):
    """Why it cannot be stopped any more."""

    reason: str = Field("too late", min_length=1, max_length=500)


class PickedLineIn(In):
    """What was found of a line. `short` is not there and will not come: it is planned elsewhere."""

    fulfilment_order_line_id: IdText
    picked: WireQuantity
    short: WireQuantity = Decimal(0)


class PickIn(In):
    """What was picked now, in addition to what was picked before; null: everything that is left, nothing short."""

    lines: list[PickedLineIn] | None = Field(None, min_length=1, max_length=500)


class PackIn(In):
    """What was packed now, by line; null: everything that is picked."""

    lines: Quantities | None = Field(None, min_length=1, max_length=500)


class ParcelIn(In):
    """A box and its contents by fulfilment order line; without `grams` it weighs what its goods weigh."""

    contents: Quantities = Field(min_length=1, max_length=500)
    grams: int | None = Field(None, gt=0, le=10_000_000)
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None


class ChoiceIn(In):
    """A carrier connection and its service; `tracking_numbers` where the label was bought elsewhere."""

    carrier: str = Field(min_length=1, max_length=60)
    service: str = Field(min_length=1, max_length=60)
    tracking_numbers: list[Annotated[str, Field(min_length=1, max_length=80)]] = Field(default=[], max_length=100)


class ShipIn(In):
    """What is sent; without parcels all that is packed goes in one box, without a choice the best rate is taken."""

    parcels: list[ParcelIn] | None = Field(None, min_length=1, max_length=100)
    choice: ChoiceIn | None = None
    label_format: Literal["pdf", "zpl"] = "pdf"


class ScanIn(In):
    """What a person or a warehouse says of a parcel; `correction` may lower its status."""

    tracking_number: str = Field(min_length=1, max_length=80)
    status: TrackingStatus
    occurred_at: AwareDatetime
    raw_code: str = Field("by_hand", min_length=1, max_length=80)
    description: str | None = Field(None, max_length=500)
    location: str | None = Field(None, max_length=200)
    correction: bool = False


class TrackingIn(In):
    """Scans to be recorded."""

    events: list[ScanIn] = Field(min_length=1, max_length=500)


class TrackingOut(Out):
    """How many of the scans were new."""

    recorded: int
