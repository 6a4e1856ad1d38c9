"""orders -> review: check a batch of orders, place holds, approve what nobody must look at, and let it go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import Order
from hub.cases.service.resolve import resolve_by_key
from hub.catalog.service.match import match_skus
from hub.connections.rules.policy import ReviewPolicy
from hub.connections.service.adapters import ConnectionInfo
from hub.flows.sales_documents import Sale, queue_sales_orders
from hub.flows.services import Services
from hub.jobs.events import Event, NewJob
from hub.jobs.service.publish import enqueue, publish
from hub.jobs.service.work import Job
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.order_facts import order_facts
from hub.orders import repository as orders_repository
from hub.orders.rules.counters import ships
from hub.orders.rules.gifts import customer_of
from hub.orders.rules.lifecycle import APPROVED
from hub.orders.service.accept import Accepted, earlier_lookalikes, stored_order
from hub.orders.service.amend import rematch_lines
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.gifts import Entitled, settle_gifts
from hub.orders.service.holds import MAY_BE_DONE, RESTORED, NewHold, place_holds, release_holds
from hub.orders.service.treatment import UNTREATED, Treatment, treat
from hub.review.rules.outcome import HoldRequest, ReviewOutcome, review
from hub.routing.rules.approval import basis_of
from hub.sdk.hooks import Finding, ReviewRequest

RESUME, AGAIN = "review.resume", "review.again"
AT_ONCE = 200
"""Orders that one transaction asks a new review for."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reviewable:
    """An order to review, with what is known about it. `before` is its review state until now."""

    order_id: str
    number: str
    order: Order
    connection: ConnectionInfo
    side_effects: bool
    payment: str
    cause: str
    before: str = "pending"
    unknown_skus: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    cancelled: bool = False
    treatment: Treatment = UNTREATED

    @classmethod
    def of_new(cls, entry: Accepted) -> "Reviewable":
        """An order that was just accepted."""
        order = entry.arrival.order
        return cls(
            entry.order_id, order.number or order.external_id, order, entry.arrival.connection, entry.side_effects,
            entry.payment, entry.arrival.message_id, unknown_skus=entry.unknown_skus, lookalikes=entry.lookalikes,
            cancelled=bool(order.cancelled),
        )  # fmt: skip

    @classmethod
    def of_known(cls, session: Session, entry: Accepted) -> "Reviewable":
        """An order whose source changed it."""
        stored = entry.stored
        assert stored is not None  # noqa: S101  only known orders change
        # the same message may change the order again (a replay through a mended plugin): that is another cause
        cause = f"{entry.arrival.message_id}:{stored.version}"
        return _of_row(session, stored, entry.arrival.order, entry.arrival.connection, cause)


def review_batch(
    session: Session, changes: OrderChanges, services: Services, items: Sequence[Reviewable], *, at: datetime
) -> None:
    """Review orders that are locked (or new) in this transaction."""
    if not items:
        return
    known = services.reference.of(session)
    policies = {item.connection.connection_id: _policy(item.connection) for item in items}
    outcomes = [
        (item, _review(services, item, policies[item.connection.connection_id], known.rules, at))
        for item in items
        if not item.cancelled
    ]
    earlier = [item.order_id for item, _ in outcomes if item.before != "pending"]
    kept = _settle_old_holds(session, changes, earlier, {item.order_id: outcome for item, outcome in outcomes}, at)
    holds: list[NewHold] = []
    for item, outcome in outcomes:
        wanted = [
            hold
            for hold in outcome.holds
            if (hold.reason_code, _plain(hold.evidence)) not in kept.get(item.order_id, set())
        ]
        holds.extend(_new_hold(item, hold, at) for hold in wanted)
        basis = basis_of(
            outcome, policies[item.connection.connection_id], rule_set_id=known.rule_set_id, payment_state=item.payment
        )
        _record(changes, item, outcome, basis, waved_through=not wanted and item.before in APPROVED)
    holds.extend(_known_outside(known.restored_at, items))
    changes.insert(session, at=at)
    place_holds(session, changes, holds=holds, at=at)
    held = {hold.order_id for hold in holds}
    approved = [item for item, _ in outcomes if changes.value(item.order_id, "review", item.before) in APPROVED]
    settle_gifts(session, changes, entitled=[_entitled(*pair) for pair in outcomes if pair[0].side_effects], at=at)
    _go_on(session, services, [item for item in approved if item.order_id not in held and item.side_effects], at)
    publish(
        session,
        [
            _held(item, outcome)
            for item, outcome in outcomes
            if outcome.state != "auto_approved" and item.order_id in held and item.side_effects
        ],
    )


