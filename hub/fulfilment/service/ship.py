"""From packed goods to a shipment: open it, hand it over, void it. Buying the label is `fulfilment.subscribers`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.connections.service.adapters import load_by_name
from hub.fulfilment import repository
from hub.fulfilment.events import SHIPPED
from hub.fulfilment.repository_consolidation import in_one_parcel, lock_consolidations, parcel_ids
from hub.fulfilment.rules.states import ON_ITS_WAY, STOPPING
from hub.fulfilment.service.components import by_component
from hub.fulfilment.service.consolidate import take_apart, waits_until
from hub.fulfilment.service.left_anyway import refuse_left
from hub.fulfilment.service.negotiate import it_ships
from hub.fulfilment.service.stops import refuse_stopped
from hub.fulfilment.service.tracking import follow
from hub.fulfilment.service.work import load_for, locked
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow, ParcelRow, ShipmentRow
from hub.inventory.service.consume import consume
from hub.jobs.events import Event, NewJob
from hub.jobs.service.publish import enqueue, publish
from hub.kit.errors import InvalidInput, NotFound, StateConflict
from hub.kit.ids import new_id, stable_reference
from hub.orders.rules.counters import Deltas
from hub.orders.service.changes import OrderChanges, lines_of, lock

RATE = "shipment.rate"
LABEL = "shipment.label"
VOID = "shipment.void"
SHIPPED_ANYWAY = "shipped all the same"
LIGHTEST_GRAMS = 50
"""A parcel whose goods have no known weight still weighs something: the packaging."""


@dataclass(frozen=True, slots=True)
class NewParcel:
    """A box and what is in it (fulfilment order line id -> quantity); weight None means the goods' own."""

    contents: Mapping[str, Decimal]
    grams: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A carrier and service that somebody chose; without it the plan's is taken, else the best rate."""

    carrier_connection: str
    service: str
    tracking_numbers: tuple[str, ...] = field(default_factory=tuple)


def open_shipment(
    session: Session, *, reference: str, parcels: Sequence[NewParcel] | None, choice: Choice | None, hub_id: str,
    label_format: str, actor: str, at: datetime,
) -> ShipmentRow:  # fmt: skip
    """Open a shipment of packed goods (None: all of them in one box) and queue its label.

    An order with an open hold gets no label: `StateConflict` names the holds. A location that was asked to stop and
    names the numbers of parcels has sent them: that is its answer.
    """
    gone = choice is not None and bool(choice.tracking_numbers)
    if choice is not None and gone:
        refuse_left(locked(session, reference), choice.tracking_numbers)
    work = load_for(session, reference, "ship")
    if gone and work.negotiation == "cancel_requested":
        it_ships(session, work, actor=actor, reason=SHIPPED_ANYWAY, at=at)
    refuse_stopped(session, work, gone=gone)
    lines = {
        line.fulfilment_order_line_id: line
        for line in repository.lines(session, [work.fulfilment_order_id])[work.fulfilment_order_id]
    }
    boxes = (
        list(parcels)
        if parcels
        else [NewParcel({key: line.packed - _shipping(session, work, key) for key, line in lines.items()})]
    )
    _check_contents(session, work, lines, boxes)
    shipment = _row(session, work, choice, hub_id, label_format, at)
    session.add(shipment)
    session.flush()
    session.add_all(_parcel(shipment, index, box, lines, choice) for index, box in enumerate(boxes))
    session.flush()
    queue_label(session, shipment, rated=choice is not None)
    changes = OrderChanges()
    lock(session, changes, [work.order_id])
    changes.record(
        work.order_id, "shipment.opened", actor=actor,
        data={"shipment": shipment.number, "fulfilment_order": work.number, "parcels": len(boxes)},
    )  # fmt: skip
    changes.flush(session, at=at)
    return shipment


