"""Rate shipments, buy their labels, give labels back: the paid calls of the hub, each at most once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy.orm import Session

from hub.canonical.shipping import Rate, ShipmentResult
from hub.connections.service.adapters import Adapters, load_by_name, load_kind
from hub.fulfilment import repository
from hub.fulfilment.purchase import Bought, Drafted, Purchase, buy
from hub.fulfilment.rules.rates import Offer, best_offer
from hub.fulfilment.service.consolidate import form_parcels, take_apart
from hub.fulfilment.service.requests import Consignment, consignment
from hub.fulfilment.service.ship import LABEL, RATE, VOID, queue_label, void_extra
from hub.fulfilment.service.stops import what_stops
from hub.fulfilment.service.work import ending
from hub.fulfilment.tables import FulfilmentOrderRow, ParcelRow, ShipmentRow, StoredDocumentRow
from hub.jobs.events import Event
from hub.jobs.service.effects import Intent, begin, confirm, keep_drafts, late_answers, mark
from hub.jobs.service.publish import enqueue, publish
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.clock import Clock
from hub.kit.ids import digest, new_id
from hub.orders import repository as orders_repository
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holds import CANCEL_REQUESTED
from hub.sdk.errors import PluginError, Rejected


class RateShipments:
    """Handler of `shipment.rate`: ask every carrier, keep the answers, choose."""

    kind = RATE
    queue = "outward"

    def __init__(self, *, clock: Clock, adapters: Adapters) -> None:
        self._clock = clock
        self._adapters = adapters

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Shipments that are still drafts."""
        carriers = [info for info in load_kind(session, "carrier") if info.live]
        prepared = Prepared()
        for job, shipment in _of_jobs(session, jobs):
            if shipment is None or shipment.state != "draft":
                prepared.skips.append(Skip(job, "not a draft"))
                continue
            parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
            prepared.calls.append(Call(job, "", (consignment(session, shipment, parcels), carriers)))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """A carrier that fails only takes its own offers away, unless none is left."""
        return [self._rate(call) for call in calls]

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Keep all offers and queue the purchase of the best."""
        for outcome in outcomes:
            offers, chosen = outcome.result
            shipment = repository.find_shipment(session, outcome.call.data[0].shipment.shipment_id, lock=True)
            if shipment is None or shipment.state != "draft":
                continue
            shipment.rates = [offer.to_json() for offer in offers]
            shipment.carrier_connection, shipment.service = chosen.carrier_connection, chosen.rate.service
            shipment.state, shipment.version = "rated", shipment.version + 1
            session.flush()
            queue_label(session, shipment, rated=True)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The shipment stays a draft; the parked job opens a case."""

    def _rate(self, call: Call) -> Outcome:
        consigned, carriers = call.data
        at = self._clock.now()
        offers: list[Offer] = []
        errors: list[PluginError] = []
        for carrier in carriers:
            adapter = self._adapters.carrier(carrier)
            if "rate" not in adapter.capabilities():
                continue
            try:
                call.refuse_late()
                rates: list[Rate] = adapter.rate(consigned.rate_request(at))
            except PluginError as error:
                errors.append(error)
                continue
            offers.extend(Offer(carrier.name, rate) for rate in rates)
        if not offers:
            return Outcome(
                call, error=errors[0] if errors else Rejected("no carrier offers this route", code="no_rate")
            )
        preferred = consigned.shipment.carrier_connection, consigned.shipment.service
        return Outcome(call, result=(offers, best_offer(offers, preferred=preferred)))


