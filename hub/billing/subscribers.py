"""Post documents to ledgers: intent, push, result; a lost answer is settled by asking for our key."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy.orm import Session

from hub.billing import repository
from hub.billing.service.documents import POST
from hub.billing.service.withdraw import withdraw_documents
from hub.canonical.erp import ErpDocument, Remote
from hub.connections.service.adapters import Adapters, ConnectionInfo, load
from hub.jobs.service.effects import Intent, begin, confirm, mark, unanswered
from hub.jobs.service.work import Call, Job, Outcome, Prepared, Skip
from hub.kit.clock import Clock
from hub.kit.ids import digest
from hub.orders.service.changes import OrderChanges, lock
from hub.sdk.adapters import Erp
from hub.sdk.errors import AuthFailed, Duplicate, RateLimited, Rejected, Transient, Uncertain
from hub.sdk.values import ItemResult, Outgoing

TURNED_AWAY = (Rejected, RateLimited, AuthFailed)
"""Errors of a push after which the ledger surely does not hold the document."""


AT_ONCE = 20
"""Documents of one push: between pushes it is looked whether there is time left for another."""


class PostDocuments:
    """Handler of `erp.post`."""

    kind = POST
    queue = "outward"

    def __init__(self, *, clock: Clock, adapters: Adapters, call_seconds: float) -> None:
        self._clock = clock
        self._adapters = adapters
        self._call_seconds = call_seconds

    def prepare(self, session: Session, jobs: Sequence[Job]) -> Prepared:
        """Documents that are posted or cancelled already need no call; one that was withdrawn while its posting was
        under way in a worker that died may stand in the ledger all the same, and is cancelled there.
        """
        at = self._clock.now()
        rows = {row.document_id: row for row in repository.documents(session, [job.subject_id or "" for job in jobs])}
        ledgers = load(session, {row.connection_id for row in rows.values()})
        withdrawn = [row for row in rows.values() if row.state == "cancelled"]
        lost = unanswered(session, [row.key for row in withdrawn])
        withdraw_documents(session, documents=[row for row in withdrawn if row.key in lost], posted=True)
        prepared, intents = Prepared(), []
        for job in jobs:
            row = rows.get(job.subject_id or "")
            if (
                row is None
                or row.state not in ("pending", "in_doubt", "refused")
                or not ledgers[row.connection_id].live
            ):
                prepared.skips.append(Skip(job, "nothing to post"))
                continue
            call = Call(job, row.connection_id, _Posting(row, ledgers[row.connection_id]))
            body = orjson.dumps(row.body, option=orjson.OPT_SORT_KEYS)
            intents.append((Intent(row.key, f"erp.{row.kind}", row.connection_id, row.document_id, digest(body)), call))
        prepared.calls = begin(session, intents, at=at, call_seconds=self._call_seconds)
        return prepared

    def perform(self, calls: Sequence[Call]) -> list[Outcome]:
        """Ask first for what may be there already; build and push the rest as one batch."""
        erp = self._adapters.erp(calls[0].data.ledger)
        outcomes: list[Outcome] = []
        to_push: list[tuple[Call, Outgoing]] = []
        for call in calls:
            if call.mode == "adopt":
                outcomes.append(Outcome(call, result=(call.known or {}).get("remote_id")))
                continue
            found = _find(erp, call) if call.mode in ("find", "ask") else None
            if found is None and call.mode == "ask":
                found = Outcome(call, error=Uncertain("the ledger does not hold it yet: the call may still arrive"))
            if found is not None:
                outcomes.append(found)
                continue
            call.data.doubt = False
            try:
                to_push.append((call, erp.build(call.data.document)))
            except Exception as error:  # noqa: BLE001  one document that cannot be built must not hold up the others
                outcomes.append(Outcome(call, error=error))
        size = AT_ONCE if erp.offers("push_many") else 1  # one guard a call: who is frozen within a loop sends no more
        for start in range(0, len(to_push), size):
            outcomes.extend(_push(erp, to_push[start : start + size]))
        return outcomes

    def settle(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """The ledger has them; those that were withdrawn while they were on their way are cancelled there."""
        at = self._clock.now()
        there = repository.documents(session, [outcome.call.data.row.document_id for outcome in outcomes])
        changes = OrderChanges()
        lock(session, changes, {o.call.data.row.order_id for o in outcomes}, columns=("order_id",))
        confirm(
            session,
            at=at,
            results={
                o.call.effect_key or "": (o.result, {"remote_id": o.result}) for o in outcomes if o.call.mode != "adopt"
            },
        )
        repository.write_documents(
            session,
            [
                {
                    "document_id": o.call.data.row.document_id,
                    "state": "posted",
                    "remote_id": o.result,
                    "posted_at": at,
                    "error": None,
                }
                for o in outcomes
            ],
        )
        withdraw_documents(session, documents=[row for row in there if row.state == "cancelled"], posted=True)
        for outcome in outcomes:
            row = outcome.call.data.row
            changes.record(
                row.order_id, "erp.posted", actor=f"connection:{outcome.call.data.ledger.name}",
                data={"kind": row.kind, "number": row.number, "remote_id": outcome.result},
            )  # fmt: skip
        changes.flush(session, at=at)

    def fail(self, session: Session, outcomes: Sequence[Outcome], *, parked: bool) -> None:
        """A refusal is the ledger's no; anything else may have happened and is in doubt."""
        states: dict[str, dict[str, str]] = {"in_doubt": {}, "refused": {}}
        rows = []
        there = repository.documents(session, [outcome.call.data.row.document_id for outcome in outcomes])
        withdrawn = {row.document_id for row in there if row.state == "cancelled"}
        withdraw_documents(session, documents=[row for row in there if row.document_id in withdrawn], posted=True)
        for outcome in outcomes:
            state = "in_doubt" if outcome.call.data.doubt else "refused"
            states[state][outcome.call.effect_key or ""] = str(outcome.error)[:1000]
            rows.append(
                {
                    "document_id": outcome.call.data.row.document_id, "error": str(outcome.error)[:1000],
                    "state": state if parked or state == "in_doubt" else "pending",
                }
            )  # fmt: skip
        repository.write_documents(session, [row for row in rows if row["document_id"] not in withdrawn])
        for state, keys in states.items():
            mark(session, keys=keys, state=state)