def queue_label(session: Session, shipment: ShipmentRow, *, rated: bool, priority: int = 0) -> None:
    """Queue the next step of a shipment that wants a label; a negative priority overtakes one whose time is not yet."""
    kind = LABEL if rated else RATE
    connection = load_by_name(session, shipment.carrier_connection or "").connection_id if rated else None
    due_at = waits_until(session, shipment) if rated else None
    enqueue(
        session,
        [
            NewJob(
                kind=kind, idem_key=f"{kind}:{shipment.shipment_id}:{shipment.version}",
                lane=f"ship:{shipment.shipment_id}", subject_id=shipment.shipment_id, connection_id=connection,
                due_at=due_at, priority=priority,
            )
        ],
    )  # fmt: skip


def void_extra(shipment_id: str, carrier: str, carrier_ref: str) -> NewJob:
    """Give back a label that a carrier sold for a shipment beside the one that it has."""
    return NewJob(
        kind=VOID, idem_key=f"{VOID}:{shipment_id}:{carrier_ref}"[:250], lane=f"void:{carrier_ref}"[:250],
        subject_id=shipment_id, args={"carrier": carrier, "carrier_ref": carrier_ref},
    )  # fmt: skip


def hand_over(session: Session, *, reference: str, actor: str, at: datetime) -> ShipmentRow:
    """The carrier has the parcels: stock leaves, counters move, invoices and notices follow. Twice is once.

    Orders that are in one parcel leave together, or not at all.
    """
    shipment = _locked(session, reference, whole_parcel=True)
    if shipment.state in ON_ITS_WAY:
        return shipment
    if shipment.state == "voided":
        parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
        refuse_left(
            session.get_one(FulfilmentOrderRow, shipment.fulfilment_order_id),
            [parcel.tracking_number for parcel in parcels],
        )
    if shipment.state != "label_ready":
        raise StateConflict("no_label", f"Shipment {shipment.number} is {shipment.state}: it needs its label first.")
    together = [row for row in in_one_parcel(session, shipment) if row.state == "label_ready"]
    for row in (shipment, *together):
        _may_leave(session, row, actor=actor, at=at)
    for row in (shipment, *together):
        _leave(session, row, actor=actor, at=at)
    return shipment


def _may_leave(session: Session, shipment: ShipmentRow, *, actor: str, at: datetime) -> None:
    work = repository.find_fulfilment_order(session, shipment.fulfilment_order_id, lock=True)
    assert work is not None  # noqa: S101  a shipment is of a fulfilment order, by its foreign key
    if work.outside and work.negotiation in STOPPING:
        it_ships(session, work, actor=actor, reason=SHIPPED_ANYWAY, at=at)
    refuse_stopped(session, work, gone=True)


def _leave(session: Session, shipment: ShipmentRow, *, actor: str, at: datetime) -> None:
    work = session.get_one(FulfilmentOrderRow, shipment.fulfilment_order_id)
    parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
    sent = _sum_contents(parcels)
    lines = {
        line.fulfilment_order_line_id: line
        for line in repository.lines(session, [shipment.fulfilment_order_id])[shipment.fulfilment_order_id]
    }
    left = {line_id: line.quantity - line.short - line.shipped for line_id, line in lines.items()}
    deltas: dict[str, Deltas] = {}
    for line_id, quantity in sent.items():
        lines[line_id].shipped += quantity
        change = deltas.setdefault(lines[line_id].order_line_id, {"shipped": Decimal(0)})
        change["shipped"] += quantity
    shipment.state, shipment.handed_over_at, shipment.updated_at = "handed_over", at, at
    shipment.version += 1
    for parcel in parcels:
        parcel.status = "handed_over"
    _close(work, list(lines.values()), at)
    session.flush()
    consume(session, consumed=by_component(session, quantities=sent, left=left), at=at, actor=actor)
    _tell_shipped(session, shipment, deltas, actor, at, [parcel.tracking_number for parcel in parcels])
    follow(session, shipment, actor=actor, at=at)


