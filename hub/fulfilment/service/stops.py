"""What keeps work from leaving, or from getting its label."""

from sqlalchemy.orm import Session

from hub.fulfilment.rules.states import STOPPING
from hub.fulfilment.tables import FulfilmentOrderRow
from hub.kit.errors import StateConflict
from hub.orders import repository as orders_repository
from hub.orders.service.holds import CANCEL_REQUESTED


def what_stops(session: Session, work: FulfilmentOrderRow, *, gone: bool) -> list[str]:
    """Reason codes; empty where nothing does.

    A location outside that ships although it was asked to stop is not held by that cancellation any more; of what is
    `gone` already it tells a fact, which no hold undoes.
    """
    if work.negotiation in STOPPING:
        return [CANCEL_REQUESTED]
    holds = orders_repository.open_holds(session, [work.order_id]).get(work.order_id, [])
    reasons = {hold.reason_code for hold in holds}
    if work.negotiation == "cancel_refused":
        reasons = set() if gone else reasons - {CANCEL_REQUESTED}
    return sorted(reasons)


def refuse_stopped(session: Session, work: FulfilmentOrderRow, *, gone: bool) -> None:
    """Nothing goes out while an order is held, was cancelled, or a location is asked to stop."""
    if work.negotiation == "cancel_requested":
        raise StateConflict(
            "cancel_requested", f"Fulfilment order {work.number} is to be stopped: answer accept-cancel, or "
            "refuse-cancel where it ships all the same.",
        )  # fmt: skip
    if work.negotiation == "cancel_accepted":
        raise StateConflict(
            "cancel_accepted", f"Fulfilment order {work.number} was cancelled: put its goods back on the shelf."
        )
    reasons = what_stops(session, work, gone=gone)
    if reasons:
        raise StateConflict(
            "order_held", f"The order is held ({', '.join(reasons)}): release it first.", extra={"holds": reasons}
        )
