"""What came in is not kept for ever: the document and all that is personal in it goes, what makes it known again stays.

Without its dedupe key a delivery that the source repeats would be taken in, and applied, a second time.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, null, or_, select, update
from sqlalchemy.orm import Session, aliased

from hub.intake import repository
from hub.intake.tables import CensusRunRow, InboundMessageRow, UnknownCodeRow
from hub.jobs.service.retention import Seen, Swept, walk
from hub.kit.bulk import among

OPEN = ("received", "parked", "blocked")
LOOKED_AT = 500
"""Messages that one step looks at: a body may be megabytes, and all that go are written in one transaction."""
Told = Callable[[Session, Collection[str]], Collection[str]]
"""Which of these messages a person still has to look at."""


def sweep_messages(
    session: Session, *, connection_id: str, after: str, before: datetime, still_needed: Told, at: datetime, dry: bool
) -> Swept:
    """Settled messages of a connection that came earlier lose body, headers, name and error texts.

    What is unread, parked or blocked is kept whole, and so is what holds a code that nobody knows, what has parts that
    are not settled, and what `still_needed` names.
    """
    part = aliased(InboundMessageRow)
    waits = select(UnknownCodeRow.message_id).where(UnknownCodeRow.message_id == InboundMessageRow.message_id).exists()
    parts = select(part.message_id).where(part.parent_id == InboundMessageRow.message_id, part.state.in_(OPEN)).exists()
    statement = (
        select(
            InboundMessageRow.message_id, InboundMessageRow.state, InboundMessageRow.received_at,
            InboundMessageRow.emptied_at, or_(waits, parts).label("waits"),
        )
        .where(InboundMessageRow.connection_id == connection_id)
        .order_by(InboundMessageRow.message_id)
        .limit(LOOKED_AT)
    )  # fmt: skip
    if after:
        statement = statement.where(InboundMessageRow.message_id > after)
    found = session.execute(statement).all()
    old = [row for row in found if row.received_at < before and row.emptied_at is None and row.state not in OPEN]
    needed = still_needed(session, [row.message_id for row in old]) if old else ()
    rows = [
        Seen(
            row.message_id, row.received_at >= before,
            row.state not in OPEN and not row.waits and row.message_id not in needed,
        )
        for row in found
    ]  # fmt: skip
    done = {row.message_id for row in found if row.emptied_at is not None}

    def empty(keys: Sequence[str]) -> int:
        fresh = [key for key in keys if key not in done]
        if fresh and not dry:
            session.execute(_emptied(session, fresh, at))
        return len(fresh)

    return walk(rows, after=after, limit=LOOKED_AT, empty=empty)


def sweep_census(session: Session, *, before: datetime, limit: int, dry: bool) -> Swept:
    """Runs of a census that ran earlier; those of the latest day that a connection is proven for are the proof."""
    other = aliased(CensusRunRow)
    proven = select(func.max(other.day)).where(other.connection_id == CensusRunRow.connection_id, other.complete)
    not_proof = CensusRunRow.day.is_distinct_from(proven.scalar_subquery())
    old = select(CensusRunRow.run_id).where(CensusRunRow.ran_at < before, not_proof)
    if dry:
        return Swept(session.scalar(select(func.count()).select_from(old.subquery())) or 0, "", "", more=False)
    gone = list(session.scalars(old.limit(limit)))
    session.execute(
        delete(CensusRunRow).where(CensusRunRow.run_id.in_(gone)).execution_options(synchronize_session=False)
    )
    return Swept(len(gone), "", "", more=len(gone) == limit)


def orders_with_codes(session: Session, *, after: str, before: datetime, limit: int) -> list[str]:
    """Orders with a code since earlier that nobody has said the meaning of, in the order of their ids."""
    statement = select(UnknownCodeRow.order_id).where(
        UnknownCodeRow.order_id.is_not(None), UnknownCodeRow.since < before
    )
    if after:
        statement = statement.where(UnknownCodeRow.order_id > after)
    return [
        str(found) for found in session.scalars(statement.distinct().order_by(UnknownCodeRow.order_id).limit(limit))
    ]


def _emptied(session: Session, message_ids: Collection[str], at: datetime) -> Any:
    messages = repository.MESSAGES
    return (
        update(messages)
        .where(among(session, messages.c.message_id, message_ids), messages.c.state.not_in(OPEN))
        .values(body=b"", headers={}, name=None, error=None, faults=null(), facts=null(), emptied_at=at)
    )
