"""Read kept messages again with the plugin as it is now: show the difference first, then apply."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import load
from hub.connections.service.check import open_adapter
from hub.flows.services import Services
from hub.flows.translate_codes import translate_codes
from hub.intake import repository
from hub.intake.rules.dedupe import lane
from hub.intake.rules.summary import summarise, summarise_scans
from hub.intake.service.parse import Parsed, parse_messages, raw_of
from hub.intake.service.store import PROCESS, process_job
from hub.jobs.repository import skip_parked
from hub.jobs.service.publish import enqueue
from hub.orders import repository as orders_repository
from hub.orders.service.accept import order_document
from hub.orders.service.amend import changed_fields


@dataclass(frozen=True, slots=True)
class Difference:
    """What reading a message again would change. `outcome`: still_blocked, new_order, changed, same, facts."""

    message_id: str
    name: str | None
    before: str
    outcome: str
    error: str | None = None
    fields: tuple[str, ...] = ()
    documents: tuple[dict[str, Any], ...] = field(default_factory=tuple)


def select_messages(
    session: Session,
    *,
    plugin: str | None = None,
    state: str | None = None,
    connection: str | None = None,
    error_class: str | None = None,
    limit: int = 1000,
) -> list[str]:
    """Ids of kept messages, oldest first; `connection` is a connection's id."""
    filters = {"plugin": plugin, "state": state, "connection_id": connection, "error_class": error_class}
    given = {name: value for name, value in filters.items() if value is not None}
    return repository.select_ids(session, given, after=None, limit=limit)


def preview(session: Session, services: Services, message_ids: Collection[str]) -> list[Difference]:
    """What a replay would do; writes nothing. Messages that were kept as long as they may be cannot be read again."""
    messages = [row for row in repository.by_ids(session, message_ids) if not row.emptied_at]
    connections = load(session, {row.connection_id for row in messages})
    parsed = parse_messages(messages, connections, partial(open_adapter, services.adapters))
    translate_codes(session, parsed)
    return [_difference(session, entry) for entry in parsed]


def replay(session: Session, services: Services, message_ids: Collection[str], actor: str) -> int:
    """Queue messages to be read again; what they say that is applied already changes nothing."""
    messages = [
        row for row in repository.by_ids(session, message_ids) if row.state != "received" and not row.emptied_at
    ]
    connections = load(session, {row.connection_id for row in messages})
    skip_parked(session, kind=PROCESS, subject_ids=[row.message_id for row in messages])
    repository.release_for_replay(session, [row.message_id for row in messages])
    enqueue(
        session,
        [
            process_job(
                row.message_id, lane(row.account, raw_of(row), row.message_id), connections[row.connection_id],
                attempt=row.attempts + 1,
            )
            for row in messages
        ],
    )  # fmt: skip
    return len(messages)


def _difference(session: Session, entry: Parsed) -> Difference:
    message = entry.message
    if entry.error is not None:
        place = f"{entry.error.path}: " if entry.error.path else ""
        return Difference(
            message.message_id, message.name, message.state, "still_blocked", f"{place}{entry.error.message}"
        )
    documents = (*(summarise(fact) for fact in entry.facts), *summarise_scans(entry.scans))
    fact = entry.order_fact
    if fact is None:
        return Difference(message.message_id, message.name, message.state, "facts", documents=documents)
    key = (message.account, fact.order.external_id)
    stored = orders_repository.lock_by_external_id(session, [key]).get(key)
    if stored is None:
        return Difference(message.message_id, message.name, message.state, "new_order", documents=documents)
    fields = tuple(changed_fields(stored.document, order_document(fact.order)))
    outcome = "changed" if fields else "same"
    return Difference(message.message_id, message.name, message.state, outcome, fields=fields, documents=documents)