def _entitled(item: Reviewable, outcome: ReviewOutcome) -> Entitled:
    """An order that is refused takes no gift from others; one that was never reviewed has none to give back."""
    offers = () if outcome.state == "rejected" else outcome.gifts
    lost = () if item.before == "pending" else outcome.without_gifts
    return Entitled(item.order_id, customer_of(item.order), offers, lost)


def _known_outside(restored: datetime | None, items: Sequence[Reviewable]) -> list[NewHold]:
    """Orders that are new here and were placed before the database was put back: in the time that was lost they may
    have been shipped and posted under ids that nobody here knows any more.
    """
    fresh = [item for item in items if item.before == "pending" and item.side_effects and not item.cancelled]
    return [
        NewHold(item.order_id, RESTORED, MAY_BE_DONE, placed_by="restore")
        for item in fresh
        if restored is not None and item.order.placed_at is not None and item.order.placed_at <= restored
    ]


class ResumeHeld:
    """Handler of `review.resume`: SKUs are known now. Each order that is held for one gets work of its own, page by
    page, so that thousands neither make one huge transaction nor depend on each other.
    """

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """What is told in one batch is asked for at once; what goes on does so on its own."""
        fresh = [job for job in jobs if "after" not in job.args]
        if fresh:
            skus = {str(job.args.get("channel_sku") or job.args["sku"]) for job in fresh}
            self._ask(session, skus, None, max(job.job_id for job in fresh))
        for job in jobs:
            if "after" in job.args:
                self._ask(session, set(job.args["skus"]), job.args["after"], job.job_id)

    def _ask(self, session: Session, skus: set[str], after: str | None, job_id: int) -> None:
        page = orders_repository.held_for_sku(session, skus, after=after, limit=AT_ONCE)
        asked = [
            NewJob(kind=AGAIN, idem_key=f"{AGAIN}:{order_id}:{job_id}", lane=f"order:{order_id}", subject_id=order_id)
            for order_id in page
        ]
        if len(page) == AT_ONCE:
            args = {"skus": sorted(skus), "after": page[-1]}
            asked.append(NewJob(kind=RESUME, idem_key=f"{RESUME}:{job_id}", lane=f"{RESUME}:{job_id}", args=args))
        enqueue(session, asked)


class ResumeOrders:
    """Handler of `review.again` (a SKU is known now) and `review.payment` (money moved): review again what waited."""

    def __init__(self, services: Services, *, rematch: bool) -> None:
        self._services = services
        self._rematch = rematch

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """One job an order: what goes wrong with one holds up no other."""
        at = self._services.clock.now()
        changes = OrderChanges()
        rows = lock(session, changes, sorted({job.subject_id or "" for job in jobs}))
        connections = self._services.reference.of(session).connections
        if self._rematch:
            for row in rows.values():
                rematch_lines(session, stored=row)
        items = [
            _of_row(session, row, stored_order(row), connections[row.connection_id], str(jobs[0].job_id))
            for row in rows.values()
            if row.lifecycle == "open"
        ]
        review_batch(session, changes, self._services, items, at=at)
        changes.flush(session, at=at)


def _of_row(session: Session, row: Row[Any], order: Order, connection: ConnectionInfo, cause: str) -> Reviewable:
    skus = {line.sku for line in order.lines if line.sku}
    matched = match_skus(session, account=row.account, skus=skus)
    unknown = {
        line.sku or line.name or line.external_id
        for line in order.lines
        if ships(line) and (line.sku or "") not in matched
    }
    return Reviewable(
        row.order_id, row.number, order, connection, row.side_effects, row.payment, cause, before=row.review,
        unknown_skus=tuple(sorted(unknown)), lookalikes=earlier_lookalikes(session, row),
        cancelled=row.lifecycle != "open", treatment=Treatment.of(row),
    )  # fmt: skip


def _policy(connection: ConnectionInfo) -> ReviewPolicy:
    return connection.decided.review


