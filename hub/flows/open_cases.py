"""What a person must look at, from events of all domains: one open case for each thing."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from hub.cases.rules.cases import NewCase
from hub.cases.service.open import open_cases
from hub.flows.services import Services
from hub.jobs.rules.advice import advice_on
from hub.jobs.service.work import Job


class OpenCase:
    """Handler of one event kind: makes a case of each."""

    def __init__(self, services: Services, make: Callable[[Job], NewCase]) -> None:
        self._services = services
        self._make = make

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Repeats of an open case are counted on it."""
        open_cases(session, cases=[self._make(job) for job in jobs], at=self._services.clock.now())


def message_blocked(job: Job) -> NewCase:
    """A message cannot be read."""
    plugin, error = job.args.get("plugin"), str(job.args.get("error", ""))[:200]
    return NewCase(
        kind="message_blocked", dedupe_key=f"message:{job.subject_id}", subject_kind="message",
        subject_id=job.subject_id or "", title=f"A message of {job.args.get('connection')} cannot be read: {error}",
        what_to_do=f"Look at the raw document, mend the mapping or the settings of {plugin}, then replay the message.",
        detail=dict(job.args),
    )  # fmt: skip


def message_faulty(job: Job) -> NewCase:
    """Parts of a file or list could not be read."""
    faults = job.args.get("faults", [])
    return NewCase(
        kind="message_faulty",
        dedupe_key=f"faults:{job.subject_id}",
        subject_kind="message",
        subject_id=job.subject_id or "",
        title=f"{len(faults)} part(s) of {job.args.get('name') or 'a document'} were left out",
        what_to_do="Correct these rows at the source and send them again; the others are in.",
        detail={"faults": [{"path": fault.get("path"), "message": fault.get("message")} for fault in faults]},
    )


def order_held(job: Job) -> NewCase:
    """Review found something."""
    return NewCase(
        kind="order_held",
        dedupe_key=f"review:{job.subject_id}",
        subject_kind="order",
        subject_id=job.subject_id or "",
        title=f"Order {job.args.get('number')} is held: {', '.join(job.args.get('reasons', []))}",
        what_to_do="Read the findings, correct the order or its data, then release or cancel it.",
        detail={"reasons": job.args.get("reasons", [])},
    )


def order_needs_person(job: Job) -> NewCase:
    """Routing cannot decide."""
    return NewCase(
        kind="routing", dedupe_key=f"routing:{job.subject_id}", subject_kind="order", subject_id=job.subject_id or "",
        title=f"Order {job.args.get('number')} cannot be routed: {job.args.get('message')}",
        what_to_do="Correct the rule, pin the order to a location, or cancel it.", detail=dict(job.args),
    )  # fmt: skip


def changed_after_start(job: Job) -> NewCase:
    """A channel changed an order that is being worked on."""
    return NewCase(
        kind="changed_after_start", dedupe_key=f"changed:{job.subject_id}", subject_kind="order",
        subject_id=job.subject_id or "", title="An order was changed by its channel after work on it had begun",
        what_to_do="Compare the timeline with the work done, then release or cancel the order.", detail=dict(job.args),
    )  # fmt: skip


def cancel_refused(job: Job) -> NewCase:
    """A location ships although it was asked to stop."""
    order_id, work = str(job.args.get("order_id")), job.args.get("fulfilment_order")
    return NewCase(
        kind="cancel_refused", dedupe_key=f"too_late:{order_id}", subject_kind="order", subject_id=order_id,
        title=f"{job.args.get('location')} ships {work} although it was asked to stop: {job.args.get('reason')}"[:300],
        what_to_do="If the goods are not wanted any more, ask the carrier to bring the parcels back, or agree with the "
        "buyer on a return.",
        detail=dict(job.args),
    )  # fmt: skip


def job_parked(job: Job) -> NewCase:
    """Work failed for good; where the other side may have done it, a person has to look there first."""
    effect = job.args.get("effect")
    plain = "Remove the cause, then retry the job; or settle the matter by hand and skip it."
    doubt = (
        f"Look for {effect} on the other side. Is it there, say so with its number: hub effects settle {effect} "
        f"(POST /v1/effects/{effect}/settle). Is it surely not there, have it sent again: hub effects again {effect} "
        f"(POST /v1/effects/{effect}/again)."
    )
    return NewCase(
        kind="job_parked", dedupe_key=f"job:{job.subject_id}", subject_kind="job", subject_id=job.subject_id or "",
        title=f"{job.args.get('job_kind')} stopped ({job.args.get('error_class')}): {str(job.args.get('error'))[:160]}",
        what_to_do=doubt if effect else advice_on(str(job.args.get("error_class"))) or plain,
        detail=dict(job.args),
    )  # fmt: skip


def connection_paused(job: Job) -> NewCase:
    """A platform refused our credentials."""
    return NewCase(
        kind="connection_paused", dedupe_key=f"connection:{job.subject_id}", subject_kind="connection",
        subject_id=job.subject_id or "", title="A connection's credentials were refused; its work is queued",
        what_to_do="Renew the credentials and run the connection's check: the queue goes on by itself.", detail={},
    )  # fmt: skip
