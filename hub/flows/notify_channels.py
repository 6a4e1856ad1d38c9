"""Tell channels about shipments, and read the order back to see that they know."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.canonical.facts import OrderFact, ShipmentFact
from hub.canonical.order import ChannelShipment
from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.fulfilment import repository
from hub.fulfilment.service.notices import NOTIFY, read_back
from hub.fulfilment.tables import ParcelRow, ShipmentRow
from hub.inventory.rules.levels import plain
from hub.jobs.service.effects import Intent, begin, confirm, mark
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.ids import digest
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.orders.tables import OrderRow
from hub.sdk.adapters import Channel
from hub.sdk.errors import NeedsAck, PluginError, Rejected, Uncertain
from hub.sdk.values import FetchRequest, ShipmentPush, ShippedLine

AT_ONCE = 10
"""Shipments that are told in one go; between two of them the worker looks whether it still owns the work."""


@dataclass(slots=True)
class _Notice:
    connection: ConnectionInfo
    shipment_id: str
    order_id: str
    push: ShipmentPush
    seen: list[ChannelShipment] = field(default_factory=list)


class NotifyChannels:
    """Handler of `shipment.notify`."""

    kind = NOTIFY
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """What the channel does not know yet."""
        prepared, intents = Prepared(), []
        connections = load(session, {job.connection_id or "" for job in jobs})
        shipments = repository.shipments(session, [job.subject_id or "" for job in jobs])
        for job in jobs:
            shipment, connection = shipments.get(job.subject_id or ""), connections.get(job.connection_id or "")
            if shipment is None or connection is None or not connection.live:
                prepared.skips.append(Skip(job, "connection is not live"))
                continue
            notice = repository.notice(session, shipment.shipment_id, lock=True)
            if notice is None or notice.state == "read_back":
                prepared.skips.append(Skip(job, "the channel knows"))
                continue
            push = _push(session, shipment, notice.reference)
            call = Call(
                job, connection.connection_id, _Notice(connection, shipment.shipment_id, shipment.order_id, push)
            )
            said = (push.order_external_id, push.carrier, push.service, push.tracking_numbers, push.lines)
            request = digest(repr(said).encode())
            intents.append(
                (Intent(notice.reference, NOTIFY, connection.connection_id, shipment.shipment_id, request), call)
            )
        prepared.calls = begin(
            session, intents, at=self._services.clock.now(), call_seconds=self._services.call_seconds
        )
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """Push in small batches; adapters count "already shipped with our number" as success, so that asking twice is
        safe.
        """
        channel = self._services.adapters.channel(calls[0].data.connection)
        if not channel.offers("push_shipments"):
            return [
                Outcome(call, error=Rejected("this channel cannot be told about shipments", code="unsupported"))
                for call in calls
            ]
        outcomes = [_without_a_push(channel, call) for call in calls]
        open_calls = [call for call, outcome in zip(calls, outcomes, strict=True) if outcome is None]
        parts = (open_calls[start : start + AT_ONCE] for start in range(0, len(open_calls), AT_ONCE))
        pushed = [outcome for part in parts for outcome in self._push(channel, part)]
        return [outcome for outcome in outcomes if outcome is not None] + pushed

    def _push(self, channel: Channel[object], calls: Sequence[Call]) -> list[Outcome]:  # type: ignore[type-var]
        try:
            for call in calls:
                call.refuse_late()
            results = {result.ref: result for result in channel.push_shipments([call.data.push for call in calls])}
        except PluginError as error:
            return [Outcome(call, error=error) for call in calls]
        outcomes = []
        for call in calls:
            result = results.get(call.data.push.reference)
            if result is None or not result.ok:
                refusal = result.error if result is not None else None
                unanswered = Uncertain("the channel did not answer for this shipment")
                outcomes.append(Outcome(call, error=refusal or unanswered))
                continue
            call.data.seen = self._read(channel, call.data.push.order_external_id)
            outcomes.append(Outcome(call, result=result.remote_id))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """The channel took it; what it shows of the order proves it."""
        at = self._services.clock.now()
        confirm(
            session,
            at=at,
            results={
                o.call.effect_key or "": (o.result, {"remote_id": o.result}) for o in outcomes if o.call.mode != "adopt"
            },
        )
        changes = OrderChanges()
        lock(session, changes, {outcome.call.data.order_id for outcome in outcomes})
        for outcome in outcomes:
            told: _Notice = outcome.call.data
            notice = repository.notice(session, told.shipment_id, lock=True)
            if notice is None:
                continue
            notice.state, notice.remote_id, notice.error, notice.updated_at = "sent", outcome.result, None, at
            session.flush()
            proven = sum(read_back(session, order_id=told.order_id, shipment=seen, at=at) for seen in told.seen) > 0
            changes.record(
                told.order_id, "channel.notified", actor=f"connection:{told.connection.name}",
                data={"tracking_numbers": list(told.push.tracking_numbers), "read_back": proven},
            )  # fmt: skip
        session.flush()
        changes.flush(session, at=at)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Refused by the channel, or in doubt until the next attempt asks again."""
        for outcome in outcomes:
            state = "refused" if isinstance(outcome.error, Rejected) else "in_doubt"
            notice = repository.notice(session, outcome.call.data.shipment_id, lock=True)
            if notice is not None:
                notice.state, notice.error = state, str(outcome.error)[:1000]
            mark(session, keys={outcome.call.effect_key or "": str(outcome.error)[:1000]}, state=state)

    def _read(self, channel: Channel[object], external_id: str) -> list[ChannelShipment]:  # type: ignore[type-var]
        if not channel.offers("fetch"):
            return []
        try:
            documents = channel.fetch(FetchRequest("order", (external_id,)))
            facts = [fact for raw in documents for fact in channel.parse(raw).facts]
        except PluginError:
            return []  # the push itself succeeded; the next pull proves it
        found: list[ChannelShipment] = []
        for fact in facts:
            if isinstance(fact, OrderFact) and fact.order.external_id == external_id:
                found.extend(fact.order.shipments)
            elif isinstance(fact, ShipmentFact):
                found.append(fact.shipment)
        return found


