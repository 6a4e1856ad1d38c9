"""What a source lists beside what the hub holds."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hub.canonical.money import Money
from hub.intake.rules.census import LATE, Comparison, Held, compare, days_to_prove, window_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = AT - timedelta(days=300)


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def held(total: Money | None = None, *, after: timedelta = timedelta()) -> Held:
    return Held(total, AT, AT + after)


def compared(
    listed: dict[str, Money | None], here: dict[str, Held], *, count: int | None = None, waiting: tuple[str, ...] = (),
    extra: tuple[str, ...] = (), known_since: datetime = LONG_AGO,
) -> Comparison:  # fmt: skip
    return compare(listed, here, count=count, waiting=waiting, extra=extra, known_since=known_since)


def test_equal_sides_are_complete_and_clean_and_their_sums_agree() -> None:
    found = compared({"1": usd(500), "2": None}, {"1": held(usd(500)), "2": held(usd(70))}, count=2)
    assert (found.complete, found.clean, found.listed, found.held) == (True, True, 2, 2)
    assert (found.theirs, found.ours) == ({"USD": 500}, {"USD": 570}), "the list need not state totals"


def test_what_is_not_an_order_here_is_missing_or_waits_as_a_message() -> None:
    found = compared({"1": None, "2": None, "3": None}, {"1": held()}, waiting=("3",))
    assert (found.missing, found.waiting, found.complete) == (("2",), ("3",), False)
    assert not compared({"3": None}, {}, waiting=("3",)).complete, "a message is no order yet"


def test_a_list_that_is_shorter_than_its_own_count_proves_nothing() -> None:
    found = compared({"1": None}, {"1": held()}, count=3)
    assert (found.unlisted, found.complete) == (2, False)
    assert compared({"1": None, "2": None}, {"1": held(), "2": held()}, count=1).complete, "one came between the pages"


def test_other_totals_and_orders_that_the_source_does_not_know_are_complete_but_not_clean() -> None:
    other = Money(minor=500, currency="EUR")
    found = compared({"1": usd(500), "2": usd(500), "3": usd(5)}, {"1": held(usd(499)), "2": held(other), "3": held()})
    assert (found.differing, found.complete, found.clean) == (("1", "2"), True, False)
    found = compared({}, {}, extra=("9",))
    assert (found.extra, found.complete, found.clean) == (("9",), True, False)


@pytest.mark.parametrize(
    ("after", "known_since", "late"),
    [
        (LATE, LONG_AGO, ()),
        (LATE + timedelta(seconds=1), LONG_AGO, ("1",)),
        (LATE + timedelta(hours=4), AT + timedelta(hours=4), ()),
    ],
)
def test_late_is_what_came_more_than_an_hour_after_it_could(
    after: timedelta, known_since: datetime, late: tuple[str, ...]
) -> None:
    found = compared({"1": None}, {"1": held(after=after)}, known_since=known_since)
    assert (found.late, found.clean) == (late, True)


def test_a_week_of_days_that_are_over_is_proven_but_none_before_the_source_was_known() -> None:
    now = datetime(2026, 3, 10, 0, 9, tzinfo=UTC)
    days = days_to_prove(now, known_since=LONG_AGO, proven={date(2026, 3, 5)})
    assert [day.day for day in days] == [2, 3, 4, 6, 7, 8], "the ninth ended nine minutes ago"
    later = now + timedelta(minutes=1)
    assert days_to_prove(later, known_since=datetime(2026, 3, 8, 20, tzinfo=UTC), proven=()) == [
        date(2026, 3, 8), date(2026, 3, 9),
    ]  # fmt: skip


def test_days_do_not_overlap_and_leave_no_gap() -> None:
    (first, last), (following, _) = window_of(date(2026, 3, 1)), window_of(date(2026, 3, 2))
    assert (first, following - last) == (datetime(2026, 3, 1, tzinfo=UTC), timedelta(microseconds=1))
