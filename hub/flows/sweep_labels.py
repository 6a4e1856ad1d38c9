"""Look again at labels that were bought: a worker that froze just before its call may have bought another since."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hub.canonical.shipping import FoundShipment
from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.fulfilment import repository
from hub.fulfilment.service.ship import void_extra
from hub.jobs.events import NewJob
from hub.jobs.service.effects import swept, to_sweep
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.orders.service.changes import OrderChanges, lock
from hub.sdk.adapters import Carrier
from hub.sdk.errors import PluginError

SWEEP_LABELS = "shipment.sweep"
SWEEP_CRON = "*/5 * * * *"
NEEDED = frozenset({"find_by_reference", "void"})
AT_ONCE = 50
"""References that a carrier is asked for in one call."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a shipment should have at its carrier; `carrier_ref` None: nothing, for it was voided before its label."""

    shipment_id: str
    order_id: str
    carrier_ref: str | None


@dataclass(frozen=True, slots=True)
class _Looked:
    carrier: ConnectionInfo
    known: dict[str, _Known]
    keys: tuple[str, ...]
    """All that are due; a label that nobody has taken up yet is not `known`."""


def is_swept(carrier: Carrier[object]) -> bool:  # type: ignore[type-var]
    """Whether a carrier may sell twice under one reference, and can tell and take back what it sold."""
    return carrier.manifest.idempotency == "find" and all(carrier.offers(capability) for capability in NEEDED)


class SweepLabels:
    """Handler of `shipment.sweep`, every five minutes for each such carrier."""

    kind = SWEEP_LABELS
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """A page of the labels whose time has come."""
        prepared, at = Prepared(), self._services.clock.now()
        carriers = load(session, {job.connection_id or "" for job in jobs})
        for job in jobs:
            carrier = carriers.get(job.connection_id or "")
            due = to_sweep(session, connection_id=carrier.connection_id, at=at, limit=AT_ONCE) if carrier else {}
            if carrier is None or not due or not carrier.enabled:
                prepared.skips.append(Skip(job, "nothing to look at"))
                continue
            shipments = repository.shipments(session, list(due.values()))
            known = {
                row.reference: _Known(row.shipment_id, row.order_id, row.carrier_ref)
                for row in shipments.values()
                if row.carrier_ref is not None or row.state == "voided"
            }
            prepared.calls.append(Call(job, carrier.connection_id, _Looked(carrier, known, tuple(due))))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """Ask what is there; nothing is changed at the carrier here."""
        outcomes = []
        for call in calls:
            carrier = self._services.adapters.carrier(call.data.carrier)
            try:
                call.refuse_late()
                outcomes.append(Outcome(call, result=carrier.find_by_reference(sorted(call.data.known))))
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """What is too much is given back, and its order's timeline tells of it; a return that fails opens a case."""
        at = self._services.clock.now()
        for outcome in outcomes:
            looked: _Looked = outcome.call.data
            extras = [(looked.known[found.reference], found) for found in outcome.result if _is_extra(looked, found)]
            changes = OrderChanges()
            lock(session, changes, {known.order_id for known, _ in extras})
            for known, found in extras:
                changes.record(
                    known.order_id, "shipment.extra_found", actor=f"connection:{looked.carrier.name}",
                    data={"carrier_ref": found.carrier_ref, "kept": known.carrier_ref},
                )  # fmt: skip
            enqueue(
                session,
                [void_extra(known.shipment_id, looked.carrier.name, found.carrier_ref) for known, found in extras],
            )
            changes.flush(session, at=at)
            swept(session, keys=looked.keys, at=at)
            if len(looked.keys) == AT_ONCE:
                enqueue(session, [_next_page(outcome.call.job)])

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The labels are looked at by the next sweep."""


def _next_page(job: Job) -> NewJob:
    return NewJob(
        kind=SWEEP_LABELS, idem_key=f"{SWEEP_LABELS}:after:{job.job_id}", lane=job.lane,
        connection_id=job.connection_id,
    )  # fmt: skip


def _is_extra(looked: _Looked, found: FoundShipment) -> bool:
    known = looked.known.get(found.reference)
    return known is not None and not found.voided and found.carrier_ref != known.carrier_ref
