"""When a parcel is handed over and when it arrives: cut-off, working days, holidays, in the carrier's time zone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
REMEMBERED = 4_096
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working time of one service. `cutoff` None: whatever is ready on a working day leaves that day."""

    zone: ZoneInfo
    cutoff: time | None
    deliver_by: time
    working: frozenset[int]
    holidays: frozenset[date]
    _promises: dict[tuple[datetime, int], datetime] = field(default_factory=dict, compare=False, repr=False)
    """Arrivals that were asked for: the parcels of a day leave a warehouse at one moment."""

    def promise(self, ship_at: datetime, transit_days: int) -> datetime:
        """The instant, in UTC, until which what is ready at `ship_at` arrives."""
        key = ship_at, transit_days
        known = self._promises.get(key)
        if known is None:
            if len(self._promises) >= REMEMBERED:
                self._promises.clear()
            known = self._promises[key] = self.arrival(self.handover_day(ship_at), transit_days)
        return known

    def works(self, day: date) -> bool:
        """Whether the carrier works on this day."""
        return day.weekday() in self.working and day not in self.holidays

    def handover_day(self, ship_at: datetime) -> date:
        """The local day on which a parcel ready at `ship_at` leaves; the very minute of the cut-off still counts."""
        local = ship_at.astimezone(self.zone)
        day = local.date()
        if self.cutoff is not None and local.time().replace(second=0, microsecond=0) > self.cutoff:
            day += DAY
        while not self.works(day):
            day += DAY
        return day

    def arrival(self, handed_over: date, transit_days: int) -> datetime:
        """The instant, in UTC, until which a parcel arrives after that many working days."""
        day = handed_over
        for _ in range(transit_days):
            day += DAY
            while not self.works(day):
                day += DAY
        return datetime.combine(day, self.deliver_by, tzinfo=self.zone).astimezone(UTC)


def weekday_numbers(names: Iterable[str]) -> frozenset[int]:
    """Python's weekday numbers of `mon` to `sun`."""
    return frozenset(WEEKDAYS.index(name) for name in names)
