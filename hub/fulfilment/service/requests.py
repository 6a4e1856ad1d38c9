"""From rows to what carriers are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.canonical.shipping import Parcel, RateRequest, ShipmentRequest
from hub.fulfilment import repository
from hub.fulfilment.repository_consolidation import order_numbers
from hub.fulfilment.tables import ParcelRow, ShipmentRow
from hub.inventory.tables import LocationRow
from hub.orders.tables import OrderRow


@dataclass(frozen=True, slots=True)
class Consignment:
    """Everything about a shipment that a carrier needs to know; `carried` are those that go in its parcel."""

    shipment: ShipmentRow
    order_numbers: tuple[str, ...]
    currency: str
    ship_from: Address
    ship_to: Address
    parcels: tuple[Parcel, ...]
    typed_number: str | None
    carried: tuple[str, ...] = ()

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
            order_numbers=self.order_numbers, tracking_number=self.typed_number,
        )  # fmt: skip

    @property
    def shipment_ids(self) -> list[str]:
        """Of all that goes under this label."""
        return [self.shipment.shipment_id, *self.carried]


def consignment(
    session: Session, shipment: ShipmentRow, parcels: list[ParcelRow], carried: Sequence[ShipmentRow] = ()
) -> Consignment:
    """Read order and location of a shipment; what is carried lies in its one parcel."""
    if carried:
        return _together(session, consignment(session, shipment, parcels), carried)
    order = session.get_one(OrderRow, shipment.order_id)
    location = session.scalars(select(LocationRow).where(LocationRow.code == shipment.location)).one()
    ship_to = Order.model_validate_json(orjson.dumps(order.document)).ship_to or Address()
    grand = order.grand_minor
    value = None if grand is None or order.currency is None else Money(minor=grand, currency=order.currency)
    return Consignment(
        shipment=shipment, order_numbers=(order.number,), currency=order.currency or "USD",
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


def _together(session: Session, first: Consignment, carried: Sequence[ShipmentRow]) -> Consignment:
    """One box of all goods: nobody has measured it, and its weight and value are their sums."""
    boxes = repository.parcels(session, [row.shipment_id for row in carried])
    numbers = order_numbers(session, [first.shipment.order_id, *(row.order_id for row in carried)])
    grams = sum(box.grams for found in boxes.values() for box in found)
    alone = first.parcels[0]
    totals = [session.get_one(OrderRow, order_id) for order_id in {row.order_id for row in carried}]
    value = alone.value
    if value is not None:
        alike = [row.grand_minor for row in totals if row.currency == value.currency]
        known = [minor for minor in alike if minor is not None]
        value = value.model_copy(update={"minor": value.minor + sum(known)}) if len(known) == len(totals) else None
    shared = Parcel(reference=alone.reference, grams=alone.grams + grams, value=value)
    return replace(
        first, order_numbers=tuple(numbers), parcels=(shared,), carried=tuple(row.shipment_id for row in carried)
    )