def _without_a_push(channel: Channel[object], call: Call) -> Outcome | None:  # type: ignore[type-var]
    """The outcome of a call that is not to be made: it is known, or nobody but a person can know; None else."""
    if call.mode == "adopt":
        return Outcome(call, result=(call.known or {}).get("remote_id"))
    if call.mode != "send" and channel.manifest.idempotency == "none":
        number = call.data.push.order_number or call.data.push.order_external_id
        message = (
            f"the channel may know of this shipment of {number}: look there, then say whether it does (hub effects)"
        )
        return Outcome(call, error=NeedsAck(message, code="needs_person"))
    return None


def _push(session: Session, shipment: ShipmentRow, reference: str) -> ShipmentPush:
    order = session.get_one(OrderRow, shipment.order_id)
    parcels = repository.parcels(session, [shipment.shipment_id])[shipment.shipment_id]
    return ShipmentPush(
        reference=reference, order_external_id=order.external_id, order_number=order.number,
        carrier=shipment.carrier_connection or "", service=shipment.service,
        tracking_numbers=tuple(parcel.tracking_number for parcel in parcels if parcel.tracking_number),
        tracking_urls=tuple(parcel.tracking_url for parcel in parcels if parcel.tracking_url),
        lines=_shipped_lines(session, shipment, parcels),
        shipped_at=shipment.handed_over_at or shipment.updated_at,
    )  # fmt: skip


def _shipped_lines(session: Session, shipment: ShipmentRow, parcels: Sequence[ParcelRow]) -> tuple[ShippedLine, ...]:
    """What the channel has sold of it: it knows of no gift."""
    work = repository.lines(session, [shipment.fulfilment_order_id])[shipment.fulfilment_order_id]
    rows = lines_of(session, [shipment.order_id])[shipment.order_id]
    sold = {row.order_line_id: row.external_id for row in rows if row.gift_rule is None}
    names = {line.fulfilment_order_line_id: sold.get(line.order_line_id) for line in work}
    return tuple(
        ShippedLine(name, plain(Decimal(quantity)))
        for parcel in parcels
        for line_id, quantity in parcel.contents.items()
        if (name := names[line_id]) is not None
    )
