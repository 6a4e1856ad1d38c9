"""intake -> orders -> review: read a batch of messages and apply what they say, in one transaction.

Orders of the batch go through accept and review set-based. Everything else (cancellations, refunds, payments,
shipments, addresses) is about one known order; what comes before its order is parked and applied at its creation.
Scans of carriers are about parcels.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from hub.billing.service.payments import record_payments
from hub.canonical.facts import Fact, HintFact, OrderFact
from hub.cases.service.resolve import resolve_by_key
from hub.connections.service.check import open_adapter
from hub.flows.amend import amend_order
from hub.flows.apply_fact import APPLICABLE, apply_fact
from hub.flows.fetch_orders import fetch_jobs
from hub.flows.overtaken import leaves_open, overtaken, restates
from hub.flows.review_orders import Reviewable, review_batch
from hub.flows.services import Services
from hub.flows.translate_codes import note_unknown_codes, translate_codes
from hub.fulfilment.service.tracking import record_tracking
from hub.intake import repository
from hub.intake.service.parse import FACT_TYPE, Parsed, fact_body, parse_messages
from hub.intake.service.parts import part_key
from hub.intake.service.store import PROCESS, Delivery, store_messages
from hub.jobs.events import Event, NewJob
from hub.jobs.service.causes import follow
from hub.jobs.service.publish import enqueue, publish
from hub.jobs.service.work import Job
from hub.kit.db import lock_names
from hub.orders import repository as orders_repository
from hub.orders.service.accept import Accepted, Arrival, accept_orders, creation_name, note_revision
from hub.orders.service.changes import OrderChanges
from hub.sdk.errors import Malformed
from hub.sdk.values import Raw

LONGEST_ORDER_ID = 200


READABLE = ("received", "parked", "blocked")
"""A job of this kind only exists for a first reading, a replay, a retry, or because an order came at last."""


class ProcessMessages:
    """Handler of `intake.process`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Messages that another run has finished already are left alone."""
        at = self._services.clock.now()
        ids = [job.subject_id or "" for job in jobs]
        messages = [row for row in repository.by_ids(session, ids) if row.state in READABLE]
        connections = self._services.reference.of(session).connections
        parsed = parse_messages(messages, connections, partial(open_adapter, self._services.adapters))
        translate_codes(session, parsed)
        results = _Results(at)
        changes = OrderChanges()
        orders, others, scanned = [], [], []
        for entry in parsed:
            if entry.error is not None:
                results.block(entry)
            elif entry.connection.kind == "carrier":
                scanned.append(entry)
            elif entry.is_split:
                self._split(session, entry, at, results)
            elif (fact := entry.order_fact) is not None and fact.kind == "order":
                orders.append(entry)
            else:
                others.append(entry)
        for batch in _rounds(orders):
            self._accept(session, changes, batch, at, results)
            changes.flush(session, at=at)
        early = [entry for entry in others if not self._apply_other(session, changes, entry, at, results)]
        self._park(session, changes, early, at, results)
        changes.flush(session, at=at)
        self._track(session, scanned, at, results)
        repository.write_results(session, results.rows)
        note_unknown_codes(session, parsed, results.rows, changed=results.changed)
        mended = [
            f"message:{entry.message.message_id}" for entry in parsed if entry.message.attempts and not entry.error
        ]
        if mended:
            resolve_by_key(session, dedupe_keys=mended, actor="hub", resolution="read after a replay", at=at)
        publish(session, results.events)

    def _accept(
        self, session: Session, changes: OrderChanges, batch: Sequence[Parsed], at: datetime, results: "_Results"
    ) -> None:
        arrivals = [Arrival(_order(entry), entry.connection, entry.message.message_id) for entry in batch]
        accepted = accept_orders(session, changes, arrivals=arrivals, at=at)
        for entry in accepted:
            follow(session, entry.order_id, cause=entry.arrival.message_id)
        again = {
            entry.order_id: parsed.message.message_id
            for parsed, entry in zip(batch, accepted, strict=True)
            if entry.verdict == "changed" and parsed.message.attempts and leaves_open(parsed, entry.stored)
        }
        moved_on = overtaken(session, again)
        for parsed, entry in zip(batch, accepted, strict=True):
            # a document with only some fields must not wipe out the others, nor an old one throw back what came since
            if entry.verdict == "changed" and (parsed.is_partial or entry.order_id in moved_on):
                entry.verdict = "superseded"
                if parsed.is_partial and self._services.adapters.channel(parsed.connection).offers("fetch"):
                    self._read_whole(session, parsed, entry.arrival.order.external_id)
        fresh = [entry for entry in accepted if entry.verdict == "new"]
        self._unpark(session, fresh)
        review_batch(
            session, changes, self._services,
            [Reviewable.of_new(entry) for entry in fresh], at=at,
        )  # fmt: skip
        for entry in fresh:
            order = entry.arrival.order
            if order.transactions or order.refunds:
                record_payments(session, changes, order_id=entry.order_id, order=order, at=at)
        for parsed, entry in zip(batch, accepted, strict=True):
            if entry.verdict == "changed":
                amend_order(session, changes, self._services, entry, at=at)
            elif entry.verdict == "duplicate":
                note_revision(changes, entry)
            results.applied(parsed, entry)

    def _unpark(self, session: Session, fresh: Sequence[Accepted]) -> None:
        """Facts that came before their order are applied now, in the order in which they came; `accept_orders` holds
        the locks under which they would be parked.
        """
        keys = [(entry.arrival.connection.account, entry.arrival.order.external_id) for entry in fresh]
        if not keys:
            return
        known = {key: entry.order_id for key, entry in zip(keys, fresh, strict=True)}
        enqueue(
            session,
            [
                NewJob(
                    kind=PROCESS, idem_key=f"{PROCESS}:{message_id}:unpark:{known[account, external_id]}",
                    lane=f"in:{account}:{external_id}"[:250], subject_id=message_id,
                )
                for message_id, account, external_id in sorted(repository.parked_for(session, keys))
            ],
        )  # fmt: skip

    def _track(self, session: Session, scanned: Sequence[Parsed], at: datetime, results: "_Results") -> None:
        """One call a carrier, so that the orders of all its parcels are locked in their one order."""
        for name in sorted({entry.connection.name for entry in scanned}):
            scans = [scan for entry in scanned if entry.connection.name == name for scan in entry.scans]
            record_tracking(session, events=scans, actor=f"connection:{name}", at=at)
        for entry in scanned:
            results.noted(entry)

    def _split(self, session: Session, entry: Parsed, at: datetime, results: "_Results") -> None:
        """A file or list becomes one message a document, each with its own fate."""
        message = entry.message
        store_messages(
            session,
            deliveries=[
                Delivery(
                    entry.connection,
                    _part(entry, index, fact),
                    parent_id=message.message_id,
                    correlation_id=message.correlation_id,
                )
                for index, fact in enumerate(entry.facts)
            ],
            at=at,
        )
        results.split(entry)

    def _apply_other(
        self, session: Session, changes: OrderChanges, entry: Parsed, at: datetime, results: "_Results"
    ) -> bool:
        """Whether it is settled; what is about an order that is not there yet must be parked."""
        fact = entry.facts[0] if entry.facts else None
        if isinstance(fact, HintFact):
            self._follow_hint(session, entry, fact, results)
            return True
        if fact is None or fact.kind not in APPLICABLE:
            results.noted(entry)
            return True
        changes.flush(session, at=at)  # two facts of one batch may be about one order
        key = (entry.message.account, fact.order_id or "")
        stored = orders_repository.lock_by_external_id(session, [key]).get(key)
        if stored is None:
            return False
        follow(session, stored.order_id, cause=entry.message.message_id)
        if (
            entry.message.attempts
            and restates(fact)
            and overtaken(session, {stored.order_id: entry.message.message_id})
        ):
            results.overtaken(entry, stored.order_id)
            return True
        changes.add_locked(stored.order_id, event_count=stored.event_count, version=stored.version)
        apply_fact(session, changes, self._services, stored=stored, fact=fact, parsed=entry, at=at)
        results.done(entry, stored.order_id)
        return True

    def _follow_hint(self, session: Session, entry: Parsed, fact: HintFact, results: "_Results") -> None:
        """A hint is not believed: the source says what is so."""
        if not fact.order_id or not self._services.adapters.channel(entry.connection).offers("fetch"):
            entry.error = Malformed("it only names an order, and the channel cannot be asked for it", code="bare_hint")
            results.block(entry)
            return
        self._read_whole(session, entry, fact.order_id)
        results.noted(entry)

    def _read_whole(self, session: Session, entry: Parsed, order_id: str) -> None:
        cause = f"hint:{entry.message.message_id}:{entry.message.attempts}"
        enqueue(session, fetch_jobs(entry.connection.connection_id, [order_id], cause=cause, must_be_there=True))

    def _park(
        self, session: Session, changes: OrderChanges, early: Sequence[Parsed], at: datetime, results: "_Results"
    ) -> None:
        """Let facts wait for their orders, unless these came at this very moment: whoever makes an order looks for
        what waits for it under the same lock, so that none waits for ever.
        """
        lock_names(session, [creation_name(entry.message.account, entry.facts[0].order_id or "") for entry in early])
        for entry in early:
            if not self._apply_other(session, changes, entry, at, results):
                results.park(entry, entry.facts[0])


class BlockFailed:
    """Handler of `intake.failed`: a message that could not be handled is blocked, and replayable like others."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Parked jobs of other kinds are not about messages."""
        failed = {str(job.args["subject_id"]): job for job in jobs if job.args.get("job_kind") == PROCESS}
        for message in repository.by_ids(session, failed):
            job = failed[message.message_id]
            repository.block(
                session, message.message_id, error_class=str(job.args["error_class"]), error=str(job.args["error"])
            )


