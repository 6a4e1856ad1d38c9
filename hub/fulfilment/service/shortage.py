"""Who holds stock that is not there: the youngest whose work nobody has begun give way."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, not_, or_, select
from sqlalchemy.orm import Session

from hub.fulfilment.rules.states import NOT_BEGUN, STOPPING, may_withdraw, must_ask
from hub.fulfilment.service.withdraw import ask_to_stop, cancel_work
from hub.fulfilment.tables import FulfilmentOrderLineRow, FulfilmentOrderRow
from hub.inventory.rules.levels import Key
from hub.inventory.service.query import get_level
from hub.inventory.tables import ReservationRow
from hub.orders.service.changes import OrderChanges

AT_ONCE = 200
"""Reservations of one level that are looked at in one transaction."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A fulfilment order that has a quantity of the level reserved."""

    fulfilment_order_id: str
    order_id: str
    number: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is missing of a level. `free` work may be taken back and would make good for it (or is being stopped
    already); `begun` is being worked on and stands for what `free` cannot make good. `more` tells that there may be
    further free work to look at.
    """

    key: Key
    missing: Decimal
    free: list[Holder] = field(default_factory=list)
    begun: list[Holder] = field(default_factory=list)
    more: bool = False


def find_shortage(session: Session, *, key: Key, taken: Collection[str] = ()) -> Shortage | None:
    """Whose reservations a level cannot serve; None where it serves all. Reads without locks: orders come first.

    `taken` are fulfilment orders that are taken back anyway: they make good first, so that nobody else has to.
    """
    level = get_level(session, location=key[0], sku=key[1])
    if level is None or level.short <= 0:
        return None
    candidates = _holders(session, key, begun=False)
    candidates.sort(key=lambda holder: holder.fulfilment_order_id not in taken)  # stable: the youngest stay first
    free, left = _covering(candidates, level.short)
    more = left > 0 and len(candidates) == AT_ONCE
    begun = _covering(_holders(session, key, begun=True), left)[0] if left > 0 and not more else []
    return Shortage(key, level.short, free, begun, more)


def give_way(
    session: Session, changes: OrderChanges, *, holders: Collection[Holder], at: datetime, actor: str, reason: str
) -> tuple[set[str], set[str]]:
    """Take their work back: the fulfilment orders that are withdrawn now, and those that were begun meanwhile.

    Their orders are locked by the caller. A location outside that has its work is asked to stop it, and holds what it
    has until it answers.
    """
    ids = {holder.fulfilment_order_id for holder in holders}
    statement = select(FulfilmentOrderRow).where(FulfilmentOrderRow.fulfilment_order_id.in_(ids))
    statement = statement.order_by(FulfilmentOrderRow.fulfilment_order_id).with_for_update()
    rows = list(session.scalars(statement))
    free = [row for row in rows if may_withdraw(row.state, row.negotiation, outside=row.outside)]
    told = [row for row in rows if row.state in NOT_BEGUN and must_ask(row.negotiation, outside=row.outside)]
    stopping = {row.fulfilment_order_id for row in rows if row.negotiation in STOPPING}
    if told:
        ask_to_stop(session, changes, rows=told, at=at, actor=actor, reason=reason)
    if free:
        cancel_work(session, changes, rows=free, at=at, actor=actor, reason=reason)
    withdrawn = {row.fulfilment_order_id for row in free}
    return withdrawn, ids - withdrawn - stopping - {row.fulfilment_order_id for row in told}


def _covering(holders: Collection[Holder], missing: Decimal) -> tuple[list[Holder], Decimal]:
    """As many as are needed in their order, and what even all of them leave missing."""
    chosen: list[Holder] = []
    for holder in holders:
        if missing <= 0:
            break
        chosen.append(holder)
        missing -= holder.quantity
    return chosen, missing


def _holders(session: Session, key: Key, *, begun: bool) -> list[Holder]:
    """Ids of reservations grow with time, so their index has the youngest at its end."""
    refused = FulfilmentOrderRow.negotiation == "cancel_refused"
    stopping = FulfilmentOrderRow.negotiation.in_(STOPPING)
    free = or_(stopping, and_(FulfilmentOrderRow.state.in_(NOT_BEGUN), not_(refused)))
    statement = (
        select(
            FulfilmentOrderRow.fulfilment_order_id, FulfilmentOrderRow.order_id, FulfilmentOrderRow.number,
            ReservationRow.quantity,
        )
        .join(
            FulfilmentOrderLineRow,
            FulfilmentOrderLineRow.fulfilment_order_line_id == ReservationRow.fulfilment_order_line_id,
        )
        .join(
            FulfilmentOrderRow, FulfilmentOrderRow.fulfilment_order_id == FulfilmentOrderLineRow.fulfilment_order_id
        )
        .where(ReservationRow.state == "held", ReservationRow.location == key[0], ReservationRow.sku == key[1])
        .where(not_(free) if begun else free)
        .order_by(ReservationRow.reservation_id.desc())
        .limit(AT_ONCE)
    )  # fmt: skip
    return [Holder(*row) for row in session.execute(statement)]
