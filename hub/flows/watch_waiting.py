"""What waits for others longer than it should: facts whose order never came, warehouses that do not answer, scans of
parcels that nobody knows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.adapters import ConnectionInfo, load_kind
from hub.flows.services import Services
from hub.fulfilment import repository as fulfilment_repository
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.intake import repository as intake_repository
from hub.jobs.service.work import Job

WAIT_WATCH = "wait.watch"
STOP_ANSWERED_WITHIN = timedelta(hours=4)
PARCEL_KNOWN_WITHIN = timedelta(days=1)
SCANS_MATTER_FOR = timedelta(days=8)
SCANS_KEY = "scans"
EXAMPLES = 20
AT_MOST = 200


class WatchWaiting:
    """Handler of `wait.watch`, every hour."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One case a connection and one a fulfilment order, however often it is seen."""
        at = self._services.clock.now()
        cases, fine = [], []
        for connection in load_kind(session, "channel"):
            case = _facts_without_order(session, connection, at)
            if case is None:
                fine.append(_facts_key(connection))
            else:
                cases.append(case)
        unanswered = fulfilment_repository.unanswered_stops(session, before=at - STOP_ANSWERED_WITHIN, limit=AT_MOST)
        cases.extend(_unanswered(work) for work in unanswered)
        open_cases(session, cases=cases, at=at)
        resolve_by_key(session, dedupe_keys=fine, actor="hub", resolution="Their orders have come.", at=at)
        _watch_scans(session, at)


def stop_key(fulfilment_order_id: str) -> str:
    """The dedupe key of the case that a stop request is not answered."""
    return f"stop:{fulfilment_order_id}"


def _facts_without_order(session: Session, connection: ConnectionInfo, at: datetime) -> NewCase | None:
    limit = connection.decided.early_limit_hours
    if limit is None:
        return None
    found = intake_repository.parked_since(
        session, connection_id=connection.connection_id, before=at - timedelta(hours=limit), limit=EXAMPLES
    )
    if not found:
        return None
    count = f"{EXAMPLES} or more" if len(found) == EXAMPLES else str(len(found))
    return NewCase(
        kind="facts_without_order", dedupe_key=_facts_key(connection), subject_kind="connection",
        subject_id=connection.connection_id,
        title=f"{count} message(s) of {connection.name} wait for orders that have not come in {limit} hours",
        what_to_do="Have the orders fetched (hub proof), or send them again from the source; where they are none of "
        "ours, say so and close the case. The case closes itself when the orders come.",
        detail={
            "orders": sorted({order_ref for _, order_ref in found}),
            "messages": [message_id for message_id, _ in found],
        },
    )  # fmt: skip


def _watch_scans(session: Session, at: datetime) -> None:
    """A label bought beside the hub, or one whose answer was lost: its scans come, and no parcel has its number."""
    numbers = fulfilment_repository.unknown_numbers(
        session, since=at - SCANS_MATTER_FOR, before=at - PARCEL_KNOWN_WITHIN, limit=EXAMPLES
    )
    if not numbers:
        done = "No scan of the last days waits for its parcel."
        resolve_by_key(session, dedupe_keys=[SCANS_KEY], actor="hub", resolution=done, at=at)
        return
    count = f"{EXAMPLES} or more" if len(numbers) == EXAMPLES else str(len(numbers))
    case = NewCase(
        kind="scans_without_parcel", dedupe_key=SCANS_KEY, subject_kind="hub", subject_id="hub",
        title=f"Carriers scan {count} parcel(s) that the hub does not know",
        what_to_do="Look the numbers up at the carrier: labels that were bought beside the hub are none of ours; one "
        "of our references means that a label was bought whose answer was lost (hub effects list). The case closes "
        "itself when the parcels are known, and 8 days after the last scan.",
        detail={"tracking_numbers": numbers},
    )  # fmt: skip
    open_cases(session, cases=[case], at=at)


def _facts_key(connection: ConnectionInfo) -> str:
    return f"early:{connection.connection_id}"


def _unanswered(work: FulfilmentOrderRow) -> NewCase:
    hours = STOP_ANSWERED_WITHIN.total_seconds() // 3600
    return NewCase(
        kind="stop_unanswered", dedupe_key=stop_key(work.fulfilment_order_id), subject_kind="order",
        subject_id=work.order_id,
        title=f"{work.location} has not said in {hours:.0f} hours whether it stops {work.number}",
        what_to_do="Ask the location, then give its answer for it (accept-cancel or refuse-cancel).",
        detail={"fulfilment_order": work.number, "location": work.location},
    )  # fmt: skip
