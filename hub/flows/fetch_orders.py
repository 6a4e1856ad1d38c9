"""Fetch orders of a channel by their ids, and take them in like anything else that comes: raw first, same dedupe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo
from hub.flows.ask_channels import ask_each, askable
from hub.flows.services import Services
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.events import NewJob
from hub.jobs.service.work import Call, Job, Outcome, Prepared
from hub.sdk.adapters import Channel
from hub.sdk.errors import Transient
from hub.sdk.values import FetchRequest, Raw

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
        for job, connection, _ in askable(
            session, self._services, jobs, prepared, capability="fetch", refusal="cannot fetch by id"
        ):
            wanted = _Wanted(connection, tuple(job.args["external_ids"]), bool(job.args.get("must_be_there")))
            prepared.calls.append(Call(job, connection.connection_id, wanted))
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One call each."""
        return ask_each(self._services, calls, _fetch)

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Through the ordinary intake."""
        deliveries = [Delivery(outcome.call.data.connection, raw) for outcome in outcomes for raw in outcome.result]
        store_messages(session, deliveries=deliveries, at=self._services.clock.now())

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """Whoever wanted them sees that they did not come."""


def _fetch(channel: Channel[Any], call: Call) -> list[Raw]:
    wanted: _Wanted = call.data
    found = channel.fetch(FetchRequest("order", wanted.external_ids))
    if wanted.must_be_there and len(found) < len(wanted.external_ids):
        raise Transient("the source named this order, and does not show it yet", code="not_shown")
    return found


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