class _Results:
    """Outcome columns of the batch's messages, and the events they lead to."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self.rows: list[dict[str, Any]] = []
        self.events: list[Event] = []
        self.changed: list[str] = []

    def block(self, entry: Parsed) -> None:
        """The message cannot be read: a person mends the plugin or its settings and replays it."""
        error = entry.error
        self._add(
            entry, "blocked", error_class=type(error).__name__, error_code=error.code if error else None,
            error=_located(error), faults=[fault.model_dump(mode="json") for fault in entry.faults] or None,
        )  # fmt: skip
        self.events.append(
            Event(
                kind="message.blocked", subject_id=entry.message.message_id, cause=str(entry.message.attempts),
                lane=f"case:message:{entry.message.message_id}",
                data={"connection": entry.connection.name, "plugin": entry.connection.plugin, "error": _located(error)},
            )
        )  # fmt: skip

    def applied(self, entry: Parsed, accepted: Accepted) -> None:
        """An order was made, changed, or was known already."""
        states = {"new": "applied", "changed": "applied", "duplicate": "duplicate", "superseded": "superseded"}
        self._add(entry, states[accepted.verdict], order_id=accepted.order_id)
        if accepted.verdict == "changed":
            self.changed.append(accepted.order_id)

    def split(self, entry: Parsed) -> None:
        """The parts are messages now; faults of parts that could not be read stay with the whole."""
        faults = [fault.model_dump(mode="json") for fault in entry.faults]
        self._add(entry, "parsed", faults=faults or None)
        if faults:
            self.events.append(
                Event(
                    kind="message.faulty", subject_id=entry.message.message_id, cause=str(entry.message.attempts),
                    lane=f"case:message:{entry.message.message_id}",
                    data={"connection": entry.connection.name, "name": entry.message.name, "faults": faults[:50]},
                )
            )  # fmt: skip

    def park(self, entry: Parsed, fact: Fact) -> None:
        """The order it is about has not come yet."""
        self._add(entry, "parked", order_ref=(fact.order_id or "")[:LONGEST_ORDER_ID])

    def noted(self, entry: Parsed) -> None:
        """Readable, and nothing for the hub to do."""
        self._add(entry, "applied")

    def done(self, entry: Parsed, order_id: str) -> None:
        """Applied to a known order."""
        self._add(entry, "applied", order_id=order_id)

    def overtaken(self, entry: Parsed, order_id: str) -> None:
        """Its order has moved on since it came."""
        self._add(entry, "superseded", order_id=order_id)

    def _add(self, entry: Parsed, state: str, **columns: Any) -> None:
        self.rows.append(
            {
                "message_id": entry.message.message_id, "state": state, "plugin_version": entry.plugin_version,
                "applied_at": self._at, "order_id": columns.get("order_id"), "order_ref": columns.get("order_ref"),
                "error_class": columns.get("error_class"), "error_code": columns.get("error_code"),
                "error": columns.get("error"), "faults": columns.get("faults"), "facts": _kept(entry),
            }
        )  # fmt: skip


def _kept(entry: Parsed) -> list[Any] | None:
    """What was read, for the day when another version of the plugin reads it; a refusal leaves what was read before."""
    if entry.error is not None:
        return entry.message.facts  # type: ignore[no-any-return]
    return None if entry.is_split else entry.documents


def _order(entry: Parsed) -> Any:
    fact = entry.order_fact
    assert isinstance(fact, OrderFact)  # noqa: S101  `_rounds` only has these
    return fact.order


def _located(error: Any) -> str:
    if error is None:
        return ""
    return f"{error.path}: {error.message}" if error.path else str(error.message)


def _part(entry: Parsed, index: int, fact: Fact) -> Raw:
    message = entry.message
    return Raw(
        body=fact_body(fact), content_type=FACT_TYPE, kind=fact.kind, external_id=fact.order_id or fact.external_id,
        event_id=part_key(message, index), revision=fact.revision, name=message.name,
    )  # fmt: skip


def _rounds(orders: Sequence[Parsed]) -> list[list[Parsed]]:
    """Batches without two messages about one order, in the order in which they came."""
    rounds: list[list[Parsed]] = []
    taken: list[set[tuple[str, str]]] = []
    for entry in orders:
        key = (entry.message.account, _order(entry).external_id)
        turn = next((index for index, keys in enumerate(taken) if key not in keys), len(taken))
        if turn == len(taken):
            taken.append(set())
            rounds.append([])
        taken[turn].add(key)
        rounds[turn].append(entry)
    return rounds