class BuyLabels:
    """Handler of `shipment.label`."""

    kind = LABEL
    queue = "outward"

    def __init__(self, *, clock: Clock, adapters: Adapters, labels: Path, call_seconds: float) -> None:
        self._clock = clock
        self._adapters = adapters
        self._labels = labels
        self._call_seconds = call_seconds

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Intent first. A held or cancelled order gets no label: its shipment stays rated until it is released.

        Where an answer was lost, the carrier is asked all the same, and nothing is bought if it has nothing.
        """
        at, prepared, intents = self._clock.now(), Prepared(), []
        together = form_parcels(session, {job.subject_id or "" for job in jobs})
        for first in together.unasked:
            first.version += 1
            queue_label(session, first, rated=True, priority=-1)
        for job, shipment in _of_jobs(session, jobs):
            if shipment is None or shipment.state not in ("rated", "label_requested", "in_doubt"):
                prepared.skips.append(Skip(job, "no label wanted"))
                continue
            if shipment.goes_with is not None:
                prepared.skips.append(Skip(job, "it goes in the parcel of another order"))
                continue
            carried = together.carried.get(shipment.shipment_id, [])
            parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
            held = _is_held(session, shipment, parcels)
            if shipment.state == "rated" and held:
                _free(session, carried, state="open")
                prepared.skips.append(Skip(job, "order held"))
                continue
            carried, held = _go_along(session, shipment, carried, held)
            carrier = load_by_name(session, shipment.carrier_connection or "")
            if not carrier.live:
                prepared.skips.append(Skip(job, "carrier connection is not live"))
                continue
            asked = consignment(session, shipment, parcels, carried)
            for row in (shipment, *carried):
                row.state, row.updated_at = "label_requested", at
            request = orjson.dumps(asked.shipment_request(at).model_dump(mode="json", exclude={"ship_at"}))
            intent = Intent(shipment.reference, LABEL, carrier.connection_id, shipment.shipment_id, digest(request))
            intents.append((intent, Call(job, carrier.connection_id, Purchase(asked, carrier, held=held))))
        session.flush()
        prepared.calls = begin(session, intents, at=at, call_seconds=self._call_seconds)
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """By the protocol of the carrier's idempotency class."""
        carrier = self._adapters.carrier(calls[0].data.carrier)
        at = self._clock.now()
        return [buy(carrier, call, labels=self._labels, at=at) for call in calls]

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Numbers, cost and documents of bought labels."""
        at = self._clock.now()
        bought = [outcome for outcome in outcomes if isinstance(outcome.result, Bought)]
        for again in (True, False):
            fresh = [o for o in bought if o.call.mode != "adopt" and _may_come_twice(self._adapters, o.call) is again]
            confirm(session, results=_answers(fresh), at=at, looked_at_again=again)
        drafted = [outcome for outcome in outcomes if isinstance(outcome.result, Drafted)]
        keep_drafts(session, {o.call.effect_key or "": o.result.draft_id for o in drafted})
        repository.lock_orders_of(session, _all_of(outcomes))
        for outcome in bought:
            self._write(session, outcome)
        for outcome in drafted:
            self._buy_draft(session, outcome)
        for outcome in outcomes:
            if outcome.result is None:
                self._back_to_rated(session, outcome.call, "nothing was bought, and the order is held by now")
                _free(session, _carried(session, outcome.call), state="open")

    def compensate(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """A worker that was frozen just before its call bought a label late: it is adopted, or given back."""
        bought = [outcome for outcome in outcomes if isinstance(outcome.result, Bought)]
        too_many = late_answers(session, answers=_answers(bought), at=self._clock.now())
        for outcome in bought:
            carrier_ref = too_many.get(outcome.call.effect_key or "")
            if carrier_ref is not None:
                shipment_id = outcome.call.data.asked.shipment.shipment_id
                enqueue(session, [void_extra(shipment_id, outcome.call.data.carrier.name, carrier_ref)])

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Surely not bought: the shipment may be rated anew. Anything else may have been bought: in doubt."""
        repository.lock_orders_of(session, _all_of(outcomes))
        for outcome in outcomes:
            if not outcome.call.data.doubt:
                self._back_to_rated(session, outcome.call, str(outcome.error))
                if parked:  # it may be the parcel that the carrier refuses: each order gets its own
                    _free(session, _carried(session, outcome.call), state="apart")
                continue
            for shipment in repository.shipments(session, outcome.call.data.asked.shipment_ids).values():
                shipment.state = "in_doubt"
            mark(session, keys={outcome.call.effect_key or "": str(outcome.error)[:1000]}, state="in_doubt")

    def _back_to_rated(self, session: Session, call: Call, why: str) -> None:
        mark(session, keys={call.effect_key or "": why[:1000]}, state="refused")
        for shipment in repository.shipments(session, call.data.asked.shipment_ids).values():
            if shipment.state in ("label_requested", "in_doubt"):
                shipment.state = "rated"
                self._stop_if_cancelled(session, shipment)

    def _buy_draft(self, session: Session, outcome: Outcome) -> None:
        """The draft's id is stored: from now on that one is bought, and no other."""
        asked: Consignment = outcome.call.data.asked
        for shipment in repository.shipments(session, asked.shipment_ids).values():
            if shipment.state not in ("label_requested", "in_doubt"):
                continue
            shipment.state, shipment.version = "rated", shipment.version + 1
            session.flush()
            if shipment.shipment_id == asked.shipment.shipment_id:
                queue_label(session, shipment, rated=True)

    def _write(self, session: Session, outcome: Outcome) -> None:
        """Whatever lies in the parcel has its numbers; the cost and the documents are with the label's own shipment."""
        result: ShipmentResult = outcome.result.result
        asked: Consignment = outcome.call.data.asked
        rows = repository.shipments(session, asked.shipment_ids)
        mine = rows[asked.shipment.shipment_id]
        if mine.state == "voided":
            return
        if result.cost is not None:
            mine.cost_minor, mine.cost_currency = result.cost.minor, result.cost.currency
        self._keep_documents(session, outcome)
        for row in rows.values():
            if row.state != "voided":
                self._label(session, row, result, asked.order_numbers)

    def _label(self, session: Session, shipment: ShipmentRow, result: ShipmentResult, together: Sequence[str]) -> None:
        at = self._clock.now()
        parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
        for parcel, bought in zip(parcels, result.parcels, strict=True):
            parcel.tracking_number, parcel.tracking_url = bought.tracking_number, bought.tracking_url
            parcel.status = "label_ready"
        shipment.state, shipment.carrier_ref, shipment.updated_at = "label_ready", result.carrier_ref, at
        shipment.version += 1
        session.flush()
        changes = OrderChanges()
        lock(session, changes, [shipment.order_id])
        changes.record(
            shipment.order_id, "shipment.labelled", actor=f"connection:{shipment.carrier_connection}",
            data={
                "shipment": shipment.number, "service": shipment.service, "cost_minor": shipment.cost_minor,
                "currency": shipment.cost_currency, "tracking_numbers": [p.tracking_number for p in parcels],
                **({"orders_in_parcel": list(together)} if len(together) > 1 else {}),
            },
        )  # fmt: skip
        changes.flush(session, at=at)
        self._stop_if_cancelled(session, shipment)

    def _keep_documents(self, session: Session, outcome: Outcome) -> None:
        subject_id = outcome.call.data.asked.shipment.shipment_id
        there = {(row.kind, row.format, row.part) for row in repository.documents(session, subject_id)}
        session.add_all(
            StoredDocumentRow(
                document_id=new_id(), subject_id=subject_id, kind=kind, format=form, part=part, path=str(path),
                digest=digest(content), voided=False, created_at=self._clock.now(),
            )
            for part, kind, form, path, content in outcome.call.data.files
            if (kind, form, part) not in there
        )  # fmt: skip

    def _stop_if_cancelled(self, session: Session, shipment: ShipmentRow) -> None:
        """A cancellation that had to wait for the carrier's answer goes on."""
        work = _work_of(session, shipment)
        if work.negotiation == "cancel_accepted":
            publish(session, [replace(ending(work), cause=f"{work.version}:{shipment.version}:{shipment.state}")])
        holds = orders_repository.open_holds(session, [shipment.order_id]).get(shipment.order_id, [])
        if any(hold.reason_code == CANCEL_REQUESTED for hold in holds):
            event = Event(
                kind="order.cancel_requested", subject_id=shipment.order_id, lane=f"order:{shipment.order_id}",
                cause=f"answered:{shipment.shipment_id}:{shipment.version}:{shipment.state}", priority=-1,
            )  # fmt: skip
            publish(session, [event])


