from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from plugins.carriers.rate_card.deadlines import Calendar, weekday_numbers

WEEK = weekday_numbers(("mon", "tue", "wed", "thu", "fri"))


def calendar(zone: str = "America/New_York", cutoff: time | None = time(15, 0), **changes: frozenset[date]) -> Calendar:
    return Calendar(
        zone=ZoneInfo(zone), cutoff=cutoff, deliver_by=time(20, 0), working=WEEK,
        holidays=changes.get("holidays", frozenset()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ready", "leaves"),
    [
        (datetime(2026, 3, 2, 19, 59, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 20, 0, 59, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 20, 1, tzinfo=UTC), date(2026, 3, 3)),
        (datetime(2026, 3, 6, 21, 0, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 7, 12, 0, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 3, 3, 0, tzinfo=UTC), date(2026, 3, 3)),
    ],
)
def test_a_parcel_leaves_today_until_the_local_cutoff(ready: datetime, leaves: date) -> None:
    assert calendar().handover_day(ready) == leaves


def test_without_a_cutoff_the_whole_day_counts() -> None:
    assert calendar(cutoff=None).handover_day(datetime(2026, 3, 3, 4, 59, tzinfo=UTC)) == date(2026, 3, 2)


def test_transit_counts_working_days_only() -> None:
    holidays = frozenset({date(2026, 3, 9)})
    arrival = calendar(holidays=holidays).arrival(date(2026, 3, 5), 2)
    assert arrival == datetime(2026, 3, 11, 0, 0, tzinfo=UTC)


def test_the_promise_is_local_time_over_a_change_of_the_clocks() -> None:
    before, after = calendar().arrival(date(2026, 3, 5), 1), calendar().arrival(date(2026, 3, 6), 1)
    assert before == datetime(2026, 3, 7, 1, 0, tzinfo=UTC)
    assert after == datetime(2026, 3, 10, 0, 0, tzinfo=UTC)


def test_same_day_delivery_takes_no_day() -> None:
    assert calendar("UTC").arrival(date(2026, 3, 5), 0) == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)
