"""Money and papers on the wire. Amounts are minor units."""

from datetime import datetime
from typing import Any

from hub.kit.web_types import Out


class TransactionOut(Out):
    """A movement of money on an order."""

    transaction_id: str
    external_id: str
    kind: str
    state: str
    amount_minor: int
    currency: str
    gateway: str | None
    processed_at: datetime | None
    recorded_at: datetime


class InvoiceSummary(Out):
    """An invoice or credit note as lists show it."""

    invoice_id: str
    order_id: str
    kind: str
    number: str
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    issued_at: datetime


class InvoiceOut(InvoiceSummary):
    """An invoice with its lines, charges and taxes."""

    body: dict[str, Any]


class DocumentSummary(Out):
    """A document for an ERP as lists show it; `remote_id` is its id there."""

    document_id: str
    connection_id: str
    order_id: str
    kind: str
    key: str
    number: str
    state: str
    currency: str
    total_minor: int
    remote_id: str | None
    error: str | None
    created_at: datetime
    posted_at: datetime | None


class DocumentOut(DocumentSummary):
    """A document with everything that is posted."""

    body: dict[str, Any]
