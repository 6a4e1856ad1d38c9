"""Facts about a known order that are not the order itself: cancellation, money, shipments, addresses, returns."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing.rules.lowered import without_units
from hub.billing.service.payments import record_refund, record_transactions
from hub.canonical.facts import (
    AddressChangeFact,
    CancellationFact,
    Fact,
    PaymentFact,
    RefundFact,
    ReturnFact,
    ShipmentFact,
)
from hub.canonical.order import Order
from hub.flows.amend import amend_order
from hub.flows.cancel import cancel
from hub.flows.channel_shipments import apply_channel_shipments
from hub.flows.services import Services
from hub.intake.service.parse import Parsed
from hub.orders.repository import events_of
from hub.orders.service.accept import Accepted, Arrival, stored_order
from hub.orders.service.changes import OrderChanges
from hub.orders.service.returns import request_return


def apply_fact(
    session: Session,
    changes: OrderChanges,
    services: Services,
    *,
    stored: Row[Any],
    fact: Fact,
    parsed: Parsed,
    at: datetime,
) -> None:
    """Apply one fact to its locked order; applying it twice changes nothing the second time."""
    _HANDLERS[fact.kind](session, changes, services, stored, fact, parsed, at)


def _cancellation(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: CancellationFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    if fact.lines:
        told = events_of(session, stored.order_id, kind="order.changed")
        if any(row.cause == parsed.message.message_id for row in told):
            return  # a replay: these units are cancelled already
        lowered = without_units(stored_order(stored), {part.line_external_id: part.quantity for part in fact.lines})
        if any(line.quantity for line in lowered.lines):
            _amend(session, changes, services, stored, lowered, parsed, at)
            return
    cancel(
        session, changes, stored=stored, actor=f"connection:{parsed.connection.name}",
        cause=parsed.message.message_id, reason=fact.reason, at=at,
    )  # fmt: skip


def _refund(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: RefundFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    record_refund(
        session, changes, stored=stored, refund=fact.refund, actor=f"connection:{parsed.connection.name}", at=at
    )


def _payment(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: PaymentFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    record_transactions(
        session, changes, stored=stored, transactions=[fact.transaction],
        actor=f"connection:{parsed.connection.name}", at=at,
    )  # fmt: skip


def _shipment(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: ShipmentFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    apply_channel_shipments(
        session, changes, stored=stored, shipments=[fact.shipment], actor=f"connection:{parsed.connection.name}",
        cause=parsed.message.message_id, at=at, goes_on=stored.lifecycle == "open",
    )  # fmt: skip


def _address(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: AddressChangeFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    order = stored_order(stored).model_copy(update={"ship_to": fact.ship_to})
    _amend(session, changes, services, stored, order, parsed, at)


def _return(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], fact: ReturnFact,
    parsed: Parsed, at: datetime,
) -> None:  # fmt: skip
    request_return(
        session, changes, stored=stored, external_id=fact.external_id, lines=fact.lines, reason=fact.reason,
        actor=f"connection:{parsed.connection.name}", cause=parsed.message.message_id,
    )  # fmt: skip


def _amend(
    session: Session, changes: OrderChanges, services: Services, stored: Row[Any], order: Order, parsed: Parsed,
    at: datetime,
) -> None:  # fmt: skip
    arrival = Arrival(order, parsed.connection, parsed.message.message_id)
    entry = Accepted(
        arrival, "changed", stored.order_id, stored=stored, side_effects=stored.side_effects, payment=stored.payment
    )
    amend_order(session, changes, services, entry, at=at)


_HANDLERS: dict[str, Callable[..., None]] = {
    "cancellation": _cancellation,
    "refund": _refund,
    "payment": _payment,
    "shipment": _shipment,
    "address_change": _address,
    "return": _return,
}
APPLICABLE = frozenset(_HANDLERS)
