"""All SQL of connections."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ScalarSelect, Table, func, select, update
from sqlalchemy.orm import Session

from hub.connections.tables import AdapterStateRow, ConnectionRow
from hub.kit.bulk import put_rows

STATES: Table = AdapterStateRow.__table__  # type: ignore[assignment]


def by_ids(session: Session, connection_ids: Collection[str]) -> list[ConnectionRow]:
    """Connections by id."""
    return list(session.scalars(select(ConnectionRow).where(ConnectionRow.connection_id.in_(connection_ids))))


def by_name(session: Session, name: str) -> ConnectionRow | None:
    """One connection by its name."""
    return session.scalars(select(ConnectionRow).where(ConnectionRow.name == name)).one_or_none()


def stamp() -> ScalarSelect[int]:
    """Rises with every connection that is added and every change of one; none is ever removed."""
    return select(func.sum(ConnectionRow.version)).scalar_subquery()


def listed(session: Session, *, kind: str | None, after: str | None, limit: int | None) -> list[ConnectionRow]:
    """Connections in the order of their names."""
    statement = select(ConnectionRow).order_by(ConnectionRow.name).limit(limit)
    if kind is not None:
        statement = statement.where(ConnectionRow.kind == kind)
    if after is not None:
        statement = statement.where(ConnectionRow.name > after)
    return list(session.scalars(statement))


def change(session: Session, connection_id: str, *, expected_version: int, values: Mapping[str, Any]) -> bool:
    """Set columns if the version is still the expected one."""
    result = session.execute(
        update(ConnectionRow)
        .where(ConnectionRow.connection_id == connection_id, ConnectionRow.version == expected_version)
        .values(version=expected_version + 1, **values)
        .returning(ConnectionRow.connection_id)
    )
    return result.first() is not None


def state_get(session: Session, connection_id: str, key: str) -> str | None:
    """A value of an adapter's persistent state."""
    row = session.get(AdapterStateRow, (connection_id, key))
    return None if row is None else row.value


def state_put(session: Session, connection_id: str, key: str, value: str) -> None:
    """Store a value of an adapter's persistent state."""
    row = {"connection_id": connection_id, "key": key, "value": value}
    put_rows(session, STATES, [row], key=("connection_id", "key"))
