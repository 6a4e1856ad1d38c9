"""When a confirmed call is looked at again: soon, then ever more rarely, then never."""

from datetime import datetime, timedelta

AGES = (
    timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=2), timedelta(hours=12), timedelta(days=2),
)  # fmt: skip
"""Ages at which the other side is asked what it holds: a frozen worker may wake up at any time, most do soon."""


def next_sweep(confirmed_at: datetime, at: datetime) -> datetime | None:
    """The next time after `at`; None when it was looked at often enough."""
    return next((confirmed_at + age for age in AGES if confirmed_at + age > at), None)
