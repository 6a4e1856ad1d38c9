"""Raw first: keep what came, byte for byte, before anything reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import ConnectionInfo
from hub.intake import repository
from hub.intake.rules.dedupe import dedupe_key, lane
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.kit.ids import digest, new_id
from hub.kit.log import correlation_id
from hub.sdk.values import Raw

PROCESS = "intake.process"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one delivery: the message's id, and whether it was known already."""

    message_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One raw document of a connection, to be stored. `correlation_id` None takes the context's, and its span."""

    connection: ConnectionInfo
    raw: Raw
    parent_id: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None


def store_messages(session: Session, *, deliveries: Sequence[Delivery], at: datetime) -> list[Stored]:
    """Store deliveries and the work they cause in one go; answers in the given order.

    A delivery with the dedupe key of an earlier one is not stored again: its answer is the earlier message.
    """
    correlation = correlation_id()
    rows = [_row(delivery, at, delivery.correlation_id or correlation) for delivery in deliveries]
    inserted = repository.insert(session, _without_repeats(rows))
    known = _known_ids(session, rows, inserted)
    stored, jobs, seen = [], [], set()
    for row, delivery in zip(rows, deliveries, strict=True):
        key = (row["account"], row["dedupe_key"])
        fresh = key in inserted and key not in seen
        seen.add(key)
        message_id = row["message_id"] if fresh else known.get(key, row["message_id"])
        stored.append(Stored(message_id=message_id, duplicate=not fresh))
        if fresh:
            in_lane = lane(row["account"], delivery.raw, message_id)
            job = process_job(message_id, in_lane, delivery.connection)
            jobs.append(replace(job, correlation_id=delivery.correlation_id, traceparent=delivery.traceparent))
    enqueue(session, jobs)
    return stored


def process_job(message_id: str, in_lane: str, connection: ConnectionInfo, attempt: int = 0) -> NewJob:
    """The work of reading one message. It has no connection: a paused platform must not stop what has arrived."""
    return NewJob(
        kind=PROCESS, idem_key=f"{PROCESS}:{message_id}:{attempt}", lane=in_lane, subject_id=message_id,
        args={"connection": connection.name},
    )  # fmt: skip


def _row(delivery: Delivery, at: datetime, correlation: str | None) -> dict[str, Any]:
    raw, connection = delivery.raw, delivery.connection
    message_id = new_id()
    return {
        "message_id": message_id, "connection_id": connection.connection_id, "account": connection.account,
        "parent_id": delivery.parent_id, "dedupe_key": _fit(dedupe_key(raw, message_id, family=connection.kind), 300),
        "kind": _fit(raw.kind, 80), "external_id": _fit(raw.external_id, 200), "revision": _fit(raw.revision, 120),
        "content_type": _fit(raw.content_type, 120), "name": _fit(raw.name, 250),
        "body": raw.body, "digest": digest(raw.body), "headers": dict(raw.headers), "state": "received",
        "plugin": connection.plugin, "correlation_id": correlation, "received_at": at,
    }  # fmt: skip


def _fit(text: str | None, length: int) -> str | None:
    """What the column can hold: an absurd name in one delivery must not refuse it, nor those stored beside it."""
    return text if text is None else text.replace("\x00", "\ufffd")[:length]


def _without_repeats(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    first: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in rows:
        first.setdefault((row["account"], row["dedupe_key"]), row)
    # in one fixed order: two processes that are told the same must not wait for each other's keys crosswise
    return [first[key] for key in sorted(first, key=str)]


def _known_ids(
    session: Session, rows: Sequence[dict[str, Any]], inserted: set[tuple[Any, ...]]
) -> dict[tuple[Any, ...], str]:
    known: dict[tuple[Any, ...], str] = {
        (row["account"], row["dedupe_key"]): str(row["message_id"]) for row in reversed(rows)
    }
    missing: dict[str, list[str]] = {}
    for row in rows:
        if (row["account"], row["dedupe_key"]) not in inserted:
            missing.setdefault(str(row["account"]), []).append(str(row["dedupe_key"]))
    for account, keys in missing.items():
        found = repository.ids_by_dedupe_key(session, account, keys)
        known.update({(account, key): message_id for key, message_id in found.items()})
    return known
