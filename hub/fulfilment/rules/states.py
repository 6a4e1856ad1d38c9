"""What may be done with a fulfilment order or a shipment in each of its states."""

from collections.abc import Mapping
from typing import Literal

Action = Literal["accept", "reject", "pick", "pack", "ship", "cancel", "accept_cancel", "refuse_cancel"]

FULFILMENT_ACTIONS: Mapping[tuple[str, str], tuple[Action, ...]] = {
    ("released", "unsubmitted"): ("cancel",),
    ("released", "submitted"): ("accept", "reject", "cancel"),
    ("released", "accepted"): ("pick", "pack", "reject", "cancel"),
    ("in_progress", "accepted"): ("pick", "pack", "ship", "cancel"),
    ("released", "cancel_requested"): ("accept_cancel", "refuse_cancel", "pick", "pack"),
    ("in_progress", "cancel_requested"): ("accept_cancel", "refuse_cancel", "pick", "pack", "ship"),
    ("released", "cancel_refused"): ("pick", "pack"),
    ("in_progress", "cancel_refused"): ("pick", "pack", "ship"),
}
"""(state, negotiation) -> what its location or a person may do; everything else is over, not begun or being stopped.

A location that is asked to stop may still report what it did: the request and the report may have met on their way.
"""

NOT_BEGUN = frozenset({"planned", "allocated", "released"})
STOPPING = frozenset({"cancel_requested", "cancel_accepted"})
"""Negotiations under which nothing new is bought for the work: it is to end, or may."""

TRACKING_RANK: Mapping[str, int] = {
    "draft": 0, "rated": 1, "label_requested": 2, "in_doubt": 2, "label_ready": 3, "handed_over": 4, "in_transit": 5,
    "out_for_delivery": 6, "delivery_failed": 7, "ready_for_pickup": 8, "returning": 9, "delivered": 10,
    "returned_to_sender": 11, "lost": 12, "damaged": 12, "voided": 13,
}  # fmt: skip
"""A lattice: a parcel's status is the greatest that was told, so that late and repeated scans change nothing."""

ON_ITS_WAY = frozenset(
    {"handed_over", "in_transit", "out_for_delivery", "delivery_failed", "ready_for_pickup", "returning", "delivered",
     "returned_to_sender", "lost", "damaged"}
)  # fmt: skip


def supported_actions(state: str, negotiation: str) -> tuple[Action, ...]:
    """What may be done with a fulfilment order now."""
    return FULFILMENT_ACTIONS.get((state, negotiation), ())


def may_withdraw(state: str, negotiation: str, *, outside: bool) -> bool:
    """Whether work may simply be taken back: nobody has begun it, and nobody outside may have heard of it."""
    return state in NOT_BEGUN and negotiation == ("unsubmitted" if outside else "accepted")


def must_ask(negotiation: str, *, outside: bool) -> bool:
    """Whether a location outside has the work and has to be asked to stop it."""
    return outside and negotiation in ("submitted", "accepted")


def advance(status: str, told: str, *, correction: bool) -> str:
    """The status after a scan; only an explicit correction lowers it, an unknown code changes nothing."""
    if told not in TRACKING_RANK:
        return status
    return told if correction or TRACKING_RANK[told] > TRACKING_RANK[status] else status


def slowest(statuses: tuple[str, ...]) -> str:
    """A shipment is as far as its least advanced parcel."""
    return min(statuses, key=lambda status: TRACKING_RANK[status])
