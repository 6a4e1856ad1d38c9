"""All SQL of intake."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, delete, func, literal, select, text, tuple_, update
from sqlalchemy.orm import Session

from hub.intake.tables import CensusRunRow, InboundMessageRow, UnknownCodeRow
from hub.kit.bulk import among, insert_new, insert_rows, update_rows

MESSAGES: Table = InboundMessageRow.__table__  # type: ignore[assignment]
UNKNOWN: Table = UnknownCodeRow.__table__  # type: ignore[assignment]


def insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """Insert messages that are not there yet; returns (account, dedupe key) of those inserted."""
    return insert_new(session, MESSAGES, rows, key=("account", "dedupe_key"))


def ids_by_dedupe_key(session: Session, account: str, keys: Collection[str]) -> dict[str, str]:
    """Message ids of known deliveries."""
    found = session.execute(
        select(InboundMessageRow.dedupe_key, InboundMessageRow.message_id).where(
            InboundMessageRow.account == account, InboundMessageRow.dedupe_key.in_(keys)
        )
    )
    return dict(found.all())


def bodies_by_dedupe_key(session: Session, account: str, keys: Collection[str]) -> dict[str, bytes]:
    """Bodies of known deliveries."""
    columns = select(MESSAGES.c.dedupe_key, MESSAGES.c.body).where(MESSAGES.c.account == account)
    return dict(session.execute(columns.where(among(session, MESSAGES.c.dedupe_key, keys))).all())


def by_ids(session: Session, message_ids: Collection[str]) -> list[Any]:
    """Messages as plain rows, oldest first (the hot path makes no mapped objects)."""
    statement = select(MESSAGES).where(among(session, MESSAGES.c.message_id, message_ids))
    return list(session.execute(statement.order_by(MESSAGES.c.message_id)).all())


def last_read(session: Session, connection_ids: Collection[str], *, but_not: str, limit: int) -> list[str]:
    """Ids of the last messages of these connections that were read, but for those of one content type, newest first."""
    statement = select(MESSAGES.c.message_id).where(
        among(session, MESSAGES.c.connection_id, connection_ids),
        MESSAGES.c.state != "received",
        MESSAGES.c.content_type != but_not,
        MESSAGES.c.emptied_at.is_(None),
    )
    return list(session.scalars(statement.order_by(MESSAGES.c.message_id.desc()).limit(limit)))


def parked_for(session: Session, orders: Collection[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(message id, account, order's external id) of messages that wait for these orders."""
    found = session.execute(
        select(InboundMessageRow.message_id, InboundMessageRow.account, InboundMessageRow.order_ref).where(
            InboundMessageRow.state == "parked",
            tuple_(InboundMessageRow.account, InboundMessageRow.order_ref).in_(orders),
        )
    )
    return [(message_id, account, str(order_ref)) for message_id, account, order_ref in found]


def parked_since(session: Session, *, connection_id: str, before: datetime, limit: int) -> list[tuple[str, str]]:
    """(message id, order's external id) of messages that wait for their orders since before this, the oldest first."""
    statement = (
        select(InboundMessageRow.message_id, InboundMessageRow.order_ref)
        .where(text("state = 'parked'"), InboundMessageRow.connection_id == connection_id)
        .where(InboundMessageRow.received_at < before)
        .order_by(InboundMessageRow.message_id)
        .limit(limit)
    )
    return [(message_id, str(order_ref)) for message_id, order_ref in session.execute(statement)]