def void(session: Session, *, reference: str, actor: str, at: datetime) -> ShipmentRow:
    """Give a label back that is not on its way; the goods are packed still and may be shipped anew.

    A label under which other orders go is kept for them: somebody has to take the goods out of the parcel.
    """
    shipment = _locked(session, reference, whole_parcel=False)
    if shipment.state == "voided":
        return shipment
    if shipment.state not in ("draft", "rated", "label_ready"):
        raise StateConflict("cannot_void", f"Shipment {shipment.number} is {shipment.state} and cannot be voided.")
    others = in_one_parcel(session, shipment)
    bought = shipment.state == "label_ready"
    if bought and others:
        open_cases(session, cases=[_to_be_opened(session, shipment, others)], at=at)
    elif others and shipment.goes_with is None:  # theirs is not bought yet: another parcel is made of them
        take_apart(session, others, state="open")
        for row in others:
            queue_label(session, row, rated=row.state == "rated")
    shipment.state, shipment.version, shipment.updated_at = "voided", shipment.version + 1, at
    for parcel in repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]:
        parcel.status = "voided"
    if not others:
        for document in repository.documents(session, shipment.goes_with or shipment.shipment_id):
            document.voided = True
    session.flush()
    if bought and not others:
        enqueue(
            session,
            [
                NewJob(
                    kind=VOID, idem_key=f"{VOID}:{shipment.shipment_id}", lane=f"ship:{shipment.shipment_id}",
                    subject_id=shipment.shipment_id,
                )
            ],
        )  # fmt: skip
    changes = OrderChanges()
    lock(session, changes, [shipment.order_id])
    changes.record(shipment.order_id, "shipment.voided", actor=actor, data={"shipment": shipment.number})
    changes.flush(session, at=at)
    return shipment


def _to_be_opened(session: Session, shipment: ShipmentRow, others: Sequence[ShipmentRow]) -> NewCase:
    numbers = sorted(row.number for row in others)
    return NewCase(
        kind="parcel_to_be_opened", dedupe_key=f"open:{shipment.shipment_id}", subject_kind="order",
        subject_id=shipment.order_id, title=f"The goods of {shipment.number} lie in a parcel with {', '.join(numbers)}",
        what_to_do="Take them out before the parcel leaves: it goes on under its label with the rest. If it has left, "
        "agree with the buyer on a return.",
        detail={"shipment": shipment.number, "others": numbers},
    )  # fmt: skip


def _locked(session: Session, reference: str, *, whole_parcel: bool) -> ShipmentRow:
    """Locked: first its order (or those of all that is in the parcel), then what put it together, then the shipment."""
    found = repository.find_shipment(session, reference)
    if found is not None:
        repository.lock_orders_of(session, parcel_ids(session, found) if whole_parcel else [found.shipment_id])
        lock_consolidations(session, [found.shipment_id])
        found = repository.find_shipment(session, found.shipment_id, lock=True)
    if found is None:
        raise NotFound("shipment", reference)
    return found


def _row(
    session: Session, work: FulfilmentOrderRow, choice: Choice | None, hub_id: str, label_format: str, at: datetime
) -> ShipmentRow:
    shipment_id = new_id()
    count = len(
        [
            row
            for row in repository.shipments_of(session, work.order_id)
            if row.fulfilment_order_id == work.fulfilment_order_id
        ]
    )
    return ShipmentRow(
        shipment_id=shipment_id, order_id=work.order_id, fulfilment_order_id=work.fulfilment_order_id,
        number=f"{work.number}-S{count + 1}", reference=stable_reference(hub_id, "shipment", shipment_id),
        location=work.location, carrier_connection=choice.carrier_connection if choice else work.carrier_connection,
        service=choice.service if choice else work.service, state="rated" if choice else "draft",
        request={"label_format": label_format}, version=1, created_at=at, updated_at=at,
    )  # fmt: skip


