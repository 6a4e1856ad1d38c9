"""From rows to what carriers are asked."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.canonical.shipping import Parcel, RateRequest, ShipmentRequest
from hub.fulfilment.tables import ParcelRow, ShipmentRow
from hub.inventory.tables import LocationRow
from hub.orders.tables import OrderRow


@dataclass(frozen=True, slots=True)
class Consignment:
    """Everything about a shipment that a carrier needs to know."""

    shipment: ShipmentRow
    order_number: str
    currency: str
    ship_from: Address
    ship_to: Address
    parcels: tuple[Parcel, ...]
    typed_number: str | None

    def rate_request(self, at: datetime) -> RateRequest:
        """Ask what it costs."""
        return RateRequest(
            ship_from=self.ship_from, ship_to=self.ship_to, parcels=self.parcels, ship_at=at, currency=self.currency
        )

    def shipment_request(self, at: datetime) -> ShipmentRequest:
        """Buy it; the reference is the same at every attempt."""
        label_format = (self.shipment.request or {}).get("label_format", "pdf")
        return ShipmentRequest(
            reference=self.shipment.reference, service=self.shipment.service or "", ship_from=self.ship_from,
            ship_to=self.ship_to, parcels=self.parcels, ship_at=at, label_format=label_format, currency=self.currency,
            order_numbers=(self.order_number,), tracking_number=self.typed_number,
        )  # fmt: skip


def consignment(session: Session, shipment: ShipmentRow, parcels: list[ParcelRow]) -> Consignment:
    """Read order and location of a shipment."""
    order = session.get_one(OrderRow, shipment.order_id)
    location = session.scalars(select(LocationRow).where(LocationRow.code == shipment.location)).one()
    ship_to = Order.model_validate_json(orjson.dumps(order.document)).ship_to or Address()
    grand = order.grand_minor
    value = None if grand is None or order.currency is None else Money(minor=grand, currency=order.currency)
    return Consignment(
        shipment=shipment, order_number=order.number, currency=order.currency or "USD",
        ship_from=Address.model_validate_json(orjson.dumps(location.address)), ship_to=ship_to,
        parcels=tuple(
            Parcel(
                reference=f"{shipment.reference[:28]}-{parcel.position + 1}", grams=parcel.grams,
                length_mm=parcel.length_mm, width_mm=parcel.width_mm, height_mm=parcel.height_mm, value=value,
            )
            for parcel in parcels
        ),
        typed_number=parcels[0].tracking_number if parcels else None,
    )  # fmt: skip
