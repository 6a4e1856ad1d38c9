"""`/v1/documents` (what ERPs must hold) and `/v1/invoices`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path

from hub.auth.api import require
from hub.billing.schemas import DocumentOut, DocumentSummary, InvoiceOut, InvoiceSummary
from hub.billing.service.listing import get_document, get_invoice, list_documents, list_invoices
from hub.kit.web import Cursor, Limit, Page, page_of, problem_responses
from hub.kit.web_session import ReadSession
from hub.kit.web_state import id_after, id_cursor
from hub.kit.web_types import IdText

router = APIRouter(prefix="/v1", dependencies=[Depends(require("billing:read"))])
DocumentState = Literal["pending", "posted", "refused", "in_doubt", "cancelled"]
Reference = Annotated[str, Path(min_length=1, max_length=120, description="Id or number.")]
DOCUMENTS, INVOICES = "documents", "invoices"


@router.get("/documents", tags=["documents"], responses=problem_responses(400, 401, 403, 422))
def all_documents(
    session: ReadSession, state: DocumentState | None = None, order_id: IdText | None = None, limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DocumentSummary]:  # fmt: skip
    """Documents for ERPs, the newest first, with what became of them."""
    after = id_after(DOCUMENTS, cursor)
    rows = list_documents(session, state=state, order_id=order_id, after=after, limit=limit + 1)
    return page_of(
        rows, limit=limit, item=DocumentSummary.model_validate, cursor=lambda row: id_cursor(DOCUMENTS, row.document_id)
    )


@router.get("/documents/{document_id}", tags=["documents"], responses=problem_responses(401, 403, 404))
def one_document(document_id: Reference, session: ReadSession) -> DocumentOut:
    """One with everything that is posted."""
    return DocumentOut.model_validate(get_document(session, document_id))


@router.get("/invoices", tags=["documents"], responses=problem_responses(400, 401, 403, 422))
def all_invoices(
    session: ReadSession, order_id: IdText | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[InvoiceSummary]:
    """Invoices and credit notes, the newest first."""
    rows = list_invoices(session, order_id=order_id, after=id_after(INVOICES, cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, item=InvoiceSummary.model_validate, cursor=lambda row: id_cursor(INVOICES, row.invoice_id)
    )


@router.get("/invoices/{reference}", tags=["documents"], responses=problem_responses(401, 403, 404))
def one_invoice(reference: Reference, session: ReadSession) -> InvoiceOut:
    """One with its lines, charges and taxes."""
    return InvoiceOut.model_validate(get_invoice(session, reference))
