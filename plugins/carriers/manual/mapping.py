"""PURE: from a request with a typed tracking number to a shipment."""

import re
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from hub.canonical.base import Value
from hub.canonical.money import Money
from hub.canonical.party import Address
from hub.canonical.shipping import (
    CarrierMessage,
    LabelDocument,
    LabelFormat,
    ParcelResult,
    Rate,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
)
from hub.sdk.errors import Malformed, Rejected
from hub.sdk.values import Raw
from plugins.carriers.manual.settings import ManualService, ManualSettings

Short = Annotated[str, StringConstraints(min_length=1, max_length=120)]
SEPARATORS = re.compile(r"[,;\n]+")
NUMBER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9./-]{2,59}$")


class BookedParcel(Value):
    """One parcel with the number that was typed for it."""

    reference: Short
    tracking_number: Short
    tracking_url: Annotated[str, StringConstraints(max_length=600)] | None = None
    grams: Annotated[int, Field(gt=0)]


class Booked(Value):
    """A shipment that a person booked."""

    reference: Short
    carrier: Short
    service_name: Short
    ship_from: Address
    ship_to: Address
    parcels: Annotated[tuple[BookedParcel, ...], Field(min_length=1)]
    cost: Money | None = None
    label: bool = False
    label_format: LabelFormat
    order_numbers: tuple[str, ...] = ()


def to_services(settings: ManualSettings) -> list[ServiceLevel]:
    """The services of the settings."""
    levels = []
    for service in settings.services:
        fewest, most = service.transit_days or (None, None)
        levels.append(
            ServiceLevel(code=service.code, name=service.name, transit_days_min=fewest, transit_days_max=most)
        )
    return levels


def to_rates(settings: ManualSettings) -> list[Rate]:
    """The flat prices; a service without one is left out, as nobody knows what it costs."""
    priced = [(service.code, price_of(settings, service)) for service in settings.services]
    return [Rate(service=code, total=price) for code, price in priced if price is not None]


def price_of(settings: ManualSettings, service: ManualService) -> Money | None:
    """The flat price of a shipment, None where it is not known."""
    return None if service.price is None else Money.of(service.price, settings.currency)


def typed_numbers(text: str | None, parcels: int) -> list[str]:
    """The typed numbers, one a parcel; one number alone stands for all of them. `Rejected` says what to type.

    Blanks inside a number are people's way of reading it out and are removed; several numbers are separated by commas,
    semicolons or line breaks.
    """
    numbers = ["".join(part.split()) for part in SEPARATORS.split(text or "")]
    numbers = [number for number in numbers if number]
    if not numbers:
        raise Rejected(
            "this carrier issues no numbers by itself: book the parcel with it, then enter the tracking number "
            "on the shipment and try again",
            code="tracking_number_missing",
            path="tracking_number",
        )
    if any(NUMBER.match(number) is None for number in numbers):
        raise Rejected(
            "a tracking number has 3 to 60 letters, digits, dots, slashes and hyphens: correct it on the shipment",
            code="tracking_number_invalid",
            path="tracking_number",
        )
    if len(numbers) == 1:
        return numbers * parcels
    if len(numbers) != parcels or len(set(numbers)) != parcels:
        raise Rejected(
            f"{len(numbers)} tracking numbers for {parcels} parcels: enter one for all, or a different one for each, "
            "separated by commas",
            code="tracking_number_count",
            path="tracking_number",
        )
    return numbers


def to_booked(settings: ManualSettings, request: ShipmentRequest) -> Booked:
    """The shipment with its typed numbers; `Rejected` where the service or the numbers do not fit."""
    service = next((one for one in settings.services if one.code == request.service), None)
    if service is None:
        offered = ", ".join(one.code for one in settings.services)
        raise Rejected(
            f"{settings.name} has no service {request.service!r}: choose one of {offered}",
            code="service_unknown",
            path="service",
        )
    numbers = typed_numbers(request.tracking_number, len(request.parcels))
    return Booked(
        reference=request.reference,
        carrier=settings.name,
        service_name=service.name,
        ship_from=request.ship_from,
        ship_to=request.ship_to,
        parcels=tuple(
            BookedParcel(
                reference=parcel.reference,
                tracking_number=number,
                tracking_url=service.tracking_url.replace("{number}", number) if service.tracking_url else None,
                grams=parcel.grams,
            )
            for parcel, number in zip(request.parcels, numbers, strict=True)
        ),
        cost=price_of(settings, service),
        label=settings.label == "address",
        label_format=request.label_format,
        order_numbers=request.order_numbers,
    )


def read_booked(raw: Raw) -> Booked:
    """The shipment in a raw document; `Malformed` names the first field that cannot be read."""
    try:
        return Booked.model_validate_json(raw.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = "/" + "/".join(str(part) for part in first["loc"])
        raise Malformed(f"not a booked shipment: {first['msg']}", code="shipment_unreadable", path=path) from error


def to_result(booked: Booked, labels: list[LabelDocument]) -> ShipmentResult:
    """What the hub stores; `labels` is empty or holds one a parcel."""
    messages = []
    if booked.label and not labels:
        text = "address labels are printed as PDF only: ask for a PDF label, or print the carrier's own"
        messages.append(CarrierMessage(code="label_not_printed", message=text))
    return ShipmentResult(
        carrier_ref=booked.reference,
        parcels=tuple(
            ParcelResult(
                reference=parcel.reference,
                tracking_number=parcel.tracking_number,
                tracking_url=parcel.tracking_url,
                documents=tuple(labels[at : at + 1]),
            )
            for at, parcel in enumerate(booked.parcels)
        ),
        cost=booked.cost,
        messages=tuple(messages),
    )
