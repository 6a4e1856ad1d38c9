"""Take documents back that are no longer true: unsent ones are not sent, those a ledger holds are cancelled there."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.billing import repository
from hub.billing.tables import ErpDocumentRow
from hub.jobs.events import NewJob
from hub.jobs.service.publish import enqueue

CANCEL = "erp.cancel"


def withdraw_documents(
    session: Session, *, documents: Sequence[ErpDocumentRow | Row[Any]], posted: bool = False
) -> None:
    """Cancel documents; the lane of order and ledger sees to it that a posting under way ends first.

    `posted` tells that the ledger holds them whatever their state says.
    """
    if not documents:
        return
    repository.write_documents(
        session,
        [
            {"document_id": row.document_id, "state": "cancelled"}
            for row in documents
            if row.state in ("pending", "refused")
        ],
    )
    enqueue(
        session,
        [
            NewJob(
                kind=CANCEL,
                idem_key=f"{CANCEL}:{row.document_id}",
                lane=f"out:{row.order_id}:{row.connection_id}",
                subject_id=row.document_id,
                connection_id=row.connection_id,
            )
            for row in documents
            if posted or row.state in ("posted", "in_doubt")
        ],
    )
