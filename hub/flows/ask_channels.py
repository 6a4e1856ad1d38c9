"""Asking channels: who is asked for a job, and one call after the other, each with its own outcome."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo, load
from hub.flows.services import Services
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.sdk.adapters import Channel
from hub.sdk.errors import PluginError


def askable(
    session: Session, services: Services, jobs: Sequence[Job], prepared: Prepared, *, capability: str, refusal: str
) -> Iterator[tuple[Job, ConnectionInfo, Channel[Any]]]:
    """Each job with its channel. One whose connection is gone, disabled or lacks the capability is skipped in
    `prepared`, with `refusal` as the reason.
    """
    connections = load(session, {job.connection_id or "" for job in jobs})
    for job in jobs:
        connection = connections.get(job.connection_id or "")
        channel = services.adapters.channel(connection) if connection is not None and connection.enabled else None
        if connection is None or channel is None or not channel.offers(capability):
            prepared.skips.append(Skip(job, refusal))
        else:
            yield job, connection, channel


def ask_each(services: Services, calls: Sequence[Call], ask: Callable[[Channel[Any], Call], Any]) -> list[Outcome]:
    """One outcome a call; `data.connection` of the call says whom to ask. Late calls are not made any more."""
    outcomes = []
    for call in calls:
        channel = services.adapters.channel(call.data.connection)
        try:
            call.refuse_late()
            outcomes.append(Outcome(call, result=ask(channel, call)))
        except PluginError as error:
            outcomes.append(Outcome(call, error=error))
    return outcomes
