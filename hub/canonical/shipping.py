"""What goes between the hub and a carrier."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from hub.canonical.base import Value
from hub.canonical.money import Money
from hub.canonical.party import Address

TrackingStatus = Literal[
    "label_ready", "handed_over", "in_transit", "out_for_delivery", "ready_for_pickup", "delivered",
    "delivery_failed", "returning", "returned_to_sender", "lost", "damaged", "voided", "unknown",
]  # fmt: skip
LabelFormat = Literal["pdf", "zpl"]


class Parcel(Value):
    """One box: weight in grams, sides in millimetres (None where nobody measured)."""

    reference: str
    grams: Annotated[int, Field(gt=0)]
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    value: Money | None = None
    contents: tuple[str, ...] = ()


class ServiceLevel(Value):
    """A service that a carrier account offers; `cutoff` is the local `HH:MM` until which today counts."""

    code: str
    name: str
    transit_days_min: int | None = None
    transit_days_max: int | None = None
    cutoff: str | None = None
    countries: tuple[str, ...] = ()


class RateRequest(Value):
    """Ask what parcels from here to there cost on the given ship date."""

    ship_from: Address
    ship_to: Address
    parcels: tuple[Parcel, ...]
    ship_at: datetime
    currency: str | None = None


class Surcharge(Value):
    """One named part of a rate."""

    code: str
    amount: Money


class Rate(Value):
    """A price for one service; `total` contains the surcharges. `deliver_by` is the promise, if one is made."""

    service: str
    total: Money
    surcharges: tuple[Surcharge, ...] = ()
    billed_grams: int | None = None
    zone: str | None = None
    deliver_by: datetime | None = None


class ShipmentRequest(Value):
    """Buy labels for the parcels of one consignee. `reference` is stable over attempts (32 characters)."""

    reference: str
    service: str
    ship_from: Address
    ship_to: Address
    parcels: tuple[Parcel, ...]
    ship_at: datetime
    label_format: LabelFormat = "pdf"
    currency: str = "USD"
    order_numbers: tuple[str, ...] = ()
    tracking_number: str | None = None


class LabelDocument(Value):
    """A document to print; `content` is base64 text."""

    kind: Literal["label", "customs", "manifest", "receipt"] = "label"
    format: LabelFormat
    content: str


class ParcelResult(Value):
    """What the carrier made of one parcel."""

    reference: str
    tracking_number: str
    tracking_url: str | None = None
    documents: tuple[LabelDocument, ...] = ()


class CarrierMessage(Value):
    """A remark of the carrier that people should see."""

    code: str
    message: str


class ShipmentResult(Value):
    """A bought shipment: the carrier's own id, a number for each parcel, the cost."""

    carrier_ref: str
    parcels: tuple[ParcelResult, ...]
    cost: Money | None = None
    messages: tuple[CarrierMessage, ...] = ()


class FoundShipment(Value):
    """A shipment that the carrier holds under our reference."""

    reference: str
    carrier_ref: str
    voided: bool = False
    raw: str
    """The carrier's document, readable by `parse_shipment`."""


class TrackingEvent(Value):
    """One scan; `raw_code` is the carrier's, unknown codes have status `unknown`."""

    tracking_number: str
    status: TrackingStatus
    occurred_at: datetime
    raw_code: str
    description: str | None = None
    location: str | None = None
    signed_by: str | None = None
    correction: bool = False
