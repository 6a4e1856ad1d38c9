"""All SQL of billing."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, func, select, update
from sqlalchemy.orm import Session

from hub.billing.tables import ErpDocumentRow, InvoiceRow, NumberSeriesRow, PaymentTransactionRow
from hub.kit.bulk import among, insert_new, update_rows

TRANSACTIONS: Table = PaymentTransactionRow.__table__  # type: ignore[assignment]
INVOICES: Table = InvoiceRow.__table__  # type: ignore[assignment]
DOCUMENTS: Table = ErpDocumentRow.__table__  # type: ignore[assignment]


def record(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert transactions that are new; returns (order id, external id) of those."""
    return insert_new(session, TRANSACTIONS, rows, key=("order_id", "external_id"))


def update_transactions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Transactions that were told before may have changed their state."""
    update_rows(session, TRANSACTIONS, rows, key=("order_id", "external_id"))


def transactions(session: Session, order_id: str) -> list[PaymentTransactionRow]:
    """All of an order."""
    statement = select(PaymentTransactionRow).where(PaymentTransactionRow.order_id == order_id)
    return list(session.scalars(statement.order_by(PaymentTransactionRow.transaction_id)))


def insert_documents(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert ERP documents that are new; returns (connection id, key) of those."""
    return insert_new(session, DOCUMENTS, rows, key=("connection_id", "key"))


def insert_invoices(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert invoices that are new; returns (kind, source id) of those."""
    return insert_new(session, INVOICES, rows, key=("kind", "source_id"))


def documents(session: Session, document_ids: Collection[str]) -> list[Row[Any]]:
    """ERP documents as plain rows, locked."""
    statement = (
        select(DOCUMENTS)
        .where(among(session, DOCUMENTS.c.document_id, document_ids))
        .order_by(DOCUMENTS.c.document_id)
        .with_for_update()
    )
    return list(session.execute(statement))


def documents_of(session: Session, order_id: str) -> list[ErpDocumentRow]:
    """ERP documents of an order."""
    statement = select(ErpDocumentRow).where(ErpDocumentRow.order_id == order_id)
    return list(session.scalars(statement.order_by(ErpDocumentRow.document_id)))


def write_documents(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set columns by document id."""
    update_rows(session, DOCUMENTS, rows, key=("document_id",))


def invoices_of(session: Session, order_id: str) -> list[InvoiceRow]:
    """Invoices and credit notes of an order."""
    statement = select(InvoiceRow).where(InvoiceRow.order_id == order_id).order_by(InvoiceRow.invoice_id)
    return list(session.scalars(statement))


def invoice_exists(session: Session, kind: str, source_id: str) -> bool:
    """Whether the source (a shipment, a refund) has its invoice."""
    statement = select(InvoiceRow.invoice_id).where(InvoiceRow.kind == kind, InvoiceRow.source_id == source_id)
    return session.scalar(statement) is not None


def take_numbers(session: Session, series: str, count: int) -> int:
    """The first of `count` consecutive numbers; the series' row is locked until the transaction ends: no gaps."""
    row = session.execute(
        update(NumberSeriesRow)
        .where(NumberSeriesRow.series == series)
        .values(next_number=NumberSeriesRow.next_number + count)
        .returning(NumberSeriesRow.next_number)
        .execution_options(synchronize_session=False)
    ).first()
    if row is not None:
        return int(row.next_number) - count
    table: Table = NumberSeriesRow.__table__  # type: ignore[assignment]
    if insert_new(session, table, [{"series": series, "next_number": 1 + count}], key=("series",)):
        return 1
    return take_numbers(session, series, count)


def next_number(session: Session, series: str) -> int:
    """The number that a series gives next."""
    return session.scalar(select(NumberSeriesRow.next_number).where(NumberSeriesRow.series == series)) or 1


def skip_to_number(session: Session, series: str, number: int) -> None:
    """Let a series go on at a number, unless it is further already."""
    skipped = number - next_number(session, series)
    if skipped > 0:
        take_numbers(session, series, skipped)


def counts_by_state(session: Session) -> dict[tuple[str, str], int]:
    """Documents by kind and state."""
    statement = select(ErpDocumentRow.kind, ErpDocumentRow.state, func.count())
    grouped = session.execute(statement.group_by(ErpDocumentRow.kind, ErpDocumentRow.state))
    return {(kind, state): count for kind, state, count in grouped}


def last_documents(session: Session, connection_ids: Collection[str], *, limit: int) -> list[ErpDocumentRow]:
    """The last documents of these ledgers, newest first."""
    statement = select(ErpDocumentRow).where(among(session, DOCUMENTS.c.connection_id, connection_ids))
    return list(session.scalars(statement.order_by(ErpDocumentRow.document_id.desc()).limit(limit)))
