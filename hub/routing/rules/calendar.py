"""Working days, holidays and cut-offs of a location, in its own time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

HORIZON_DAYS = 30
WORKING_DAYS_AHEAD = 7
"""How many working days ahead a location's capacity is looked at."""
CLOSING = 17 * 60
"""When a working day's parcels leave where no cut-off is set, in minutes after local midnight."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a location ships. Weekdays count 1 Monday to 7 Sunday; `cutoff` is minutes after local midnight."""

    timezone: str = "UTC"
    working_days: tuple[int, ...] = (1, 2, 3, 4, 5)
    holidays: frozenset[date] = frozenset()
    cutoff: int | None = None


WEEKDAYS = Calendar()
"""Monday to Friday in UTC, without holidays or a cut-off."""
DAILY = Calendar(working_days=(1, 2, 3, 4, 5, 6, 7))
"""Every day in UTC: a location that nobody has given a calendar."""


def calendar_of(body: Mapping[str, Any]) -> Calendar:
    """A stored calendar: `timezone`, `working_days` (1 Monday), `holidays` (ISO dates), `cutoff` (`HH:MM`)."""
    cutoff = body.get("cutoff")
    hours, minutes = (int(part) for part in cutoff.split(":")) if cutoff else (0, 0)
    return Calendar(
        timezone=body.get("timezone", "UTC"), working_days=tuple(body.get("working_days", (1, 2, 3, 4, 5))),
        holidays=frozenset(date.fromisoformat(day) for day in body.get("holidays", ())),
        cutoff=hours * 60 + minutes if cutoff else None,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4_096)
def shipping_days(calendar: Calendar, now: datetime) -> tuple[tuple[int, date], ...]:
    """The next days on which it ships, as (days from its local today, day); the first one counts the cut-off.

    Empty where it has no working day within the horizon.
    """
    local = now.astimezone(_zone(calendar.timezone))
    minute = local.hour * 60 + local.minute
    first = 0 if calendar.cutoff is None or minute < calendar.cutoff else 1
    today, days = local.date(), []
    for offset in range(first, HORIZON_DAYS):
        day = today + timedelta(days=offset)
        if day.isoweekday() in calendar.working_days and day not in calendar.holidays:
            days.append((offset, day))
            if len(days) == WORKING_DAYS_AHEAD:
                break
    return tuple(days)


@lru_cache(maxsize=4_096)
def leaves_at(calendar: Calendar, day: date) -> datetime:
    """The UTC instant at which parcels of this day leave: its cut-off, else 17:00 local."""
    minutes = CLOSING if calendar.cutoff is None else calendar.cutoff
    local = datetime.combine(day, time(0, 0), _zone(calendar.timezone)) + timedelta(minutes=minutes)
    return local.astimezone(UTC)