class VoidLabels:
    """Handler of `shipment.void`: give a bought label back to its carrier, where it takes them."""

    kind = VOID
    queue = "outward"

    def __init__(self, *, clock: Clock, adapters: Adapters) -> None:
        self._clock = clock
        self._adapters = adapters

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Voiding is idempotent at every carrier: no intent is needed."""
        prepared = Prepared()
        for job, shipment in _of_jobs(session, jobs):
            carrier_ref = job.args.get("carrier_ref") or (shipment.carrier_ref if shipment is not None else None)
            if shipment is None or carrier_ref is None:
                prepared.skips.append(Skip(job, "nothing bought"))
                continue
            carrier = load_by_name(session, job.args.get("carrier") or shipment.carrier_connection or "")
            prepared.calls.append(Call(job, carrier.connection_id, (carrier, carrier_ref)))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One call each."""
        outcomes = []
        for call in calls:
            carrier = self._adapters.carrier(call.data[0])
            try:
                call.refuse_late()
                if carrier.offers("void"):
                    carrier.void(call.data[1])
                elif call.job.args:
                    raise Rejected(f"give {call.data[1]} back by hand: it was sold twice", code="extra_label")
                outcomes.append(Outcome(call, result=True))
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """The shipment was marked when it was voided; of a label too many the timeline is told."""
        repository.lock_orders_of(session, [o.call.job.subject_id or "" for o in outcomes if o.call.job.args])
        for outcome in outcomes:
            shipment = repository.find_shipment(session, outcome.call.job.subject_id or "")
            if not outcome.call.job.args or shipment is None:
                continue
            changes = OrderChanges()
            lock(session, changes, [shipment.order_id])
            carrier, carrier_ref = outcome.call.data
            changes.record(
                shipment.order_id, "shipment.extra_voided", actor=f"connection:{carrier.name}",
                data={"shipment": shipment.number, "carrier_ref": carrier_ref},
            )  # fmt: skip
            changes.flush(session, at=self._clock.now())

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """A parked job opens a case."""


