"""orders -> billing -> ERP: what the ledgers must hold of an approved order, and of money that moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository as billing_repository
from hub.billing.rules import documents as build
from hub.billing.service.documents import Wanted, queue_documents
from hub.billing.service.withdraw import withdraw_documents
from hub.billing.tables import ErpDocumentRow
from hub.canonical.money import Money
from hub.canonical.order import Order
from hub.connections.service.adapters import load_kind
from hub.flows.services import Services
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue
from hub.jobs.service.work import Job
from hub.orders.repository_gifts import gift_lines
from hub.orders.rules.lifecycle import APPROVED
from hub.orders.service.accept import stored_order
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.gifts import with_gifts

MONEY = "billing.money"
STATED = "-stated"
MONEY_IN = frozenset({"capture", "sale"})


@dataclass(frozen=True, slots=True)
class Sale:
    """An approved order; `fresh` is one that was never approved before, so that no ledger knows it."""

    order_id: str
    number: str
    order: Order
    cause: str
    fresh: bool


def queue_sales_orders(session: Session, services: Services, *, sales: Sequence[Sale], at: datetime) -> None:
    """A sales order each, and the money that they brought along.

    An order that was approved before and has changed since gets a new sales order, and the earlier one is withdrawn.
    """
    if not sales:
        return
    ledgers = services.reference.of(session).of_kind("erp")
    gifts = gift_lines(session, [sale.order_id for sale in sales])
    sales = [replace(sale, order=with_gifts(sale.order, gifts.get(sale.order_id, ()))) for sale in sales]
    wanted = [_sales_order(sale, "") for sale in sales if sale.fresh]
    for sale in sales:
        if sale.fresh:
            wanted.extend(_payments(sale.order_id, sale.number, sale.order))
        else:
            wanted.extend(_renewed(session, services, sale, at))
    queue_documents(session, wanted=wanted, ledgers=ledgers, hub_id=services.hub_id, at=at)
    enqueue(session, [_money_job(sale) for sale in sales if not sale.fresh or sale.order.refunds])


def _sales_order(sale: Sale, part: str) -> Wanted:
    return Wanted("sales_order", sale.order_id, sale.number, sale.order, sale.number, build.sales_order, part=part)


def _renewed(session: Session, services: Services, sale: Sale, at: datetime) -> list[Wanted]:
    earlier = [row for row in billing_repository.documents_of(session, sale.order_id) if row.kind == "sales_order"]
    standing = [row for row in earlier if row.state != "cancelled"]
    heading = build.Heading("-", sale.number, sale.order_id, sale.number, at)
    wanted = build.sales_order(sale.order, heading).model_dump(mode="json", exclude_defaults=True)
    if standing and all(_same(row.body, wanted) for row in standing):
        return []
    withdraw_documents(session, documents=standing)
    return [_sales_order(sale, f"v{len(earlier)}" if earlier else "")]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("lines", "charges", "total"))


def _money_job(sale: Sale) -> NewJob:
    """Money that moved while the order was held."""
    return NewJob(
        kind=MONEY,
        idem_key=f"{MONEY}:{sale.order_id}:approved:{sale.cause}"[:250],
        lane=f"order:{sale.order_id}",
        subject_id=sale.order_id,
    )


class PostMoney:
    """Handler of `billing.money`: money that moved after an order was approved, or while it was held."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, session: Session, jobs: Sequence[Job]) -> None:
        """Payments and credit notes that the ledgers do not hold yet."""
        changes = OrderChanges()
        rows = lock(session, changes, {job.subject_id or "" for job in jobs})
        ledgers = load_kind(session, "erp")
        for row in rows.values():
            if not row.side_effects or row.review not in APPROVED:
                continue
            wanted = _money(session, row)
            queue_documents(
                session, wanted=wanted, ledgers=ledgers, hub_id=self._services.hub_id, at=self._services.clock.now()
            )


def _money(session: Session, row: Row[Any]) -> list[Wanted]:
    """What of an order's money the ledgers must hold: its transactions, else what the channel says in one sum.

    A payment posted on the channel's word stands for the transactions that are told later; where the total has
    changed meanwhile, the difference is posted.
    """
    order = stored_order(row)
    told = [
        entry
        for entry in billing_repository.transactions(session, row.order_id)
        if entry.state == "success" and entry.currency == order.currency
    ]
    posted = [
        document
        for document in billing_repository.documents_of(session, row.order_id)
        if document.kind == "payment" and document.state != "cancelled"
    ]
    stated = [document for document in posted if STATED in document.number]
    wanted: list[Wanted] = []
    for entry in told:
        amount = Money(minor=entry.amount_minor, currency=entry.currency)
        if entry.kind == "refund":
            wanted.extend(_refund(row.order_id, row.number, order, entry.external_id, amount, entry.gateway))
        elif entry.kind in MONEY_IN and not stated:
            wanted.append(_payment(row.order_id, row.number, order, entry.external_id, amount, entry.gateway))
    if stated or not any(entry.kind in MONEY_IN for entry in told):
        wanted.extend(_stated_difference(row, order, stated))
    return wanted


def _stated_difference(row: Row[Any], order: Order, stated: Sequence[ErpDocumentRow]) -> list[Wanted]:
    if order.payment_state != "paid" or order.totals.grand is None:
        return []
    each: dict[str, int] = {}
    for document in stated:
        each[document.connection_id] = each.get(document.connection_id, 0) + document.total_minor
    missing = order.totals.grand.minor - max(each.values(), default=0)
    if missing == 0:
        return []
    parts = {document.number for document in stated}
    part = "stated" if not parts else f"stated{len(parts) + 1}"
    amount = Money(minor=missing, currency=order.totals.grand.currency)
    return [_payment(row.order_id, row.number, order, part, amount, order.payment_method)]


def _payments(order_id: str, number: str, order: Order) -> list[Wanted]:
    movements = [
        entry for entry in order.transactions
        if entry.kind in MONEY_IN and entry.state == "success" and entry.amount.currency == order.currency
    ]  # fmt: skip
    wanted = [_payment(order_id, number, order, entry.external_id, entry.amount, entry.gateway) for entry in movements]
    if not movements and order.payment_state == "paid" and order.totals.grand is not None:
        wanted.append(_payment(order_id, number, order, "stated", order.totals.grand, order.payment_method))
    return wanted


def _payment(order_id: str, number: str, order: Order, part: str, amount: Money, method: str | None) -> Wanted:
    return Wanted(
        "payment", order_id, number, order, f"PAY-{number}-{part}"[:120],
        partial(build.payment, amount=amount, method=method or order.payment_method), part=part,
    )  # fmt: skip


def _refund(order_id: str, number: str, order: Order, part: str, amount: Money, method: str | None) -> list[Wanted]:
    back = Money(minor=-amount.minor, currency=amount.currency)
    return [
        Wanted(
            "credit_note", order_id, number, order, f"CN-{number}-{part}"[:120],
            partial(build.credit_note, amount=amount), part=part,
        ),
        _payment(order_id, number, order, part, back, method),
    ]  # fmt: skip
