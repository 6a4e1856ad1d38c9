"""Pull a channel's changes: a closed window on the source's clock, stored page by page with its cursor in one
transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo
from hub.connections.tables import ConnectionRow
from hub.flows.ask_channels import ask_each, askable
from hub.flows.services import Services
from hub.intake.service.store import Delivery, store_messages
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Call, Job, Outcome, Prepared
from hub.sdk.values import RawPage, Window

PULL = "channel.pull"
OVERLAP = timedelta(minutes=5)
LAG = timedelta(seconds=2)
FIRST_WINDOW = timedelta(days=30)
STEP_BACK = timedelta(hours=1)
"""What is read again after a restore, beside all that came later."""


@dataclass(slots=True)
class _Page:
    connection: ConnectionInfo
    window: Window
    limit: int
    clock: datetime | None = None
    """The source's time when it gave the first page: what it changed later may be missing in the pages after it."""


class PullChannel:
    """Handler of `channel.pull`; each job is one page, the next page is the next job."""

    kind = PULL
    queue = "outward"

    def __init__(self, services: Services) -> None:
        self._services = services

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Where the cursor stands."""
        prepared = Prepared()
        for job, connection, channel in askable(
            session, self._services, jobs, prepared, capability="list_changes", refusal="cannot pull"
        ):
            cursor = session.get_one(ConnectionRow, connection.connection_id).cursor
            window = _window(cursor, self._services.clock.now(), connection.import_from)
            prepared.calls.append(
                Call(
                    job, connection.connection_id, _Page(connection, window, channel.manifest.batch_max, _clock(cursor))
                )
            )
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """One page each."""
        return ask_each(
            self._services, calls, lambda channel, call: channel.list_changes(call.data.window, call.data.limit)
        )

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Documents and cursor move together: a page that was not stored is asked for again."""
        at = self._services.clock.now()
        for outcome in outcomes:
            page: _Page = outcome.call.data
            result: RawPage = outcome.result
            store_messages(session, deliveries=[Delivery(page.connection, raw) for raw in result.documents], at=at)
            row = session.get_one(ConnectionRow, page.connection.connection_id, with_for_update=True)
            kept = {
                name: value
                for name, value in row.cursor.items()
                if name not in ("since", "until", "page", "done", "clock")
            }
            row.cursor = {**kept, **_advance(page, result)}
            if result.next_page is not None:
                enqueue(session, [_next(outcome.call.job, page, result.next_page)])

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """The cursor stays where it is."""


def pull_job(connection_id: str, cause: str) -> NewJob:
    """The work of pulling one connection up to now."""
    return NewJob(
        kind=PULL, idem_key=f"{PULL}:{connection_id}:{cause}", lane=f"pull:{connection_id}", connection_id=connection_id
    )


def step_back(cursor: Mapping[str, Any]) -> dict[str, Any]:
    """The cursor after the database was put back: a page's token may mean nothing by now, so its window is read anew,
    and what was being written when the backup was taken is read again.
    """
    kept = {name: value for name, value in cursor.items() if name not in ("since", "until", "page", "done")}
    reached = cursor.get("since") or cursor.get("done")
    return {**kept, "done": (datetime.fromisoformat(reached) - STEP_BACK).isoformat()} if reached else kept


def pulled_until(session: Session, connection_ids: Collection[str]) -> dict[str, datetime]:
    """Up to when each channel was asked for what changed, by its own clock; within a window, its beginning."""
    rows = session.execute(
        select(ConnectionRow.connection_id, ConnectionRow.cursor).where(ConnectionRow.connection_id.in_(connection_ids))
    )
    stated = {connection_id: cursor.get("since") or cursor.get("done") for connection_id, cursor in rows}
    return {connection_id: datetime.fromisoformat(at) for connection_id, at in stated.items() if at}


def _window(cursor: dict[str, Any], now: datetime, import_from: datetime | None) -> Window:
    if cursor.get("page"):
        return Window(datetime.fromisoformat(cursor["since"]), datetime.fromisoformat(cursor["until"]), cursor["page"])
    if cursor.get("done"):
        return Window(datetime.fromisoformat(cursor["done"]) - OVERLAP, now - LAG)
    return Window(min(import_from or now, now) - FIRST_WINDOW, now - LAG)


def _clock(cursor: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(cursor["clock"]) if cursor.get("page") and cursor.get("clock") else None


def _advance(page: _Page, result: RawPage) -> dict[str, Any]:
    window, clock = page.window, page.clock or result.source_time
    if result.next_page is not None:
        told = {} if clock is None else {"clock": clock.isoformat()}
        return {"since": window.since.isoformat(), "until": window.until.isoformat(), "page": result.next_page, **told}
    return {"done": min(window.until, clock or window.until).isoformat()}


def _next(job: Job, page: _Page, next_page: str) -> NewJob:
    connection_id = page.connection.connection_id
    return pull_job(connection_id, f"{page.window.until.isoformat()}:{next_page}"[:150])
