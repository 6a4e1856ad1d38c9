"""All SQL of keys and of requests that may be repeated."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from hub.auth.tables import ApiKeyRow, IdempotentRequestRow


def key_by_prefix(session: Session, prefix: str) -> ApiKeyRow | None:
    """The key with this prefix."""
    return session.scalars(select(ApiKeyRow).where(ApiKeyRow.prefix == prefix)).one_or_none()


def keys_listed(session: Session, *, after: str | None, limit: int) -> Sequence[ApiKeyRow]:
    """Keys by id, from above the id `after`."""
    query = select(ApiKeyRow).order_by(ApiKeyRow.api_key_id).limit(limit)
    return session.scalars(query if after is None else query.where(ApiKeyRow.api_key_id > after)).all()


def touch(session: Session, api_key_id: str, at: datetime) -> None:
    """Note that the key was used."""
    session.execute(update(ApiKeyRow).where(ApiKeyRow.api_key_id == api_key_id).values(last_used_at=at))


def try_lock(session: Session, number: int) -> bool:
    """Take a lock until the end of the transaction, without waiting; SQLite's one writer has it already."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(number))))


def request_kept(session: Session, principal: str, key: str) -> IdempotentRequestRow | None:
    """The request that was answered under this key."""
    return session.get(IdempotentRequestRow, (principal, key))


def keep_request(session: Session, values: Mapping[str, Any]) -> None:
    """Insert an answered request."""
    session.execute(insert(IdempotentRequestRow).values(**values))


def forget_requests(session: Session, before: datetime, limit: int) -> int:
    """Delete the oldest requests that were answered earlier; returns how many."""
    key = (IdempotentRequestRow.principal, IdempotentRequestRow.key)
    old = select(*key).where(IdempotentRequestRow.created_at < before)
    gone = session.execute(old.order_by(IdempotentRequestRow.created_at).limit(limit)).all()
    if gone:
        chosen = tuple_(*key).in_([tuple(row) for row in gone])
        session.execute(delete(IdempotentRequestRow).where(chosen).execution_options(synchronize_session=False))
    return len(gone)


def count_requests(session: Session, before: datetime) -> int:
    """How many requests were answered earlier."""
    return session.scalar(select(func.count()).where(IdempotentRequestRow.created_at < before)) or 0
