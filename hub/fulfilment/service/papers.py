"""Papers for the warehouse, made from the present state each time: packing slips and pick lists as PDF."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.fulfilment import repository
from hub.fulfilment.documents.packing_slip import PackingSlip, SlipLine, render_packing_slip
from hub.fulfilment.documents.pick_list import PickLine, PickList, PickOrder, render_pick_list
from hub.fulfilment.service.listing import get_fulfilment_order, next_work
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow, ParcelRow, ShipmentRow
from hub.inventory.service.locations import get_location
from hub.kit.errors import InvalidInput
from hub.orders.tables import OrderRow

MOST_ORDERS = 100
"""Fulfilment orders on one pick list: more do not go on one walk."""


def packing_slips(session: Session, *, reference: str) -> tuple[str, list[bytes]]:
    """The number of a fulfilment order, and a slip for each of its parcels (one for all of it before it is shipped)."""
    work = get_fulfilment_order(session, reference)
    order = session.get_one(OrderRow, work.order_id)
    found = repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
    lines = {line.fulfilment_order_line_id: line for line in found}
    ship_from = Address.model_validate_json(orjson.dumps(get_location(session, code=work.location).address))
    boxes = _boxes(session, work)
    slips = [
        _slip(order, work, lines, ship_from, shipment, parcel, place=(index + 1, max(len(boxes), 1)))
        for index, (shipment, parcel) in enumerate(boxes or [(None, None)])
    ]
    return work.number, [render_packing_slip(slip) for slip in slips]


def pick_list(session: Session, *, location: str, references: Sequence[str] | None, at: datetime) -> bytes:
    """The pick list of a location: the given fulfilment orders, or what it should send next."""
    get_location(session, code=location)
    if references:
        work = [get_fulfilment_order(session, reference) for reference in references]
        strangers = [row.number for row in work if row.location != location]
        if strangers:
            raise InvalidInput("other_location", f"These are not work of {location}: {', '.join(strangers)}.")
    else:
        due = next_work(session, location=location, after=None, limit=MOST_ORDERS, accepted=True)
        work = [row for row, _ in due]
    work = [row for row in work if row.negotiation == "accepted" and row.state in ("released", "in_progress")]
    lines = repository.lines(session, [row.fulfilment_order_id for row in work])
    numbers = _order_numbers(session, work)
    orders = tuple(
        PickOrder(
            order_number=numbers[row.order_id], fulfilment_number=row.number, lines=wanted, service=row.service,
            ship_by=row.ship_by,
        )
        for row in work
        if (wanted := _to_pick(lines[row.fulfilment_order_id]))
    )  # fmt: skip
    number = f"{location}-{at:%Y%m%d-%H%M}"
    return render_pick_list(PickList(number=number, location=location, orders=orders, created_at=at))


def _to_pick(lines: Sequence[FulfilmentOrderLineRow]) -> tuple[PickLine, ...]:
    left = [(line, line.quantity - line.picked - line.short) for line in lines]
    return tuple(PickLine(sku=line.sku, name=line.name or line.sku, quantity=rest) for line, rest in left if rest)


def _order_numbers(session: Session, work: Sequence[FulfilmentOrderRow]) -> dict[str, str]:
    ids = {row.order_id for row in work}
    statement = select(OrderRow.order_id, OrderRow.number).where(OrderRow.order_id.in_(ids))
    return dict(session.execute(statement).all())


def _boxes(session: Session, work: FulfilmentOrderRow) -> list[tuple[ShipmentRow | None, ParcelRow | None]]:
    shipments = [
        row
        for row in repository.shipments_of(session, work.order_id)
        if row.fulfilment_order_id == work.fulfilment_order_id and row.state != "voided"
    ]
    parcels = repository.parcels(session, [row.shipment_id for row in shipments])
    return [(shipment, parcel) for shipment in shipments for parcel in parcels[shipment.shipment_id]]


def _slip(
    row: OrderRow, work: FulfilmentOrderRow, lines: Mapping[str, FulfilmentOrderLineRow], ship_from: Address,
    shipment: ShipmentRow | None, parcel: ParcelRow | None, *, place: tuple[int, int],
) -> PackingSlip:  # fmt: skip
    order = Order.model_validate_json(orjson.dumps(row.document))
    if parcel is None:
        inside = {key: line.packed or line.quantity - line.short for key, line in lines.items()}
    else:
        inside = {key: Decimal(quantity) for key, quantity in parcel.contents.items()}
    return PackingSlip(
        order_number=row.number, shipment_number=shipment.number if shipment else work.number, ship_from=ship_from,
        ship_to=order.ship_to or Address(),
        lines=tuple(_slip_line(lines[key], quantity) for key, quantity in inside.items() if quantity),
        ordered_on=row.placed_at.date(), carrier=shipment.carrier_connection if shipment else work.carrier_connection,
        service=shipment.service if shipment else work.service,
        tracking_number=parcel.tracking_number if parcel else None, parcel=place[0], parcels=place[1],
    )  # fmt: skip


def _slip_line(line: FulfilmentOrderLineRow, quantity: Decimal) -> SlipLine:
    return SlipLine(sku=line.sku, name=line.name or line.sku, quantity=quantity, ordered=line.quantity)
