"""Read stock."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from hub.inventory import repository
from hub.inventory.rules.levels import Drift, Key, Level, Movement

LOW_WINDOW = 2000
"""Levels that one page of low ones looks at."""


def available(
    session: Session,
    *,
    skus: Collection[str],
    locations: Collection[str] | None = None,
    order_ids: Collection[str] = (),
) -> dict[Key, Decimal]:
    """`on_hand - reserved - safety + oversell_allowance` by (location, SKU); below zero where more was promised.

    A pair that is not in the answer has no stock. Locations that are switched off are in it. What is kept softly for
    `order_ids` counts as free: it is theirs. One statement, two with orders.
    """
    if not skus:
        return {}
    found = repository.available(session, skus=skus, locations=locations)
    if order_ids:
        for key, quantity in repository.kept_for(session, order_ids=order_ids).items():
            if key in found:
                found[key] += quantity
    return found


def lying_since(session: Session, *, skus: Collection[str]) -> dict[Key, datetime]:
    """When the oldest stock that is promised to nobody came, by (location, SKU), where what came first leaves first.

    A pair of which nothing is free is not in the answer. One statement.
    """
    return repository.lying_since(session, skus=skus) if skus else {}


def get_level(session: Session, *, location: str, sku: str) -> Level | None:
    """One level; None where there never was stock of it."""
    found = repository.list_levels(session, location=location, sku=sku, after=None, limit=1)
    return found[0] if found else None


def list_levels(
    session: Session, *, location: str | None = None, sku: str | None = None, low: bool = False,
    after: Key | None = None, limit: int = 50,
) -> tuple[list[Level], Key | None]:  # fmt: skip
    """Levels in the order of (location, SKU), and after which key to go on (None: that was all).

    `low` are those of which nothing is available; such a page may be short, or empty, although there is more.
    """
    if low and sku is None:
        return repository.list_low_levels(session, location=location, after=after, limit=limit, window=LOW_WINDOW)
    found = repository.list_levels(session, location=location, sku=sku, after=after, limit=limit + 1)
    following = found[limit - 1].key if len(found) > limit else None
    return [level for level in found[:limit] if not low or level.available <= 0], following


def list_movements(
    session: Session, *, location: str, sku: str, before: int | None = None, limit: int = 50
) -> list[Movement]:
    """The ledger of one level, newest first, before a movement's id."""
    return repository.list_movements(session, location=location, sku=sku, before=before, limit=limit)


def verify_projection(session: Session) -> list[Drift]:
    """Levels that are not what their ledger and their reservations say; empty is the proof that none drifted."""
    return repository.drift(session)
