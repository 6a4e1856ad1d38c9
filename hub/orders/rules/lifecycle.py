"""Which changes of an axis are allowed; plugins may veto, never allow more."""

LIFECYCLE: dict[str, frozenset[str]] = {
    "open": frozenset({"completed", "cancelled", "expired"}),
    "completed": frozenset({"open"}),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
REVIEW: dict[str, frozenset[str]] = {
    "pending": frozenset({"cooling", "auto_approved", "queued", "rejected"}),
    "cooling": frozenset({"pending", "auto_approved", "queued"}),
    "auto_approved": frozenset({"pending", "queued", "rejected"}),
    "queued": frozenset({"pending", "second_review", "approved", "auto_approved", "rejected"}),
    "second_review": frozenset({"approved", "rejected", "pending"}),
    "approved": frozenset({"pending", "queued", "rejected"}),
    "rejected": frozenset({"pending"}),
}
ORDINARY = 100
"""The priority of an order that nobody says anything about; a lower one goes first."""
APPROVED = frozenset({"approved", "auto_approved"})


def allowed(table: dict[str, frozenset[str]], before: str, after: str) -> bool:
    """Whether an axis may go from one value to another (staying is always allowed)."""
    return before == after or after in table[before]