def _all_of(outcomes: Sequence[Outcome]) -> list[str]:
    return [shipment_id for outcome in outcomes for shipment_id in outcome.call.data.asked.shipment_ids]


def _carried(session: Session, call: Call) -> list[ShipmentRow]:
    return [row for row in repository.shipments(session, call.data.asked.carried).values() if row.state == "rated"]


def _go_along(
    session: Session, shipment: ShipmentRow, carried: Sequence[ShipmentRow], held: bool
) -> tuple[list[ShipmentRow], bool]:
    """Who goes in the parcel, and whether nothing new may be bought for it.

    Before the label is asked for, an order that was held meanwhile stays behind; after that it may be in the parcel.
    """
    stopped = [row for row in carried if _is_held(session, row, ())]
    if shipment.state == "rated":
        _free(session, stopped, state="closed")
        return [row for row in carried if row not in stopped], held
    return list(carried), held or bool(stopped)


def _free(session: Session, carried: Sequence[ShipmentRow], *, state: Literal["open", "closed", "apart"]) -> None:
    """What was to go in a parcel that nobody bought gets a label with others, or its own."""
    if carried:
        take_apart(session, carried, state=state)
        for row in carried:
            queue_label(session, row, rated=True, priority=-1)


def _answers(bought: Sequence[Outcome]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    return {o.call.effect_key or "": (o.result.result.carrier_ref, o.result.kept) for o in bought}


def _may_come_twice(adapters: Adapters, call: Call) -> bool:
    """Whether a worker that was frozen between its guard and its call may buy a second label yet."""
    carrier = adapters.carrier(call.data.carrier)
    return carrier.manifest.idempotency == "find" and carrier.offers("void")


def _work_of(session: Session, shipment: ShipmentRow) -> FulfilmentOrderRow:
    return session.get_one(FulfilmentOrderRow, shipment.fulfilment_order_id)


def _is_held(session: Session, shipment: ShipmentRow, parcels: Sequence[ParcelRow]) -> bool:
    """Numbers before the label is bought were typed by whoever has sent the parcels."""
    gone = shipment.state == "rated" and any(parcel.tracking_number for parcel in parcels)
    return bool(what_stops(session, _work_of(session, shipment), gone=gone))


def _of_jobs(session: Session, jobs: Sequence[Job]) -> list[tuple[Job, ShipmentRow | None]]:
    rows = repository.shipments(session, [job.subject_id or "" for job in jobs])
    return [(job, rows.get(job.subject_id or "")) for job in jobs]