def _review(
    services: Services, item: Reviewable, policy: ReviewPolicy, rules: CompiledRuleSet, at: datetime
) -> ReviewOutcome:
    request = ReviewRequest(
        order=item.order, connection=item.connection.name, unknown_skus=item.unknown_skus, lookalikes=item.lookalikes,
        payment_state=item.payment, policy=policy,
    )  # fmt: skip
    answers = services.host.review_checks(request)
    findings = [finding for _, finding in answers.results]
    for failure in answers.failures:
        log.error("review.check_failed", plugin=failure.plugin, error=failure.summary)
        findings.append(Finding("check_failed", "hold", f"A check of {failure.plugin} failed: decide by hand."))
    facts = order_facts(
        item.order, connection=item.connection.name, channel=item.connection.plugin, payment_state=item.payment
    )
    return review(findings, policy, rules, facts, at)


def _settle_old_holds(
    session: Session, changes: OrderChanges, order_ids: Sequence[str], outcomes: dict[str, ReviewOutcome], at: datetime
) -> dict[str, set[tuple[str, str]]]:
    """Holds of earlier reviews that are not found any more are released; what a person waved through stays so."""
    if not order_ids:
        return {}
    for order_id, holds in orders_repository.open_holds(session, order_ids).items():
        found = {hold.reason_code for hold in outcomes[order_id].holds}
        gone = {
            hold.reason_code for hold in holds
            if (hold.placed_by == "check" or hold.placed_by.startswith("rule:")) and hold.reason_code not in found
        }  # fmt: skip
        if gone:
            release_holds(session, changes, order_ids=[order_id], reason_codes=gone, actor="review", at=at)
    return {
        order_id: {(hold.reason_code, _plain(hold.evidence)) for hold in holds}
        for order_id, holds in orders_repository.waved_through(session, order_ids).items()
    }


def _plain(evidence: Any) -> str:
    return repr(sorted((str(name), str(value)) for name, value in dict(evidence).items()))


def _new_hold(item: Reviewable, hold: HoldRequest, at: datetime) -> NewHold:
    minutes = hold.release_after_minutes
    return NewHold(
        item.order_id, hold.reason_code, hold.message, placed_by=hold.placed_by, scope=hold.scope,
        scope_id=hold.line or item.order_id, evidence=hold.evidence, release=hold.release,
        release_at=at + timedelta(minutes=minutes) if minutes else None,
    )  # fmt: skip


def _record(
    changes: OrderChanges, item: Reviewable, outcome: ReviewOutcome, basis: dict[str, Any], *, waved_through: bool
) -> None:
    state = item.before if waved_through and outcome.state != "rejected" else outcome.state
    changes.set(item.order_id, {"review": state})
    if outcome.tags:
        changes.set(item.order_id, {"tags": sorted({*item.order.tags, *outcome.tags})})
    treat(
        changes, item.order_id, item.treatment, priority=outcome.priority, assignee=outcome.assignee, cause=item.cause
    )  # fmt: skip
    changes.record(
        item.order_id, "order.reviewed", actor="review", cause=item.cause,
        data={
            "state": state, "reason": outcome.reason, "holds": sorted({hold.reason_code for hold in outcome.holds}),
            "remarks": sorted({remark.code for remark in outcome.remarks}),
            "rules": [verdict.rule_id for verdict in outcome.rules if verdict.matched], "basis": basis,
        },
    )  # fmt: skip


def _go_on(session: Session, services: Services, items: Sequence[Reviewable], at: datetime) -> None:
    sales = [Sale(item.order_id, item.number, item.order, item.cause, fresh=item.before == "pending") for item in items]
    queue_sales_orders(session, services, sales=sales, at=at)
    publish(
        session,
        [
            Event(kind="order.approved", subject_id=item.order_id, cause=item.cause, lane=f"order:{item.order_id}")
            for item in items
        ],
    )
    again = [f"review:{item.order_id}" for item in items if item.before != "pending"]
    if again:
        resolve_by_key(session, dedupe_keys=again, actor="review", resolution="nothing is found any more", at=at)


def _held(item: Reviewable, outcome: ReviewOutcome) -> Event:
    return Event(
        kind="order.held_by_review",
        subject_id=item.order_id,
        cause=item.cause,
        lane=f"case:order:{item.order_id}",
        data={"number": item.number, "reasons": sorted({hold.reason_code for hold in outcome.holds})},
    )
