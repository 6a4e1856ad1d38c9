"""An order was cancelled or changed: its sales order is cancelled in the ledgers that hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hub.billing import repository
from hub.billing.service.withdraw import CANCEL, withdraw_documents
from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.jobs.events import NewJob
from hub.jobs.service.effects import unanswered
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.orders.service.changes import OrderChanges, lock
from hub.sdk.errors import PluginError, Transient


class WithdrawSalesOrders:
    """Handler of `billing.cancelled`: the sales orders of cancelled orders are withdrawn."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Deliveries, invoices and money are facts that happened: they stay."""
        for job in jobs:
            rows = repository.documents_of(session, job.subject_id or "")
            withdraw_documents(session, documents=[row for row in rows if row.kind == "sales_order"])


LOOK_AGAIN = (timedelta(minutes=5), timedelta(hours=2), timedelta(days=1))
"""When a ledger is asked again for a withdrawn document whose posting was never answered, each after the one before."""


@dataclass(frozen=True, slots=True)
class _Cancelling:
    ledger: ConnectionInfo
    row: Any
    arrives_until: datetime | None
    """Until then, a posting of it whose answer was lost may still arrive."""


class CancelInLedger:
    """Handler of `erp.cancel`: reversing twice is once, by the ledger's own look at our key."""

    kind = CANCEL
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Documents that their ledger holds."""
        prepared = Prepared()
        rows = {row.document_id: row for row in repository.documents(session, [job.subject_id or "" for job in jobs])}
        ledgers = load(session, {row.connection_id for row in rows.values()})
        lost = unanswered(session, [row.key for row in rows.values()])
        for job in jobs:
            row = rows.get(job.subject_id or "")
            if row is None or not ledgers[row.connection_id].live:
                prepared.skips.append(Skip(job, "nothing to cancel"))
                continue
            prepared.calls.append(
                Call(job, row.connection_id, _Cancelling(ledgers[row.connection_id], row, lost.get(row.key)))
            )
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """A ledger that cannot cancel, or does not hold the document, leaves nothing to do."""
        outcomes = []
        for call in calls:
            erp = self._services.adapters.erp(call.data.ledger)
            try:
                call.refuse_late()
                remote = erp.find(call.data.row.kind, call.data.row.key)
                if remote is None and call.data.arrives_until and self._services.clock.now() < call.data.arrives_until:
                    raise Transient("the document is not there yet: its posting may still arrive", code="may_arrive")
                if remote is not None and erp.offers("cancel"):
                    erp.cancel(remote, "the order was changed or cancelled")
                outcomes.append(Outcome(call, result=remote))
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """The document is void. Where a posting of it was never answered and the ledger does not have it, it is looked
        for again: a network may deliver it long after anybody waits for it.
        """
        at = self._services.clock.now()
        enqueue(session, [job for outcome in outcomes for job in _look_again(outcome, at)])
        first = [outcome for outcome in outcomes if outcome.result is not None or not _looks(outcome)]
        repository.write_documents(
            session,
            [{"document_id": outcome.call.data.row.document_id, "state": "cancelled"} for outcome in first],
        )
        changes = OrderChanges()
        lock(session, changes, {outcome.call.data.row.order_id for outcome in first})
        for outcome in first:
            row = outcome.call.data.row
            changes.record(
                row.order_id,
                "erp.cancelled",
                actor=f"connection:{outcome.call.data.ledger.name}",
                data={"kind": row.kind, "number": row.number},
            )
        changes.flush(session, at=at)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The document stays as the ledger holds it; a parked job opens a case."""


def _looks(outcome: Outcome) -> int:
    """How often it was looked for since it was withdrawn."""
    return int(outcome.call.job.args.get("looks", 0))


def _look_again(outcome: Outcome, at: datetime) -> list[NewJob]:
    looks, row = _looks(outcome), outcome.call.data.row
    if outcome.result is not None or outcome.call.data.arrives_until is None or looks >= len(LOOK_AGAIN):
        return []
    job = NewJob(
        kind=CANCEL, idem_key=f"{CANCEL}:{row.document_id}:{looks + 1}", lane=f"withdrawn:{row.document_id}",
        subject_id=row.document_id, connection_id=row.connection_id, args={"looks": looks + 1},
        due_at=at + LOOK_AGAIN[looks],
    )  # fmt: skip
    return [job]
