"""Tell those above what a change of levels means for them."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy.orm import Session

from hub.inventory import events
from hub.inventory.rules.levels import ZERO, Key, Level
from hub.jobs.service.publish import publish
from hub.kit.ids import new_id


def announce(session: Session, *, before: Mapping[Key, Level], after: Mapping[Key, Level]) -> None:
    """Publish `inventory.stock_increased` once a SKU of which more may be granted now, `inventory.stock_short` once a
    level where less is there than was promised, if that is news.
    """
    cause = new_id()
    increased: dict[str, list[str]] = defaultdict(list)
    short = []
    for key in sorted(after):
        was, level = before.get(key) or Level(*key), after[key]
        if level.available > max(was.available, ZERO):
            increased[level.sku].append(level.location)
        if level.short > was.short:
            short.append(events.stock_short(sku=level.sku, location=level.location, short=level.short, cause=cause))
    more = [events.stock_increased(sku=sku, locations=places, cause=cause) for sku, places in increased.items()]
    publish(session, more + short)
