"""PURE: between the hub's shipment requests and the document that this carrier keeps of a bought shipment."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, ValidationError

from hub.canonical.base import Value
from hub.canonical.money import Money
from hub.canonical.party import Address
from hub.canonical.shipping import (
    CarrierMessage,
    LabelDocument,
    LabelFormat,
    ParcelResult,
    RateRequest,
    ServiceLevel,
    ShipmentRequest,
    ShipmentResult,
)
from hub.sdk.errors import Malformed, Rejected
from hub.sdk.values import Raw
from plugins.carriers.rate_card.numbers import tracking_number
from plugins.carriers.rate_card.parts import Place, Service
from plugins.carriers.rate_card.rating import rate_one
from plugins.carriers.rate_card.settings import RateCardSettings

Short = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class BoughtParcel(Value):
    """One parcel of a bought shipment."""

    reference: Short
    tracking_number: Short
    tracking_url: Annotated[str, StringConstraints(max_length=600)] | None = None
    grams: Annotated[int, Field(gt=0)]


class Bought(Value):
    """A bought shipment: all that its labels need, so that a reprint does not depend on later settings."""

    reference: Short
    carrier: Short
    service: Short
    service_name: Short
    zone: Short
    ship_from: Address
    ship_to: Address
    ship_on: Short
    parcels: Annotated[tuple[BoughtParcel, ...], Field(min_length=1)]
    cost: Money
    label_format: LabelFormat
    order_numbers: tuple[str, ...] = ()
    zpl_font: Short | None = None
    voided: bool = False


def to_services(settings: RateCardSettings) -> list[ServiceLevel]:
    """The services of the card; countries are listed only where all zones name theirs."""
    return [
        ServiceLevel(
            code=service.code,
            name=service.name,
            transit_days_min=min((days[0] for days in _transits(service)), default=None),
            transit_days_max=max((days[1] for days in _transits(service)), default=None),
            cutoff=service.cutoff,
            countries=_countries(settings, service),
        )
        for service in settings.services
    ]


def _transits(service: Service) -> list[tuple[int, int]]:
    return [table.transit_days for table in service.tables if table.transit_days is not None]


def _countries(settings: RateCardSettings, service: Service) -> tuple[str, ...]:
    served = {table.zone for table in service.tables}
    places: list[Place] = [
        place for zone in service.zones or settings.zones if zone.name in served for place in zone.destinations
    ]
    named = {place.country for place in places}
    return tuple(sorted(named)) if all(country.isupper() for country in named) else ()


def to_bought(settings: RateCardSettings, request: ShipmentRequest) -> Bought:
    """Number and price a shipment; `Rejected` where the service does not exist or cannot carry it."""
    service = next((one for one in settings.services if one.code == request.service), None)
    if service is None:
        offered = ", ".join(one.code for one in settings.services)
        raise Rejected(
            f"{settings.name} has no service {request.service!r}: choose one of {offered}",
            code="service_unknown",
            path="service",
        )
    price = rate_one(settings, _rate_request(request), service.code)
    if price is None or price.zone is None:
        raise Rejected(
            f"{settings.name} does not carry these parcels with {service.code}: check destination, weight and size "
            "against the tables, or choose another service",
            code="not_deliverable",
            path="ship_to",
        )
    prefix = service.label_prefix or settings.number_prefix
    parcels = []
    for position, parcel in enumerate(request.parcels, start=1):
        number = tracking_number(prefix, request.reference, position)
        url = settings.tracking_url.replace("{number}", number) if settings.tracking_url else None
        parcels.append(
            BoughtParcel(reference=parcel.reference, tracking_number=number, tracking_url=url, grams=parcel.grams)
        )
    return Bought(
        reference=request.reference,
        carrier=settings.name,
        service=service.code,
        service_name=service.name,
        zone=price.zone,
        ship_from=request.ship_from,
        ship_to=request.ship_to,
        ship_on=_local_day(request.ship_at, service.time_zone or settings.time_zone),
        parcels=tuple(parcels),
        cost=price.total,
        label_format=request.label_format,
        order_numbers=request.order_numbers,
        zpl_font=settings.zpl_font,
    )


def _rate_request(request: ShipmentRequest) -> RateRequest:
    return RateRequest(
        ship_from=request.ship_from,
        ship_to=request.ship_to,
        parcels=request.parcels,
        ship_at=request.ship_at,
        currency=request.currency,
    )


def _local_day(instant: datetime, time_zone: str) -> str:
    return instant.astimezone(ZoneInfo(time_zone)).date().isoformat()


def same_goods(first: Bought, second: Bought) -> bool:
    """Whether two shipments are the same to the carrier: receiver, service and parcels; a price may have changed."""
    return (first.ship_to, first.service, first.parcels) == (second.ship_to, second.service, second.parcels)


def read_bought(raw: Raw) -> Bought:
    """The shipment in a raw document; `Malformed` names the first field that cannot be read."""
    try:
        return Bought.model_validate_json(raw.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = "/" + "/".join(str(part) for part in first["loc"])
        raise Malformed(f"not a bought shipment: {first['msg']}", code="shipment_unreadable", path=path) from error


def to_result(bought: Bought, labels: list[LabelDocument], *, doubtful_text: bool) -> ShipmentResult:
    """What the hub stores of a bought shipment; one label a parcel, in their order."""
    messages = []
    if bought.voided:
        messages.append(CarrierMessage(code="voided", message="this shipment was voided: do not hand it over"))
    if doubtful_text:
        messages.append(
            CarrierMessage(
                code="text_not_printable",
                message="the address has characters that the label cannot print: check the label by eye",
            )
        )
    return ShipmentResult(
        carrier_ref=bought.reference,
        parcels=tuple(
            ParcelResult(
                reference=parcel.reference,
                tracking_number=parcel.tracking_number,
                tracking_url=parcel.tracking_url,
                documents=(label,),
            )
            for parcel, label in zip(bought.parcels, labels, strict=True)
        ),
        cost=bought.cost,
        messages=tuple(messages),
    )
