"""Ask carriers what became of the parcels under way, for those that can be asked: a push may be lost, or never come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.fulfilment import repository as fulfilment_repository
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.ids import digest
from hub.sdk.errors import PluginError
from hub.sdk.values import Raw

REFRESH_TRACKING = "carrier.track"
ASKED_FOR = timedelta(days=60)
"""A parcel that is under way for longer is a matter for people; carriers forget numbers, too."""


@dataclass(frozen=True, slots=True)
class _Page:
    connection: ConnectionInfo
    numbers: tuple[str, ...]
    size: int
    last: str | None
    """The shipment to go on after; None on the last page."""


class RefreshTracking:
    """Handler of `carrier.track`; each job is one page of shipments, the next page is the next job."""

    kind = REFRESH_TRACKING
    queue = "bulk"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """The numbers of the parcels that have not arrived."""
        prepared = Prepared()
        connections = load(session, {job.connection_id or "" for job in jobs})
        for job in jobs:
            connection = connections.get(job.connection_id or "")
            if connection is None or not connection.enabled or not self._can(connection):
                prepared.skips.append(Skip(job, "cannot be asked for its parcels"))
                continue
            page = self._page(session, connection, job.args.get("after"))
            if page.numbers or page.last:
                prepared.calls.append(Call(job, connection.connection_id, page))
            else:
                prepared.skips.append(Skip(job, "nothing is under way"))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """As many numbers at a time as the carrier takes."""
        outcomes = []
        for call in calls:
            carrier = self._services.adapters.carrier(call.data.connection)
            try:
                found: list[Raw] = []
                for numbers in _portions(call.data.numbers, call.data.size):
                    call.refuse_late()
                    found.extend(carrier.track(numbers))
                outcomes.append(Outcome(call, result=found))
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Documents are kept raw and read like pushed ones, the next page is asked for."""
        at = self._services.clock.now()
        for outcome in outcomes:
            page: _Page = outcome.call.data
            store_messages(
                session, deliveries=[Delivery(page.connection, _named(raw)) for raw in outcome.result], at=at
            )
            if page.last is not None:
                enqueue(session, [_next(outcome.call.job, page)])

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Nothing is lost: the next run asks for the same parcels."""

    def _can(self, connection: ConnectionInfo) -> bool:
        return self._services.adapters.carrier(connection).offers("track")

    def _page(self, session: Session, connection: ConnectionInfo, after: str | None) -> _Page:
        size = self._services.adapters.carrier(connection).manifest.batch_max
        since = self._services.clock.now() - ASKED_FOR
        found = fulfilment_repository.under_way(session, connection.name, since=since, after=after, limit=size)
        numbers = tuple(number for _, its_own in found for number in its_own)
        return _Page(connection, numbers, size, found[-1][0] if len(found) == size else None)


def _named(raw: Raw) -> Raw:
    """Scans are only ever added, so a document that was read before says nothing new: it is kept once."""
    if raw.event_id or (raw.external_id and raw.revision):
        return raw
    return replace(raw, event_id=f"track:{digest(raw.body)}")


def _next(job: Job, page: _Page) -> NewJob:
    return NewJob(
        kind=REFRESH_TRACKING, idem_key=f"{REFRESH_TRACKING}:{job.job_id}:{page.last}", lane=job.lane,
        args={"after": page.last}, connection_id=page.connection.connection_id,
    )  # fmt: skip


def _portions(numbers: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
