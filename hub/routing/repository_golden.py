"""All SQL of golden orders and of their runs."""

from collections.abc import Collection

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from hub.kit.bulk import among
from hub.kit.ids import digest
from hub.routing.tables import GoldenOrderRow, GoldenRunRow

GOLDEN: Table = GoldenOrderRow.__table__  # type: ignore[assignment]


def golden_orders(session: Session, *, after: str | None = None, limit: int | None = None) -> list[GoldenOrderRow]:
    """Golden orders by name, after a name; all of them without a limit."""
    statement = select(GoldenOrderRow).order_by(GoldenOrderRow.name).limit(limit)
    return list(session.scalars(statement if after is None else statement.where(GoldenOrderRow.name > after)))


def named(session: Session, names: Collection[str]) -> dict[str, GoldenOrderRow]:
    """Those of these names."""
    rows = session.scalars(select(GoldenOrderRow).where(among(session, GOLDEN.c.name, names)))
    return {row.name: row for row in rows}


def stamp(session: Session) -> str | None:
    """What changes with any of the golden orders; None where there is none."""
    found = session.execute(
        select(GoldenOrderRow.name, GoldenOrderRow.changed_at, GoldenOrderRow.version).order_by(GoldenOrderRow.name)
    ).all()
    return digest(repr([(name, version, at.isoformat()) for name, at, version in found]).encode()) if found else None


def runs(session: Session, rule_set_id: str, *, before: str | None, limit: int) -> list[GoldenRunRow]:
    """Runs of a version, newest first."""
    statement = select(GoldenRunRow).where(GoldenRunRow.rule_set_id == rule_set_id)
    statement = statement.order_by(GoldenRunRow.run_id.desc()).limit(limit)
    return list(session.scalars(statement if before is None else statement.where(GoldenRunRow.run_id < before)))


def latest_run(session: Session, rule_set_id: str) -> GoldenRunRow | None:
    """The newest run of a version."""
    return next(iter(runs(session, rule_set_id, before=None, limit=1)), None)
