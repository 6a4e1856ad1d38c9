"""Which orders wait for a plan."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.routing.tables import ParkedPlanRow


def parked_reasons(session: Session, order_ids: Collection[str]) -> dict[str, str]:
    """Why each of these orders could not be planned; those that wait for nothing are not in the answer."""
    statement = select(ParkedPlanRow.order_id, ParkedPlanRow.reason).where(ParkedPlanRow.order_id.in_(order_ids))
    return dict(session.execute(statement).all())
