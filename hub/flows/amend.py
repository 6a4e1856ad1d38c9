"""A newer state of a known order: take back what it makes wrong, move the quantities, review again."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from hub.billing.service.payments import record_payments
from hub.flows.ask_a_person import ask_a_person
from hub.flows.cancel import cancel
from hub.flows.channel_shipments import apply_channel_shipments
from hub.flows.review_orders import Reviewable, review_batch
from hub.flows.services import Services
from hub.fulfilment.service.withdraw import withdraw
from hub.orders.service.accept import Accepted, order_document
from hub.orders.service.amend import changed_fields, revise_order
from hub.orders.service.changes import OrderChanges

MATERIAL = frozenset({"lines", "ship_to", "delivery", "currency", "totals", "charges", "discounts", "taxes", "kind"})
"""Fields whose change makes a plan or a review out of date; others (tags, payments, our own shipments) do not."""


def amend_order(session: Session, changes: OrderChanges, services: Services, entry: Accepted, *, at: datetime) -> None:
    """Apply a changed order to its locked row."""
    stored, arrival = entry.stored, entry.arrival
    if stored is None:
        return
    order, actor = arrival.order, f"connection:{arrival.connection.name}"
    ship = partial(
        apply_channel_shipments, session, changes, stored=stored, shipments=order.shipments, actor=actor,
        cause=arrival.message_id, at=at,
    )  # fmt: skip
    fields = set(changed_fields(stored.document, order_document(order)))
    if order.cancelled and stored.lifecycle != "cancelled":
        ship(goes_on=False)  # what has left is shipped; the rest is cancelled
        cancel(
            session, changes, stored=stored, actor=actor, cause=arrival.message_id, reason=order.cancel_reason, at=at
        )
    material = bool(fields & MATERIAL) and stored.lifecycle == "open" and not order.cancelled
    begun = material and bool(
        withdraw(session, changes, order_ids=[stored.order_id], at=at, actor=actor, reason="order changed")
    )
    changes.flush(session, at=at)
    cancelled = bool(order.cancelled) or stored.lifecycle == "cancelled"
    revised = revise_order(
        session, changes, stored=stored, order=order, cancelled=cancelled, actor=actor, cause=arrival.message_id
    )
    payment = record_payments(session, changes, order_id=stored.order_id, order=order, at=at, known=True)
    if not cancelled:
        changes.flush(session, at=at)
        ship(goes_on=stored.lifecycle == "open")
    reopened = stored.lifecycle == "completed" and revised.grown
    if reopened:
        changes.set(stored.order_id, {"lifecycle": "open"})
    if begun or reopened or revised.reductions:
        evidence = {"work_begun": begun, "lines_cut": len(revised.reductions)}
        ask_a_person(
            session, changes, order_id=entry.order_id, actor=actor, cause=arrival.message_id, evidence=evidence, at=at
        )
    if (
        stored.lifecycle == "open"
        and not order.cancelled
        and (material or "payment_state" in fields or "transactions" in fields)
    ):
        changes.flush(session, at=at)
        known = replace(Reviewable.of_known(session, entry), payment=payment)
        review_batch(session, changes, services, [known], at=at)
