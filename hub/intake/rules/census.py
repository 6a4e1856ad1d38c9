"""The census: a source's own list of one day beside what the hub holds of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hub.canonical.money import Money

LATE = timedelta(hours=1)
"""An order that came in longer after it was placed is late: something between was down."""
SETTLED = timedelta(minutes=10)
"""How long after its end a day is asked for: by then the source lists its last orders too."""
LAST_DAYS = 7
"""Days that are asked for again while they are not proven."""
EXAMPLES = 100
"""Ids of a kind that a run keeps; the counts are always whole."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the hub holds of an order."""

    total: Money | None
    placed_at: datetime
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one census. `missing` are nowhere here, `waiting` are here as messages that no order came of yet.

    `late` are here and came late, `extra` are here and unknown to the source, `differing` have another total.
    `unlisted` is by how much the source's own count exceeds its list. Sums are minor units by currency.
    """

    listed: int
    held: int
    unlisted: int
    missing: tuple[str, ...]
    waiting: tuple[str, ...]
    late: tuple[str, ...]
    extra: tuple[str, ...]
    differing: tuple[str, ...]
    theirs: Mapping[str, int]
    ours: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether everything of the source's day is an order here."""
        return not (self.missing or self.waiting or self.unlisted)

    @property
    def clean(self) -> bool:
        """Whether both sides hold the same."""
        return self.complete and not (self.extra or self.differing)


def compare(
    listed: Mapping[str, Money | None], held: Mapping[str, Held], *, count: int | None, waiting: Collection[str],
    extra: Collection[str], known_since: datetime,
) -> Comparison:  # fmt: skip
    """Compare both sides by id and total. `known_since` is when the hub got to know the source: what was placed before
    cannot have come in time.
    """
    here = {identity: held[identity] for identity in listed if identity in held}
    absent = [identity for identity in listed if identity not in held]
    return Comparison(
        listed=len(listed),
        held=len(here),
        unlisted=max((count or 0) - len(listed), 0),
        missing=tuple(sorted(identity for identity in absent if identity not in waiting)),
        waiting=tuple(sorted(identity for identity in absent if identity in waiting)),
        late=tuple(sorted(identity for identity, order in here.items() if _is_late(order, known_since))),
        extra=tuple(sorted(extra)),
        differing=tuple(sorted(identity for identity, order in here.items() if _differs(listed[identity], order))),
        theirs=_sums(listed.values()),
        ours=_sums(order.total for order in here.values()),
    )


def window_of(day: date) -> tuple[datetime, datetime]:
    """First and last instant of a day, in UTC."""
    begin = datetime.combine(day, time(), UTC)
    return begin, begin + timedelta(days=1, microseconds=-1)


def end_of(day: date) -> datetime:
    """When a day is over, in UTC."""
    return window_of(day)[0] + timedelta(days=1)


def days_to_prove(now: datetime, *, known_since: datetime, proven: Collection[date]) -> list[date]:
    """The days of the last week that are over and not proven, oldest first; none before the source was known."""
    last = (now - SETTLED).astimezone(UTC).date() - timedelta(days=1)
    days = [last - timedelta(days=back) for back in reversed(range(LAST_DAYS))]
    return [day for day in days if day >= known_since.astimezone(UTC).date() and day not in proven]


def _is_late(order: Held, known_since: datetime) -> bool:
    return order.accepted_at - max(order.placed_at, known_since) > LATE


def _differs(told: Money | None, order: Held) -> bool:
    return told is not None and order.total is not None and told != order.total


def _sums(totals: Iterable[Money | None]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for total in totals:
        if total is not None:
            sums[total.currency] = sums.get(total.currency, 0) + total.minor
    return sums
