"""Read planning inputs page by page."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.routing.tables import PlanningInputRow


def list_inputs(
    session: Session, *, kind: str | None, key: str | None, after: str | None, limit: int
) -> list[PlanningInputRow]:
    """Versions of inputs, newest first."""
    statement = select(PlanningInputRow).order_by(PlanningInputRow.planning_input_id.desc()).limit(limit)
    if kind is not None:
        statement = statement.where(PlanningInputRow.kind == kind)
    if key is not None:
        statement = statement.where(PlanningInputRow.key == key)
    if after is not None:
        statement = statement.where(PlanningInputRow.planning_input_id < after)
    return list(session.scalars(statement))
