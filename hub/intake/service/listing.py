"""Read messages: each filter has its index, and pages go by key."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, defer, undefer

from hub.connections import repository as connections
from hub.connections.service.adapters import load_by_name
from hub.intake.service.figures import OPEN
from hub.intake.tables import OPEN_STATES, InboundMessageRow
from hub.kit.errors import HubError, NotFound
from hub.kit.ids import is_id

BLOCKED = "blocked"


def list_messages(
    session: Session, *, state: str | None, connection: str | None, plugin: str | None, error_class: str | None,
    external_id: str | None, after: str | None, limit: int,
) -> list[InboundMessageRow]:  # fmt: skip
    """Messages without their bodies, newest first; an error class without a state is looked for in blocked ones."""
    if error_class is not None and state is None:
        state = BLOCKED
    filters: dict[str, Any] = {"state": state, "plugin": plugin, "error_class": error_class, "external_id": external_id}
    statement = (
        select(InboundMessageRow).options(defer(InboundMessageRow.body), defer(InboundMessageRow.facts)).limit(limit)
    )
    for name, value in filters.items():
        if value is not None:
            statement = statement.where(getattr(InboundMessageRow, name) == value)
    if state in OPEN:  # as its index says it, word for word: SQLite knows it by nothing else
        statement = statement.where(text(OPEN_STATES))
    if connection is not None:
        statement = statement.where(InboundMessageRow.connection_id == load_by_name(session, connection).connection_id)
    elif plugin is not None:
        statement = statement.where(InboundMessageRow.connection_id.in_(_of_plugin(session, plugin)))
    if external_id is not None:
        statement = statement.where(InboundMessageRow.account.in_(_accounts(session)))
    if after is not None:
        statement = statement.where(InboundMessageRow.message_id < after)
    return list(session.scalars(statement.order_by(InboundMessageRow.message_id.desc())))


def get_message(session: Session, message_id: str) -> InboundMessageRow:
    """One message with its body; `NotFound` else."""
    options = [undefer(InboundMessageRow.body)]
    row = session.get(InboundMessageRow, message_id, options=options) if is_id(message_id) else None
    if row is None:
        raise NotFound("message", message_id)
    return row


def get_document(session: Session, message_id: str) -> InboundMessageRow:
    """One message whose document is still kept; `NotFound`, or 410 where it was kept as long as it may be."""
    row = get_message(session, message_id)
    if row.emptied_at is not None:
        raise HubError(
            410, "document_gone",
            f"The document came on {row.received_at:%Y-%m-%d} and went on {row.emptied_at:%Y-%m-%d}: the connection's "
            "policy (retention_days) says how long it is kept. Its digest is still there.",
        )  # fmt: skip
    return row


def _of_plugin(session: Session, plugin: str) -> Collection[str]:
    rows = connections.listed(session, kind=None, after=None, limit=1000)
    return [row.connection_id for row in rows if row.plugin == plugin]


def _accounts(session: Session) -> Collection[str]:
    return {row.account for row in connections.listed(session, kind=None, after=None, limit=1000)}
