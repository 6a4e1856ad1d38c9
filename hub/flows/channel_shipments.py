"""What a channel shipped by itself, whichever document tells it: a state of the order, or a shipment of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import ChannelShipment
from hub.flows.ask_a_person import ask_a_person
from hub.fulfilment.service.notices import read_back
from hub.fulfilment.service.ship import complete_if_done
from hub.fulfilment.service.withdraw import withdraw
from hub.jobs.events import Event
from hub.jobs.service.publish import publish
from hub.orders.service.changes import OrderChanges
from hub.orders.service.external import is_news, record_channel_shipment
from hub.orders.service.returns import count_told_returns


def apply_channel_shipments(
    session: Session,
    changes: OrderChanges,
    *,
    stored: Row[Any],
    shipments: Sequence[ChannelShipment],
    actor: str,
    cause: str,
    at: datetime,
    goes_on: bool,
) -> None:
    """Count on a locked order what its channel has shipped, once for each shipment however often it is told.

    Our own shipments that are seen there are no news. `goes_on`: what is left of the order is to be sent.
    """
    order_id = stored.order_id
    theirs = [shipment for shipment in shipments if not read_back(session, order_id=order_id, shipment=shipment, at=at)]
    begun: set[str] = set()
    if any(is_news(session, order_id=order_id, shipment=shipment) for shipment in theirs):
        reason = "shipped by the channel"
        begun = withdraw(session, changes, order_ids=[order_id], at=at, actor=actor, reason=reason)
        changes.flush(session, at=at)
    counted = False
    for shipment in theirs:
        fresh = record_channel_shipment(session, changes, stored=stored, shipment=shipment, actor=actor, cause=cause)
        if fresh:
            changes.flush(session, at=at)
            counted = True
    if counted:
        count_told_returns(session, changes, order_id=order_id, actor=actor, cause=cause)
        changes.flush(session, at=at)
    if not counted or not goes_on:
        return
    if begun:
        evidence = {"shipped_by_channel": True}
        ask_a_person(session, changes, order_id=order_id, actor=actor, cause=cause, evidence=evidence, at=at)
    complete_if_done(session, order_id, changes, at)
    replan = Event(
        kind="order.replan_requested", subject_id=order_id, cause=f"channel:{cause}", lane=f"order:{order_id}"
    )
    publish(session, [replan])
