"""Side effects on other systems: written before the call, settled after it, never sent blindly twice.

`intent` and `sent` are one write here: the row is committed as `sent` with a deadline before the call is made, so
whoever finds
it later knows that the call may have gone out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hub.jobs import repository
from hub.jobs.rules.sweep import next_sweep
from hub.jobs.service.restored import may_be_of_before, restored_at
from hub.jobs.service.work import Call
from hub.jobs.tables import EffectRow
from hub.kit.bulk import insert_rows, update_rows
from hub.sdk.errors import NeedsAck

EFFECTS: Table = EffectRow.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that is about to be made. `key` is the stable reference that the other side gets."""

    key: str
    kind: str
    connection_id: str
    subject_id: str
    request_hash: str


def begin(session: Session, intents: Sequence[tuple[Intent, Call]], *, at: datetime, call_seconds: float) -> list[Call]:
    """Write the intents and set each call's `mode` by what is known of it already.

    What was sent and not answered is asked for first; before the deadline of that call, when it may still arrive, it
    is only asked for. One key stands for one request: where the request is another by now, a person decides, unless the
    first one surely did nothing. Where the database was put back to an earlier state, whatever is about something that
    was there then may have been sent in the time that was lost: it is asked for before anything is sent.
    """
    restored = restored_at(session)
    known = repository.effects_by_key(session, [intent.key for intent, _ in intents])
    deadline = at + timedelta(seconds=call_seconds)
    fresh, again = [], []
    for intent, call in intents:
        call.effect_key = intent.key
        row = known.get(intent.key)
        if row is None:
            fresh.append({**_new_row(intent, at, deadline), "job_id": call.job.job_id})
            if restored is not None and may_be_of_before(intent.subject_id, restored):
                call.mode = "find"
            continue
        same = row.request_hash == intent.request_hash
        call.draft_id = row.draft_id if same else None
        if row.state in ("confirmed", "settled") and row.result is None:
            call.refusal = _answer_gone(intent, row.remote_id)
        elif row.state in ("confirmed", "settled"):
            call.mode, call.known = "adopt", row.result
        elif row.state not in ("intent", "refused") and not same:
            call.refusal = _other_request(intent)
        elif row.state != "refused" and row.call_deadline is not None and row.call_deadline > at:
            call.mode = "ask"
        else:
            call.mode = "send" if row.state in ("intent", "refused") else "find"
            again.append(
                {
                    "idem_key": intent.key, "state": "sent", "request_hash": intent.request_hash,
                    "call_deadline": deadline, "attempts": row.attempts + 1, "draft_id": call.draft_id,
                    "job_id": call.job.job_id,
                }
            )  # fmt: skip
    insert_rows(session, EFFECTS, fresh)
    update_rows(session, EFFECTS, again, key=("idem_key",))
    return [call for _, call in intents]


def unanswered(session: Session, keys: Sequence[str]) -> dict[str, datetime]:
    """Keys of calls that were made and whose answer nobody has, with the moment after which none of them can arrive."""
    known = repository.effects_by_key(session, keys)
    return {
        key: row.call_deadline
        for key, row in known.items()
        if row.state in ("sent", "in_doubt") and row.call_deadline is not None
    }


def in_doubt(session: Session, key: str | None) -> str | None:
    """The key, where nobody knows whether what it names happened."""
    row = repository.effects_by_key(session, [key]).get(key) if key else None
    return key if row is not None and row.state == "in_doubt" else None


def late_answers(
    session: Session, *, answers: Mapping[str, tuple[str, Mapping[str, Any]]], at: datetime
) -> dict[str, str]:
    """Answers of calls whose job somebody else has by now: key -> as for `confirm`; returns those that are too many.

    Where nobody knows what became of the call, this is what: it is confirmed, and whoever has the job adopts it. Where
    another answer is known already, the other side did it twice.
    """
    known = repository.effects_by_key(session, sorted(answers))
    open_still = {key for key, row in known.items() if row.state not in ("confirmed", "settled")}
    confirm(session, results={key: answers[key] for key in open_still}, at=at, looked_at_again=True)
    return {
        key: remote_id
        for key, (remote_id, _) in answers.items()
        if key in known and key not in open_still and known[key].remote_id != remote_id
    }


def to_sweep(session: Session, *, connection_id: str, at: datetime, limit: int) -> dict[str, str]:
    """Confirmed calls to a connection that are to be looked at again by now: key -> subject, the longest due first."""
    return repository.due_sweeps(session, connection_id=connection_id, at=at, limit=limit)


def swept(session: Session, *, keys: Sequence[str], at: datetime) -> None:
    """They were looked at; most are looked at again later."""
    known = repository.effects_by_key(session, keys)
    rows = [{"idem_key": key, "sweep_at": next_sweep(row.confirmed_at or at, at)} for key, row in known.items()]
    update_rows(session, EFFECTS, rows, key=("idem_key",))


def keep_drafts(session: Session, drafts: Mapping[str, str]) -> None:
    """The other side made these for nothing: key -> its id. From here on only that draft may be bought."""
    rows = [
        {"idem_key": key, "state": "intent", "draft_id": draft_id, "call_deadline": None}
        for key, draft_id in drafts.items()
    ]
    update_rows(session, EFFECTS, rows, key=("idem_key",))


def confirm(
    session: Session, *, results: Mapping[str, tuple[str | None, Mapping[str, Any]]], at: datetime,
    looked_at_again: bool = False,
) -> None:  # fmt: skip
    """The other side surely has these: key -> (its id, what we keep of its answer).

    `looked_at_again`: a worker that was frozen just before its call may make it yet, so the sweep asks later on.
    """
    update_rows(
        session,
        EFFECTS,
        [
            {
                "idem_key": key,
                "state": "confirmed",
                "remote_id": remote_id,
                "result": dict(result),
                "error": None,
                "confirmed_at": at,
                "sweep_at": next_sweep(at, at) if looked_at_again else None,
            }
            for key, (remote_id, result) in results.items()
        ],
        key=("idem_key",),
    )


def mark(session: Session, *, keys: Mapping[str, str], state: str) -> None:
    """Note an error on effects: `in_doubt` when it may have happened, `refused` when it surely did not.

    What is known to have happened stays so: the answer of another worker may have come meanwhile.
    """
    known = repository.effects_by_key(session, sorted(keys))
    rows = [
        {"idem_key": key, "state": state, "error": error}
        for key, error in keys.items()
        if key in known and known[key].state not in ("confirmed", "settled")
    ]
    update_rows(session, EFFECTS, rows, key=("idem_key",))


def _other_request(intent: Intent) -> NeedsAck:
    return NeedsAck(
        f"not sent: {intent.kind} {intent.key} went out before with other content, and its answer was lost. Look on "
        "the other side what became of it; then skip this job, or undo the change and retry it",
        code="other_request",
    )


def _answer_gone(intent: Intent, remote_id: str | None) -> NeedsAck:
    return NeedsAck(
        f"not sent: {intent.kind} {intent.key} was done long ago{f' as {remote_id}' if remote_id else ''}, and its "
        "answer is not kept any more. Look it up on the other side, then skip this job",
        code="answer_gone",
    )


def _new_row(intent: Intent, at: datetime, deadline: datetime) -> dict[str, Any]:
    return {
        "idem_key": intent.key, "kind": intent.kind, "connection_id": intent.connection_id,
        "subject_id": intent.subject_id, "state": "sent", "request_hash": intent.request_hash,
        "call_deadline": deadline, "attempts": 1, "created_at": at,
    }  # fmt: skip
