"""Read kept messages again with the plugin as it is now: show the difference first, then apply."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.connections.service.adapters import load
from hub.connections.service.check import open_adapter
from hub.flows.overtaken import leaves_open, overtaken, restates
from hub.flows.services import Services
from hub.flows.translate_codes import translate_codes
from hub.intake import repository
from hub.intake.rules.dedupe import lane
from hub.intake.rules.differences import Change, differences, redacted
from hub.intake.rules.summary import summarise, summarise_scans
from hub.intake.service.parse import Parsed, parse_messages, raw_of
from hub.intake.service.parts import read_before
from hub.intake.service.store import PROCESS, process_job
from hub.jobs.repository import skip_parked
from hub.jobs.service.publish import enqueue
from hub.orders import repository as orders_repository
from hub.orders.service.accept import compare, order_document
from hub.orders.service.amend import changed_fields

Orders = dict[tuple[str, str], Row[Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What reading a message again would change.

    `outcome` is what would come of it: still_blocked, newly_blocked, new_order, changed, same, superseded (its order
    has moved on and stays as it is), facts. `reading` compares with what was read last: unchanged, changed,
    newly_readable, newly_failing, still_failing; `changes` are the places. `fields` are those of the order that would
    change. Nothing in it is personal.
    """

    message_id: str
    name: str | None
    before: str
    outcome: str
    reading: str
    error: str | None = None
    fields: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    documents: tuple[dict[str, Any], ...] = field(default_factory=tuple)


def preview(session: Session, services: Services, message_ids: Collection[str]) -> list[Difference]:
    """What a replay would do; writes nothing. Messages that were kept as long as they may be cannot be read again."""
    messages = [row for row in repository.by_ids(session, message_ids) if not row.emptied_at]
    connections = load(session, {row.connection_id for row in messages})
    parsed = parse_messages(messages, connections, partial(open_adapter, services.adapters))
    translate_codes(session, parsed)
    known = orders_repository.by_external_id(session, [key for entry in parsed if (key := _order_key(entry))])
    before = read_before(session, parsed)
    return [
        _difference(session, entry, known, facts) for entry, facts in zip(parsed, before, strict=True)
    ]  # fmt: skip


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


def compare_readings(before: Sequence[dict[str, Any]] | None, entry: Parsed) -> tuple[str, tuple[Change, ...]]:
    """How this reading of a message differs from the one before, of which None tells that there is none."""
    if entry.error is not None:
        return ("still_failing" if before is None else "newly_failing"), ()
    if before is None:
        return "newly_readable", ()
    changes = differences(before, entry.documents)
    return ("changed" if changes else "unchanged"), changes


def _difference(
    session: Session, entry: Parsed, known: Orders, before: Sequence[dict[str, Any]] | None
) -> Difference:  # fmt: skip
    message = entry.message
    reading, changes = compare_readings(before, entry)
    shown = partial(Difference, message.message_id, message.name, message.state, reading=reading, changes=changes)
    if entry.error is not None:
        place = f"{entry.error.path}: " if entry.error.path else ""
        outcome = "still_blocked" if reading == "still_failing" else "newly_blocked"
        return shown(outcome, error=f"{place}{entry.error.message}")
    told = entry.documents
    summaries = [*map(summarise, entry.facts), *summarise_scans(entry.scans)]
    documents = tuple(redacted(document, about=told) for document in summaries)
    outcome, fields = _outcome(session, entry, known)
    return shown(outcome, fields=fields, documents=documents)


def _outcome(session: Session, entry: Parsed, known: Orders) -> tuple[str, tuple[str, ...]]:
    """What applying it would do to its order, and to which fields."""
    key = _order_key(entry)
    stored = known.get(key) if key else None
    fact = entry.order_fact
    if fact is None:
        stays = stored is not None and restates(entry.facts[0]) and _is_overtaken(session, entry, stored)
        return ("superseded" if stays else "facts"), ()
    if stored is None:
        return "new_order", ()
    verdict = compare(fact.order, stored)
    if verdict == "duplicate":
        return "same", ()
    if verdict == "superseded" or entry.is_partial:
        return "superseded", ()
    if leaves_open(entry, stored) and _is_overtaken(session, entry, stored):
        return "superseded", ()
    return "changed", tuple(changed_fields(stored.document, order_document(fact.order)))


def _is_overtaken(session: Session, entry: Parsed, stored: Row[Any]) -> bool:
    return bool(overtaken(session, {stored.order_id: entry.message.message_id}))


def _order_key(entry: Parsed) -> tuple[str, str] | None:
    """Account and external id of the one order that a message is about."""
    if entry.order_fact is not None:
        return entry.message.account, entry.order_fact.order.external_id
    if len(entry.facts) == 1 and entry.facts[0].order_id:
        return entry.message.account, entry.facts[0].order_id
    return None