class _Posting:
    """A document on its way, with its ledger."""

    def __init__(self, row: Any, ledger: ConnectionInfo) -> None:
        self.row = row
        self.ledger = ledger
        self.doubt = True
        """The ledger may hold it."""

    @property
    def document(self) -> ErpDocument:
        """The canonical document, as it was stored."""
        return ErpDocument.model_validate_json(orjson.dumps(self.row.body))


def _find(erp: Erp[Any], call: Call) -> Outcome | None:
    """What the ledger holds under our key after a lost answer; None when it holds nothing."""
    row = call.data.row
    try:
        remote = erp.find(row.kind, row.key)
    except Exception as error:  # noqa: BLE001  a bug over one answer must not hold up the other documents
        return Outcome(call, error=error)
    return None if remote is None else _adopt(call, remote)


def _adopt(call: Call, remote: Remote) -> Outcome:
    row = call.data.row
    total = remote.total
    if total is not None and (total.minor, total.currency) != (row.total_minor, row.currency):
        error = Rejected(
            f"the ledger holds {remote.remote_id} under our key with {total} {total.currency}: compare by hand",
            code="differs",
        )
        return Outcome(call, error=error)
    return Outcome(call, result=remote.remote_id)


def _push(erp: Erp[Any], items: Sequence[tuple[Call, Outgoing]]) -> list[Outcome]:
    try:
        for call, _ in items:
            call.refuse_late()
    except Transient as error:
        return [Outcome(call, error=error) for call, _ in items]
    for call, _ in items:
        call.data.doubt = True
    results: Mapping[str, ItemResult] = {
        result.ref: result for result in erp.push_many([(outgoing, call.data.row.key) for call, outgoing in items])
    }
    outcomes = []
    for call, _ in items:
        result = results.get(call.data.row.key)
        if result is None:
            outcomes.append(Outcome(call, error=Uncertain("the ledger did not say what became of it")))
        elif result.ok:
            outcomes.append(Outcome(call, result=result.remote_id))
        elif isinstance(result.error, Duplicate):
            outcomes.append(_find(erp, call) or Outcome(call, error=result.error))
        else:
            call.data.doubt = not isinstance(result.error, TURNED_AWAY)
            outcomes.append(Outcome(call, error=result.error or Uncertain("no answer")))
    return outcomes