def _parcel(
    shipment: ShipmentRow,
    index: int,
    box: NewParcel,
    lines: Mapping[str, FulfilmentOrderLineRow],
    choice: Choice | None,
) -> ParcelRow:
    goods = sum(int(lines[key].grams * quantity) for key, quantity in box.contents.items())
    numbers = choice.tracking_numbers if choice else ()
    return ParcelRow(
        parcel_id=new_id(), shipment_id=shipment.shipment_id, position=index,
        grams=box.grams or max(goods, LIGHTEST_GRAMS), length_mm=box.length_mm, width_mm=box.width_mm,
        height_mm=box.height_mm, contents={key: str(quantity) for key, quantity in box.contents.items() if quantity},
        tracking_number=numbers[index] if index < len(numbers) else None, status=shipment.state,
    )  # fmt: skip


def _check_contents(
    session: Session, work: FulfilmentOrderRow, lines: Mapping[str, FulfilmentOrderLineRow], boxes: Sequence[NewParcel]
) -> None:
    wanted: dict[str, Decimal] = {}
    for box in boxes:
        for line_id, quantity in box.contents.items():
            wanted[line_id] = wanted.get(line_id, Decimal(0)) + quantity
    for line_id, quantity in wanted.items():
        if line_id not in lines:
            raise InvalidInput("unknown_line", f"Fulfilment order {work.number} has no line {line_id!r}.")
        free = lines[line_id].packed - _shipping(session, work, line_id)
        if quantity < 0 or quantity > free:
            raise InvalidInput(
                "not_packed", f"Line {lines[line_id].sku}: {free} packed and not in a shipment yet, {quantity} asked."
            )
    if not any(wanted.values()):
        raise InvalidInput(
            "nothing_packed", f"Fulfilment order {work.number} has nothing packed to ship: pack it first."
        )


def _shipping(session: Session, work: FulfilmentOrderRow, line_id: str) -> Decimal:
    """What of a line is in shipments that are not voided."""
    mine = [
        row.shipment_id
        for row in repository.shipments_of(session, work.order_id)
        if row.state != "voided" and row.fulfilment_order_id == work.fulfilment_order_id
    ]
    found = repository.parcels(session, mine)
    return sum((_sum_contents(parcels).get(line_id, Decimal(0)) for parcels in found.values()), Decimal(0))


def _sum_contents(parcels: Sequence[ParcelRow]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for parcel in parcels:
        for line_id, quantity in parcel.contents.items():
            total[line_id] = total.get(line_id, Decimal(0)) + Decimal(quantity)
    return total


def _close(work: FulfilmentOrderRow, lines: Sequence[FulfilmentOrderLineRow], at: datetime) -> None:
    if all(line.shipped + line.short == line.quantity for line in lines):
        work.state = "incomplete" if any(line.short for line in lines) else "closed"
    work.version, work.updated_at = work.version + 1, at


def _tell_shipped(
    session: Session, shipment: ShipmentRow, deltas: Mapping[str, Deltas], actor: str, at: datetime,
    numbers: Sequence[str | None],
) -> None:  # fmt: skip
    changes = OrderChanges()
    lock(session, changes, [shipment.order_id])
    changes.record(
        shipment.order_id,
        "shipment.handed_over",
        actor=actor,
        lines=deltas,
        data={
            "shipment": shipment.number,
            "carrier": shipment.carrier_connection,
            "tracking_numbers": [n for n in numbers if n],
        },
    )
    changes.flush(session, at=at)
    complete_if_done(session, shipment.order_id, changes, at)
    publish(
        session,
        [Event(kind=SHIPPED, subject_id=shipment.shipment_id, cause="1", lane=f"order:{shipment.order_id}")],
    )


def complete_if_done(session: Session, order_id: str, changes: OrderChanges, at: datetime) -> None:
    """An order whose every unit is shipped, cancelled or needs none is completed."""
    rows = lines_of(session, [order_id])[order_id]
    if all(row.shipped + row.cancelled + row.external_shipped + row.not_stocked == row.ordered for row in rows):
        changes.set(order_id, {"lifecycle": "completed"})
        changes.record(order_id, "order.completed", actor="hub")
        changes.flush(session, at=at)
