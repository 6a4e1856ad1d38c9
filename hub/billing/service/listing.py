"""Read invoices and ERP documents: each filter has its index, and pages go by key."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.billing.tables import ErpDocumentRow, InvoiceRow
from hub.kit.errors import NotFound
from hub.kit.ids import is_id


def list_documents(
    session: Session, *, state: str | None, order_id: str | None, after: str | None, limit: int
) -> list[ErpDocumentRow]:
    """ERP documents, newest first."""
    statement = select(ErpDocumentRow).order_by(ErpDocumentRow.document_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(ErpDocumentRow.state == state)
    if order_id is not None:
        statement = statement.where(ErpDocumentRow.order_id == order_id)
    return list(session.scalars(statement if after is None else statement.where(ErpDocumentRow.document_id < after)))


def get_document(session: Session, document_id: str) -> ErpDocumentRow:
    """One by id; `NotFound` else."""
    row = session.get(ErpDocumentRow, document_id) if is_id(document_id) else None
    if row is None:
        raise NotFound("document", document_id)
    return row


def list_invoices(session: Session, *, order_id: str | None, after: str | None, limit: int) -> list[InvoiceRow]:
    """Invoices and credit notes, newest first."""
    statement = select(InvoiceRow).order_by(InvoiceRow.invoice_id.desc()).limit(limit)
    if order_id is not None:
        statement = statement.where(InvoiceRow.order_id == order_id)
    return list(session.scalars(statement if after is None else statement.where(InvoiceRow.invoice_id < after)))


def get_invoice(session: Session, reference: str) -> InvoiceRow:
    """One by id or number; `NotFound` else."""
    row = session.get(InvoiceRow, reference) if is_id(reference) else None
    row = row or session.scalars(select(InvoiceRow).where(InvoiceRow.number == reference)).one_or_none()
    if row is None:
        raise NotFound("invoice", reference)
    return row
