"""What may go in one parcel: who the consignee is, until when a parcel waits, and what still fits."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.kit.ids import digest


@dataclass(frozen=True, slots=True)
class Merging:
    """That the parcel of planned work waits for others: under which key, and within which limits.

    `key` is a digest, so that nobody is named by it; equal keys mean the same consignee, location, service, payment and
    rule.
    """

    key: str
    rule: str
    window_minutes: int
    max_orders: int
    max_grams: int | None
    days_apart: int


class Limits(Protocol):
    """What a consolidation lets in."""

    max_orders: int
    max_grams: int | None
    days_apart: int
    ship_by: datetime
    closes_at: datetime


def consignee(order: Order) -> tuple[str, ...] | None:
    """Name, address and telephone, written alike however they were typed; None where it has to go by itself.

    It does where it is not known well enough who gets it (a masked receiver, no name, street or country), where it is
    picked up, and where it is wrapped as a gift.
    """
    to = order.ship_to
    wrapped = any(charge.kind == "gift_wrap" for charge in order.charges)
    if to is None or to.masked is not None or order.pickup_location is not None or wrapped:
        return None
    names, street = (to.name, to.company), [line for line in to.lines if _plain(line)]
    if not any(_plain(name) for name in names) or not street or not to.country:
        return None
    place = (to.city, to.region_code or to.region, to.postal_code, to.country)
    return (*map(_plain, names), _plain(" ".join(street)), *map(_plain, place), _telephone(to))


def merging_key(who: tuple[str, ...], *where_and_how: str | None) -> str:
    """The digest of a consignee and of all else that one parcel must have in common."""
    return digest("\x1f".join([*who, *(part or "" for part in where_and_how)]).encode())


def payment_kind(payment: str) -> str:
    """Whoever brings the parcel collects money for it, or does not."""
    return "collect" if payment == "cod_due" else "none"


def closing(*, at: datetime, window_minutes: int, ship_by: datetime | None) -> datetime | None:
    """Until when a parcel waits that was planned now; None where it must leave at once or nobody knows when."""
    if ship_by is None or ship_by <= at:
        return None
    return min(at + timedelta(minutes=window_minutes), ship_by)


def may_join(
    limits: Limits, *, at: datetime, ship_by: datetime, order_id: str, grams: int, orders: Collection[str], weight: int
) -> bool:
    """Whether further work may join what waits: `orders` are in it already, and weigh `weight` together."""
    if at >= limits.closes_at or abs((ship_by.date() - limits.ship_by.date()).days) > limits.days_apart:
        return False
    return fits(limits, orders=len({*orders, order_id}), grams=weight + grams)


def fits(limits: Limits, *, orders: int, grams: int) -> bool:
    """Whether so much may go in one parcel."""
    return orders <= limits.max_orders and (limits.max_grams is None or grams <= limits.max_grams)


def _plain(text: str | None) -> str:
    folded = unicodedata.normalize("NFKD", text or "").casefold()
    kept = (letter if letter.isalnum() else " " for letter in folded if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())


def _telephone(to: Address) -> str:
    """The last nine digits: with and without the country's code it is the same telephone."""
    return "".join(letter for letter in to.phone_e164 or to.phone or "" if letter.isdigit())[-9:]
