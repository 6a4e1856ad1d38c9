"""Fetch orders of a channel by their ids, and take them in like anything else that comes: raw first, same dedupe."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.events import NewJob
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.sdk.errors import PluginError, Transient
from hub.sdk.values import FetchRequest

FETCH = "channel.fetch"
AT_ONCE = 50
"""Orders a call: a shop that gives few at a time answers within a lease."""


@dataclass(slots=True)
class _Wanted:
    connection: ConnectionInfo
    external_ids: tuple[str, ...]
    must_be_there: bool


class FetchOrders:
    """Handler of `channel.fetch`; each job is some orders of one connection."""

    kind = FETCH
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Whom to ask."""
        prepared = Prepared()
        connections = load(session, {job.connection_id or "" for job in jobs})
        for job in jobs:
            connection = connections.get(job.connection_id or "")
            channel = self._services.adapters.channel(connection) if connection is not None else None
            if connection is None or channel is None or not connection.enabled or not channel.offers("fetch"):
                prepared.skips.append(Skip(job, "cannot fetch by id"))
                continue
            wanted = _Wanted(connection, tuple(job.args["external_ids"]), bool(job.args.get("must_be_there")))
            prepared.calls.append(Call(job, connection.connection_id, wanted))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One call each."""
        outcomes = []
        for call in calls:
            wanted: _Wanted = call.data
            channel = self._services.adapters.channel(wanted.connection)
            try:
                call.refuse_late()
                found = channel.fetch(FetchRequest("order", wanted.external_ids))
                if wanted.must_be_there and len(found) < len(wanted.external_ids):
                    raise Transient("the source named this order, and does not show it yet", code="not_shown")
                outcomes.append(Outcome(call, result=found))
            except PluginError as error:
                outcomes.append(Outcome(call, error=error))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Through the ordinary intake."""
        deliveries = [Delivery(outcome.call.data.connection, raw) for outcome in outcomes for raw in outcome.result]
        store_messages(session, deliveries=deliveries, at=self._services.clock.now())

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Whoever wanted them sees that they did not come."""


def fetch_jobs(
    connection_id: str, external_ids: Sequence[str], *, cause: str, must_be_there: bool = False
) -> list[NewJob]:
    """The work of fetching orders, some at a time. `must_be_there`: the source named them, so it is asked again where
    it does not show them yet.
    """
    return [
        NewJob(
            kind=FETCH, idem_key=f"{FETCH}:{connection_id}:{cause}:{start}",
            lane=f"{FETCH}:{connection_id}:{cause}:{start}",
            args={
                "external_ids": list(external_ids[start : start + AT_ONCE]),
                **({"must_be_there": True} if must_be_there else {}),
            },
            connection_id=connection_id,
        )
        for start in range(0, len(external_ids), AT_ONCE)
    ]  # fmt: skip
