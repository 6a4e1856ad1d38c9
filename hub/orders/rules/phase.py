"""The headline phase of an order: one word for people, derived from the axes and never stored as truth.

The least advanced open unit decides; where units differ the word is `partially_` and the furthest stage, so that one
parcel of three delivered reads `partially_delivered`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Counters = Mapping[str, Decimal]

STAGES = ("waiting", "allocated", "released", "picking", "handed_over", "in_transit", "delivered")
"""Where a unit can be, the least advanced first."""
AMENDING = frozenset({"cancel_requested", "changed_after_start"})
"""Reasons of holds that say: the order itself is being changed."""
_TROUBLE: Mapping[str, str] = {
    "lost": "lost", "damaged": "lost", "delivery_failed": "delivery_failed", "returning": "delivery_failed",
    "returned_to_sender": "delivery_failed",
}  # fmt: skip
_ON_ITS_WAY = ("in_transit", "out_for_delivery", "ready_for_pickup", "delivered")
_IN_REVIEW = frozenset({"queued", "second_review"})
_NOT_REVIEWED = frozenset({"pending", "cooling"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the phase is read from. `parcels` are the statuses of parcels that were handed over; `parked` tells that
    routing could not place what is left.
    """

    lifecycle: str
    review: str
    holds: Collection[str]
    lines: Sequence[Counters]
    parcels: Sequence[str] = ()
    parked: bool = False


def headline(standing: Standing) -> str:
    """The phase: new, in_review, blocked, amending, held, allocated, released, picking, short, handed_over, in_transit,
    delivery_failed, delivered, lost, rejected or cancelled, some of them with `partially_` before.
    """
    if standing.lifecycle in ("cancelled", "expired"):
        return "cancelled"
    if standing.review == "rejected":
        return "rejected"
    stages = _stages(standing)
    if not stages:
        return "delivered" if standing.lifecycle == "completed" else _before_work(standing)
    trouble = _trouble(standing.parcels)
    if trouble is not None:
        return trouble
    if stages[0] not in ("handed_over", "in_transit", "delivered"):
        stopped = _stopped(standing)
        if stopped is not None:
            return stopped
    return _spoken(stages, standing)


def _stages(standing: Standing) -> list[str]:
    """Stages that have units, the least advanced first."""
    units = dict.fromkeys(STAGES, Decimal(0))
    moving = "in_transit" if _all_moving(standing.parcels) else "handed_over"
    for line in standing.lines:
        units["waiting"] += line["unallocated"] + line["backordered"]
        units["allocated"] += line["allocated"] - line["released"]
        units["released"] += line["released"] - line["picked"]
        units["picking"] += line["picked"] - line["shipped"]
        units[moving] += line["shipped"] - line["delivered"]
        units["handed_over"] += line["external_shipped"]
        units["delivered"] += line["delivered"]
    return [stage for stage in STAGES if units[stage] > 0]


def _all_moving(parcels: Sequence[str]) -> bool:
    return bool(parcels) and all(status in _ON_ITS_WAY for status in parcels)


def _trouble(parcels: Sequence[str]) -> str | None:
    found = [_TROUBLE.get(status) for status in parcels]
    worst = "lost" if "lost" in found else "delivery_failed" if "delivery_failed" in found else None
    if worst is None:
        return None
    return worst if all(trouble == worst for trouble in found) else f"partially_{worst}"


def _stopped(standing: Standing) -> str | None:
    """Why what is not on its way does not go on; None where it does."""
    if AMENDING & set(standing.holds):
        return "amending"
    if standing.review in _IN_REVIEW:
        return "in_review"
    if standing.holds:
        return "in_review" if standing.review in _NOT_REVIEWED else "held"
    return None


def _before_work(standing: Standing) -> str:
    return _stopped(standing) or "new"


def _spoken(stages: Sequence[str], standing: Standing) -> str:
    first, last = stages[0], stages[-1]
    if first != last:
        return f"partially_{last}"
    if first != "waiting":
        return first
    if any(line["short"] > 0 and line["unallocated"] + line["backordered"] > 0 for line in standing.lines):
        return "short"
    return "blocked" if standing.parked else "new"
