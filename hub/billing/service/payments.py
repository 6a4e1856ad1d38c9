"""The ledger of money movements of orders; the payment axis is derived from it and from nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository
from hub.canonical.money import Money
from hub.canonical.order import Order, Refund, Transaction, TransactionState
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.kit.ids import new_id, stable_reference
from hub.orders.rules.payment import derive
from hub.orders.service.changes import OrderChanges


def record_payments(
    session: Session, changes: OrderChanges, *, order_id: str, order: Order, at: datetime, known: bool = False
) -> str:
    """Note the transactions and refunds that an order carries; returns the payment state that they give.

    Of a `known` order, what is new in them is published.
    """
    movements = [*order.transactions, *(entry for refund in order.refunds for entry in _movements(refund))]
    fresh = _write(session, order_id, movements, at)
    grand = order.totals.grand
    payment = derive(
        _known(session, order_id, order.currency), total_minor=None if grand is None else grand.minor,
        stated=order.payment_state,
    )  # fmt: skip
    changes.set(order_id, {"payment": payment})
    if known:
        _tell(session, order_id, payment, fresh)
    return payment


def record_transactions(
    session: Session, changes: OrderChanges, *, stored: Row[Any], transactions: Sequence[Transaction], actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """Note transactions of a known order; one that was told before changes nothing but its state."""
    fresh = _write(session, stored.order_id, transactions, at)
    payment = derive(
        _known(session, stored.order_id, stored.currency), total_minor=stored.grand_minor,
        stated=stored.document.get("payment_state"),
    )  # fmt: skip
    changes.set(stored.order_id, {"payment": payment})
    for entry in transactions:
        if entry.external_id in fresh:
            changes.record(
                stored.order_id, f"payment.{entry.kind}", actor=actor,
                data={"amount": str(entry.amount), "currency": entry.amount.currency, "state": entry.state},
            )  # fmt: skip
    _tell(session, stored.order_id, payment, fresh)


def record_refund(
    session: Session, changes: OrderChanges, *, stored: Row[Any], refund: Refund, actor: str, at: datetime
) -> None:
    """Note a refund: its transactions, or its amount where it names none."""
    record_transactions(session, changes, stored=stored, transactions=_movements(refund), actor=actor, at=at)


def _movements(refund: Refund) -> Sequence[Transaction]:
    if refund.transactions or refund.amount is None:
        return refund.transactions
    return [
        Transaction(
            external_id=f"refund:{refund.external_id}", kind="refund", state="success", amount=refund.amount,
            processed_at=refund.created_at,
        )
    ]  # fmt: skip


def _write(
    session: Session, order_id: str, transactions: Sequence[Transaction], at: datetime
) -> dict[str, TransactionState]:
    """New transactions, and those whose state is another one now: their states by id.

    What is settled stays so: that it was pending once may be told late.
    """
    if not transactions:
        return {}
    before = {row.external_id: row.state for row in repository.transactions(session, order_id)}
    fresh = {
        entry.external_id: entry.state
        for entry in transactions
        if entry.external_id not in before
        or (entry.state != before[entry.external_id] and entry.state in ("success", "failure"))
    }
    rows = [
        {
            "transaction_id": new_id(), "order_id": order_id, "external_id": entry.external_id, "kind": entry.kind,
            "state": entry.state, "amount_minor": entry.amount.minor, "currency": entry.amount.currency,
            "gateway": entry.gateway, "processed_at": entry.processed_at, "recorded_at": at,
        }
        for entry in transactions
        if entry.external_id in fresh
    ]  # fmt: skip
    inserted = {external_id for _, external_id in repository.record(session, rows)}
    again = [
        {"order_id": order_id, "external_id": row["external_id"], "state": row["state"]}
        for row in rows
        if row["external_id"] not in inserted
    ]
    repository.update_transactions(session, again)
    return fresh


def _known(session: Session, order_id: str, currency: str | None) -> list[Transaction]:
    return [
        Transaction(
            external_id=row.external_id, kind=row.kind, state=row.state,  # type: ignore[arg-type]
            amount=Money(minor=row.amount_minor, currency=row.currency),
        )
        for row in repository.transactions(session, order_id)
        if row.currency == currency
    ]  # fmt: skip


def _tell(session: Session, order_id: str, payment: str, fresh: Mapping[str, TransactionState]) -> None:
    if not fresh:
        return
    told = [f"{external_id}={state}" for external_id, state in sorted(fresh.items())]
    publish(
        session,
        [
            Event(
                kind="payment.recorded", subject_id=order_id, cause=stable_reference(*told),
                lane=f"order:{order_id}", data={"payment": payment, "transactions": sorted(fresh)},
            )
        ],
    )  # fmt: skip
