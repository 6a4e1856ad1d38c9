"""Figures of fulfilment."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.fulfilment.tables import ShipmentRow

BEFORE_HAND_OVER = ("draft", "rated", "label_requested", "in_doubt", "label_ready")


def shipments_by_state(session: Session) -> dict[str, int]:
    """Shipments that are not handed over, by state."""
    statement = select(ShipmentRow.state, func.count()).where(ShipmentRow.state.in_(BEFORE_HAND_OVER))
    return dict(session.execute(statement.group_by(ShipmentRow.state)).all())
