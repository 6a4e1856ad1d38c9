"""Holds: why an order must wait, and what lets it go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.kit.ids import new_id
from hub.orders import repository
from hub.orders.service.changes import OrderChanges

CANCEL_REQUESTED = "cancel_requested"
"""Work has begun and is to be stopped: no label is bought and nothing is handed over meanwhile."""

RESTORED = "restored"
"""The database was put back to an earlier state, and nobody here knows what was done for the order since."""
MAY_BE_DONE = (
    "the database was restored from a backup: look at the channel, the carrier and the ledger whether this order was "
    "shipped or posted since; release it if it was not, cancel it if it was"
)


@dataclass(frozen=True, slots=True)
class NewHold:
    """A reason to wait. `scope_id` is the order's, line's or fulfilment order's id."""

    order_id: str
    reason_code: str
    message: str
    placed_by: str
    scope: str = "order"
    scope_id: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    release: str = "manual"
    release_at: datetime | None = None


def place_holds(session: Session, changes: OrderChanges, *, holds: Sequence[NewHold], at: datetime) -> None:
    """Place holds on locked orders; one that is open already is not placed again."""
    if not holds:
        return
    open_by_order = repository.open_holds(session, {hold.order_id for hold in holds})
    there = {(row.order_id, row.scope_id, row.reason_code) for rows in open_by_order.values() for row in rows}
    wanted = {(hold.order_id, hold.scope_id or hold.order_id, hold.reason_code): hold for hold in holds}
    fresh = [hold for key, hold in wanted.items() if key not in there]
    repository.insert_holds(
        session,
        [
            {
                "hold_id": new_id(), "order_id": hold.order_id, "scope": hold.scope,
                "scope_id": hold.scope_id or hold.order_id, "reason_code": hold.reason_code, "message": hold.message,
                "evidence": dict(hold.evidence), "placed_by": hold.placed_by, "release": hold.release,
                "release_at": hold.release_at, "placed_at": at,
            }
            for hold in fresh
        ],
    )  # fmt: skip
    for hold in fresh:
        changes.record(
            hold.order_id,
            "order.held",
            actor=hold.placed_by,
            data={"reason": hold.reason_code, "message": hold.message},
        )


def release_holds(
    session: Session,
    changes: OrderChanges,
    *,
    order_ids: Collection[str],
    reason_codes: Collection[str] | None,
    actor: str,
    at: datetime,
    note: str | None = None,
) -> set[str]:
    """Release holds of locked orders (all, or those with the given reasons); returns orders that have none left."""
    free: set[str] = set()
    open_by_order = repository.open_holds(session, order_ids)
    for order_id in order_ids:
        holds = open_by_order.get(order_id, [])
        let_go = [hold for hold in holds if reason_codes is None or hold.reason_code in reason_codes]
        if let_go:
            repository.release_holds(session, [hold.hold_id for hold in let_go], by=actor, at=at)
            changes.record(
                order_id, "order.released", actor=actor,
                data={"reasons": sorted(hold.reason_code for hold in let_go), "note": note},
            )  # fmt: skip
        if len(let_go) == len(holds):
            free.add(order_id)
    return free