def write_results(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set state and outcome columns by message id."""
    update_rows(session, MESSAGES, rows, key=("message_id",))


def listed(session: Session, filters: Mapping[str, Any], *, after: str | None, limit: int) -> list[InboundMessageRow]:
    """Messages by equality filters, newest first."""
    statement = select(InboundMessageRow).order_by(InboundMessageRow.message_id.desc()).limit(limit)
    for name, value in filters.items():
        statement = statement.where(getattr(InboundMessageRow, name) == value)
    if after is not None:
        statement = statement.where(InboundMessageRow.message_id < after)
    return list(session.scalars(statement))


def block(session: Session, message_id: str, *, error_class: str, error: str) -> None:
    """A message that nobody could handle is blocked, unless it was finished meanwhile."""
    session.execute(
        update(InboundMessageRow)
        .where(InboundMessageRow.message_id == message_id, InboundMessageRow.state == "received")
        .values(state="blocked", error_class=error_class, error_code="failed", error=error)
        .execution_options(synchronize_session=False)
    )


def release_for_replay(session: Session, message_ids: Collection[str]) -> None:
    """Put messages back to `received`, counting the attempt."""
    session.execute(
        update(InboundMessageRow)
        .where(InboundMessageRow.message_id.in_(message_ids), InboundMessageRow.emptied_at.is_(None))
        .values(state="received", attempts=InboundMessageRow.attempts + 1)
        .execution_options(synchronize_session=False)
    )


def counts_by_state(session: Session) -> dict[str, int]:
    """How many messages are in each state."""
    found = session.execute(select(InboundMessageRow.state, func.count()).group_by(InboundMessageRow.state))
    return dict(found.all())


def insert_unknown_codes(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note codes of messages that nobody has said the meaning of."""
    insert_rows(session, UNKNOWN, rows)


def forget_unknown_codes(session: Session, *, message_ids: Collection[str], order_ids: Collection[str]) -> None:
    """Drop what was noted of these messages, and of these orders."""
    for column, ids in ((UNKNOWN.c.message_id, message_ids), (UNKNOWN.c.order_id, order_ids)):
        if ids:
            session.execute(delete(UNKNOWN).where(among(session, column, ids)))


def waiting_for_code(
    session: Session, *, connection_id: str, field: str, value: str, after: str | None, limit: int
) -> list[str]:
    """Ids of messages whose code this is, oldest first, after one of them."""
    statement = select(UNKNOWN.c.message_id).where(
        UNKNOWN.c.connection_id == connection_id, UNKNOWN.c.field == field, UNKNOWN.c.value == value
    )
    if after is not None:
        statement = statement.where(UNKNOWN.c.message_id > after)
    return list(session.scalars(statement.order_by(UNKNOWN.c.message_id).limit(limit)))


def ids_that_wait(session: Session, *, account: str, external_ids: Collection[str]) -> set[str]:
    """External ids of these with a message that is not settled."""
    statement = select(MESSAGES.c.external_id).where(
        MESSAGES.c.account == account,
        among(session, MESSAGES.c.external_id, external_ids),
        MESSAGES.c.state.in_(("received", "parked", "blocked")),
    )
    return set(session.scalars(statement)) if external_ids else set()


def census_runs(
    session: Session, *, connection_id: str, day: date | None, after: tuple[date, str] | None, limit: int
) -> list[CensusRunRow]:
    """Runs of a connection, latest day first, newest run of a day first."""
    place = (CensusRunRow.day, CensusRunRow.run_id)
    statement = select(CensusRunRow).where(CensusRunRow.connection_id == connection_id)
    if day is not None:
        statement = statement.where(CensusRunRow.day == day)
    if after is not None:
        reached = tuple_(*(literal(part, column.type) for part, column in zip(after, place, strict=True)))
        statement = statement.where(tuple_(*place) < reached)
    return list(session.scalars(statement.order_by(*(column.desc() for column in place)).limit(limit)))


def proven_days(session: Session, *, connection_id: str, since: date) -> set[date]:
    """Days from this one on that have a complete run."""
    statement = select(CensusRunRow.day).where(
        CensusRunRow.connection_id == connection_id, CensusRunRow.day >= since, CensusRunRow.complete
    )
    return set(session.scalars(statement))


def last_proven_day(session: Session, *, connection_id: str) -> date | None:
    """The latest day that has a complete run."""
    statement = select(CensusRunRow.day).where(CensusRunRow.connection_id == connection_id, CensusRunRow.complete)
    return session.scalars(statement.order_by(CensusRunRow.day.desc()).limit(1)).first()
